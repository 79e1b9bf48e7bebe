"""How every request stands, and in which order a person looks at them; worked out once until something new is said."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final, NamedTuple

from nuncius.broker.planning.told import seen_to
from nuncius.broker.services.too_book import Book, Entry
from nuncius.broker.services.too_seen import stuck_at
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, Record
from nuncius.broker.transport.reading import read_all
from nuncius.schemas import Quarantine
from nuncius.schemas.vocabulary import RequestState

MOST_UNREAD: Final = 100
"""Of records that cannot be read, the last ones are kept (ours)."""

_ENDS: Final = frozenset({"rejected", "cancelled", "not_cancelled", "expired", "observed"})


class Group(IntEnum):
    """What is to be done about a request, the most urgent first."""

    WAITS = 0
    """A person's yes or no is wanted."""
    TO_BE_TAKEN_BACK = 1
    """A telescope may have what is no longer wanted: it has not confirmed yet, or refused and nobody sees to it."""
    STANDS = 2
    """Wanted, and neither over nor done."""
    REST = 3
    """Not wanted, over, or done."""


class Place(NamedTuple):
    """Where a request stands in the list: its group, and its number among all requests of the log."""

    group: int
    number: int


@dataclass(frozen=True, slots=True)
class Standing:
    """One request, and how it stands: only time moves it, until something new is said of it.

    Parameters
    ----------
    number
        Among all requests of the log, by their first revisions, from 0.
    changed
        When the log took the last record about it, UTC.
    entry
        All that is known.
    state, still_at, waits_until
        As in `Entry`.
    is_stuck
        Whether a telescope would not drop it and nobody sees to that.
    """

    number: int
    changed: datetime
    entry: Entry
    state: RequestState
    still_at: tuple[str, ...]
    waits_until: datetime | None
    is_stuck: bool

    @classmethod
    def of(cls, entry: Entry, number: int, changed: datetime) -> "Standing":
        """How a request stands."""
        return cls(
            number=number,
            changed=changed,
            entry=entry,
            state=entry.state,
            still_at=entry.still_at,
            waits_until=entry.waits_until,
            is_stuck=any(seen_to(entry.told, name) is None for name in stuck_at(entry)),
        )

    def group(self, now: datetime) -> Group:
        """What is to be done about it at a moment, UTC."""
        if self.waits_until is not None and self.waits_until > now:
            return Group.WAITS
        if self.still_at or self.is_stuck:
            return Group.TO_BE_TAKEN_BACK
        expires = self.entry.latest.expires
        return Group.STANDS if self.state not in _ENDS and expires is not None and expires > now else Group.REST

    def place(self, now: datetime) -> Place:
        """Where it is in the list at a moment, UTC."""
        return Place(self.group(now), self.number)


@dataclass(frozen=True, slots=True)
class Unread:
    """A record that cannot be read here, and why."""

    record: Record
    error: Quarantine


class Standings:
    """How the requests stand whose records it was given: of those of which nothing is new nothing is done again."""

    def __init__(self) -> None:
        self._book = Book()
        self._stale: set[str] = set()
        self._known: dict[str, Standing] = {}
        self._unread: deque[Unread] = deque(maxlen=MOST_UNREAD)
        self.unread_count = 0

    def read(self, records: Iterable[Record]) -> None:
        """Take records of requests and statuses; those that cannot be read hold up no other."""
        for record in records:
            try:
                self._stale |= self._book.read((record,))
            except Quarantine as error:
                self._unread.append(Unread(record, error))
                self.unread_count += 1

    def standings(self) -> tuple[Standing, ...]:
        """Every request, in no order."""
        for ident in self._stale:
            entry = self._book.entry(ident)
            if entry is not None:
                self._known[ident] = Standing.of(entry, self._book.number(ident), self._book.changed(ident))
        self._stale.clear()
        return tuple(self._known.values())

    def entry(self, ident: str) -> Entry | None:
        """One request; None while no revision of it is known."""
        return self._book.entry(ident)

    @property
    def unread(self) -> tuple[Unread, ...]:
        """What cannot be read, the last `MOST_UNREAD` of it."""
        return tuple(self._unread)


def standings(log: Log) -> Standings:
    """All that lies on a log now."""
    found = Standings()
    for topic in (topics.TOO_REQUESTS, topics.TOO_STATUS):
        found.read(read_all(log, topic.name))
    return found


def in_order(found: Iterable[Standing], now: datetime) -> list[Standing]:
    """By group, in each the newest first."""
    return sorted(found, key=lambda one: (one.group(now), -one.number))


@dataclass(frozen=True, slots=True)
class Page:
    """Some requests of the list.

    Parameters
    ----------
    shown
        In their order.
    after
        Where the next page goes on; None at the end.
    counts
        Of all requests, by group.
    """

    shown: tuple[Standing, ...]
    after: Place | None
    counts: dict[Group, int]


def page_of(found: Sequence[Standing], now: datetime, most: int, after: Place | None = None) -> Page:
    """The first requests of the list, or those behind a place.

    A request that moves up the list while somebody turns pages is on the first page by then.

    Parameters
    ----------
    found
        All requests.
    now
        UTC.
    most
        On the page.
    after
        ``after`` of the page before.
    """
    ordered = in_order(found, now)
    groups = [one.group(now) for one in ordered]
    rest = ordered
    if after is not None:
        rest = [one for one in ordered if (one.group(now), -one.number) > (after.group, -after.number)]
    shown = tuple(rest[:most])
    counts = {group: groups.count(group) for group in Group}
    return Page(shown, shown[-1].place(now) if len(rest) > most else None, counts)
