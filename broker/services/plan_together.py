"""All plans of one event or cause: what each telescope is to do on its map, and what they hold together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import isnan

from nuncius.broker.planning.composing import Field
from nuncius.broker.planning.tally import first_seen
from nuncius.broker.planning.telescope import Telescope
from nuncius.broker.services.plan_found import Plan, PlanFinder, tiles_of
from nuncius.broker.services.too_book import Entry, named
from nuncius.broker.sky import SkyMap
from nuncius.schemas import SettingsError


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Together:
    """Plans of one event or cause.

    Parameters
    ----------
    name
        Of the event or cause, as people write it.
    plans
        One a request that has fields or a window; at least one.
    idle
        Requests that ask for nothing: not wanted, taken back, or without a position yet.
    probability
        Of the first plan's map in any of the fields, no place counted twice; None where that is not known.
    """

    name: str
    plans: tuple[Plan, ...]
    idle: tuple[Entry, ...]
    probability: float | None

    @property
    def alone(self) -> Plan | None:
        """The plan, where there is no other request; None where there is."""
        return self.plans[0] if len(self.plans) + len(self.idle) == 1 else None

    @property
    def sky(self) -> SkyMap | None:
        """The map of the first plan that has one."""
        return next((plan.sky for plan in self.plans if plan.sky is not None), None)

    @property
    def fields(self) -> int:
        """How many there are."""
        return sum(len(plan.tiles) for plan in self.plans)


def chosen(found: Sequence[Entry], name: str) -> tuple[Entry, ...]:
    """The request whose id begins so; else all of the event of that name, or of the cause whose id begins so.

    Parameters
    ----------
    found
        All requests.
    name
        As a person writes it: the prefix of an event's name may be left out.

    Raises
    ------
    SettingsError
        If there is none, or several requests begin so.
    """
    beginning = name.strip()
    if any(entry.latest.request_id.startswith(beginning.partition("/")[0]) for entry in found) or not beginning:
        return (named(found, name),)
    for belongs in (_is_event, _is_cause):
        mine = tuple(entry for entry in found if belongs(entry, beginning))
        if mine:
            return mine
    raise SettingsError(f"no request {name!r}, and no event or cause of that name was asked for; see: nuncius too list")


def siblings(found: Iterable[Entry], one: Entry) -> tuple[Entry, ...]:
    """All requests of the event or, where it has no name, of the cause of one, itself among them."""
    latest = one.latest
    return tuple(
        entry
        for entry in found
        if entry.latest.run_mode == latest.run_mode
        and (
            entry.latest.event_thread == latest.event_thread
            if latest.event_thread
            else entry.latest.cause_id == latest.cause_id
        )
    )


def together(finder: PlanFinder, entries: Sequence[Entry]) -> Together:
    """The plans of these requests.

    Raises
    ------
    SettingsError
        If none of them has a plan.
    """
    alone = len(entries) == 1
    plans = tuple(finder.plan(entry) for entry in entries if alone or tiles_of(entry.latest))
    idle = tuple(entry for entry in entries if not tiles_of(entry.latest))
    name = entries[0].latest.event_thread or entries[0].latest.cause_id
    if not plans:
        why = "; ".join(f"{entry.latest.facility} is {entry.state}: {entry.latest.reason}" for entry in idle[:5])
        raise SettingsError(f"no request of {name} has a plan: {why}")
    return Together(name=name, plans=plans, idle=idle, probability=_held(plans))


def share_of(plan: Plan) -> float | None:
    """Probability of the map in a plan's fields: as planned, of a pointing that of its field; None where not known."""
    stated = plan.request.probability
    if stated is not None or plan.sky is None or plan.telescope is None:
        return stated
    return _held((plan,))


def _held(plans: Sequence[Plan]) -> float | None:
    sky = next((plan.sky for plan in plans if plan.sky is not None), None)
    telescopes = [_turned(plan) for plan in plans]
    if sky is None or any(telescope is None for telescope in telescopes):
        return None
    known = [telescope for telescope in telescopes if telescope is not None]
    fields = [
        Field(owner, known[owner].sites[0], tile.ra, tile.dec, tile.start, tile.target_name)
        for owner, plan in enumerate(plans)
        for tile in plan.tiles
    ]
    held = sum(first_seen(sky, None, known, fields))
    return None if isnan(held) else held


def _turned(plan: Plan) -> Telescope | None:
    """The telescope as the plan has it turned."""
    if plan.telescope is None:
        return None
    return replace(plan.telescope, position_angle_deg=plan.tiles[0].position_angle_deg)


def _is_event(entry: Entry, name: str) -> bool:
    thread = entry.latest.event_thread
    return bool(thread) and name in {thread, thread.partition(":")[2]}


def _is_cause(entry: Entry, beginning: str) -> bool:
    return entry.latest.cause_id.startswith(beginning)
