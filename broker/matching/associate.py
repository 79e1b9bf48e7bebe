"""The associating engine: alerts and counterparts in, coincidences and candidate lists out.

What is published for an id is a function of the set of alerts known: any order of arrival, any number of copies and
any cut into batches end in the same records, apart from their revision counts. This holds for alerts that come within
the stated lateness of the event time the engine has reached; later ones are told as `TooLate`. Time only evicts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from nuncius.broker.matching.coincide import Meetings, Scene, coincidence, meetings
from nuncius.broker.matching.effects import Effect, PublishCoincidence, PublishList, TooLate
from nuncius.broker.matching.events import Events
from nuncius.broker.matching.groups import group
from nuncius.broker.matching.lists import candidate_list
from nuncius.broker.matching.multiplicity import Detectors
from nuncius.broker.matching.regions import Combine, Regions, combined_file
from nuncius.broker.matching.rejoining import Memory
from nuncius.broker.matching.rules import (
    BURST_CLASSES,
    CandidateRule,
    EventRule,
    MultiplicityRule,
    Rule,
    total_far_budget_hz,
)
from nuncius.broker.matching.store import (
    BURST,
    DAY_US,
    LISTED,
    SUB_BURST,
    AssociateState,
    Delta,
    ListKey,
    Record,
    Role,
    View,
)
from nuncius.broker.matching.threads import ThreadKey, microseconds, moment, span_of, stated
from nuncius.broker.sky import SkyMap
from nuncius.schemas.alert import Alert
from nuncius.schemas.coincidence import CandidateList, Coincidence, Counterpart, Coverage
from nuncius.schemas.vocabulary import RunMode

LATENESS_DAYS: Final = 30.0
"""How long after its event an alert is still matched."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step would do.

    Parameters
    ----------
    delta
        For `Associate.apply`, once the effects are committed; dropped after an abort.
    effects
        In a fixed order: late alerts as they came, then records by id.
    """

    delta: Delta
    effects: tuple[Effect, ...]


class Associate:
    """Events with events, and the ranked lists of event with candidates.

    Parameters
    ----------
    rules
        Disabled ones are left out.
    lateness_days
        Alerts whose event lies longer behind the watermark are too late.
    combine
        Makes the file of a combined map, which a pair of wide regions is published with; None leaves it out.
    """

    def __init__(
        self,
        rules: tuple[Rule, ...],
        lateness_days: float = LATENESS_DAYS,
        combine: Combine | None = combined_file,
    ) -> None:
        self._rules = tuple(rule for rule in rules if isinstance(rule, EventRule) and rule.enabled)
        self._detectors = tuple(rule for rule in rules if isinstance(rule, MultiplicityRule) and rule.enabled)
        self._lists = {rule.name: rule for rule in rules if isinstance(rule, CandidateRule) and rule.enabled}
        self._lateness_us = round(lateness_days * DAY_US)
        reach = [max(abs(rule.low_us), abs(rule.high_us)) for rule in self._rules]
        reach += [rule.high_us for rule in self._lists.values()]
        reach += [2 * rule.window_us for rule in self._detectors]
        self._keep_us = self._lateness_us + max(reach, default=0) + DAY_US
        self._longer_us = _measured_roles(self._rules)
        self._budget_hz = total_far_budget_hz(rules)
        self._state = AssociateState()
        self._evicted: dict[RunMode, int] = {}
        self._roles: dict[tuple[str | None, ...], tuple[Role, ...]] = {}
        self._sky = Regions({}, combine)
        self._joins = Memory()

    def step(
        self,
        alerts: tuple[Alert, ...],
        counterparts: tuple[Counterpart, ...],
        maps: Mapping[str, SkyMap],
        now: datetime,
        coverage: tuple[Coverage, ...] = (),
    ) -> Outcome:
        """What these records change, without changing anything.

        Parameters
        ----------
        alerts, counterparts
            Newly read; copies of known ones do nothing.
        maps
            Sky maps by the sha256 of their file. It must find every map on the log, also those of earlier alerts;
            a lazy mapping will do.
        now
            Append time of the records. Only limits how far an event time may push the watermark.
        coverage
            Newly read, of the same topic as the counterparts.
        """
        self._sky.maps = maps
        view = View(self._state)
        touched: dict[ThreadKey, None] = {}
        effects: list[Effect] = []
        for alert in alerts:
            if view.knows(alert):
                continue
            late = self._watch(alert, view.watermarks, now)
            if late is not None:
                effects.append(late)
                continue
            key = view.add(alert, self._roles_of(alert))
            if self._concerns(view, key):
                touched[key] = None
        records = self._coincidences(view, touched) if touched else {}
        records |= self._candidate_lists(view, touched, counterparts, coverage)
        for name in sorted(records):
            found, combined = _without_file(records[name])
            record = view.publish(name, found)
            if isinstance(record, Coincidence):
                effects.append(PublishCoincidence(record, combined))
            elif record is not None:
                effects.append(PublishList(record))
        return Outcome(view.delta(), tuple(effects))

    def apply(self, delta: Delta) -> None:
        """Take a step over after its effects were committed; about once a day of event time, forget what is too old."""
        self._state.apply(delta)
        if any(reached >= self._evicted.get(mode, 0) + DAY_US for mode, reached in self._state.watermarks.items()):
            self._state.evict(self._keep_us, self._longer_us)
            self._evicted = dict(self._state.watermarks)

    def restore(self, records: Iterable[Coincidence | CandidateList]) -> None:
        """Take over what was published before a restart, in log order, after its alerts were stepped and applied."""
        for record in records:
            name = record.coincidence_id if isinstance(record, Coincidence) else record.list_id
            self._state.published[name] = record

    def published(self) -> tuple[Coincidence | CandidateList, ...]:
        """The last record of every id that is still remembered, by id."""
        return tuple(self._state.published[name] for name in sorted(self._state.published))

    def bursts(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Event id and threads of every gamma-ray burst remembered, sorted."""
        return Events(View(self._state), self._sky, self._joins).all_bursts(self._state.threads)

    def _watch(self, alert: Alert, watermarks: dict[RunMode, int], now: datetime) -> TooLate | None:
        """Advance the watermark by an alert, or say that it came too late."""
        issued = alert.issued_time or alert.received_time or now
        span = span_of(alert)
        event_us = microseconds(issued) if span is None else span[1]
        reached = watermarks.get(alert.run_mode)
        late = reached is not None and event_us < reached - self._lateness_us
        if late and reached is not None and (alert.kind in ("update", "retraction") or self._roles_of(alert)):
            return TooLate(alert.alert_id, alert.thread_id, moment(event_us), moment(reached))
        if alert.reality == "real":
            clamped = min(event_us, microseconds(min(issued, alert.received_time or now, now)))
            watermarks[alert.run_mode] = clamped if reached is None else max(reached, clamped)
        return None

    def _roles_of(self, alert: Alert) -> tuple[Role, ...]:
        words = (alert.messenger, alert.band, alert.event_class, alert.facility, alert.instrument)
        roles = self._roles.get(words)
        if roles is None:
            found = [Role("anchor", i) for i, rule in enumerate(self._rules) if rule.anchor.takes(alert)]
            found += [Role("partner", i) for i, rule in enumerate(self._rules) if rule.partner.takes(alert)]
            found += [Role("detector", i) for i, rule in enumerate(self._detectors) if rule.takes(alert)]
            if alert.event_class in BURST_CLASSES:
                found.append(BURST if alert.event_class == "grb" else SUB_BURST)
            if any(rule.anchor.takes(alert) for rule in self._lists.values()):
                found.append(LISTED)
            roles = self._roles[words] = tuple(found)
        return roles

    def _coincidences(self, view: View, touched: Iterable[ThreadKey]) -> dict[str, Record]:
        events = Events(view, self._sky, self._joins)

        def tried_of(key: ThreadKey) -> tuple[str, ...]:
            main = view.facts(key).main
            return () if main is None else tuple(rule.name for rule in self._rules if rule.anchor.takes(main))

        scene = Scene(view, self._sky, events.event_of, tried_of, self._budget_hz)
        found: list[Coincidence | None] = []
        anchors = self._anchors(view, events, touched)
        for key in sorted({key for _, key in anchors}):
            met = self._meetings(key, scene)
            found += [coincidence(each, scene) for number, each in met.items() if (number, key) in anchors]
            found.append(group(tuple(met.values()), scene) if met else None)
        for number, rule in enumerate(self._detectors):
            detectors = Detectors(rule, number, scene)
            found += [detectors.record(key) for key in sorted({k for t in touched for k in detectors.concerned(t)})]
        return {record.coincidence_id: record for record in found if record is not None}

    def _meetings(self, key: ThreadKey, scene: Scene) -> dict[int, Meetings]:
        """What each rule finds around an anchor thread, by the rule's number; those that found nothing left out."""
        numbers = {role.rule for role, _ in self._stated(scene.view, key) if role.part == "anchor"}
        found = {number: meetings(self._rules[number], number, key, scene) for number in sorted(numbers)}
        return {number: met for number, met in found.items() if met is not None}

    def _candidate_lists(
        self, view: View, touched: Iterable[ThreadKey], rows: Iterable[Counterpart], coverage: Iterable[Coverage]
    ) -> dict[str, Record]:
        keys = {view.add_row(row): None for row in rows if row.rule in self._lists}
        keys |= {view.add_coverage(told): None for told in coverage if told.rule in self._lists}
        for thread in touched:
            keys |= {key: None for rule in self._lists if view.rows(key := ListKey(rule, thread))}
        found = (candidate_list(self._lists[key.rule], key, view) for key in keys)
        return {record.list_id: record for record in found if record is not None}

    def _concerns(self, view: View, key: ThreadKey) -> bool:
        """Whether any version of the thread has a role; most traffic has none."""
        thread = view.thread(key)
        return thread is not None and any(self._roles_of(alert) for alert in thread.versions)

    def _anchors(self, view: View, events: Events, touched: Iterable[ThreadKey]) -> set[tuple[int, ThreadKey]]:
        """Rule and anchor thread of every coincidence that the touched threads may change."""
        anchors: set[tuple[int, ThreadKey]] = set()
        for key in events.with_neighbours(touched):
            for role, (start, stop) in self._stated(view, key):
                if role.part == "anchor":
                    anchors.add((role.rule, key))
                elif role.part == "partner":
                    rule = self._rules[role.rule]
                    low, high = start - rule.high_us, stop - rule.low_us
                    if rule.measure_us is not None:
                        began = view.first_before_us(role, key.scope)
                        last = stop if began is None or began <= start else max(stop, began)
                        low, high = min(low, start), max(high, last + rule.measure_us)
                    found = view.touching(Role("anchor", role.rule), key.scope, low, high)
                    anchors.update((role.rule, anchor) for anchor in found)
        return anchors

    def _stated(self, view: View, key: ThreadKey) -> set[tuple[Role, tuple[int, int]]]:
        thread = view.thread(key)
        said = () if thread is None else stated(thread)
        return {(role, span) for alert, span in said for role in self._roles_of(alert) if role.rule >= 0}


def _measured_roles(rules: tuple[EventRule, ...]) -> dict[Role, int]:
    """How much longer threads stay in roles whose rate is measured, microseconds; with bursts all bursts do."""
    measured = {Role("partner", i): rule.measure_us for i, rule in enumerate(rules) if rule.measure_us is not None}
    bursts = [
        rule.measure_us
        for rule in rules
        if rule.measure_us is not None
        and not (rule.partner.event_classes and BURST_CLASSES.isdisjoint(rule.partner.event_classes))
    ]
    return measured | dict.fromkeys((BURST, SUB_BURST), max(bursts)) if bursts else measured


def _without_file(record: Record) -> tuple[Record, bytes]:
    """The record as it is kept and published, and the file of its combined map."""
    if not isinstance(record, Coincidence) or record.combined_map is None:
        return record, b""
    return replace(record, combined_map=replace(record.combined_map, data=None)), record.combined_map.data or b""
