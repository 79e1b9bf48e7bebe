"""One burst, many instruments: which threads are the same event.

A deterministic function of the set of threads. Notices of one burst differ by the light travel time between
spacecraft and by each instrument's trigger (bursts of May 2019: up to 13 s). Sub-threshold bursts of blind searches
are left alone: Swift BAT alone sends 12 700 a month, 0.3 within the window of any burst.
"""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import combinations, product
from typing import Final, NamedTuple

from nuncius.broker.matching.rules import BURST_CLASSES
from nuncius.broker.matching.threads import Facts, Span, ThreadKey
from nuncius.schemas.alert import Alert

SAME_BURST_US: Final = 30_000_000
"""Largest difference of trigger times within one event, microseconds, inclusive."""

COMPATIBLE_R90: Final = 3 / 2.146
"""Positions agree within three sigma: so many combined 90 % radii (2.146 sigma each for a Gaussian on the sky)."""

Rank = tuple[bool, bool, int, ThreadKey, ThreadKey]
"""Orders the joins: named ones first, those with a sub-threshold burst last, then by time difference, ties by id."""

Agree = Callable[[Alert | None, Alert | None], bool | None]
"""Whether two alerts' positions agree; None where one has no position with an error."""

Aliased = Callable[[Facts, Facts], bool]
"""Whether one of two bursts names the other (`nuncius.broker.matching.aliases`)."""


def is_burst(facts: Facts) -> bool:
    """Whether the thread now is a burst that may be joined with others."""
    return (
        facts.main is not None
        and facts.main.event_class in BURST_CLASSES
        and facts.span is not None
        and facts.retraction is None
    )


def is_sub_threshold(facts: Facts) -> bool:
    """Whether the burst was found by a targeted search below the threshold: time alone joins it to nothing."""
    return facts.main is not None and facts.main.event_class != "grb"


def groups(bursts: Sequence[Facts], agree: Agree, aliased: Aliased) -> tuple[tuple[Facts, ...], ...]:
    """Partition bursts into events; members by thread, events by their first member.

    Threads join in the order of their time difference (ties by id) when the joint event keeps at most one thread of an
    instrument, all members lie within `SAME_BURST_US` of each other, and no two positions disagree. A sub-threshold
    burst joins only a burst above it, and only when both have positions that agree.

    Where a notice names another facility's burst, the two join first, whatever their times and positions say, unless
    the joint event would hold an instrument twice; others may then be near to either.

    A storm stays many events as far as the notices allow: two bursts within `SAME_BURST_US` are kept apart by any
    instrument that saw both. Two that no instrument saw both of, and that no position tells apart, cannot be told from
    one burst with that difference of trigger times.

    Parameters
    ----------
    bursts
        Of one scope, each with `is_burst`.
    agree, aliased
        Compare positions and names.
    """
    return joined(bursts, agree, aliased).events


class Joined(NamedTuple):
    """Bursts as they were joined.

    Parameters
    ----------
    bursts
        All of them, by thread.
    joins
        Those that were made, in their order.
    events
        As `groups` gives them.
    """

    bursts: Mapping[ThreadKey, Facts]
    joins: tuple[Rank, ...]
    events: tuple[tuple[Facts, ...], ...]


class Event:
    """Bursts joined so far, and which instruments saw them; for whoever joins bursts."""

    __slots__ = ("instruments", "members")

    def __init__(self, facts: Facts) -> None:
        self.members = [facts]
        self.instruments = {instrument_of(facts)}

    def take(self, other: "Event") -> None:
        """Take over the other's bursts."""
        self.members += other.members
        self.instruments |= other.instruments


def joined(bursts: Sequence[Facts], agree: Agree, aliased: Aliased) -> Joined:
    """Join bursts: see `groups`."""
    named: set[ThreadKey] = set()
    event_of = {facts.key: Event(facts) for facts in bursts}
    joins = []
    for rank in sorted(_edges(bursts, agree, aliased)):
        one, two = event_of[rank[3]], event_of[rank[4]]
        by_name = not rank[0]
        if one is two or not one.instruments.isdisjoint(two.instruments):
            continue
        if not by_name and not may_join(one, two, named, agree):
            continue
        joins.append(rank)
        one.take(two)
        event_of.update((facts.key, one) for facts in two.members)
        if by_name:
            named |= {rank[3], rank[4]}
    return Joined({facts.key: facts for facts in bursts}, tuple(joins), partition(event_of))


def partition(event_of: Mapping[ThreadKey, Event]) -> tuple[tuple[Facts, ...], ...]:
    """The events, members by thread, events by their first member."""
    distinct = {id(event): event for event in event_of.values()}
    events = (tuple(sorted(event.members, key=lambda facts: facts.key)) for event in distinct.values())
    return tuple(sorted(events, key=lambda event: event[0].key))


def event_id(members: Sequence[Facts]) -> str:
    """Thread id of the earliest-issued member; ties by id."""
    return min(members, key=lambda facts: (facts.first_issued, facts.key)).key.thread_id


def may_join(one: Event, two: Event, named: AbstractSet[ThreadKey], agree: Agree) -> bool:
    """Whether two events are one, as far as instruments, times and positions go; ``named`` are joined by a name."""
    return (
        one.instruments.isdisjoint(two.instruments)
        and _in_time(one.members, two.members, named)
        and all(agree(a.located, b.located) is not False for a in one.members for b in two.members)
    )


def _in_time(one: Sequence[Facts], two: Sequence[Facts], named: AbstractSet[ThreadKey]) -> bool:
    """Whether every two members are near in time; of an event that is one by name, to any of the named members."""
    if not named:
        return all(_near(a, b) for a in one for b in two)
    named_ones = [facts for facts in one if facts.key in named]
    named_twos = [facts for facts in two if facts.key in named]
    if named_ones and named_twos:
        return any(_near(a, b) for a in named_ones for b in named_twos)
    if named_twos:
        return all(any(_near(a, b) for b in named_twos) for a in one)
    if named_ones:
        return all(any(_near(a, b) for a in named_ones) for b in two)
    return all(_near(a, b) for a in one for b in two)


def _near(first: Facts, second: Facts) -> bool:
    return apart_us(first.span, second.span) <= SAME_BURST_US


def _edges(bursts: Sequence[Facts], agree: Agree, aliased: Aliased) -> list[Rank]:
    by_instrument: dict[tuple[str, str], list[Facts]] = {}
    for facts in bursts:
        by_instrument.setdefault(instrument_of(facts), []).append(facts)
    # Only across instruments: a sender that floods with bursts of one must not cost their number squared.
    pairs = (pair for some, others in combinations(by_instrument.values(), 2) for pair in product(some, others))
    edges = (edge(first, second, agree, aliased) for first, second in pairs)
    return [rank for rank in edges if rank is not None]


def edge(first: Facts, second: Facts, agree: Agree, aliased: Aliased) -> Rank | None:
    """The rank at which two bursts of two instruments would join; None where they never would."""
    if second.key < first.key:
        first, second = second, first
    apart = apart_us(first.span, second.span)
    subs = is_sub_threshold(first) + is_sub_threshold(second)
    by_name = subs < 2 and aliased(first, second)
    if not by_name:
        if apart > SAME_BURST_US or subs == 2:
            return None
        agreed = agree(first.located, second.located)
        if agreed is False or (subs == 1 and not agreed):
            return None
    return not by_name, subs == 1, apart, first.key, second.key


def instrument_of(facts: Facts) -> tuple[str, str]:
    """Facility and instrument, without regard to case."""
    return ("", "") if facts.main is None else (facts.main.facility.casefold(), facts.main.instrument.casefold())


def apart_us(first: Span | None, second: Span | None) -> int:
    """Between two trigger times, microseconds; more than any event has where one is not known."""
    return SAME_BURST_US + 1 if first is None or second is None else abs(first[0] - second[0])
