"""Plans of fields for a wanted target: one for each facility of the policy, made together."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from nuncius.broker.planning.cells import Galaxies
from nuncius.broker.planning.joint import TelescopePlan, plan_jointly
from nuncius.broker.planning.planned import Verdict, Verdicts, limits_of, ready
from nuncius.broker.planning.policy import Policies, Policy
from nuncius.broker.planning.verdict import Wanted
from nuncius.broker.sky.region import moc_ranges
from nuncius.broker.sky.skymap import SkyMap
from nuncius.schemas.errors import MalformedAlert
from nuncius.schemas.plan import ObservationReport


def plans(
    policy: Policy,
    policies: Policies,
    wanted: Wanted,
    reports: Sequence[ObservationReport],
    galaxies: Galaxies | None = None,
) -> Verdicts:
    """What each facility of a policy is to look at, or why nothing.

    The plan begins when the cause was known (its latest record) and leaves out what was reported as looked at by then.

    Parameters
    ----------
    policy, policies
        The policy asks for ``tiles`` or ``galaxies``, and every facility of it is a telescope.
    wanted
        The cause; its first target is planned.
    reports
        All reports on the event.
    galaxies
        The catalogue, for ``galaxies``.
    """
    target = wanted.targets[0]
    if target.place is None:
        return _all(policy, ready(policy, wanted))
    event_time = wanted.event_time or wanted.known_time
    sky = target.region()
    if event_time is None or sky is None:
        why = "neither event nor notice has a time" if event_time is None else "no map at hand to lay fields on"
        return _all(policy, Verdict(state="rejected", target=target, reason=f"{wanted.says}: {why}"))
    expires = event_time + timedelta(hours=policy.expires_h)
    start = max(event_time, wanted.known_time or event_time)
    area = target.place.area_deg2
    if policy.max_area_deg2 is not None and area > policy.max_area_deg2:
        reason = f"{wanted.says}: 90 % region of {area:.0f} deg² is too large"
        return _all(policy, Verdict(state="rejected", target=target, reason=reason, expires=expires))
    known = [one for one in reports if _told_by(one, start)]
    made = _made(policy, policies, sky, start, expires, known, galaxies)
    return {plan.telescope: _verdict(policy, wanted, expires, plan, known) for plan in made}


def _made(
    policy: Policy,
    policies: Policies,
    sky: SkyMap,
    start: datetime,
    expires: datetime,
    known: Sequence[ObservationReport],
    galaxies: Galaxies | None,
) -> Sequence[TelescopePlan]:
    telescopes = [replace(policies.telescopes[name], limits=limits_of(policy, name, policies)) for name in policy.asked]
    if start >= expires:
        return [TelescopePlan(telescope=name, tiles=()) for name in policy.asked]
    return plan_jointly(
        sky,
        telescopes,
        start=start,
        stop=expires,
        exposure_s=policy.exposure_s,
        filter_name=policy.filter,
        tiles_max=policy.tiles_max,
        probability_min=policy.probability_min,
        share=policy.share,
        observed=known,
        galaxies=galaxies if policy.ask == "galaxies" else None,
    )


def _verdict(
    policy: Policy, wanted: Wanted, expires: datetime, plan: TelescopePlan, known: Sequence[ObservationReport]
) -> Verdict:
    target = wanted.targets[0]
    done = f", {len(known)} fields that were looked at left out" if known else ""
    if not plan.tiles:
        reason = f"{wanted.says}: {plan.telescope} can add nothing before it expires{done}"
        return Verdict(state="rejected", target=target, reason=reason, expires=expires)
    first = plan.tiles[0]
    reason = (
        f"{wanted.says}; {len(plan.tiles)} fields of {policy.exposure_s:g} s hold {100 * plan.probability:.0f} % of "
        f"the map, the first from {first.site} {first.start:%Y-%m-%d %H:%M} UTC{done}"
    )
    sites = {tile.site for tile in plan.tiles}
    return Verdict(
        state="proposed",
        target=target,
        reason=reason,
        expires=expires,
        tiles=plan.tiles,
        site=first.site if len(sites) == 1 else "",
    )


def _told_by(report: ObservationReport, moment: datetime) -> bool:
    told = report.issued_time or report.time_stop
    return report.state == "completed" and told is not None and told <= moment and _can_be_read(report)


def _can_be_read(report: ObservationReport) -> bool:
    """Whether its footprint is a coverage map; a stranger's report must not end the planner."""
    try:
        moc_ranges(report.footprint)
    except MalformedAlert:
        return False
    return True


def _all(policy: Policy, verdict: Verdict) -> Verdicts:
    return dict.fromkeys(policy.asked, verdict)
