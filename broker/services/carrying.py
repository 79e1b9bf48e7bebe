"""Takes a person's yes over from requests to the one that came in their place, on the log, where everybody sees it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

from nuncius.broker.planning.carried import carried
from nuncius.broker.planning.lifecycle import PERSON
from nuncius.broker.services.listener import Listener
from nuncius.broker.services.too_book import Book, Entry
from nuncius.broker.services.worker import Send
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, TopicPartition
from nuncius.schemas import ToOStatus
from nuncius.schemas.codec import encode

GROUP: Final = "nuncius-carry"
_REQUESTS: Final = TopicPartition(topics.TOO_REQUESTS.name, 0)
_STATUS: Final = TopicPartition(topics.TOO_STATUS.name, 0)


class Carrying:
    """Watches requests that supersede others.

    Parameters
    ----------
    log
        Read and written.
    clock
        UTC now.
    """

    name = GROUP

    def __init__(self, log: Log, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._book = Book()
        self._more = False
        self._listener = Listener(log, GROUP, self.name, _REQUESTS, (_STATUS,))

    def work(self, timeout_s: float) -> int:
        """Read what is new, then say what holds; returns how much was read or said."""
        heard = self._listener.hear(timeout_s)
        if heard.anew:
            self._forget()
            return heard.count
        self._book.read(heard.records)
        self._more |= bool(heard.records)
        if not self._more or not self._listener.active:
            return heard.count
        if not self._listener.has_read_all():
            return heard.count + 1
        self._more = False
        held = [status for entry in self._book.entries() if (status := self._carried(entry)) is not None]
        self._listener.commit([Send(_STATUS.topic, one.request_id.encode(), encode(one)) for one in held])
        return heard.count + 1

    def caught_up(self) -> bool:
        """Whether every request on the log has been taken."""
        return self._listener.caught_up()

    def reopen(self) -> None:
        """Drop everything and read the log again."""
        self._listener.reopen()
        self._forget()

    def close(self) -> None:
        """Leave the group and give the slot back."""
        self._listener.close()

    def _carried(self, entry: Entry) -> ToOStatus | None:
        known = [self._book.entry(ident) for ident in entry.latest.supersedes]
        smaller = [one.life(PERSON) for one in known if one is not None]
        status = carried(entry.life(PERSON), smaller) if smaller else None
        return None if status is None else replace(status, time=self._clock())

    def _forget(self) -> None:
        self._book = Book()
