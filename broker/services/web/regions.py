"""What filters ask about the sky and about events, for the threads that serve HTTP."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock

from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.streams.places import EventPlaces
from nuncius.broker.services.streams.selecting import decoded
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, Reader, TopicPartition
from nuncius.broker.transport.reading import read_up
from nuncius.filters import Area, Filter, Places
from nuncius.filters.tree import ActiveRegions, EventRegion


class Regions:
    """Sky maps, named regions and events of the log, lent to one thread at a time.

    Parameters
    ----------
    log
        Read when first asked; events only where a filter follows them.
    named
        Watchlists and watchmaps.
    """

    def __init__(self, log: Log, named: Mapping[str, Area]) -> None:
        self._log = log
        self._named = named
        self._lock = Lock()
        self._places: EventPlaces | None = None
        self._events: Reader | None = None

    @contextmanager
    def lent(self, *filters: Filter) -> Iterator[Places]:
        """Places for these filters, as the log is now."""
        with self._lock:
            if self._places is None:
                self._places = EventPlaces(MapShelf(self._log), self._named)
            if any(isinstance(place, ActiveRegions | EventRegion) for item in filters for place in item.places):
                self._follow(self._places)
            yield self._places

    def _follow(self, places: EventPlaces) -> None:
        if self._events is None:
            tp = TopicPartition(topics.EVENTS.name, 0)
            self._events = self._log.reader({tp: self._log.start(tp)})
        for records in read_up(self._events):
            for item in decoded("alerts", records):
                places.take(item.value)
