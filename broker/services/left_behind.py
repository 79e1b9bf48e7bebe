"""Says on the log, and to the operator, what stands at adapters that the settings name no more."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from nuncius.broker.planning.left import Left, left_behind
from nuncius.broker.services.too_book import SHORT, Book, Entry
from nuncius.broker.services.too_watch import Watching
from nuncius.broker.transport.port import Log
from nuncius.consumers.desk.desk import desk_name
from nuncius.schemas import ToOStatus

GROUP: Final = "nuncius-left"
_DESK: Final = desk_name("")
"""A telescope's own desk is in no settings."""


class _Remarks:
    """What is to be said of what is left, each once in the life of this process.

    So it and an adapter that is here after all do not talk for ever.
    """

    def __init__(self, adapters: Collection[str], clock: Callable[[], datetime], say: Callable[[str], object]) -> None:
        self._adapters = frozenset(adapters)
        self._clock = clock
        self._say = say
        self._made: set[tuple[str, str, int, bool]] = set()

    def __call__(self, book: Book, news: Iterable[str], /) -> Iterator[ToOStatus]:
        entries = [entry for ident in news if (entry := book.entry(ident)) is not None]
        for one in left_in(entries, self._adapters, self._clock()):
            latest = one.life.latest
            mark = (one.adapter, latest.request_id, latest.revision, one.life.wanted)
            if mark in self._made:
                continue
            self._made.add(mark)
            self._say(words(one))
            if not one.is_said:
                yield replace(one.status, time=self._clock())


def watching_left(
    log: Log, adapters: Collection[str], clock: Callable[[], datetime], say: Callable[[str], object]
) -> Watching:
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
    return Watching(log, GROUP, _Remarks(adapters, clock, say))


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
