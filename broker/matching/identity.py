"""One burst, many instruments: which threads are the same event.

A deterministic function of the set of threads. Notices of one burst differ by the light travel time between
spacecraft and by each instrument's trigger (bursts of May 2019: up to 13 s). Sub-threshold bursts of blind searches
are left alone: Swift BAT alone sends 12 700 a month, 0.3 within the window of any burst.
"""

from collections.abc import Callable, Sequence
from itertools import combinations, product
from typing import Final

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
    named: set[ThreadKey] = set()
    event_of = {facts.key: [facts] for facts in bursts}
    for rank, first, second in sorted(_edges(bursts, agree, aliased), key=lambda edge: edge[0]):
        one, two = event_of[first.key], event_of[second.key]
        by_name = not rank[0]
        if one is two or not (_two_instruments(one, two) if by_name else _may_join(one, two, named, agree)):
            continue
        one.extend(two)
        for member in two:
            event_of[member.key] = one
        if by_name:
            named |= {first.key, second.key}
    events = {id(event): tuple(sorted(event, key=lambda facts: facts.key)) for event in event_of.values()}
    return tuple(sorted(events.values(), key=lambda event: event[0].key))


def event_id(members: Sequence[Facts]) -> str:
    """Thread id of the earliest-issued member; ties by id."""
    return min(members, key=lambda facts: (facts.first_issued, facts.key)).key.thread_id


def _two_instruments(one: Sequence[Facts], two: Sequence[Facts]) -> bool:
    return {_instrument(facts) for facts in one}.isdisjoint(_instrument(facts) for facts in two)


def _may_join(one: Sequence[Facts], two: Sequence[Facts], named: set[ThreadKey], agree: Agree) -> bool:
    return (
        _two_instruments(one, two)
        and _in_time(one, two, named)
        and all(agree(a.located, b.located) is not False for a in one for b in two)
    )


def _in_time(one: Sequence[Facts], two: Sequence[Facts], named: set[ThreadKey]) -> bool:
    """Whether every two members are near in time; of an event that is one by name, to any of the named members."""
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
    return _apart_us(first.span, second.span) <= SAME_BURST_US


def _edges(bursts: Sequence[Facts], agree: Agree, aliased: Aliased) -> list[tuple[Rank, Facts, Facts]]:
    by_instrument: dict[tuple[str, str], list[Facts]] = {}
    for facts in bursts:
        by_instrument.setdefault(_instrument(facts), []).append(facts)
    # Only across instruments: a sender that floods with bursts of one must not cost their number squared.
    pairs = (pair for some, others in combinations(by_instrument.values(), 2) for pair in product(some, others))
    edges = []
    for pair in pairs:
        apart = _apart_us(pair[0].span, pair[1].span)
        subs = sum(map(is_sub_threshold, pair))
        first, second = sorted(pair, key=lambda facts: facts.key)
        by_name = subs < 2 and aliased(first, second)
        if not by_name:
            if apart > SAME_BURST_US or subs == 2:
                continue
            agreed = agree(first.located, second.located)
            if agreed is False or (subs == 1 and not agreed):
                continue
        edges.append(((not by_name, subs == 1, apart, first.key, second.key), first, second))
    return edges


def _instrument(facts: Facts) -> tuple[str, str]:
    return ("", "") if facts.main is None else (facts.main.facility.casefold(), facts.main.instrument.casefold())


def _apart_us(first: Span | None, second: Span | None) -> int:
    return SAME_BURST_US + 1 if first is None or second is None else abs(first[0] - second[0])
