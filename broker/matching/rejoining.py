"""Joining bursts again after a few of them changed: only what the changed ones reach is gone over.

`identity.joined` takes joins in one order, each decided by the two events as they are at that point. Where the bursts
changed, old and new joining are followed side by side through that order. An event that is the same in both and holds
no changed burst is *clean*: joins between clean events turn out as before, so they are copied. Of *dirty* events every
join is decided anew. A notice more costs the number of bursts near it, not its square.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush
from typing import Final

from nuncius.broker.matching.identity import (
    SAME_BURST_US,
    Agree,
    Event,
    Joined,
    Rank,
    edge,
    instrument_of,
    joined,
    may_join,
    partition,
)
from nuncius.broker.matching.threads import Facts, ThreadKey

MOST: Final = 8192
"""Bursts whose joins are remembered; more, and all are forgotten, which costs time only. Our own choice."""

FEW: Final = 8
"""Up to so many bursts are joined from the beginning: quicker."""

_NO_NAMES: Final[frozenset[ThreadKey]] = frozenset()


class Memory:
    """Joins of clusters of bursts, by any of their threads. They are functions of the bursts: it may forget."""

    def __init__(self) -> None:
        self._held: dict[ThreadKey, Joined] = {}

    def groups(self, bursts: Sequence[Facts], agree: Agree) -> tuple[tuple[Facts, ...], ...]:
        """As `identity.groups`, where no burst names another."""
        if len(bursts) <= FEW:
            return joined(bursts, agree, _never).events
        known = {id(held): held for facts in bursts if (held := self._held.get(facts.key)) is not None}
        before = max(known.values(), key=lambda held: len(held.bursts), default=None)
        now = joined(bursts, agree, _never) if before is None else rejoined(before, bursts, agree)
        for key in {key for held in known.values() for key in held.bursts}:
            self._held.pop(key, None)
        if len(self._held) + len(bursts) > MOST:
            self._held.clear()
        self._held.update(dict.fromkeys(now.bursts, now))
        return now.events


def rejoined(before: Joined, bursts: Sequence[Facts], agree: Agree) -> Joined:
    """As `identity.joined`, where no burst names another.

    Parameters
    ----------
    before
        Of other bursts, made without names. Those that are the same objects are taken for unchanged.
    bursts, agree
        As there.
    """
    now = {facts.key: facts for facts in bursts}
    changed = {key for key in {**before.bursts, **now} if before.bursts.get(key) is not now.get(key)}
    if not changed:
        return before
    work = _Rejoining(before, now, changed, agree)
    work.run()
    return Joined(now, tuple(work.joins), partition(work.new))


def _never(first: Facts, second: Facts) -> bool:
    del first, second
    return False


class _Rejoining:
    """The old joining and the new one, side by side."""

    def __init__(self, before: Joined, now: Mapping[ThreadKey, Facts], changed: set[ThreadKey], agree: Agree) -> None:
        self._before = before.joins
        self._now = now
        self._changed = changed
        self._agree = agree
        self._near = _Near(now.values())
        self._old = {key: Event(facts) for key, facts in before.bursts.items()}
        self.new = {key: Event(facts) for key, facts in now.items()}
        self.joins: list[Rank] = []
        self._ahead: list[Rank] = []
        self._reached: set[ThreadKey] = set()
        self._dirty: set[ThreadKey] = set()

    def run(self) -> None:
        for key in self._changed:
            self._reach(key, None)
        done = 0
        while self._ahead or done < len(self._before):
            was = done < len(self._before) and not (self._ahead and self._ahead[0] < self._before[done])
            rank = self._before[done] if was else self._ahead[0]
            done += was
            asked = False
            while self._ahead and self._ahead[0] == rank:
                heappop(self._ahead)
                asked = True
            first, second = rank[3], rank[4]
            if first in self._dirty or second in self._dirty:
                self._decide(rank, was=was, is_edge=asked or self._changed.isdisjoint((first, second)))
            elif was:
                _join(self._old, first, second)
                _join(self.new, first, second)
                self.joins.append(rank)

    def _decide(self, rank: Rank, *, was: bool, is_edge: bool) -> None:
        first, second = rank[3], rank[4]
        is_new = is_edge and (one := self.new[first]) is not (two := self.new[second])
        is_new = is_new and may_join(one, two, _NO_NAMES, self._agree)
        if not was and not is_new:
            return
        touched = {facts.key for key in (first, second) for side in (self._old, self.new) for facts in _of(side, key)}
        if was:
            _join(self._old, first, second)
        if is_new:
            _join(self.new, first, second)
            self.joins.append(rank)
        for key in touched:
            if self._is_clean(key):
                self._dirty.discard(key)
            else:
                self._reach(key, rank)

    def _is_clean(self, key: ThreadKey) -> bool:
        old, new = (frozenset(facts.key for facts in _of(side, key)) for side in (self._old, self.new))
        return old == new and self._changed.isdisjoint(new)

    def _reach(self, key: ThreadKey, after: Rank | None) -> None:
        """From this rank on the burst's event is dirty: what it may join with is ahead."""
        self._dirty.add(key)
        if key in self._reached or key not in self._now:
            return
        self._reached.add(key)
        here = self._now[key]
        for other in self._near(here):
            rank = edge(here, other, self._agree, _never)
            if rank is not None and (after is None or rank > after):
                heappush(self._ahead, rank)


class _Near:
    """Bursts of other instruments within `SAME_BURST_US`."""

    def __init__(self, bursts: Iterable[Facts]) -> None:
        placed = [(facts.span[0], facts.key, facts) for facts in bursts if facts.span is not None]
        placed.sort(key=_start_and_key)
        self._starts = [start for start, _, _ in placed]
        self._bursts = [(instrument_of(facts), facts) for _, _, facts in placed]

    def __call__(self, here: Facts) -> list[Facts]:
        if here.span is None:
            return []
        low = bisect_left(self._starts, here.span[0] - SAME_BURST_US)
        high = bisect_right(self._starts, here.span[0] + SAME_BURST_US)
        own = instrument_of(here)
        return [facts for instrument, facts in self._bursts[low:high] if instrument != own]


def _start_and_key(placed: tuple[int, ThreadKey, Facts]) -> tuple[int, ThreadKey]:
    return placed[:2]


def _of(side: Mapping[ThreadKey, Event], key: ThreadKey) -> Sequence[Facts]:
    event = side.get(key)
    return () if event is None else event.members


def _join(side: dict[ThreadKey, Event], first: ThreadKey, second: ThreadKey) -> None:
    one, two = side[first], side[second]
    one.take(two)
    for facts in two.members:
        side[facts.key] = one
