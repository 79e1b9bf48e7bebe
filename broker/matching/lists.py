"""One candidate list: the possible counterparts of one event, ranked, as a function of the counterparts known."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from nuncius.broker.matching.by_chance import ByChance, by_chance
from nuncius.broker.matching.rules import CandidateRule
from nuncius.broker.matching.store import ListKey, ObjectArm, View
from nuncius.broker.matching.threads import EPOCH, own_regions
from nuncius.schemas import ids
from nuncius.schemas.alert import Alert
from nuncius.schemas.coincidence import CandidateList, Counterpart
from nuncius.schemas.standing import issue_order
from nuncius.schemas.vocabulary import State


def usable(rule: CandidateRule, alert: Alert) -> bool:
    """Whether a notice is searched for candidates: the rule takes it, and it states a time and an own region."""
    return (
        alert.kind != "retraction"
        and alert.time_start is not None
        and rule.anchor.takes(alert)
        and bool(own_regions(alert))
    )


def candidate_list(rule: CandidateRule, key: ListKey, view: View) -> CandidateList | None:
    """The rule's list for the event; None where no object ever passed for any of its notices, or it is unknown.

    The region is that of the event's latest usable notice. An object counts where its latest row says. After a
    retraction, or where the event is no longer of the rule's class, the list is ``retracted`` and empty.
    """
    thread = view.thread(key.thread)
    rows = view.rows(key)
    if thread is None or not any(arm == "on" for objects in rows.values() for _, arm in objects):
        return None
    now = view.facts(key.thread)
    notices = [alert for alert in thread.versions if usable(rule, alert)]
    if not notices:
        return None
    notice = notices[-1]
    living = now.retraction is None and now.main is not None and rule.anchor.takes(now.main)
    objects = _latest(rows.get(notice.alert_id, {})) if living else []
    opens = timedelta(microseconds=rule.low_us) + (notice.time_start or EPOCH)
    on = sorted((row for row in objects if row.arm == "on"), key=lambda row: _rank(row, opens))
    looks = view.coverage(key, notice.alert_id)
    chance = by_chance(rule, objects, looks) if living else ByChance(None, None, None, "")
    last = notice if now.retraction is None else max(notice, now.retraction, key=issue_order)
    times = [time for time in (last.issued_time, *(row.time for row in on)) if time is not None]
    return CandidateList(
        list_id=ids.candidate_list_id(rule.name, key.thread.name),
        state=_state(now.statements) if living else "retracted",
        rule=rule.name,
        rule_source=rule.source,
        reality=key.thread.reality,
        run_mode=key.thread.run_mode,
        event_thread=key.thread.thread_id,
        event_alert_id=notice.alert_id,
        doubt=now.doubt if living else "",
        candidates=tuple(on[: rule.cap]),
        passed=len(on),
        expected_by_chance=chance.expected,
        expected_low=chance.low,
        expected_high=chance.high,
        expected_method=chance.method,
        issued_time=max(times, default=None),
    )


def _latest(rows: Mapping[ObjectArm, Counterpart]) -> list[Counterpart]:
    latest: dict[str, Counterpart] = {}
    for row in rows.values():
        known = latest.get(row.thread_id)
        if known is None or (known.time, known.alert_id) < (row.time, row.alert_id):
            latest[row.thread_id] = row
    return list(latest.values())


def _rank(row: Counterpart, opens: datetime) -> tuple[float, float, str]:
    """Fewest unrelated objects expected as deep in the region and as soon after the window opens.

    For a steady background their number is proportional to credible level times delay. Ties go by level, then by id.
    """
    delay_s = max(0.0, (row.first_time - opens).total_seconds())
    return row.credible_level * delay_s, row.credible_level, row.thread_id


def _state(statements: int) -> State:
    return "revised" if statements > 1 else "active"
