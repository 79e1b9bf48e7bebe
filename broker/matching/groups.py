"""Three events and more: around one anchor, partners of any rules that also agree with each other.

A group is a function of the alerts known, as a pair is. Its members are the anchor and its living partners over all
rules. In time they agree because each lies in its rule's window around the anchor. On the sky every two must agree:
their overlap integral is above 1, so that one source is likelier than two unrelated ones, or one has no position. A
group has at most one member of a messenger and band: two bursts in one window may be one, by instruments that identity
has not joined yet, and an event must not be counted twice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Final

from nuncius.broker.matching.coincide import Found, Meetings, Once, Scene, dead, issued_time, member, one_an_event
from nuncius.broker.matching.group_scoring import group_overlap, group_significance
from nuncius.broker.matching.rules import EventRule
from nuncius.broker.matching.store import View
from nuncius.broker.matching.threads import ThreadKey
from nuncius.schemas import ids
from nuncius.schemas.alert import Alert
from nuncius.schemas.coincidence import Coincidence, Significance

NAME: Final = "group"
SOURCE: Final = (
    "built in: partners of one anchor by the rules of its pairs, every two with an overlap integral above 1 "
    "(Ashton et al. 2018, doi:10.3847/1538-4357/aabfd2) or without a position"
)
AGREES: Final = 1.0
"""Above this overlap one source is likelier than two unrelated ones (Ashton et al. 2018), exclusive."""

CONSIDERED: Final = 12
"""So many of an anchor's best partners are tried for its group: bounds the search where an anchor has a flood."""


def group(met: Sequence[Meetings], scene: Scene) -> Coincidence | None:
    """The largest group around an anchor thread; of several, the one with the best pairs.

    It exists for ever once any versions of the anchor and of two partners could have been one, so that order of
    arrival cannot matter; it is ``retracted`` while no two living partners agree with the anchor and each other. While
    it lives it names the pair records of its members in ``supersedes``.

    Parameters
    ----------
    met
        What each rule finds around the one anchor, in the order of the rules.
    scene
        What is known.

    Returns
    -------
    None where no two partners could ever have been in one group.
    """
    once = _once(met, scene)
    if once is None:
        return None
    anchor, key = met[0].anchor, met[0].anchor.key
    living = _largest(one_an_event(found for each in met for found in each.living), met[0], scene)
    found = living or tuple(dead(rule, anchor, meeting, partner, scene) for meeting, partner, rule in once)
    updated = anchor.statements > 1 or any(each.partner.statements > 1 for each in found)
    overlap = group_overlap(anchor, living, scene.sky) if living else None
    return Coincidence(
        coincidence_id=ids.coincidence_id(NAME, key.name),
        state=("revised" if updated else "active") if living else "retracted",
        supersedes=_pair_records(living, key),
        rule=NAME,
        rule_source=SOURCE,
        anchor=member(anchor, key.thread_id, (key,), met[0].anchor_span),
        reality=key.reality,
        run_mode=key.run_mode,
        partner=found[0].pair.partner,
        dt_s=found[0].pair.dt_s,
        overlap=overlap,
        credible_level=found[0].pair.credible_level,
        separation_deg=found[0].pair.separation_deg,
        significance=_told(group_significance(anchor, living, overlap, scene.trials_of(key)), living, scene, key)
        if living
        else _none(found),
        others=tuple(each.pair for each in found[1:]),
        issued_time=issued_time(alert for each in found for alert in each.used),
    )


def _once(met: Sequence[Meetings], scene: Scene) -> list[tuple[Once, ThreadKey, EventRule]] | None:
    """The first two partners that with the anchor could be a group by any of their versions."""
    closest: dict[ThreadKey, tuple[Once, int]] = {}
    for number, each in enumerate(met):
        for partner, meeting in each.partners.items():
            closest[partner] = min(closest.get(partner, (meeting, number)), (meeting, number))
    if len(closest) < 2:
        return None
    versions = {partner: _versions(scene.view, partner) for partner in closest}
    channels = {partner: frozenset(map(_channel, said)) for partner, said in versions.items()}
    if len(frozenset().union(*channels.values())) < 2:
        return None
    anchors = _versions(scene.view, met[0].anchor.key)
    agrees = [p for p in closest if _may_agree(anchors, versions[p], scene)]
    for one, two in combinations(sorted(agrees, key=lambda p: (closest[p], p)), 2):
        if len(channels[one] | channels[two]) > 1 and _may_agree(versions[one], versions[two], scene):
            return [(closest[p][0], p, met[closest[p][1]].rule) for p in (one, two)]
    return None


def _versions(view: View, key: ThreadKey) -> tuple[Alert, ...]:
    thread = view.thread(key)
    return () if thread is None else tuple(alert for alert in thread.versions if alert.kind != "retraction")


def _may_agree(first: Iterable[Alert], second: Sequence[Alert], scene: Scene) -> bool:
    return any(_agree(one, two, scene) for one in first for two in second)


def _agree(first: Alert | None, second: Alert | None, scene: Scene) -> bool:
    if first is None or second is None:
        return True
    one, two = sorted((first, second), key=lambda alert: alert.alert_id)
    overlap = scene.sky.overlap(one, two)
    return overlap is None or overlap > AGREES


def _channel(alert: Alert) -> tuple[str, str]:
    return alert.messenger, alert.band or ""


def _largest(living: Sequence[Found], met: Meetings, scene: Scene) -> tuple[Found, ...]:
    """The most partners that agree with the anchor and each other, best pairs first; empty below two."""
    located = met.anchor.located
    near = [each for each in living if _agree(located, each.partner.located, scene)][:CONSIDERED]
    cliques: list[tuple[int, ...]] = [()]
    for number, each in enumerate(near):
        cliques += [(*held, number) for held in cliques if all(_fit(near[one], each, scene) for one in held)]
    best = min(cliques, key=lambda held: (-len(held), held))
    return tuple(near[number] for number in best) if len(best) > 1 else ()


def _fit(first: Found, second: Found, scene: Scene) -> bool:
    one, two = first.partner.main, second.partner.main
    if one is None or two is None or _channel(one) == _channel(two):
        return False
    return _agree(first.partner.located, second.partner.located, scene)


def _pair_records(living: Sequence[Found], key: ThreadKey) -> tuple[str, ...]:
    return tuple(sorted({ids.coincidence_id(each.rule.name, key.name) for each in living}))


def _none(found: Sequence[Found]) -> Significance:
    first = found[0].pair.significance
    reasons = dict.fromkeys(each.pair.significance.validity for each in found)
    return Significance(null=first.null, method="product", trials=first.trials, validity="; ".join(reasons))


def _told(score: Significance, living: Sequence[Found], scene: Scene, key: ThreadKey) -> Significance:
    """The score with why this null, what was tried, and the published total."""
    reasons = [each.pair.significance for each in living]
    return replace(
        score,
        null_reason=next((one.null_reason for one in reasons if one.null == score.null), ""),
        tried=scene.tried_of(key),
        far_budget_total_hz=scene.far_budget_total_hz,
    )
