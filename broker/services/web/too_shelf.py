"""The requests of a log, held while it grows: each question first reads what is new."""

from threading import Lock
from typing import Final

from nuncius.broker.services.too_book import Entry
from nuncius.broker.services.too_standing import Standing, Standings
from nuncius.broker.services.web.opened import Skipped, skipped_record
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, Reader, TopicPartition
from nuncius.broker.transport.reading import read_up

_TOPICS: Final = (topics.TOO_REQUESTS.name, topics.TOO_STATUS.name)


class Shelf:
    """Requests and how they stand, for any thread."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._lock = Lock()
        self._reader: Reader | None = None
        self._held = Standings()

    def standings(self) -> tuple[Standing, ...]:
        """Every request, in no order."""
        with self._lock:
            self._catch_up()
            return self._held.standings()

    def entry(self, request_id: str) -> Entry | None:
        """One request; None where there is none of that id."""
        with self._lock:
            self._catch_up()
            return self._held.entry(request_id)

    @property
    def skipped(self) -> list[Skipped]:
        """The last of what could not be read so far."""
        with self._lock:
            return [skipped_record(one.record, one.error) for one in self._held.unread]

    def _catch_up(self) -> None:
        if self._reader is None:
            every = [TopicPartition(topic, n) for topic in _TOPICS for n in range(self._log.partitions(topic))]
            self._reader = self._log.reader(self._log.starts(every))
        for records in read_up(self._reader):
            self._held.read(records)
