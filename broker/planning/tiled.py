"""Plans of fields for a wanted target: one for each facility of the policy, made together."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from nuncius.broker.planning.cells import Galaxies
from nuncius.broker.planning.joint import TelescopePlan, plan_jointly
from nuncius.broker.planning.planned import Verdict, Verdicts, angle_of, limits_of, ready, sites_of, too_large
from nuncius.broker.planning.policy import Policies, Policy
from nuncius.broker.planning.verdict import Wanted
from nuncius.broker.sky.region import moc_ranges
from nuncius.broker.sky.skymap import SkyMap
from nuncius.schemas.errors import MalformedAlert
from nuncius.schemas.plan import ObservationReport, PlannedTile

_LEAST_SHARE: Final = 0.01
"""A telescope that adds less of what several hold together is left alone; ours."""
_SAME_END: Final = timedelta(seconds=1)
"""By less an event time that is only told more exactly moves the end of a plan that stands; ours."""


def plans(
    policy: Policy,
    policies: Policies,
    wanted: Wanted,
    reports: Sequence[ObservationReport],
    galaxies: Galaxies | None = None,
    earlier: Verdicts | None = None,
) -> Verdicts:
    """What each facility of a policy is to look at, or why nothing.

    The plan begins when the cause was known (its latest record) and leaves out what was reported as looked at by then.
    What was planned before stays where it is still good.

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
    earlier
        What was said before this revision of the cause, by the same policy.
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
    start = _start(wanted, event_time)
    large = too_large(policy, target.place)
    if large is not None:
        reason = f"{wanted.says}: {large}"
        return _all(policy, Verdict(state="rejected", target=target, reason=reason, expires=expires))
    known = told_by_then(reports, wanted)
    before = {name: verdict for name, verdict in (earlier or {}).items() if verdict.tiles}
    stood = [TelescopePlan(telescope=name, tiles=verdict.tiles) for name, verdict in before.items()]
    made = _made(policy, policies, sky, start, expires, known, galaxies, stood)
    least = _LEAST_SHARE * sum(plan.probability for plan in made)
    return {
        plan.telescope: _verdict(policy, wanted, expires, plan, known, before.get(plan.telescope))
        if plan.probability >= least or not plan.tiles
        else _adds_little(wanted, expires, plan)
        for plan in made
    }


def told_by_then(reports: Sequence[ObservationReport], wanted: Wanted) -> list[ObservationReport]:
    """Reports that a plan knows: issued by the time at which it begins, and fit to be read."""
    event_time = wanted.event_time or wanted.known_time
    if event_time is None:
        return []
    return [one for one in reports if _told_by(one, _start(wanted, event_time))]


def _start(wanted: Wanted, event_time: datetime) -> datetime:
    return max(event_time, wanted.known_time or event_time)


def _made(
    policy: Policy,
    policies: Policies,
    sky: SkyMap,
    start: datetime,
    expires: datetime,
    known: Sequence[ObservationReport],
    galaxies: Galaxies | None,
    earlier: Sequence[TelescopePlan],
) -> Sequence[TelescopePlan]:
    telescopes = [
        replace(
            policies.telescopes[name],
            sites=sites_of(policy, name, policies),
            limits=limits_of(policy, name, policies),
            position_angle_deg=angle_of(policy, name, policies) or 0.0,
        )
        for name in policy.asked
    ]
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
        earlier=earlier,
    )


def _verdict(
    policy: Policy,
    wanted: Wanted,
    expires: datetime,
    plan: TelescopePlan,
    known: Sequence[ObservationReport],
    earlier: Verdict | None,
) -> Verdict:
    target = wanted.targets[0]
    left = f"{len(known)} fields that were" if len(known) > 1 else "1 field that was"
    done = f", {left} looked at left out" if known else ""
    if not plan.tiles:
        least = f", or all together less than {in_percent(policy.probability_min)}" if policy.probability_min else ""
        reason = f"{wanted.says}: {plan.telescope} can add nothing before it expires{least}{done}"
        return Verdict(state="rejected", target=target, reason=reason, expires=expires)
    first = plan.tiles[0]
    before = [] if earlier is None else [_pointing(tile) for tile in earlier.tiles]
    stay = sum(_pointing(tile) in before for tile in plan.tiles)
    done = f", {stay} of them as planned before{done}" if stay else done
    if earlier is not None and earlier.expires is not None and stay == len(before) == len(plan.tiles):
        expires = earlier.expires if abs(expires - earlier.expires) < _SAME_END else expires
    one = len(plan.tiles) == 1
    fields = f"{len(plan.tiles)} field{'' if one else 's'} of {policy.exposure_s:g} s hold{'s' if one else ''}"
    reason = (
        f"{wanted.says}; {fields} {in_percent(plan.probability)} of the map, "
        f"the first from {first.site} {first.start:%Y-%m-%d %H:%M} UTC{done}"
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


def _adds_little(wanted: Wanted, expires: datetime, plan: TelescopePlan) -> Verdict:
    reason = (
        f"{wanted.says}: {plan.telescope} could add {in_percent(plan.probability)} of the map only, it is left alone"
    )
    return Verdict(state="rejected", target=wanted.targets[0], reason=reason, expires=expires)


def in_percent(share: float) -> str:
    """A share of a map for people: whole percents, of less than ten two digits."""
    return f"{100 * share:{'.0f' if share >= 0.0995 else '.2g'}} %"


def _pointing(tile: PlannedTile) -> tuple[str, float, float, datetime]:
    return tile.site, tile.ra, tile.dec, tile.start


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
