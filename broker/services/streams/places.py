"""Events and their regions, as far as the log has come: the fold of `nuncius.events` that filters ask."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import numpy as np

from nuncius.broker.matching.regions import Regions
from nuncius.broker.services.streams.active import ActiveIndex, Placed
from nuncius.broker.sky.footprint import footprint
from nuncius.broker.sky.healpix import BoolArray, FloatArray, pixel
from nuncius.broker.sky.profile import Fisher
from nuncius.broker.sky.ranges import Ranges, contains
from nuncius.broker.sky.skymap import SkyMap
from nuncius.filters import ActiveEvent, Area, EventHits
from nuncius.schemas import Alert, MalformedAlert

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class WithinLevel(NamedTuple):
    """Where the credible level of a circular density is at most ``level``."""

    shape: Fisher
    level: float

    def contains(self, ra: FloatArray, dec: FloatArray) -> BoolArray:
        """Whether each position, ICRS degrees, lies inside; the border does."""
        return np.asarray(np.atleast_1d(self.shape.credible_level(ra, dec)) <= self.level)


class Tiles(NamedTuple):
    """The tiles of a map up to a credible level, its densest ones always."""

    ranges: Ranges

    def contains(self, ra: FloatArray, dec: FloatArray) -> BoolArray:
        """Whether each position, ICRS degrees, lies in one of them."""
        return contains(self.ranges, pixel(ra, dec))


def credible_area(shape: SkyMap | Fisher, level: float) -> Area:
    """Where a position's credible level is at most ``level``; the map itself is not kept."""
    if isinstance(shape, Fisher):
        return WithinLevel(shape, level)
    cover = footprint(shape, level).cover
    return Tiles(Ranges(cover.start, cover.stop))


class EventPlaces:
    """Regions of the real events of a log, by the latest localization of each thread.

    Test events, drills, injections and whatever else is not ``real`` have no region here, so that they select nothing.

    Parameters
    ----------
    maps
        Sky maps by the sha256 of their file.
    regions
        Watchlists and watchmaps by name.
    """

    def __init__(self, maps: Mapping[str, SkyMap], regions: Mapping[str, Area]) -> None:
        self._maps = maps
        self._named = regions
        self._regions = Regions(maps)
        self._latest: dict[str, Alert] = {}
        self._owner: dict[str, str] = {}
        self._areas: dict[str, dict[float, Area]] = {}
        self._active = ActiveIndex(self._placed)

    def take(self, alert: Alert) -> None:
        """One more alert. A thread's region goes with a retraction by the facility that opened it."""
        thread = alert.thread_id
        if alert.reality != "real" or alert.run_mode == "drill":
            return
        if self._owner.get(thread, alert.facility) != alert.facility:
            return
        before = self._latest.get(thread)
        if alert.kind == "retraction":
            self._latest.pop(thread, None)
        elif alert.localizations:
            self._owner[thread] = alert.facility
            self._latest[thread] = alert
        if before is not None and before is not self._latest.get(thread):
            self._areas.pop(thread, None)
        self._active.changed(thread)

    def region(self, name: str) -> Area | None:
        """A watchlist or watchmap."""
        return self._named.get(name)

    def event_region(self, thread_id: str, level: float) -> Area | None:
        """The latest localization of a thread up to a credible level; None while unknown or where retracted."""
        known = self._areas.get(thread_id, {}).get(level)
        alert = self._latest.get(thread_id)
        if known is not None or alert is None:
            return known
        shape = self._shape(alert)
        if shape is None:
            return None
        return self._areas.setdefault(thread_id, {}).setdefault(level, credible_area(shape, level))

    def events(self, messenger: str, level: float) -> Sequence[ActiveEvent]:
        """All events of a messenger that have a region and a time."""
        found = []
        for thread in self._latest:
            placed = self._placed(thread)
            if placed is not None and placed.messenger == messenger:
                found.append(ActiveEvent(thread, credible_area(placed.shape, level), placed.time_us))
        return found

    def holding(self, messenger: str, level: float, ra: FloatArray, dec: FloatArray) -> EventHits:
        """Every pair of a position and an event of a messenger whose region holds it."""
        return self._active.holding(messenger, level, ra, dec)

    def sky_map(self, sha256: str) -> SkyMap | None:
        """A map by the sha256 of its file."""
        if sha256 not in self._maps:
            return None
        return self._maps[sha256]

    def _placed(self, thread_id: str) -> Placed | None:
        alert = self._latest.get(thread_id)
        time = None if alert is None else event_time(alert)
        shape = None if alert is None else self._shape(alert)
        if alert is None or time is None or shape is None:
            return None
        return Placed(alert.messenger, shape, (time - _EPOCH) // _MICROSECOND)

    def _shape(self, alert: Alert) -> SkyMap | Fisher | None:
        """None where there is no localization at hand, and where it is none that can be: one alert stops no stream."""
        try:
            return self._regions.searched(alert)
        except MalformedAlert:
            return None


def event_time(alert: Alert) -> datetime | None:
    """When it happened; where that is not stated, when it was issued."""
    return alert.time_start or alert.issued_time
