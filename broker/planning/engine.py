"""The life of requests as a state machine: causes in, revisions of requests out.

Rules
-----
1. There is one request for a policy, a facility and a cause: a coincidence, a candidate list, a thread of alerts.
2. What is published for it is a function of the cause's latest record alone (its highest revision; for a thread, the
   set of its notices) and of the alerts that this record names. Order and copies of the input do not matter.
3. The states are ``proposed``; ``rejected``, considered and not wanted, or wanted no longer, with the reason (not
   significant enough, region too large, never observable before it expires); ``cancelled``, the cause is taken back.
   Rejected requests are published because otherwise the last record would depend on whether an earlier revision
   happened to be seen, and because people ask why a telescope stayed where it was.
4. A cause that no policy selects, or in which nothing has a position, gives no request; one that is out already is
   cancelled then. A policy that says ``without_position`` asks all the same, to make ready: a later notice with a
   position revises that request.
5. A coincidence that lost a member and is scored anew stays proposed, revised, while a remaining pair meets the
   policy.
6. A revision is published when its content changed; ``revision``, ``idempotency_key`` and ``issued_time`` are not
   content.
7. A cause waits until every alert it names is known.
8. A plan leaves out what others covered of the event, as far as it was reported when the cause's latest record was
   issued: a report that comes later moves nothing until the cause is revised.
9. A plan for a thread knows the one that its earlier notices lead to, made over again in the order of issue, not the
   one that was published: what is still good keeps its time (`nuncius.broker.planning.staying`). Every 8th is made
   anew. Plans for coincidences are always made anew: their record does not hold the maps of before.
10. When it comes back with other policies, what is out and unexpired is judged by them: revised, or cancelled.
11. What is wanted although its cause's owner once took it back says so in ``doubt`` and in the reason, and needs a
    person's yes whatever the policy says.
12. Nothing is asked of a telescope here. Requests carry ``reality`` and ``run_mode``; the gate at delivery
    (`nuncius.broker.planning.gate`) decides.
"""

from collections import ChainMap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from nuncius.broker.planning.cells import Galaxies
from nuncius.broker.planning.doubt import doubt_of
from nuncius.broker.planning.fitting import ANYTHING, Fits
from nuncius.broker.planning.lineage import Lineage
from nuncius.broker.planning.notice import Notice, Thread
from nuncius.broker.planning.planned import Verdict, Verdicts, angle_of, pointing, refused
from nuncius.broker.planning.policy import Policies, Policy
from nuncius.broker.planning.tiled import plans
from nuncius.broker.planning.verdict import Cause, Refused, Wanted, judge, named_alerts, selects
from nuncius.broker.sky.skymap import SkyMap
from nuncius.schemas.alert import Alert
from nuncius.schemas.coincidence import CandidateList, Coincidence
from nuncius.schemas.ids import request_id
from nuncius.schemas.plan import ObservationReport
from nuncius.schemas.too import ToORequest
from nuncius.schemas.vocabulary import Reality, RunMode


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Inputs:
    """Records as they stand on the log.

    Parameters
    ----------
    coincidences, lists, alerts, reports
        In any order.
    maps
        The sky maps of these alerts by their sha256. A map that is not among them is taken as no position, and not
        asked for again: have it before the alert.
    """

    coincidences: Iterable[Coincidence] = ()
    lists: Iterable[CandidateList] = ()
    alerts: Iterable[Alert] = ()
    reports: Iterable[ObservationReport] = ()
    maps: Mapping[str, SkyMap] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Delta:
    """What a step learned; applied once its effects are committed."""

    notices: Mapping[str, Notice] = field(default_factory=dict)
    causes: Mapping[str, Cause] = field(default_factory=dict)
    requests: Mapping[str, ToORequest] = field(default_factory=dict)
    reports: Mapping[str, ObservationReport] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """A step: what to remember, and the requests to publish, in a fixed order."""

    delta: Delta
    effects: tuple[ToORequest, ...]


class Planner:
    """Requests for a set of policies.

    ``step`` reads the state and never changes it; ``apply`` does, and cannot fail. On an abort, drop the delta.

    Parameters
    ----------
    policies
        Those that act are obeyed.
    fits
        Their filters.
    galaxies
        For policies that ask for galaxies.
    """

    def __init__(self, policies: Policies, fits: Fits = ANYTHING, galaxies: Galaxies | None = None) -> None:
        self._policies = policies
        self._galaxies = galaxies
        self._fits = fits
        self._lineage = Lineage(policies, fits, galaxies)
        self._notices: dict[str, Notice] = {}
        self._causes: dict[str, Cause] = {}
        self._requests: dict[str, ToORequest] = {}
        self._asked_for: set[str] = set()
        self._named_by: dict[str, set[str]] = {}
        self._reports: dict[str, ObservationReport] = {}
        self._about: dict[str, set[str]] = {}

    def step(self, known: Inputs) -> Outcome:
        """What records lead to: in any order and with any copies."""
        delta = self.learn(known)
        every_notice = ChainMap(dict(delta.notices), self._notices)
        every_cause = ChainMap(dict(delta.causes), self._causes)
        every_report = ChainMap(dict(delta.reports), self._reports)
        touched = set(delta.causes).union(*(self._named_by.get(alert, ()) for alert in delta.notices))
        touched.update(*(self._about.get(report.thread_id, ()) for report in delta.reports.values()))
        requests: dict[str, ToORequest] = {}
        for cause_id in sorted(touched):
            cause = every_cause.get(cause_id)
            if cause is not None and all(alert in every_notice for alert in named_alerts(cause)):
                seen = _Seen(cause_id, cause, every_notice, known.maps, every_report)
                for policy in self._policies.active:
                    self._consider(policy, seen, requests)
        return Outcome(replace(delta, requests=requests), tuple(requests.values()))

    def learn(self, known: Inputs) -> Delta:
        """What records teach, with no request made: for what lies before the point up to which requests are out."""
        notices: dict[str, Notice] = {}
        causes: dict[str, Cause] = {}
        for alert in known.alerts:
            notice = Notice.of(alert, known.maps)
            before = causes.get(notice.cause_id, self._causes.get(notice.cause_id))
            thread = before.with_notice(notice) if isinstance(before, Thread) else Thread((notice,))
            if thread is not before:
                causes[notice.cause_id] = thread
                notices[alert.alert_id] = notice
        records: tuple[Coincidence | CandidateList, ...] = (*known.coincidences, *known.lists)
        for record in records:
            cause_id = record.coincidence_id if isinstance(record, Coincidence) else record.list_id
            held = causes.get(cause_id, self._causes.get(cause_id))
            if not isinstance(held, Coincidence | CandidateList) or record.revision > held.revision:
                causes[cause_id] = record
        return Delta(notices, causes, {}, {report.report_id: report for report in known.reports})

    def apply(self, delta: Delta) -> None:
        """Take a step's delta into the state."""
        self._notices.update(delta.notices)
        self._causes.update(delta.causes)
        self._requests.update(delta.requests)
        self._reports.update(delta.reports)
        self._note(delta.requests.values())
        for cause_id, cause in delta.causes.items():
            for alert in named_alerts(cause):
                self._named_by.setdefault(alert, set()).add(cause_id)

    def restore(self, requests: Iterable[ToORequest]) -> None:
        """Take what was published before, from the log of requests; the highest revision of each counts.

        To come back after a stop: ``apply(learn(...))`` the inputs up to the committed point, then ``restore`` the
        committed requests.
        """
        last: dict[str, ToORequest] = {}
        for request in requests:
            known = last.get(request.request_id)
            if known is None or request.revision > known.revision:
                last[request.request_id] = request
        self._requests = last
        self._asked_for, self._about = set(), {}
        self._note(last.values())

    def amend(self, maps: Mapping[str, SkyMap], now: datetime) -> Outcome:
        """What today's policies make of the requests that are out: revised, or cancelled where nobody asks any more.

        Call it after `restore`: policies change between two starts. A policy that is new asks nothing for causes of
        before.

        Parameters
        ----------
        maps
            As in `Inputs`.
        now
            UTC; what expired by then is left as it is.
        """
        out = {ident: one for ident, one in self._requests.items() if one.expires is not None and one.expires > now}
        requests: dict[str, ToORequest] = {}
        for cause_id, name in sorted({(one.cause_id, one.policy) for one in out.values()}):
            cause = self._causes.get(cause_id)
            if cause is not None and all(alert in self._notices for alert in named_alerts(cause)):
                seen = _Seen(cause_id, cause, self._notices, maps, self._reports)
                for policy in self._policies.active:
                    if policy.name == name:
                        self._consider(policy, seen, requests)
        kept = {i: replace(one, expires=one.expires or out[i].expires) for i, one in requests.items() if i in out}
        changed = {ident: one for ident, one in kept.items() if _content(one) != _content(out[ident])}
        asked = {(policy.name, facility) for policy in self._policies.active for facility in policy.asked}
        for ident, one in out.items():
            if one.state == "proposed" and (one.policy, one.facility) not in asked:
                gone = _withdrawn(one, f"policy {one.policy!r} no longer asks {one.facility}")
                changed[ident] = _numbered(gone, one.revision + 1)
        return Outcome(Delta(requests=changed), tuple(changed[ident] for ident in sorted(changed)))

    def _note(self, requests: Iterable[ToORequest]) -> None:
        for request in requests:
            self._asked_for.add(request.cause_id)
            self._about.setdefault(request.event_thread, set()).add(request.cause_id)

    def _consider(self, policy: Policy, seen: "_Seen", requests: dict[str, ToORequest]) -> None:
        cause_id, cause = seen.cause_id, seen.cause
        selected = selects(policy, cause)
        if not selected and cause_id not in self._asked_for:
            return
        verdict = judge(policy, cause, seen.notices, seen.maps, self._fits) if selected else None
        asked = {} if verdict is None else self._ask(policy, verdict, seen)
        for facility in policy.asked:
            ident = request_id(policy.name, facility, cause_id)
            before = self._requests.get(ident)
            if verdict is not None:
                now = _request(policy, facility, ident, cause_id, cause, verdict.event, asked[facility])
                known = self._policies.telescopes.get(facility)
                angle = angle_of(policy, facility, self._policies)
                now = replace(now, instrument="" if known is None else known.instrument, position_angle_deg=angle)
            elif before is not None and before.state != "cancelled":
                now = _withdrawn(before, "the policy no longer asks for this cause")
                now = replace(now, issued_time=_facts(cause).issued_time)
            else:
                continue
            if before is None:
                requests[ident] = _numbered(now, 1)
            elif _content(now) != _content(before):
                requests[ident] = _numbered(now, before.revision + 1)

    def _ask(self, policy: Policy, verdict: Wanted | Refused, seen: "_Seen") -> Verdicts:
        if isinstance(verdict, Refused):
            return dict.fromkeys(policy.asked, refused(verdict))
        if policy.ask == "pointing":
            return {facility: pointing(policy, facility, self._policies, verdict) for facility in policy.asked}
        reported = [one for one in seen.reports.values() if one.thread_id == verdict.event.thread_id]
        if isinstance(seen.cause, Thread):
            return self._lineage.plans(policy, seen.cause, seen.maps, reported)
        return plans(policy, self._policies, verdict, reported, self._galaxies)


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """A cause and all that is known around it."""

    cause_id: str
    cause: Cause
    notices: Mapping[str, Notice]
    maps: Mapping[str, SkyMap]
    reports: Mapping[str, ObservationReport]


@dataclass(frozen=True, slots=True)
class _Facts:
    kind: str
    reality: Reality
    run_mode: RunMode
    issued_time: datetime | None


def _facts(cause: Cause) -> _Facts:
    match cause:
        case Coincidence():
            return _Facts("coincidence", cause.reality, cause.run_mode, cause.issued_time)
        case CandidateList():
            return _Facts("candidate_list", cause.reality, cause.run_mode, cause.issued_time)
        case Thread():
            return _Facts("alert", cause.last.reality, cause.last.run_mode, cause.last.issued_time)


def _gone_into(cause: Cause) -> tuple[str, ...]:
    return cause.supersedes if isinstance(cause, Coincidence) else ()


def _request(
    policy: Policy, facility: str, ident: str, cause_id: str, cause: Cause, event: Notice, verdict: Verdict
) -> ToORequest:
    facts, window, there = _facts(cause), verdict.window, verdict.target.place
    tiles = verdict.tiles
    doubt = doubt_of(cause) if verdict.state == "proposed" else ""
    return ToORequest(
        request_id=ident,
        state=verdict.state,
        policy=policy.name,
        facility=facility,
        cause_id=cause_id,
        cause_kind=facts.kind,
        target_name=verdict.target.name,
        ra=None if there is None else there.ra_deg,
        dec=None if there is None else there.dec_deg,
        radius_deg=None if there is None else there.radius_deg,
        window_start=tiles[0].start if tiles else None if window is None else window.start,
        window_stop=tiles[-1].stop if tiles else None if window is None else window.stop,
        airmass_min=min(tile.airmass for tile in tiles) if tiles else None if window is None else window.airmass_min,
        exposure_s=policy.exposure_s,
        filter=policy.filter,
        ask="ready" if there is None else policy.ask,
        tiles=tiles,
        probability=sum(tile.probability for tile in tiles) if tiles else None,
        site=verdict.site,
        max_airmass=policy.max_airmass,
        moon_separation_min_deg=policy.moon_separation_min_deg or None,
        priority=policy.priority,
        preempt=policy.preempt,
        team_only=policy.team_only,
        needs_approval=policy.approval or bool(doubt),
        doubt=doubt,
        reality=facts.reality,
        run_mode=facts.run_mode,
        event_thread=event.thread_id,
        event_class=event.event_class,
        event_time=event.time,
        follows=tuple(sorted(named_alerts(cause))) or (event.alert_id,),
        supersedes=tuple(request_id(policy.name, facility, gone) for gone in _gone_into(cause)),
        expires=verdict.expires,
        reason=f"IN DOUBT, {doubt}. {verdict.reason}" if doubt else verdict.reason,
        idempotency_key="",
        issued_time=facts.issued_time,
    )


def _withdrawn(request: ToORequest, reason: str) -> ToORequest:
    return replace(
        request,
        state="cancelled",
        reason=reason,
        doubt="",
        window_start=None,
        window_stop=None,
        airmass_min=None,
        tiles=(),
    )


def _numbered(request: ToORequest, revision: int) -> ToORequest:
    return replace(request, revision=revision, idempotency_key=f"{request.request_id}/{revision}")


def _content(request: ToORequest) -> ToORequest:
    return replace(request, revision=0, idempotency_key="", issued_time=None)
