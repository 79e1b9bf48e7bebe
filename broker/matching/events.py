"""Identity within the engine: the events of a view, made only where they are asked for."""

from collections.abc import Iterable

from nuncius.broker.matching.identity import COMPATIBLE_R90, SAME_BURST_US, event_id, groups, is_burst, is_sub_threshold
from nuncius.broker.matching.regions import Regions
from nuncius.broker.matching.rules import BURST_CLASSES
from nuncius.broker.matching.store import BURST, SUB_BURST, Role, View
from nuncius.broker.matching.threads import Facts, Span, ThreadKey, span_of
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
    """

    def __init__(self, view: View, sky: Regions) -> None:
        self._view = view
        self._sky = sky
        self._found: dict[ThreadKey, Event] = {}
        self._named: dict[ThreadKey, frozenset[ThreadKey]] = {}

    def event_of(self, key: ThreadKey) -> Event:
        """Event id and sorted threads of the event that the thread belongs to."""
        if key not in self._found:
            bursts = [facts for k in self.cluster(key) if is_burst(facts := self._view.facts(k))]
            for members in groups(bursts, self._agree, self._aliased):
                event = event_id(members), tuple(facts.key for facts in members)
                self._found.update((facts.key, event) for facts in members)
            self._found.setdefault(key, (key.thread_id, (key,)))
        return self._found[key]

    def cluster(self, key: ThreadKey) -> tuple[ThreadKey, ...]:
        """All threads whose identity may hang together with this one's, by any of their versions; sorted.

        In time chains run through bursts above the threshold only; a name joins any two.
        """
        reached = {key}
        ahead = [key]
        asked: set[tuple[Span, bool]] = set()
        while ahead:
            here = ahead.pop()
            said = self._stated(here)
            named = [k for k in self._view.aliases(here) if k not in reached] if said else []
            reached.update(named)
            ahead += named
            stated = said - asked
            asked |= stated
            for span, is_sub in stated:
                near = self._near(span, key, BURST)
                if not is_sub:
                    near += self._near(span, key, SUB_BURST)
                fresh = [k for k in near if k not in reached]
                reached.update(fresh)
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

    def _stated(self, key: ThreadKey) -> set[tuple[Span, bool]]:
        thread = self._view.thread(key)
        return {
            (span, alert.event_class != "grb")
            for alert in (() if thread is None else thread.versions)
            if alert.event_class in BURST_CLASSES
            and alert.kind != "retraction"
            and (span := span_of(alert)) is not None
        }

    def _near(self, span: Span, key: ThreadKey, role: Role) -> list[ThreadKey]:
        return list(self._view.touching(role, key.scope, span[0] - SAME_BURST_US, span[0] + SAME_BURST_US))

    def _aliased(self, first: Facts, second: Facts) -> bool:
        # asked for every two of a storm
        if first.key not in self._named:
            self._named[first.key] = frozenset(self._view.aliases(first.key))
        return second.key in self._named[first.key]

    def _agree(self, first: Alert | None, second: Alert | None) -> bool | None:
        one, two = self._sky.position(first), self._sky.position(second)
        if one is None or two is None or one[2] == 0 or two[2] == 0:
            return None
        return self._sky.within(first, second, COMPATIBLE_R90)
