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

Rank = tuple[bool, int, ThreadKey, ThreadKey]
"""Orders the joins: those with a sub-threshold burst last, then by time difference, ties by id."""

Agree = Callable[[Alert | None, Alert | None], bool | None]
"""Whether two alerts' positions agree; None where one has no position with an error."""


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


def groups(bursts: Sequence[Facts], agree: Agree) -> tuple[tuple[Facts, ...], ...]:
    """Partition bursts into events; members by thread, events by their first member.

    Threads join in the order of their time difference (ties by id) when the joint event keeps at most one thread of an
    instrument, all members lie within `SAME_BURST_US` of each other, and no two positions disagree. A sub-threshold
    burst joins only a burst above it, and only when both have positions that agree.

    Parameters
    ----------
    bursts
        Of one scope, each with `is_burst`.
    agree
        Compares positions.
    """
    event_of = {facts.key: [facts] for facts in bursts}
    for _, first, second in sorted(_edges(bursts, agree), key=lambda edge: edge[0]):
        one, two = event_of[first.key], event_of[second.key]
        if one is not two and all(_may_share(a, b, agree) for a in one for b in two):
            one.extend(two)
            for member in two:
                event_of[member.key] = one
    events = {id(event): tuple(sorted(event, key=lambda facts: facts.key)) for event in event_of.values()}
    return tuple(sorted(events.values(), key=lambda event: event[0].key))


def event_id(members: Sequence[Facts]) -> str:
    """Thread id of the earliest-issued member; ties by id."""
    return min(members, key=lambda facts: (facts.first_issued, facts.key)).key.thread_id


def _edges(bursts: Sequence[Facts], agree: Agree) -> list[tuple[Rank, Facts, Facts]]:
    by_instrument: dict[tuple[str, str], list[Facts]] = {}
    for facts in bursts:
        by_instrument.setdefault(_instrument(facts), []).append(facts)
    # Only across instruments: a sender that floods with bursts of one must not cost their number squared.
    pairs = (pair for some, others in combinations(by_instrument.values(), 2) for pair in product(some, others))
    edges = []
    for pair in pairs:
        apart = _apart_us(pair[0].span, pair[1].span)
        subs = sum(map(is_sub_threshold, pair))
        if apart > SAME_BURST_US or subs == 2 or not _may_share(*pair, agree):
            continue
        first, second = sorted(pair, key=lambda facts: facts.key)
        if subs == 1 and not agree(first.located, second.located):
            continue
        edges.append(((subs == 1, apart, first.key, second.key), first, second))
    return edges


def _may_share(first: Facts, second: Facts, agree: Agree) -> bool:
    return (
        _instrument(first) != _instrument(second)
        and _apart_us(first.span, second.span) <= SAME_BURST_US
        and agree(first.located, second.located) is not False
    )


def _instrument(facts: Facts) -> tuple[str, str]:
    return ("", "") if facts.main is None else (facts.main.facility.casefold(), facts.main.instrument.casefold())


def _apart_us(first: Span | None, second: Span | None) -> int:
    return SAME_BURST_US + 1 if first is None or second is None else abs(first[0] - second[0])
