"""What the associating engine knows, and a view of it with a step's additions that nothing has committed yet."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from nuncius.broker.matching.aliases import called, cited
from nuncius.broker.matching.index import Row, TimeIndex
from nuncius.broker.matching.threads import (
    REMEMBERED,
    Facts,
    Span,
    Thread,
    ThreadKey,
    facts,
    key_of,
    microseconds,
    span_of,
)
from nuncius.broker.sky.healpix import IntArray
from nuncius.schemas.alert import Alert
from nuncius.schemas.coincidence import CandidateList, Coincidence, Counterpart, Coverage
from nuncius.schemas.vocabulary import Arm, Reality, RunMode

DAY_US: Final = 86_400_000_000
Record = Coincidence | CandidateList
Scope = tuple[Reality, RunMode]


class Role(NamedTuple):
    """What an alert may be: anchor or partner of the rule with that number; else (rule -1) a burst, or looked up."""

    part: str
    rule: int


BURST: Final = Role("burst", -1)
SUB_BURST: Final = Role("sub-burst", -1)
LISTED: Final = Role("listed", -1)
"""A rule on candidates takes it: it needs no place in time."""


class ListKey(NamedTuple):
    """The candidates of one rule for one event thread."""

    rule: str
    thread: ThreadKey


class Entry(NamedTuple):
    """One line of a time index: that a version of a thread states this span in this role."""

    role: Role
    span: Span
    key: ThreadKey


class Name(NamedTuple):
    """A name of a burst within a scope, as a thread is called (`cited` False) or as a thread cites it."""

    scope: Scope
    cited: bool
    name: str


ObjectArm = tuple[str, Arm]
"""A candidate's thread id, and the arm of the row."""

CandidateRows = Mapping[str, Mapping[ObjectArm, Counterpart]]
"""By the event's alert id, then candidate and arm: its latest row. Both arms, so that a list once made stays."""


class Look(NamedTuple):
    """A survey's night in one of a rule's windows; days since 1970, as in `Coverage`."""

    survey: str
    arm: Arm
    night: int


CoverageRows = Mapping[Look, IntArray]
"""Of one notice: the cells looked at, sorted."""


@dataclass(frozen=True, slots=True)
class Delta:
    """What a step adds, to be applied after its effects are committed; dropping it undoes the step."""

    threads: Mapping[ThreadKey, Thread]
    seen: tuple[tuple[str, RunMode], ...]
    entries: tuple[Entry, ...]
    names: tuple[tuple[Name, ThreadKey], ...]
    rows: Mapping[ListKey, CandidateRows]
    coverage: Mapping[ListKey, Mapping[str, CoverageRows]]
    published: Mapping[str, Record]
    watermarks: Mapping[RunMode, int]


@dataclass(slots=True)
class AssociateState:
    """All that `Delta`s made. Only `apply` and `restore` change it."""

    threads: dict[ThreadKey, Thread] = field(default_factory=dict)
    last_us: dict[ThreadKey, int] = field(default_factory=dict)
    seen: set[tuple[str, RunMode]] = field(default_factory=set)
    indexes: dict[tuple[Role, Scope], TimeIndex] = field(default_factory=dict)
    names: dict[Name, dict[ThreadKey, None]] = field(default_factory=dict)
    rows: dict[ListKey, CandidateRows] = field(default_factory=dict)
    coverage: dict[ListKey, Mapping[str, CoverageRows]] = field(default_factory=dict)
    published: dict[str, Record] = field(default_factory=dict)
    watermarks: dict[RunMode, int] = field(default_factory=dict)
    first: dict[tuple[Role, Scope], int] = field(default_factory=dict)

    def apply(self, delta: Delta) -> None:
        """Take a step's additions over. Applying the same delta again changes nothing."""
        self.threads.update(delta.threads)
        self.last_us.update((key, _last_us(thread)) for key, thread in delta.threads.items())
        self.seen.update(delta.seen)
        for role, span, key in delta.entries:
            where = role, key.scope
            _index(self.indexes, where).add(span, key)
            self.first[where] = min(span[0], self.first.get(where, span[0]))
        for name, key in delta.names:
            self.names.setdefault(name, {})[key] = None
        self.rows.update(delta.rows)
        self.coverage.update(delta.coverage)
        self.published.update(delta.published)
        self.watermarks.update(delta.watermarks)

    def evict(self, keep_us: int, longer_us: Mapping[Role, int]) -> None:
        """Forget threads whose last moment lies more than ``keep_us`` before their run mode's watermark.

        Threads in some roles stay longer by as much as is told: their rate is measured.
        """
        cutoffs = {mode: reached - keep_us for mode, reached in self.watermarks.items()}
        for (role, (_, mode)), index in self.indexes.items():
            index.drop_before(cutoffs.get(mode, 0) - longer_us.get(role, 0))
        counted = {key for (role, _), index in self.indexes.items() if role in longer_us for _, _, key in index}
        gone = [k for k, last in self.last_us.items() if last < cutoffs.get(k.run_mode, 0) and k not in counted]
        for key in gone:
            del self.last_us[key]
            versions = self.threads.pop(key).versions
            self.seen.difference_update((a.alert_id, key.run_mode) for a in versions)
            for name in {name for alert in versions for name in _names(alert, key.scope)}:
                bearers = self.names.get(name, {})
                bearers.pop(key, None)
                if not bearers:
                    self.names.pop(name, None)
        self.rows = {
            key: rows
            for key, rows in self.rows.items()
            if key.thread in self.threads or _newest_us(rows) >= cutoffs.get(key.thread.run_mode, 0)
        }
        self.coverage = {
            key: notices
            for key, notices in self.coverage.items()
            if key.thread in self.threads or _newest_night_us(notices) >= cutoffs.get(key.thread.run_mode, 0)
        }
        names = {key.thread_id for key in gone} - {key.thread_id for key in self.threads}
        self.published = {i: record for i, record in self.published.items() if _thread_id(record) not in names}


class View:
    """The state with a step's additions on top; the state itself stays as it is."""

    def __init__(self, state: AssociateState) -> None:
        self._state = state
        self._threads: dict[ThreadKey, Thread] = {}
        self._seen: dict[tuple[str, RunMode], None] = {}
        self._entries: list[Entry] = []
        self._indexes: dict[tuple[Role, Scope], TimeIndex] = {}
        self._names: dict[Name, dict[ThreadKey, None]] = {}
        self._rows: dict[ListKey, dict[str, dict[ObjectArm, Counterpart]]] = {}
        self._coverage: dict[ListKey, dict[str, dict[Look, IntArray]]] = {}
        self._published: dict[str, Record] = {}
        self._facts: dict[ThreadKey, Facts] = {}
        self.watermarks: dict[RunMode, int] = dict(state.watermarks)

    def knows(self, alert: Alert) -> bool:
        """Whether this very alert was taken in before."""
        name = (alert.alert_id, alert.run_mode)
        return name in self._seen or name in self._state.seen

    def add(self, alert: Alert, roles: Collection[Role]) -> ThreadKey:
        """Take an alert in that is not known yet; the roles are those it has by its own words."""
        key = key_of(alert)
        self._seen[alert.alert_id, alert.run_mode] = None
        self._threads[key] = (self.thread(key) or Thread(key)).with_alert(alert)
        self._facts.pop(key, None)
        span = None if alert.kind == "retraction" else span_of(alert)
        if span is not None:
            scope = key.scope
            for role in roles:
                if role == LISTED:
                    continue
                entry = Entry(role, span if role.rule >= 0 else (span[0], span[0]), key)
                self._entries.append(entry)
                _index(self._indexes, (role, scope)).add(entry.span, key)
        if alert.kind != "retraction" and (BURST in roles or SUB_BURST in roles):
            for name in _names(alert, key.scope):
                self._names.setdefault(name, {})[key] = None
        return key

    def aliases(self, key: ThreadKey) -> tuple[ThreadKey, ...]:
        """Threads of bursts that any version of this one names, or that name it; sorted, without itself."""
        thread = self.thread(key)
        asked = () if thread is None else _asked(thread)
        found = {k for name in asked for names in (self._state.names, self._names) for k in names.get(name, ())}
        return tuple(sorted(found - {key}))

    def thread(self, key: ThreadKey) -> Thread | None:
        """The thread with all its versions; None where it is unknown."""
        return self._threads.get(key) or self._state.threads.get(key)

    def facts(self, key: ThreadKey) -> Facts:
        """What the thread says now."""
        if key not in self._facts:
            self._facts[key] = facts(self.thread(key) or Thread(key))
        return self._facts[key]

    def touching(self, role: Role, scope: Scope, low_us: int, high_us: int) -> tuple[ThreadKey, ...]:
        """Threads that in this role state a span touching [low_us, high_us], sorted, each once."""
        rows: list[Row] = []
        for indexes in (self._state.indexes, self._indexes):
            index = indexes.get((role, scope))
            if index is not None:
                rows += index.touching(low_us, high_us)
        return tuple(sorted({key for _, _, key in rows})) if rows else ()

    def first_us(self, role: Role, scope: Scope) -> int | None:
        """The earliest moment ever stated in this role, forgotten threads included: the stream was alive then."""
        fresh = [entry.span[0] for entry in self._entries if entry.role == role and entry.key.scope == scope]
        before = self.first_before_us(role, scope)
        return min(fresh if before is None else [*fresh, before], default=None)

    def first_before_us(self, role: Role, scope: Scope) -> int | None:
        """The same without this step's additions."""
        return self._state.first.get((role, scope))

    def add_row(self, row: Counterpart) -> ListKey:
        """Take a counterpart in; of a candidate only the latest row of each arm counts."""
        key = ListKey(row.rule, ThreadKey(row.event_thread, row.reality, row.run_mode))
        if key not in self._rows:
            self._rows[key] = {alert: dict(rows) for alert, rows in self._state.rows.get(key, {}).items()}
        rows = self._rows[key].setdefault(row.event_alert_id, {})
        known = rows.get((row.thread_id, row.arm))
        if known is None or (known.time, known.alert_id) < (row.time, row.alert_id):
            rows[row.thread_id, row.arm] = row
        return key

    def rows(self, key: ListKey) -> CandidateRows:
        """All counterparts of a rule and an event thread."""
        return self._rows.get(key) or self._state.rows.get(key, {})

    def add_coverage(self, told: Coverage) -> ListKey:
        """Take in where a survey looked; nights are joined."""
        key = ListKey(told.rule, ThreadKey(told.event_thread, told.reality, told.run_mode))
        if key not in self._coverage:
            known = self._state.coverage.get(key, {})
            self._coverage[key] = {alert: dict(looks) for alert, looks in known.items()}
        looks = self._coverage[key].setdefault(told.event_alert_id, {})
        look, cells = Look(told.survey, told.arm, told.night), np.array(told.cells, np.int64)
        looks[look] = np.union1d(looks[look], cells) if look in looks else cells
        return key

    def coverage(self, key: ListKey, alert_id: str) -> CoverageRows:
        """Where surveys looked, in the windows and the region of one notice."""
        notices = self._coverage.get(key) or self._state.coverage.get(key, {})
        return notices.get(alert_id, {})

    def publish(self, name: str, record: Record) -> Record | None:
        """The record with its own revision; None where it says what was published before."""
        before = self._published.get(name) or self._state.published.get(name)
        if before is not None and replace(before, revision=0) == replace(record, revision=0):
            return None
        numbered = replace(record, revision=1 if before is None else before.revision + 1)
        self._published[name] = numbered
        return numbered

    def delta(self) -> Delta:
        """Everything this view adds to the state."""
        return Delta(
            self._threads,
            tuple(self._seen),
            tuple(self._entries),
            tuple((name, key) for name, keys in self._names.items() for key in keys),
            self._rows,
            self._coverage,
            self._published,
            self.watermarks,
        )


def _index(indexes: dict[tuple[Role, Scope], TimeIndex], where: tuple[Role, Scope]) -> TimeIndex:
    found = indexes.get(where)
    if found is None:
        found = indexes[where] = TimeIndex()
    return found


@lru_cache(maxsize=REMEMBERED)
def _asked(thread: Thread) -> frozenset[Name]:
    """Who bears one of these names is joined with the thread by name."""
    scope = thread.key.scope
    bursts = [alert for alert in thread.versions if alert.kind != "retraction"]
    return frozenset(name._replace(cited=not name.cited) for alert in bursts for name in _names(alert, scope))


def _names(alert: Alert, scope: Scope) -> list[Name]:
    names = [Name(scope, cited=False, name=name) for name in called(alert)]
    return names + [Name(scope, cited=True, name=name) for name in cited(alert)]


def _last_us(thread: Thread) -> int:
    spans = [span for alert in thread.versions if (span := span_of(alert)) is not None]
    if spans:
        return max(stop for _, stop in spans)
    issued = [alert.issued_time for alert in thread.versions if alert.issued_time is not None]
    return microseconds(max(issued)) if issued else 0


def _newest_us(rows: CandidateRows) -> int:
    return max((microseconds(row.time) for objects in rows.values() for row in objects.values()), default=0)


def _newest_night_us(notices: Mapping[str, CoverageRows]) -> int:
    return max((look.night * DAY_US for looks in notices.values() for look in looks), default=0)


def _thread_id(record: Record) -> str:
    return record.anchor.event_id if isinstance(record, Coincidence) else record.event_thread
