"""Says on the log, and to the operator, what stands at adapters that the settings name no more."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from nuncius.broker.planning.left import Left, left_behind
from nuncius.broker.services.listener import Listener
from nuncius.broker.services.too_book import SHORT, Book, Entry
from nuncius.broker.services.worker import Send
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, TopicPartition
from nuncius.consumers.desk.desk import desk_name
from nuncius.schemas.codec import encode

GROUP: Final = "nuncius-left"
_REQUESTS: Final = TopicPartition(topics.TOO_REQUESTS.name, 0)
_STATUS: Final = TopicPartition(topics.TOO_STATUS.name, 0)
_DESK: Final = desk_name("")
"""A telescope's own desk is in no settings."""


class LeftBehind:
    """Watches what stands at adapters that are gone; when it is no longer wanted, people are told as of any other.

    Parameters
    ----------
    log
        Read and written.
    adapters
        Names of those that there are.
    clock
        UTC now.
    say
        Takes one line for the operator, once for each request and adapter.
    """

    name = GROUP

    def __init__(
        self, log: Log, adapters: Collection[str], clock: Callable[[], datetime], say: Callable[[str], object]
    ) -> None:
        self._adapters = frozenset(adapters)
        self._clock = clock
        self._say = say
        self._told: set[tuple[str, str, int, bool]] = set()
        self._book = Book()
        self._due: set[str] = set()
        self._listener = Listener(log, GROUP, self.name, _REQUESTS, (_STATUS,))

    def work(self, timeout_s: float) -> int:
        """Read what is new, then say what is left; returns how much was read or said."""
        heard = self._listener.hear(timeout_s)
        if heard.anew:
            self._forget()
            return heard.count
        self._due |= self._book.read(heard.records)
        if not self._due or not self._listener.active:
            return heard.count
        if not self._listener.has_read_all():
            return heard.count + 1
        due = [entry for ident in sorted(self._due) if (entry := self._book.entry(ident)) is not None]
        self._due = set()
        for one in list(left_in(due, self._adapters, self._clock())):
            self._note(one)
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

    def _note(self, one: Left) -> None:
        """Once in the life of this process, so that it and an adapter that is here after all do not talk for ever."""
        latest = one.life.latest
        mark = (one.adapter, latest.request_id, latest.revision, one.life.wanted)
        if mark in self._told:
            return
        self._told.add(mark)
        self._say(words(one))
        if not one.is_said:
            status = replace(one.status, time=self._clock())
            self._listener.commit((Send(_STATUS.topic, latest.request_id.encode(), encode(status)),))

    def _forget(self) -> None:
        self._book, self._due = Book(), set()


def left_in(entries: Iterable[Entry], adapters: Collection[str], now: datetime) -> Iterator[Left]:
    """All that is left of these requests, for a broker with these adapters."""
    for entry in entries:
        yield from left_behind(
            entry.revisions, entry.told, lambda name: name in adapters or name.startswith(_DESK), now
        )


def said_to_be_left(entry: Entry, now: datetime) -> tuple[Left, ...]:
    """The same of one request, by what the broker said of it."""
    every = left_behind(entry.revisions, entry.told, lambda name: not entry.life(name).left, now)
    return tuple(every)


def words(one: Left) -> str:
    """One line for the operator."""
    there = f" (there {one.life.reference})" if one.life.reference else ""
    wanted = "" if one.life.wanted else "is no longer wanted and "
    return (
        f"request {one.life.latest.request_id[:SHORT]} {wanted}still stands at {one.adapter}{there}, and the settings "
        "have no such adapter any more: nobody can take it back; put the adapter back, or call them"
    )
