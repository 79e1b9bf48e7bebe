"""Identity within the engine: the events of a view, made only where they are asked for."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import lru_cache

from nuncius.broker.matching.identity import (
    COMPATIBLE_R90,
    SAME_BURST_US,
    Agree,
    event_id,
    groups,
    is_burst,
    is_sub_threshold,
)
from nuncius.broker.matching.regions import Regions
from nuncius.broker.matching.rejoining import Memory
from nuncius.broker.matching.rules import BURST_CLASSES
from nuncius.broker.matching.store import BURST, SUB_BURST, Role, View
from nuncius.broker.matching.threads import REMEMBERED, Facts, Span, Thread, ThreadKey, stated
from nuncius.schemas.alert import Alert

Event = tuple[str, tuple[ThreadKey, ...]]


class Events:
    """Which threads are one event, for one view (a step's).

    Parameters
    ----------
    view
        What is known.
    sky
        Compares positions.
    memory
        How bursts were joined in earlier steps.
    """

    def __init__(self, view: View, sky: Regions, memory: Memory) -> None:
        self._view = view
        self._sky = sky
        self._memory = memory
        self._found: dict[ThreadKey, Event] = {}
        self._named: dict[ThreadKey, frozenset[ThreadKey]] = {}

    def event_of(self, key: ThreadKey) -> Event:
        """Event id and sorted threads of the event that the thread belongs to."""
        if key not in self._found:
            cluster = self.cluster(key)
            bursts = [facts for k in cluster if is_burst(facts := self._view.facts(k))] if len(cluster) > 1 else []
            for members in self._groups(bursts) if bursts else ():
                event = event_id(members), tuple(facts.key for facts in members)
                self._found.update((facts.key, event) for facts in members)
            self._found.setdefault(key, (key.thread_id, (key,)))
        return self._found[key]

    def cluster(self, key: ThreadKey) -> tuple[ThreadKey, ...]:
        """All threads whose identity may hang together with this one's, by any of their versions; sorted.

        In time chains run through bursts above the threshold only; a name joins any two.
        """
        if not self._stated(key):
            return (key,)
        reached = {key}
        ahead = [key]
        asked: dict[Role, Asked] = {BURST: Asked(), SUB_BURST: Asked()}
        while ahead:
            here = ahead.pop()
            said = self._stated(here)
            fresh = set(self._names_of(here)) if said else set()
            for (start, _), is_sub in said:
                for role in (BURST,) if is_sub else (BURST, SUB_BURST):
                    for low, high in asked[role].missing(start - SAME_BURST_US, start + SAME_BURST_US):
                        fresh.update(self._view.touching(role, key.scope, low, high))
            fresh -= reached
            reached |= fresh
            ahead += fresh
        return tuple(sorted(reached))

    def with_neighbours(self, touched: Iterable[ThreadKey]) -> tuple[ThreadKey, ...]:
        """The threads and all whose identity they may change, sorted."""
        reached: set[ThreadKey] = set()
        for key in touched:
            if key not in reached:
                reached.update(self.cluster(key))
        return tuple(sorted(reached))

    def all_bursts(self, keys: Iterable[ThreadKey]) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Event id and threads of every event that holds a burst above the threshold, sorted."""
        facts = (self._view.facts(key) for key in keys)
        events = {self.event_of(f.key) for f in facts if is_burst(f) and not is_sub_threshold(f)}
        return tuple(sorted((name, tuple(key.thread_id for key in threads)) for name, threads in events))

    def _groups(self, bursts: Sequence[Facts]) -> tuple[tuple[Facts, ...], ...]:
        agree = agreement(self._sky)
        keys = {facts.key for facts in bursts}
        if any(not keys.isdisjoint(self._names_of(key)) for key in keys):
            return groups(bursts, agree, lambda first, second: second.key in self._names_of(first.key))
        return self._memory.groups(bursts, agree)

    def _stated(self, key: ThreadKey) -> frozenset[tuple[Span, bool]]:
        thread = self._view.thread(key)
        return frozenset() if thread is None else _said(thread)

    def _names_of(self, key: ThreadKey) -> frozenset[ThreadKey]:
        # asked for every two of a storm
        if key not in self._named:
            self._named[key] = frozenset(self._view.aliases(key))
        return self._named[key]


class Asked:
    """Which stretches of time were asked for already: closed intervals of whole microseconds."""

    def __init__(self) -> None:
        self._lows: list[int] = []
        self._highs: list[int] = []

    def missing(self, low: int, high: int) -> list[tuple[int, int]]:
        """The parts of [low, high] that were not asked for before; from now on they were."""
        begin = end = bisect_left(self._highs, low)
        found = []
        at = low
        while end < len(self._lows) and self._lows[end] <= high:
            if at < self._lows[end]:
                found.append((at, self._lows[end] - 1))
            at = self._highs[end] + 1
            end += 1
        if at <= high:
            found.append((at, high))
        if begin < end:
            low, high = min(low, self._lows[begin]), max(high, self._highs[end - 1])
        self._lows[begin:end], self._highs[begin:end] = [low], [high]
        return found


def agreement(sky: Regions) -> Agree:
    """Whether two alerts' positions agree within `COMPATIBLE_R90`; None where one has none with an error."""

    def agree(first: Alert | None, second: Alert | None) -> bool | None:
        one, two = sky.position(first), sky.position(second)
        if one is None or two is None or one[2] == 0 or two[2] == 0:
            return None
        return sky.within(first, second, COMPATIBLE_R90)

    return agree


@lru_cache(maxsize=REMEMBERED)
def _said(thread: Thread) -> frozenset[tuple[Span, bool]]:
    """Times stated by notices of bursts, each with whether the notice is below the threshold."""
    return frozenset(
        (span, alert.event_class != "grb") for alert, span in stated(thread) if alert.event_class in BURST_CLASSES
    )
