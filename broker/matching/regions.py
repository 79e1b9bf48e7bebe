"""The sky for the engines: geometry and overlaps of alerts, remembered because they are functions of content."""

import math
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from nuncius.broker.matching.threads import own_regions
from nuncius.broker.sky import SkyMap, geometry, overlap, point, separation_deg
from nuncius.broker.sky.combine import combined
from nuncius.broker.sky.geometry import searchable
from nuncius.broker.sky.profile import Fisher
from nuncius.broker.sky.skymap_write import write_skymap
from nuncius.schemas import ids
from nuncius.schemas.alert import Alert
from nuncius.schemas.limits import MAX_PACKET_BYTES
from nuncius.schemas.localization import Localization, SkyMapRef

MOST: Final = 32_768
"""Positions and overlaps that are remembered, some 10 MB, those of all pairs of 256; more are made again."""

MOST_COMBINED: Final = 16
"""Combined maps that are remembered, about a megabyte each."""

SMALL_DEG: Final = 1.0
"""Up to this 90 % radius a position is looked up as a point."""

Combine = Callable[[Localization, Localization, Mapping[str, SkyMap]], bytes]

Position = tuple[float, float, float]
"""Right ascension, declination, 90 % radius with the systematic error: ICRS degrees."""

K = TypeVar("K")
V = TypeVar("V")


class Regions:
    """Places of alerts by their id. Forgetting changes nothing but time, as long as ``maps`` knows every map.

    Parameters
    ----------
    maps
        Sky maps by the sha256 of their file; must find every map on the log, or overlaps stay None.
    combine
        Makes the file of a combined map; None makes none.
    """

    def __init__(self, maps: Mapping[str, SkyMap], combine: Combine | None = None) -> None:
        self.maps = maps
        self._combine = combine
        self._overlaps: dict[tuple[str, str], float] = {}
        self._positions: dict[str, Position | None] = {}
        self._separations: dict[tuple[str, str], float] = {}
        self._combined: dict[tuple[str, str], SkyMapRef | None] = {}

    def place(self, alert: Alert | None) -> Localization | None:
        """The alert's best own localization: a sky map that is at hand, else the first other shape; None without."""
        others: list[Localization] = []
        for own in () if alert is None else own_regions(alert):
            if not isinstance(own.shape, SkyMapRef):
                others.append(own)
            elif own.shape.data is not None or self.maps.get(own.shape.sha256) is not None:
                return own
        return others[0] if others else None

    def shape(self, alert: Alert | None) -> SkyMap | None:
        """Geometry of the best own localization; None where there is none at hand."""
        place = self.place(alert)
        return None if place is None else geometry(place, self.maps)

    def searched(self, alert: Alert) -> SkyMap | Fisher | None:
        """What candidates are held against; None where the alert has no localization at hand."""
        place = self.place(alert)
        return None if place is None else searchable(place, self.maps)

    def overlap(self, first: Alert | None, second: Alert | None) -> float | None:
        """Overlap integral of two alerts; None where one has no localization at hand."""
        if first is None or second is None:
            return None
        pair = (first.alert_id, second.alert_id)
        if pair in self._overlaps:
            return self._overlaps[pair]
        one, two = self.place(first), self.place(second)
        if one is None or two is None:
            return None
        return _remember(self._overlaps, pair, float(overlap(one, two, self.maps)))

    def combined(self, first: Alert | None, second: Alert | None) -> SkyMapRef | None:
        """The map of one source that both alerts' regions are of, with its file.

        None where one is small (up to `SMALL_DEG`) or not at hand, where they exclude each other, where the map
        would be larger than any packet, or none is made.
        """
        if self._combine is None:
            return None
        overlap = self.overlap(first, second)
        if first is None or second is None or not overlap or not (self._is_wide(first) and self._is_wide(second)):
            return None
        pair = (first.alert_id, second.alert_id)
        one, two = self.place(first), self.place(second)
        if pair not in self._combined and one is not None and two is not None:
            try:
                data = self._combine(one, two, self.maps)
            except ValueError:  # positions that agree, distances that do not
                data = b""
            while len(self._combined) >= MOST_COMBINED:
                del self._combined[next(iter(self._combined))]
            fits = 0 < len(data) <= MAX_PACKET_BYTES
            self._combined[pair] = SkyMapRef(ids.digest(data), len(data), None, data) if fits else None
        return self._combined.get(pair)

    def _is_wide(self, alert: Alert) -> bool:
        at = self.position(alert)
        return at is None or at[2] > SMALL_DEG

    def position(self, alert: Alert | None) -> Position | None:
        """Best own position with its error radius; None where the alert has no cone or ellipse."""
        if alert is None:
            return None
        if alert.alert_id not in self._positions:
            found = (point(own) for own in own_regions(alert))
            _remember(self._positions, alert.alert_id, next((p for p in found if p is not None), None))
        return self._positions[alert.alert_id]

    def separation_deg(self, first: Alert | None, second: Alert | None) -> float | None:
        """Between best positions, degrees; None where one has none."""
        one, two = self.position(first), self.position(second)
        if first is None or second is None or one is None or two is None:
            return None
        pair = (first.alert_id, second.alert_id)
        if pair in self._separations:
            return self._separations[pair]
        return _remember(self._separations, pair, float(separation_deg(one[0], one[1], two[0], two[1])))

    def credible_level(self, extended: Alert | None, small: Alert | None) -> float | None:
        """Level of the first alert's region at the second's position, where that is a point or a small circle."""
        at = self.position(small)
        if at is None or at[2] > SMALL_DEG:
            return None
        shape = self.shape(extended)
        return None if shape is None else float(shape.credible_level(at[0], at[1]))

    def within(self, first: Alert | None, second: Alert | None, radii: float) -> bool:
        """Whether both have positions, at most so many combined 90 % radii apart (inclusive)."""
        one, two = self.position(first), self.position(second)
        apart = self.separation_deg(first, second)
        if one is None or two is None or apart is None:
            return False
        return apart <= radii * math.hypot(one[2], two[2])


def combined_file(one: Localization, two: Localization, maps: Mapping[str, SkyMap]) -> bytes:
    """The combined map of two localizations as a FITS file. Takes some 20 ms."""
    return write_skymap(combined(one, two, maps))


def _remember(memory: dict[K, V], key: K, value: V) -> V:
    if len(memory) >= MOST:
        del memory[next(iter(memory))]
    memory[key] = value
    return value
