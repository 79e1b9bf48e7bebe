"""A service that knows all requests and what was said of them, and says more where what is new calls for it."""

from collections.abc import Iterable
from typing import Final, Protocol

from nuncius.broker.services.listener import Listener
from nuncius.broker.services.too_book import Book
from nuncius.broker.services.worker import Send
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, TopicPartition
from nuncius.schemas import ToOStatus
from nuncius.schemas.codec import encode

_REQUESTS: Final = TopicPartition(topics.TOO_REQUESTS.name, 0)
_STATUS: Final = TopicPartition(topics.TOO_STATUS.name, 0)


class Judge(Protocol):
    """What is to be said."""

    def __call__(self, book: Book, news: Iterable[str], /) -> Iterable[ToOStatus]:
        """Given all that is known, and the ids of the requests of which something is new."""
        ...


class Watching:
    """Asks a judge each time all has been read. One process of a group at a time is active.

    Parameters
    ----------
    log
        Read and written.
    group
        Whose member this is, and the name of its writer.
    judge
        Asked.
    """

    def __init__(self, log: Log, group: str, judge: Judge) -> None:
        self.name = group
        self._judge = judge
        self._book = Book()
        self._news: set[str] = set()
        self._listener = Listener(log, group, group, _REQUESTS, (_STATUS,))

    def work(self, timeout_s: float) -> int:
        """Read what is new, then say what that calls for; returns how much was read or done."""
        heard = self._listener.hear(timeout_s)
        if heard.anew:
            self._forget()
            return heard.count
        self._news |= self._book.take(heard.records)
        if not self._news or not self._listener.active:
            return heard.count
        if not self._listener.has_read_all():
            return heard.count + 1
        said = tuple(self._judge(self._book, sorted(self._news)))
        self._news = set()
        if said:
            self._listener.commit([Send(_STATUS.topic, one.request_id.encode(), encode(one)) for one in said])
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

    def _forget(self) -> None:
        self._book, self._news = Book(), set()
