"""What filters ask about the sky and about events, for the threads that serve HTTP."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock

from nuncius.broker.services.streams.held import decoded
from nuncius.broker.services.streams.places import EventPlaces
from nuncius.broker.services.web.shared_maps import SharedMaps
from nuncius.broker.sky import SkyMap
from nuncius.broker.sky.healpix import FloatArray
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, Reader, TopicPartition
from nuncius.broker.transport.reading import read_up
from nuncius.filters import ActiveEvent, Area, EventHits, Filter, Places
from nuncius.filters.tree import ActiveRegions, EventRegion
from nuncius.schemas import Alert


class Regions:
    """Sky maps, named regions and events of the log, for any thread; nobody waits while somebody else selects.

    Parameters
    ----------
    log
        Read when first asked; events only where a filter follows them.
    named
        Watchlists and watchmaps.
    """

    def __init__(self, log: Log, named: Mapping[str, Area]) -> None:
        self._log = log
        self.maps = SharedMaps(log)
        self._following = Lock()
        self._places = _SharedPlaces(self.maps, named)
        self._events: Reader | None = None

    @contextmanager
    def lent(self, *filters: Filter) -> Iterator[Places]:
        """Places for these filters, with all events that the log has now; events may be added to them."""
        if any(isinstance(place, ActiveRegions | EventRegion) for item in filters for place in item.places):
            with self._following:
                self._follow()
        yield self._places

    def _follow(self) -> None:
        if self._events is None:
            tp = TopicPartition(topics.EVENTS.name, 0)
            self._events = self._log.reader({tp: self._log.start(tp)})
        for records in read_up(self._events):
            self._places.take([item.value for item in decoded("alerts", records)])


class _SharedPlaces:
    """Maps and named regions need no lock; the events are held for one look-up at a time, not for a selection."""

    def __init__(self, maps: SharedMaps, named: Mapping[str, Area]) -> None:
        self._maps = maps
        self._named = named
        self._lock = Lock()
        self._events = EventPlaces(maps, named)

    def take(self, alerts: Sequence[Alert]) -> None:
        with self._lock:
            for alert in alerts:
                self._events.take(alert)

    def region(self, name: str) -> Area | None:
        return self._named.get(name)

    def event_region(self, thread_id: str, level: float) -> Area | None:
        with self._lock:
            return self._events.event_region(thread_id, level)

    def events(self, messenger: str, level: float) -> Sequence[ActiveEvent]:
        with self._lock:
            return self._events.events(messenger, level)

    def holding(self, messenger: str, level: float, ra: FloatArray, dec: FloatArray) -> EventHits:
        with self._lock:
            return self._events.holding(messenger, level, ra, dec)

    def sky_map(self, sha256: str) -> SkyMap | None:
        if sha256 not in self._maps:
            return None
        return self._maps[sha256]
