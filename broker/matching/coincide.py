"""One coincidence: everything a rule finds around one anchor, as a function of the alerts known."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from nuncius.broker.matching.rates import overlap_against, partner_rate
from nuncius.broker.matching.regions import Regions
from nuncius.broker.matching.rules import EventRule, Selector
from nuncius.broker.matching.scoring import Inputs, significance
from nuncius.broker.matching.store import Role, View
from nuncius.broker.matching.threads import Facts, Span, ThreadKey, gap_us, moment, stated
from nuncius.schemas import ids
from nuncius.schemas.alert import Alert
from nuncius.schemas.coincidence import Coincidence, Member, Pair, Significance

EventOf = Callable[[ThreadKey], tuple[str, tuple[ThreadKey, ...]]]
"""Event id and sorted threads of the event that a thread belongs to."""


@dataclass(frozen=True, slots=True)
class Found:
    """A partner thread of an anchor.

    Parameters
    ----------
    rule
        That found it.
    partner
        What its thread says.
    pair
        As it would be published.
    used
        The alerts behind it, the anchor's included.
    """

    rule: EventRule
    partner: Facts
    pair: Pair
    used: tuple[Alert, ...]


class Scene(NamedTuple):
    """What a coincidence is made from.

    Parameters
    ----------
    view
        What is known.
    sky
        Geometry.
    event_of
        Identity.
    tried_of
        Names of the rules that a thread is tried with as the anchor.
    far_budget_total_hz
        Published total of all rules.
    """

    view: View
    sky: Regions
    event_of: EventOf
    tried_of: Callable[[ThreadKey], tuple[str, ...]]
    far_budget_total_hz: float

    def trials_of(self, key: ThreadKey) -> int:
        """How many rules a thread is tried with as the anchor, at least one."""
        return max(1, len(self.tried_of(key)))


class Once(NamedTuple):
    """Two versions that met the rule, whatever became of them."""

    distance: int
    anchor_id: str
    partner_id: str
    gap_us: int
    partner_span: Span


class Meetings(NamedTuple):
    """What one rule finds around one anchor thread.

    Parameters
    ----------
    rule
        The rule.
    anchor
        What the thread says.
    anchor_span
        Its time; the latest one stated in the role where it states none now.
    partners
        Every partner thread of which any version ever met it, with the closest meeting.
    living
        The best living thread of each partner event, best first.
    """

    rule: EventRule
    anchor: Facts
    anchor_span: Span
    partners: Mapping[ThreadKey, Once]
    living: tuple[Found, ...]


def meetings(rule: EventRule, number: int, key: ThreadKey, scene: Scene) -> Meetings | None:
    """Everything the rule finds around the anchor thread; None where no two versions ever met it.

    Parameters
    ----------
    rule, number
        The rule and its place among the engine's rules.
    key
        The anchor thread.
    scene
        What is known.
    """
    view = scene.view
    spans = _stated(view, key, rule.anchor)
    partners: dict[ThreadKey, Once] = {}
    for partner in _near(rule, number, key, spans, view):
        once = _meeting(rule, spans, _stated(view, partner, rule.partner), scene.sky)
        if once is not None:
            partners[partner] = once
    if not partners:
        return None
    anchor = view.facts(key)
    living = [f for p in sorted(partners) if (f := _alive(rule, number, (anchor, view.facts(p)), scene))]
    return Meetings(rule, anchor, anchor.span or spans[-1][1], partners, tuple(one_an_event(living)))


def coincidence(met: Meetings, scene: Scene) -> Coincidence:
    """What a rule publishes of an anchor thread.

    A pair exists for ever once any version of the anchor and any version of the partner met the rule, so that order
    of arrival cannot matter. It is alive while the current facts meet it and neither owner has retracted. Without a
    living pair the coincidence is ``retracted``; with one it is ``revised`` where its anchor or best partner has
    more than one notice, else ``active``.

    Parameters
    ----------
    met
        What it finds.
    scene
        What is known.
    """
    found = met.living or (dead(met.rule, met.anchor, *min((once, p) for p, once in met.partners.items()), scene),)
    best = found[0]
    updated = met.anchor.statements > 1 or best.partner.statements > 1
    pair = best.pair
    key = met.anchor.key
    return Coincidence(
        coincidence_id=ids.coincidence_id(met.rule.name, key.name),
        state=("revised" if updated else "active") if met.living else "retracted",
        rule=met.rule.name,
        rule_source=met.rule.source,
        anchor=member(met.anchor, key.thread_id, (key,), met.anchor_span),
        reality=key.reality,
        run_mode=key.run_mode,
        partner=pair.partner,
        dt_s=pair.dt_s,
        overlap=pair.overlap,
        credible_level=pair.credible_level,
        separation_deg=pair.separation_deg,
        significance=pair.significance,
        others=tuple(f.pair for f in found[1:]),
        combined_map=scene.sky.combined(met.anchor.located, best.partner.located) if met.living else None,
        issued_time=issued_time(alert for f in found for alert in f.used),
    )


def issued_time(used: Iterable[Alert]) -> datetime | None:
    """Latest issue time of the alerts used; None where none states one."""
    return max((alert.issued_time for alert in used if alert.issued_time is not None), default=None)


def _stated(view: View, key: ThreadKey, selector: Selector) -> list[tuple[Alert, Span]]:
    thread = view.thread(key)
    return [] if thread is None else [said for said in stated(thread) if selector.takes(said[0])]


def _near(rule: EventRule, number: int, key: ThreadKey, spans: list[tuple[Alert, Span]], view: View) -> list[ThreadKey]:
    role, scope = Role("partner", number), key.scope
    windows = {(start + rule.low_us, stop + rule.high_us) for _, (start, stop) in spans}
    keys = {k for low, high in windows for k in view.touching(role, scope, low, high)}
    keys.discard(key)
    return sorted(keys)


def _meeting(
    rule: EventRule, anchors: list[tuple[Alert, Span]], partners: list[tuple[Alert, Span]], sky: Regions
) -> Once | None:
    radii = rule.max_separation_r90
    met = [
        Once(abs(gap), one.alert_id, two.alert_id, gap, second)
        for one, first in anchors
        for two, second in partners
        if rule.low_us <= (gap := gap_us(first, second)) <= rule.high_us
        and (radii is None or sky.within(one, two, radii))
    ]
    return min(met, default=None)


def _alive(rule: EventRule, number: int, threads: tuple[Facts, Facts], scene: Scene) -> Found | None:
    anchor, partner = threads
    if anchor.retraction or partner.retraction or anchor.main is None or partner.main is None:
        return None
    if anchor.span is None or partner.span is None:
        return None
    if not (rule.anchor.takes(anchor.main) and rule.partner.takes(partner.main)):
        return None
    gap = gap_us(anchor.span, partner.span)
    radii = rule.max_separation_r90
    if not rule.low_us <= gap <= rule.high_us:
        return None
    if radii is not None and not scene.sky.within(anchor.located, partner.located, radii):
        return None
    event = scene.event_of(partner.key)
    overlap = scene.sky.overlap(anchor.located, partner.located)
    inputs = Inputs(rule, anchor, partner, overlap, scene.tried_of(anchor.key), scene.far_budget_total_hz)
    rate = partner_rate(rule, number, anchor, event, (scene.view, scene.event_of, scene.sky))
    if rate is not None:
        against = overlap_against(rate, scene.sky.place(anchor.located), scene.sky.place(partner.located), scene.sky)
        inputs = inputs._replace(measured=rate, overlap_measured=against)
    pair = Pair(
        partner=member(partner, *event, partner.span),
        dt_s=gap / 1e6,
        overlap=overlap,
        credible_level=scene.sky.credible_level(anchor.located, partner.located),
        separation_deg=scene.sky.separation_deg(anchor.located, partner.located),
        significance=significance(inputs),
    )
    return Found(rule, partner, pair, (*anchor.used, *partner.used))


def dead(rule: EventRule, anchor: Facts, once: Once, key: ThreadKey, scene: Scene) -> Found:
    """A pair that met the rule once and does not any more, with the reason and without a number."""
    partner = scene.view.facts(key)
    if anchor.retraction is not None:
        why = f"the anchor was retracted by {anchor.retraction.facility}"
    elif partner.retraction is not None:
        why = f"the partner was retracted by {partner.retraction.facility}"
    else:
        why = "a revised time, class or position no longer meets the rule"
    score = significance(Inputs(rule, anchor, partner, None, scene.tried_of(anchor.key), scene.far_budget_total_hz))
    empty = Significance(
        null=score.null,
        null_reason=score.null_reason,
        method=score.method,
        far_budget_total_hz=score.far_budget_total_hz,
        trials=score.trials,
        tried=score.tried,
        validity=f"no number: {why}",
    )
    taken_back = member(partner, *scene.event_of(key), partner.span or once.partner_span)
    pair = Pair(partner=taken_back, dt_s=once.gap_us / 1e6, significance=empty)
    return Found(rule, partner, pair, (*anchor.used, *partner.used))


def one_an_event(living: Iterable[Found]) -> list[Found]:
    """The best thread of each partner event, best event first: an event is never counted twice."""
    best: dict[str, Found] = {}
    for found in sorted(living, key=_rank):
        best.setdefault(found.pair.partner.event_id, found)
    return list(best.values())


def _rank(found: Found) -> tuple[float, float, str, tuple[str, ...]]:
    score = found.pair.significance
    excluded = found.pair.overlap == 0
    chance = score.expected_by_chance
    return (
        float("inf") if excluded or chance is None else chance,
        abs(found.pair.dt_s),
        found.pair.partner.event_id,
        found.pair.partner.alert_ids,
    )


def member(facts: Facts, event_id: str, threads: tuple[ThreadKey, ...], span: Span) -> Member:
    """A thread as a member of a coincidence, at the time that was compared."""
    return Member(
        event_id=event_id,
        threads=tuple(key.thread_id for key in threads),
        alert_ids=tuple(alert.alert_id for alert in facts.used),
        facility="" if facts.main is None else facts.main.facility,
        event_class="" if facts.main is None else facts.main.event_class,
        time=moment(span[0]),
        retracted=facts.retraction is not None,
        disputed_by=tuple(sorted({alert.facility for alert in facts.foreign})),
        doubt=facts.doubt,
    )
