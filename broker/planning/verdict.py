"""What one policy makes of one cause: wanted, not wanted and why, or taken back.

Pure functions of the cause's latest record and of the notices it names. The clock is the data's: planning happens at
the cause's issue time, so that a replay plans as the live run did.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from nuncius.broker.planning.notice import Notice, Thread
from nuncius.broker.planning.place import Place
from nuncius.broker.planning.policy import Policy
from nuncius.broker.planning.visibility import Site, Window, windows
from nuncius.schemas.coincidence import CandidateList, Coincidence, Pair
from nuncius.schemas.vocabulary import RequestState

Cause = Coincidence | CandidateList | Thread
Notices = Mapping[str, Notice]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A named place.

    Parameters
    ----------
    name, place
        What and where.
    known
        When it became known, where that is earlier than the cause's latest record; UTC.
    """

    name: str
    place: Place
    known: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a policy makes of a cause.

    Parameters
    ----------
    state
        ``proposed``; ``rejected``: considered and not wanted; ``cancelled``: the cause is taken back.
    target, reason, expires
        For the request.
    window
        With ``proposed`` only.
    """

    state: RequestState
    target: Target
    reason: str
    expires: datetime | None = None
    window: Window | None = None


def named_alerts(cause: Cause) -> frozenset[str]:
    """Ids of the alerts that must be known before the cause can be judged."""
    match cause:
        case Coincidence():
            members = (cause.anchor, cause.partner, *(pair.partner for pair in cause.others))
            return frozenset(alert for member in members for alert in member.alert_ids)
        case CandidateList():
            return frozenset({cause.event_alert_id})
        case Thread():
            return frozenset()


def selects(policy: Policy, cause: Cause) -> bool:
    """Whether a policy is about such causes at all; significance and visibility are not looked at."""
    match cause:
        case Coincidence():
            return policy.cause == "coincidence" and cause.rule in policy.rules and cause.reality in policy.realities
        case CandidateList():
            return policy.cause == "candidate_list" and cause.rule in policy.rules and cause.reality in policy.realities
        case Thread():
            return (
                policy.cause == "alert"
                and cause.last.reality in policy.realities
                and any(_is_about(policy, notice) for notice in cause.notices)
            )


def judge(policy: Policy, sites: Mapping[str, Site], cause: Cause, notices: Notices) -> Verdict | None:
    """The verdict of a policy that selects the cause; None where nothing in it has a position.

    Parameters
    ----------
    policy, sites
        As loaded; the sites hold every one that the policy names.
    cause
        Its latest record.
    notices
        At least those of `named_alerts`.
    """
    match cause:
        case Coincidence():
            return _judge_coincidence(policy, sites, cause, notices)
        case CandidateList():
            return _judge_list(policy, sites, cause, notices)
        case Thread():
            return _judge_thread(policy, sites, cause)


def _judge_coincidence(
    policy: Policy, sites: Mapping[str, Site], cause: Coincidence, notices: Notices
) -> Verdict | None:
    best = Pair(
        partner=cause.partner,
        dt_s=cause.dt_s,
        overlap=cause.overlap,
        credible_level=cause.credible_level,
        separation_deg=cause.separation_deg,
        significance=cause.significance,
    )
    held = [pair for pair in (best, *cause.others) if not pair.partner.retracted]
    refusals = [_refusal_of_pair(policy, pair) for pair in held]
    chosen = next((p for p, refusal in zip(held, refusals, strict=True) if refusal is None), held[0] if held else best)
    target = _tightest(notices, (*cause.anchor.alert_ids, *chosen.partner.alert_ids))
    if target is None:
        return None
    if cause.state == "retracted" or cause.anchor.retracted or not held:
        return Verdict(state="cancelled", target=target, reason=f"{cause.rule}: the coincidence was taken back")
    if None not in refusals:
        return Verdict(state="rejected", target=target, reason=f"{cause.rule}: {refusals[0]}")
    times = [time for time in (cause.anchor.time, chosen.partner.time) if time is not None]
    says = f"{cause.rule}: {cause.anchor.facility} with {chosen.partner.facility}, {_words(chosen)}"
    return _planned(policy, sites, [target], event_time=max(times, default=None), now=cause.issued_time, says=says)


def _judge_list(policy: Policy, sites: Mapping[str, Site], cause: CandidateList, notices: Notices) -> Verdict | None:
    event = notices[cause.event_alert_id]
    ranked = [
        Target(name=one.thread_id, place=Place(one.ra, one.dec, 0.0), known=_latest(event.issued_time, one.first_time))
        for one in cause.candidates
        if one.arm == "on"
    ]
    around = [] if event.place is None else [Target(name=event.thread_id, place=event.place)]
    targets = ranked[: policy.max_rank] or around
    if not targets:
        return None
    if cause.state == "retracted":
        return Verdict(state="cancelled", target=targets[0], reason=f"{cause.rule}: the list was taken back")
    if not ranked:
        return Verdict(state="rejected", target=targets[0], reason=f"{cause.rule}: no candidate")
    # the upper end of the interval: a night or two looked at before the event may have held none by luck
    most = cause.expected_by_chance if cause.expected_high is None else cause.expected_high
    refusal = _above("unrelated objects expected", most, policy.max_expected_by_chance)
    if refusal is not None:
        return Verdict(state="rejected", target=targets[0], reason=f"{cause.rule}: {refusal}")
    says = f"{cause.rule}: a best candidate of {cause.event_thread}, {_number(cause.expected_by_chance)} by chance"
    event_time = event.time or event.issued_time
    return _planned(policy, sites, targets, event_time=event_time, now=cause.issued_time, says=says)


def _judge_thread(policy: Policy, sites: Mapping[str, Site], cause: Thread) -> Verdict | None:
    last = cause.last
    if cause.place is None:
        return None
    target = Target(name=last.thread_id, place=cause.place)
    if last.retraction:
        return Verdict(state="cancelled", target=target, reason=f"{last.thread_id}: taken back by {last.facility}")
    refusal = _above("false-alarm rate in Hz", cause.far_hz, policy.max_far_hz)
    if (
        refusal is None
        and policy.min_p_astro is not None
        and (cause.p_astro is None or cause.p_astro < policy.min_p_astro)
    ):
        stated = "unknown" if cause.p_astro is None else f"{cause.p_astro:.2g}"
        refusal = f"probability of astrophysical origin {stated}, wanted {policy.min_p_astro:g} or more"
    if refusal is not None:
        return Verdict(state="rejected", target=target, reason=f"{last.thread_id}: {refusal}")
    says = f"{last.facility} {last.event_class} {last.thread_id}"
    return _planned(policy, sites, [target], event_time=cause.time, now=last.issued_time, says=says)


def _planned(
    policy: Policy,
    sites: Mapping[str, Site],
    targets: list[Target],
    *,
    event_time: datetime | None,
    now: datetime | None,
    says: str,
) -> Verdict:
    """The first target, best first, that is small enough and can be observed.

    The windows are those of the whole span from the event to its expiry, and the first one that is not over at ``now``
    is taken whole, so that it does not creep with every revision of the cause; it may have begun before ``now``. For a
    candidate ``now`` is when it was first seen and the event known: another candidate, days later, moves nothing.
    """
    first = targets[0]
    start = event_time or now
    if start is None:
        return Verdict(state="rejected", target=first, reason=f"{says}: neither event nor notice has a time")
    expires = start + timedelta(hours=policy.expires_h)
    small = [target for target in targets if _fits(policy, target.place)]
    if not small:
        reason = f"{says}: 90 % region of {first.place.area_deg2:.0f} deg² is too large"
        return Verdict(state="rejected", target=first, reason=reason, expires=expires)
    for target in small:
        found = _first_window(
            policy, sites, target.place, start=start, expires=expires, now=target.known or now or start
        )
        if found is not None:
            site, window = found
            reason = f"{says}; from {site} {window.start:%Y-%m-%d %H:%M} to {window.stop:%Y-%m-%d %H:%M} UTC"
            return Verdict(state="proposed", target=target, reason=reason, expires=expires, window=window)
    reason = f"{says}: not observable for {policy.exposure_s:g} s from {', '.join(policy.sites)} before it expires"
    return Verdict(state="rejected", target=first, reason=reason, expires=expires)


def _first_window(
    policy: Policy, sites: Mapping[str, Site], there: Place, *, start: datetime, expires: datetime, now: datetime
) -> tuple[str, Window] | None:
    needed = timedelta(seconds=policy.exposure_s)
    usable = []
    for rank, name in enumerate(policy.sites):
        every = windows(there.ra_deg, there.dec_deg, sites[name], policy.limits, start=start, stop=expires)
        window = next((w for w in every if w.stop - max(w.start, now) >= needed), None)
        if window is not None:
            usable.append((window.start, window.airmass_min, rank, name, window))
    if not usable:
        return None
    *_, name, window = min(usable, key=lambda found: found[:3])
    return name, window


def _latest(*times: datetime | None) -> datetime | None:
    return max((time for time in times if time is not None), default=None)


def _is_about(policy: Policy, notice: Notice) -> bool:
    return (
        (not policy.messengers or notice.messenger in policy.messengers)
        and (not policy.event_classes or notice.event_class in policy.event_classes)
        and (not policy.observed_by or notice.facility in policy.observed_by)
    )


def _refusal_of_pair(policy: Policy, pair: Pair) -> str | None:
    """Why a pair does not meet the criteria; None where it does."""
    what = pair.significance
    refusal = _below("overlap", pair.overlap, policy.min_overlap)
    if refusal is not None:
        return refusal
    if policy.null is not None and what.null != policy.null:
        return f"its significance answers {what.null}, the policy asks for {policy.null}"
    if policy.max_expected_by_chance is None and policy.max_joint_far_hz is None:
        return None
    if what.validity != "valid":
        return f"its significance must not be used: {what.validity}"
    if what.null == "unrelated_real":
        return _capped(
            "unrelated partners expected", what.expected_by_chance, what.trials, policy.max_expected_by_chance
        )
    return _capped("joint false-alarm rate in Hz", what.joint_far_hz, what.trials, policy.max_joint_far_hz)


def _capped(words: str, number: float | None, trials: int, cap: float | None) -> str | None:
    if cap is None:
        return f"the policy states no cap on the {words}"
    return _above(words, None if number is None else number * trials, cap)


def _above(words: str, number: float | None, cap: float | None) -> str | None:
    if cap is None or (number is not None and number <= cap):
        return None
    return f"{words} {_number(number)}, at most {cap:g} wanted"


def _below(words: str, number: float | None, floor: float | None) -> str | None:
    if floor is None or (number is not None and number >= floor):
        return None
    return f"{words} {_number(number)}, at least {floor:g} wanted"


def _fits(policy: Policy, there: Place) -> bool:
    return (policy.max_radius_deg is None or there.radius_deg <= policy.max_radius_deg) and (
        policy.max_area_deg2 is None or there.area_deg2 <= policy.max_area_deg2
    )


def _tightest(notices: Notices, alert_ids: tuple[str, ...]) -> Target | None:
    """The named alert with the smallest region; the first of equals."""
    known = [
        (there.radius_deg, n, there) for n, one in enumerate(alert_ids) if (there := notices[one].place) is not None
    ]
    if not known:
        return None
    _, n, there = min(known, key=lambda found: found[:2])
    return Target(name=notices[alert_ids[n]].thread_id, place=there)


def _words(pair: Pair) -> str:
    what = pair.significance
    if what.null == "unrelated_real" and what.expected_by_chance is not None:
        return f"{_number(what.expected_by_chance)} expected by chance"
    if what.joint_far_hz is not None:
        return f"joint false-alarm rate {_number(what.joint_far_hz)} Hz"
    return "no overlap known" if pair.overlap is None else f"overlap {pair.overlap:.4g}"


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2g}"
