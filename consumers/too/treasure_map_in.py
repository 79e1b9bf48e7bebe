"""Where others looked, from the Treasure Map: their pointings as reports with the sky they cover.

A footprint there is polygons in degrees east and north of the centre; the position angle turns it north through
east, as astronomers count it (the map's own drawing turns it the other way: seen in gwtm's
``server/utils/geometry.py``, July 2026).
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from pydantic import BaseModel

from nuncius.broker.sky import moc_ascii
from nuncius.consumers.too.door import Allowance
from nuncius.consumers.too.doorway import door_to
from nuncius.consumers.too.treasure_map_listing import listing
from nuncius.consumers.too.treasure_map_rows import Pointing, TreasureMapSettings
from nuncius.consumers.too.treasure_map_sky import mosaic
from nuncius.schemas.errors import LimitExceeded, Retry
from nuncius.schemas.plan import ObservationReport
from nuncius.schemas.vocabulary import RunMode

OTHERS: Final = "treasure-map:"
"""How the names of reports begin that came from there."""
_ALLOWANCE: Final = Allowance(calls=60, within_s=60.0)
"""Ours; none is published."""
_STATES: Final[dict[str, Literal["planned", "completed", "cancelled"]]] = {
    "planned": "planned",
    "completed": "completed",
    "cancelled": "cancelled",
}
_RING: Final = re.compile(r"\(\s*(-?[\d.eE+-]+\s+-?[\d.eE+-]+(?:\s*,\s*-?[\d.eE+-]+\s+-?[\d.eE+-]+)+)\s*\)")


class _Detector(BaseModel):
    instrumentid: int
    footprint: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """What others reported of an event.

    Parameters
    ----------
    reports
        One a pointing, by its number there.
    unread
        Why others could not be read, one line a pointing.
    """

    reports: tuple[ObservationReport, ...]
    unread: tuple[str, ...]


class TreasureMapReader:
    """Reads the pointings of an event; needs no account. Close it when done."""

    def __init__(self, settings: TreasureMapSettings) -> None:
        self._settings = settings
        self._door = door_to(settings, _ALLOWANCE)
        self._detectors: dict[int, tuple[str, ...]] = {}
        self._made: dict[int, tuple[Pointing, ObservationReport]] = {}

    def close(self) -> None:
        """Close the connection."""
        self._door.close()

    def read(self, event: str, run_mode: RunMode) -> Coverage:
        """All pointings of an event (``S190814bv``) but our own; what does not count (`Others`) is ``cancelled``.

        Raises
        ------
        Retry
            If the map does not answer, or not in its own words.
        """
        found = tuple(self.reports(event, run_mode))
        read = tuple(one for one in found if isinstance(one, ObservationReport))
        return Coverage(read, tuple(one for one in found if isinstance(one, str)))

    def reports(self, event: str, run_mode: RunMode) -> Iterator[ObservationReport | str]:
        """As `read`, one after another: a report, or why a pointing cannot be read.

        The map is asked with the first; the sky of a mosaic of sixty detectors takes a tenth of a second.
        """
        found = tuple(listing(self._door, self._settings.name, event))
        yield from (one for one in found if isinstance(one, str))
        rows = {one.id: one for one in found if isinstance(one, Pointing)}
        for ident in sorted(rows):
            one = rows[ident]
            if one.username == self._settings.username:
                continue
            try:
                yield self._report(one, event, run_mode) if self._counts(one) else passed_over(one, event, run_mode)
            except (ValueError, LimitExceeded) as error:
                yield f"pointing {one.id} of {one.instrument_name}: {error}"

    def _counts(self, one: Pointing) -> bool:
        return self._settings.others.count(
            instrument=one.instrumentid,
            submitter=one.username,
            band=one.band,
            depth=one.depth,
            unit=one.depth_unit,
        )

    def _report(self, one: Pointing, event: str, run_mode: RunMode) -> ObservationReport:
        """The report of a row; that of a row which is as it was is not made again."""
        row, report = self._made.get(one.id, (None, None))
        if row != one or report is None or (report.thread_id, report.run_mode) != (f"lvk:{event}", run_mode):
            report = observation(one, self._footprint(one.instrumentid), event, run_mode)
            self._made[one.id] = (one, report)
        return report

    def _footprint(self, instrument: int) -> tuple[str, ...]:
        if instrument not in self._detectors:
            answered = self._door.ask("GET", "/footprints", query={"id": str(instrument)})
            if not answered.good:
                raise Retry(f"{self._settings.name}: footprint of {instrument}: {answered.code}: {answered.words}")
            self._detectors[instrument] = tuple(one.footprint for one in answered.read(tuple[_Detector, ...]))
        return self._detectors[instrument]


def observation(pointing: Pointing, detectors: Sequence[str], event: str, run_mode: RunMode) -> ObservationReport:
    """The report of a pointing.

    Parameters
    ----------
    pointing
        As the map has it.
    detectors
        Its instrument's footprint: WKT polygons in degrees east and north of the centre.
    event, run_mode
        Of the report.

    Raises
    ------
    ValueError
        If place, state or footprint cannot be read.
    """
    ra, dec = pointing.place
    if math.isnan(ra):
        raise ValueError(f"its place is {pointing.position[:80]!r}")
    angle = pointing.pos_angle or 0.0
    rings = [[turned(point, ra, dec, angle) for point in ring] for text in detectors for ring in _rings(text)]
    if not rings or pointing.status not in _STATES:
        raise ValueError(f"its state is {pointing.status!r}" if rings else "its instrument has no footprint")
    seen = mosaic(rings, (ra, dec))
    issued = pointing.dateupdated or pointing.datecreated
    return ObservationReport(
        report_id=f"{OTHERS}{pointing.id}",
        thread_id=f"lvk:{event}",
        facility=pointing.instrument_name or f"instrument {pointing.instrumentid}",
        instrument=pointing.instrument_name or "",
        state=_STATES[pointing.status],
        footprint=moc_ascii(seen),
        ra=ra,
        dec=dec,
        position_angle_deg=angle,
        time_start=_aware(pointing.time),
        filter=pointing.band or "",
        depth=pointing.depth,
        depth_unit=pointing.depth_unit or "",
        run_mode=run_mode,
        issued_time=_aware(issued),
    )


def passed_over(pointing: Pointing, event: str, run_mode: RunMode) -> ObservationReport:
    """The report that says of a pointing that it does not count, where it was taken to before; without its sky."""
    return ObservationReport(
        report_id=f"{OTHERS}{pointing.id}",
        thread_id=f"lvk:{event}",
        facility=pointing.instrument_name or f"instrument {pointing.instrumentid}",
        state="cancelled",
        footprint="",
        run_mode=run_mode,
        issued_time=_aware(pointing.dateupdated or pointing.datecreated),
    )


def turned(offset: tuple[float, float], ra: float, dec: float, angle_deg: float) -> tuple[float, float]:
    """Where a point of a footprint lies on the sky, degrees.

    The offset (east, north) is a place on a sphere whose (0, 0) is the centre; the sphere is turned about that centre
    by the position angle, north through east, then brought to ``ra``, ``dec``.
    """
    east, north = map(math.radians, offset)
    x, y, z = math.cos(north) * math.cos(east), math.cos(north) * math.sin(east), math.sin(north)
    c, s = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    y, z = c * y + s * z, c * z - s * y
    c, s = math.cos(math.radians(dec)), math.sin(math.radians(dec))
    x, z = c * x - s * z, s * x + c * z
    return (ra + math.degrees(math.atan2(y, x))) % 360.0, math.degrees(math.asin(max(-1.0, min(1.0, z))))


def _rings(wkt: str) -> list[list[tuple[float, float]]]:
    rings = []
    for ring in _RING.findall(wkt):
        points = [(float(east), float(north)) for east, north in (pair.split() for pair in ring.split(","))]
        rings.append(points[:-1] if points[0] == points[-1] else points)
    return rings


def _aware(time: datetime | None) -> datetime | None:
    if time is None:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
