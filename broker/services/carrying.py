"""Takes a person's yes over from requests to the one that came in their place, on the log, where everybody sees it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from nuncius.broker.planning.carried import carried
from nuncius.broker.planning.lifecycle import PERSON
from nuncius.broker.services.too_book import Book
from nuncius.broker.services.too_watch import Watching
from nuncius.broker.transport.port import Log
from nuncius.schemas import ToOStatus

GROUP: Final = "nuncius-carry"


def carrying(log: Log, clock: Callable[[], datetime]) -> Watching:
    """Watches requests that supersede others.

    Parameters
    ----------
    log
        Read and written.
    clock
        UTC now.
    """

    def judge(book: Book, _news: Iterable[str]) -> Iterator[ToOStatus]:
        for entry in book.entries():
            known = [book.entry(ident) for ident in entry.latest.supersedes]
            smaller = [one.life(PERSON) for one in known if one is not None]
            status = carried(entry.life(PERSON), smaller) if smaller else None
            if status is not None:
                yield replace(status, time=clock())

    return Watching(log, GROUP, judge)
