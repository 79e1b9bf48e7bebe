"""When and how a wanted target is observed: the first window of a site, or a plan of fields.

Where nothing says yet where to look, a facility is asked to make ready until the request expires.

The windows are those of the whole span from the event to its expiry, and the first one that is not over when the cause
is known is taken whole, so that it does not creep with every revision of the cause; it may have begun before that. For
a candidate this moment is when it was first seen and the event known: another candidate, days later, moves nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from nuncius.broker.planning.place import Place
from nuncius.broker.planning.policy import Policies, Policy
from nuncius.broker.planning.telescope import RectangleField
from nuncius.broker.planning.verdict import Refused, Target, Wanted
from nuncius.broker.planning.visibility import Limits, Site, Window, nearest, windows
from nuncius.schemas.plan import PlannedTile
from nuncius.schemas.vocabulary import RequestState

_TIMELESS: Final = "neither event nor notice has a time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is asked of one facility, or why nothing is.

    Parameters
    ----------
    state
        ``proposed``; ``rejected``: considered and not wanted; ``cancelled``: the cause is taken back.
    target, reason, expires
        For the request.
    window, site
        Of a pointing that is ``proposed``.
    tiles
        Of a plan that is ``proposed``.
    """

    state: RequestState
    target: Target
    reason: str
    expires: datetime | None = None
    window: Window | None = None
    site: str = ""
    tiles: tuple[PlannedTile, ...] = ()


def refused(one: Refused) -> Verdict:
    """The verdict for every facility alike."""
    return Verdict(state=one.state, target=one.target, reason=one.reason)


def ready(policy: Policy, wanted: Wanted) -> Verdict:
    """The verdict for every facility alike, of a cause without a position."""
    target, known = wanted.targets[0], wanted.known_time
    start = wanted.event_time or known
    if start is None:
        return Verdict(state="rejected", target=target, reason=f"{wanted.says}: {_TIMELESS}")
    expires = start + timedelta(hours=policy.expires_h)
    if known is not None and known >= expires:
        reason = f"{wanted.says}: it became known after it had expired"
        return Verdict(state="rejected", target=target, reason=reason, expires=expires)
    reason = f"{wanted.says}; no position is known yet: make ready, a revision follows once a notice brings one"
    return Verdict(state="proposed", target=target, reason=reason, expires=expires)


def pointing(policy: Policy, facility: str, policies: Policies, wanted: Wanted) -> Verdict:
    """The first target, best first, that is small enough and can be observed from the facility; else `ready`."""
    first = wanted.targets[0]
    placed = [(target, target.place) for target in wanted.targets if target.place is not None]
    if not placed:
        return ready(policy, wanted)
    start = wanted.event_time or wanted.known_time
    if start is None:
        return Verdict(state="rejected", target=first, reason=f"{wanted.says}: {_TIMELESS}")
    expires = start + timedelta(hours=policy.expires_h)
    small = [(target, place) for target, place in placed if too_large(policy, place) is None]
    if not small:
        reason = f"{wanted.says}: {too_large(policy, placed[0][1])}"
        return Verdict(state="rejected", target=first, reason=reason, expires=expires)
    sites = sites_of(policy, facility, policies)
    limits = limits_of(policy, facility, policies)
    for target, place in small:
        now = target.known or wanted.known_time or start
        found = _first_window(policy, sites, limits, place, start=start, expires=expires, now=now)
        if found is not None:
            site, window = found
            reason = f"{wanted.says}; from {site} {window.start:%Y-%m-%d %H:%M} to {window.stop:%Y-%m-%d %H:%M} UTC"
            return Verdict(state="proposed", target=target, reason=reason, expires=expires, window=window, site=site)
    target, place = small[0]
    since = max(start, target.known or wanted.known_time or start)
    named = ", ".join(site.name for site in sites)
    reason = f"{wanted.says}: not observable for {policy.exposure_s:g} s from {named} before it expires"
    reason += _at_best(sites, limits, place, start=since, stop=expires)
    return Verdict(state="rejected", target=first, reason=reason, expires=expires)


def sites_of(policy: Policy, facility: str, policies: Policies) -> tuple[Site, ...]:
    """Where a policy's facility observes from: the policy's own sites, else the telescope's."""
    if policy.sites:
        return tuple(policies.sites[name] for name in policy.sites)
    return policies.telescopes[facility].sites


def limits_of(policy: Policy, facility: str, policies: Policies) -> Limits:
    """The stricter of what a policy asks and what the telescope can do."""
    asked, known = policy.limits, policies.telescopes.get(facility)
    if known is None:
        return asked
    return replace(
        asked,
        min_altitude_deg=max(asked.min_altitude_deg, known.limits.min_altitude_deg),
        sun_altitude_max_deg=min(asked.sun_altitude_max_deg, known.limits.sun_altitude_max_deg),
        moon_separation_min_deg=max(asked.moon_separation_min_deg, known.limits.moon_separation_min_deg),
        horizon=known.horizon,
    )


def angle_of(policy: Policy, facility: str, policies: Policies) -> float | None:
    """Position angle that is asked for: the policy's, else that of a telescope's rectangle; None where none is."""
    known = policies.telescopes.get(facility)
    if policy.position_angle_deg is not None or known is None:
        return policy.position_angle_deg
    return known.position_angle_deg if isinstance(known.field, RectangleField) else None


def _first_window(
    policy: Policy,
    sites: tuple[Site, ...],
    limits: Limits,
    there: Place,
    *,
    start: datetime,
    expires: datetime,
    now: datetime,
) -> tuple[str, Window] | None:
    needed = timedelta(seconds=policy.exposure_s)
    usable = []
    for rank, site in enumerate(sites):
        every = windows(there.ra_deg, there.dec_deg, site, limits, start=start, stop=expires)
        window = next((w for w in every if w.stop - max(w.start, now) >= needed), None)
        if window is not None:
            usable.append((window.start, window.airmass_min, rank, site.name, window))
    if not usable:
        return None
    *_, name, window = min(usable, key=lambda found: found[:3])
    return name, window


def _at_best(sites: tuple[Site, ...], limits: Limits, there: Place, *, start: datetime, stop: datetime) -> str:
    """Where and when the limits came nearest to hold, for people who ask why a telescope stayed where it was."""
    tried = [(site.name, nearest(there.ra_deg, there.dec_deg, site, limits, start=start, stop=stop)) for site in sites]
    found = [(name, moment) for name, moment in tried if moment is not None]
    if not found:
        return ": it became known too late"
    name, best = max(found, key=lambda one: one[1].margin_deg)
    return (
        f" (at best from {name}, {best.time:%Y-%m-%d %H:%M} UTC: {best.altitude_deg:.0f} deg high, the Sun at "
        f"{best.sun_altitude_deg:.0f}, {best.moon_separation_deg:.0f} deg from the Moon)"
    )


def too_large(policy: Policy, there: Place) -> str | None:
    """Why a region is not worth asking for, in words; None where it is: both bounds are inclusive."""
    area, radius = policy.max_area_deg2, policy.max_radius_deg
    words = f"90 % region of {there.area_deg2:{'.3g' if there.area_deg2 < 999.5 else '.0f'}} deg² is too large"
    if area is not None and there.area_deg2 > area:
        return f"{words}: at most {area:g} deg² wanted"
    if radius is not None and there.radius_deg > radius:
        return f"{words}: a radius of {there.radius_deg:.3g} deg, at most {radius:g} wanted"
    return None


Verdicts = Mapping[str, Verdict]
"""By facility."""
