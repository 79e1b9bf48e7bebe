"""What one policy makes of one cause: wanted, not wanted and why, or taken back.

Pure functions of the cause's latest record and of the notices it names; when and how it is to be observed is
`nuncius.broker.planning.planned`'s. The clock is the data's: planning happens at the cause's issue time, so that a
replay plans as the live run did.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final

from nuncius.broker.planning.fitting import Fits
from nuncius.broker.planning.how_sure import how_sure
from nuncius.broker.planning.notice import Notice, Thread
from nuncius.broker.planning.place import Place
from nuncius.broker.planning.policy import Policy
from nuncius.broker.sky.geometry import geometry
from nuncius.broker.sky.skymap import SkyMap
from nuncius.schemas.coincidence import CandidateList, Coincidence, Member, Pair
from nuncius.schemas.errors import MalformedAlert
from nuncius.schemas.localization import Localization, SkyMapRef
from nuncius.schemas.vocabulary import RequestState

_YEAR_S: Final = 365 * 86400.0

Cause = Coincidence | CandidateList | Thread
Notices = Mapping[str, Notice]
Maps = Mapping[str, SkyMap]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A named place, or what has none yet.

    Parameters
    ----------
    name, place
        What and where; the place is None where nothing says yet where to look.
    known
        When it became known, where that is earlier than the cause's latest record; UTC.
    region
        Finds the map or region to lay fields on; None where there is no more than the place.
    """

    name: str
    place: Place | None
    known: datetime | None = None
    region: Callable[[], SkyMap | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The policy does not want it, or its cause is gone.

    Parameters
    ----------
    state
        ``rejected``: considered and not wanted; ``cancelled``: the cause is taken back.
    target, event, reason
        For the request.
    """

    state: RequestState
    target: Target
    event: Notice
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The policy wants it observed, if it can be.

    Parameters
    ----------
    targets
        Best first; at least one.
    event
        The notice of the event behind it.
    event_time, known_time
        When the event was and when the cause was known, UTC.
    says
        What it is and how sure, for people.
    """

    targets: tuple[Target, ...]
    event: Notice
    event_time: datetime | None
    known_time: datetime | None
    says: str


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


def judge(policy: Policy, cause: Cause, notices: Notices, maps: Maps, fits: Fits) -> Wanted | Refused | None:
    """The verdict of a policy that selects the cause.

    None where nothing in it has a position, unless the policy asks without one.

    Parameters
    ----------
    policy
        As loaded.
    cause
        Its latest record.
    notices
        At least those of `named_alerts`.
    maps
        Sky maps by their sha256.
    fits
        The policies' filters.
    """
    match cause:
        case Coincidence():
            return _judge_coincidence(policy, cause, notices, maps, fits)
        case CandidateList():
            return _judge_list(policy, cause, notices, fits)
        case Thread():
            return _judge_thread(policy, cause, fits)


def _judge_coincidence(
    policy: Policy, cause: Coincidence, notices: Notices, maps: Maps, fits: Fits
) -> Wanted | Refused | None:
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
    good = [pair for pair, refusal in zip(held, refusals, strict=True) if refusal is None]
    chosen, *others = good or held or [best]
    # members of one group are scored as one: any of them may say where to look
    partners = [chosen.partner, *(p.partner for p in others if p.significance == chosen.significance)]
    event = max((notices[one] for one in cause.anchor.alert_ids), key=lambda notice: notice.order)
    named = (*cause.anchor.alert_ids, *(one for partner in partners for one in partner.alert_ids))
    target = _tightest(notices, named) or _nowhere(policy, event)
    if target is None:
        return None
    if cause.combined_map is not None:
        target = replace(target, region=partial(_map_of, cause.combined_map, maps, target.region))
    refused = partial(Refused, target=target, event=event)
    if cause.state == "retracted" or cause.anchor.retracted or not held:
        why = f" ({cause.significance.validity})" if cause.significance.validity != "valid" else ""
        return refused(state="cancelled", reason=f"{cause.rule}: the coincidence was taken back{why}")
    if None not in refusals:
        return refused(state="rejected", reason=f"{cause.rule}: {refusals[0]}")
    misfit = fits.where(policy.name, cause) or fits.anchor(policy.name, event.alert)
    if misfit is not None:
        return refused(state="rejected", reason=f"{cause.rule}: {misfit}")
    times = [time for time in (cause.anchor.time, chosen.partner.time) if time is not None]
    says = f"{cause.rule}: {cause.anchor.facility} with {_listed(partners)}, {_words(chosen)}"
    if cause.supersedes:
        says += ", in place of smaller groups of it"
    return Wanted(
        targets=(target,), event=event, event_time=max(times, default=None), known_time=cause.issued_time, says=says
    )


def _judge_list(policy: Policy, cause: CandidateList, notices: Notices, fits: Fits) -> Wanted | Refused | None:
    event = notices[cause.event_alert_id]
    ranked = [
        Target(
            name=one.thread_id,
            place=Place(one.ra, one.dec, 0.0),
            known=_latest(event.issued_time, one.first_time),
            region=_no_region,
        )
        for one in cause.candidates
        if one.arm == "on"
    ]
    around = [] if event.place is None else [Target(name=event.thread_id, place=event.place, region=event.region)]
    targets = tuple(ranked[: policy.max_rank] or around)
    if not targets:
        return None
    refused = partial(Refused, target=targets[0], event=event)
    if cause.state == "retracted":
        return refused(state="cancelled", reason=f"{cause.rule}: the list was taken back")
    if not ranked:
        return refused(state="rejected", reason=f"{cause.rule}: no candidate")
    # the upper end of the interval: a night or two looked at before the event may have held none by luck
    most = cause.expected_by_chance if cause.expected_high is None else cause.expected_high
    refusal = _above("unrelated objects expected", most, policy.max_expected_by_chance)
    refusal = refusal or fits.where(policy.name, cause) or fits.anchor(policy.name, event.alert)
    if refusal is not None:
        return refused(state="rejected", reason=f"{cause.rule}: {refusal}")
    says = f"{cause.rule}: a best candidate of {cause.event_thread}, {_number(cause.expected_by_chance)} by chance"
    event_time = event.time or event.issued_time
    return Wanted(targets=targets, event=event, event_time=event_time, known_time=cause.issued_time, says=says)


def _judge_thread(policy: Policy, cause: Thread, fits: Fits) -> Wanted | Refused | None:
    last = cause.last
    placed = cause.placed
    if placed is None or placed.place is None:
        target = _nowhere(policy, last)
    else:
        target = Target(name=last.thread_id, place=placed.place, region=placed.region)
    if target is None:
        return None
    if last.retraction:
        reason = f"{last.thread_id}: taken back by {last.facility}"
        return Refused(state="cancelled", target=target, event=last, reason=reason)
    refusal = _above("false-alarm rate in Hz", cause.far_hz, policy.max_far_hz) or _too_doubtful(policy, cause)
    refusal = refusal or fits.where(policy.name, last.alert)
    if refusal is not None:
        return Refused(state="rejected", target=target, event=last, reason=f"{last.thread_id}: {refusal}")
    sure = how_sure(last.alert, cause.far_hz, cause.p_astro)
    says = f"{last.facility} {last.event_class} {last.thread_id}{sure and f', {sure}'}"
    return Wanted(targets=(target,), event=last, event_time=cause.time, known_time=last.issued_time, says=says)


def _too_doubtful(policy: Policy, cause: Thread) -> str | None:
    if policy.min_p_astro is None or (cause.p_astro is not None and cause.p_astro >= policy.min_p_astro):
        return None
    stated = "unknown" if cause.p_astro is None else f"{cause.p_astro:.2g}"
    return f"probability of astrophysical origin {stated}, wanted {policy.min_p_astro:g} or more"


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


def _tightest(notices: Notices, alert_ids: tuple[str, ...]) -> Target | None:
    """The named alert with the smallest region; the first of equals."""
    known = [
        (there.radius_deg, n, there) for n, one in enumerate(alert_ids) if (there := notices[one].place) is not None
    ]
    if not known:
        return None
    _, n, there = min(known, key=lambda found: found[:2])
    notice = notices[alert_ids[n]]
    return Target(name=notice.thread_id, place=there, region=notice.region)


def _map_of(ref: SkyMapRef, maps: Maps, otherwise: Callable[[], SkyMap | None]) -> SkyMap | None:
    """A combined map where it is at hand, else what it was combined from."""
    try:
        return geometry(Localization(ref), maps) or otherwise()
    except MalformedAlert:
        return otherwise()


def _nowhere(policy: Policy, event: Notice) -> Target | None:
    """The event as a target without a place, for policies that ask without one."""
    return Target(name=event.thread_id, place=None, region=_no_region) if policy.without_position else None


def _no_region() -> None:
    """Nothing to lay fields on: a candidate is a point, and what has no place has no region."""


def _words(pair: Pair) -> str:
    what = pair.significance
    if what.null == "unrelated_real" and what.expected_by_chance is not None:
        return f"{_number(what.expected_by_chance)} expected by chance"
    if what.joint_far_hz is not None:
        every = f" (once in {_number(1 / what.joint_far_hz / _YEAR_S)} years)" if what.joint_far_hz > 0 else ""
        return f"joint false-alarm rate {_number(what.joint_far_hz)} Hz{every}"
    return "no overlap known" if pair.overlap is None else f"overlap {pair.overlap:.4g}"


def _listed(partners: Sequence[Member]) -> str:
    """Who saw it, each once."""
    *names, last = dict.fromkeys(partner.facility for partner in partners)
    return f"{', '.join(names)} and {last}" if names else last


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2g}"
