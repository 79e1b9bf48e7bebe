"""Events and their regions, as far as the log has come: the fold of `nuncius.events` that filters ask."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import numpy as np

from nuncius.broker.matching.regions import Regions
from nuncius.broker.sky.healpix import BoolArray, FloatArray
from nuncius.broker.sky.profile import Fisher
from nuncius.broker.sky.skymap import SkyMap
from nuncius.filters import ActiveEvent, Area
from nuncius.schemas import Alert

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class CredibleArea(NamedTuple):
    """Where the credible level of a shape is at most ``level``."""

    shape: SkyMap | Fisher
    level: float

    def contains(self, ra: FloatArray, dec: FloatArray) -> BoolArray:
        """Whether each position, ICRS degrees, lies inside; the border does."""
        return np.asarray(np.atleast_1d(self.shape.credible_level(ra, dec)) <= self.level)


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
        self._shapes: dict[str, SkyMap | Fisher | None] = {}

    def take(self, alert: Alert) -> None:
        """One more alert. A thread's region goes with a retraction by the facility that opened it."""
        thread = alert.thread_id
        if alert.reality != "real" or alert.run_mode == "drill":
            return
        if alert.kind == "retraction":
            if self._owner.get(thread, alert.facility) == alert.facility:
                self._latest.pop(thread, None)
        elif alert.localizations and self._owner.setdefault(thread, alert.facility) == alert.facility:
            self._latest[thread] = alert

    def region(self, name: str) -> Area | None:
        """A watchlist or watchmap."""
        return self._named.get(name)

    def event_region(self, thread_id: str, level: float) -> Area | None:
        """The latest localization of a thread up to a credible level; None while unknown or where retracted."""
        alert = self._latest.get(thread_id)
        shape = None if alert is None else self._shape(alert)
        return None if shape is None else CredibleArea(shape, level)

    def events(self, messenger: str, level: float) -> Sequence[ActiveEvent]:
        """All events of a messenger that have a region and a time."""
        found = []
        for thread, alert in self._latest.items():
            time = event_time(alert)
            area = self.event_region(thread, level) if alert.messenger == messenger and time is not None else None
            if area is not None and time is not None:
                found.append(ActiveEvent(thread, area, (time - _EPOCH) // _MICROSECOND))
        return found

    def sky_map(self, sha256: str) -> SkyMap | None:
        """A map by the sha256 of its file."""
        if sha256 not in self._maps:
            return None
        return self._maps[sha256]

    def _shape(self, alert: Alert) -> SkyMap | Fisher | None:
        if alert.alert_id not in self._shapes:
            self._shapes[alert.alert_id] = self._regions.searched(alert)
        return self._shapes[alert.alert_id]


def event_time(alert: Alert) -> datetime | None:
    """When it happened; where that is not stated, when it was issued."""
    return alert.time_start or alert.issued_time
