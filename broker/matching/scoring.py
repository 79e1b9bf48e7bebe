"""The significance of a pair: which null it answers, the formula, and when the number must not be used."""

from typing import Final, NamedTuple

from nuncius.broker.matching.rules import EventRule
from nuncius.broker.matching.statistics import (
    expected_intervals,
    expected_partners,
    is_astrophysical,
    targeted_far,
    untargeted_far,
)
from nuncius.broker.matching.threads import Facts
from nuncius.schemas.coincidence import Significance

_OVERLAP: Final = "overlap I: Ashton et al. 2018, doi:10.3847/1538-4357/aabfd2"
_METHODS: Final = {
    "untargeted": f"untargeted: R dt / I, times the anchor's rate (RAVEN joint FAR); {_OVERLAP}",
    "targeted": f"targeted: Z (1 + ln(Zmax / Z)) / I, Z = dt FAR1 FAR2 (RAVEN joint FAR); {_OVERLAP}",
    "swapped": f"untargeted, roles swapped: the partner's FAR dt / I, times the rate of real anchors; {_OVERLAP}",
    "interval": f"interval: R (D1 + D2 + W) / I, times the anchor's rate; {_OVERLAP}",
}


class Inputs(NamedTuple):
    """What a score is made from.

    Parameters
    ----------
    rule
        Gives window, rates and method.
    anchor, partner
        The two threads.
    overlap
        Overlap integral; None where one has no localization.
    trials
        How many rules the anchor is tried with.
    """

    rule: EventRule
    anchor: Facts
    partner: Facts
    overlap: float | None
    trials: int


def significance(pair: Inputs) -> Significance:
    """How surprising the pair is.

    The null is ``unrelated_real`` where the anchor has p_astro >= 0.5 or a false-alarm rate below the rate of real
    events of its class; else ``noise_pair``. Numbers that cannot be had are None, and ``validity`` says why.
    """
    rule = pair.rule
    notes: list[str] = []
    far = None if pair.anchor.rated is None else pair.anchor.rated.far_hz
    p_astro = None if pair.anchor.likely is None else pair.anchor.likely.p_astro
    real_rate = rule.real_rate_of("" if pair.anchor.main is None else pair.anchor.main.event_class)
    real = is_astrophysical(p_astro, far, real_rate)
    if real is None:
        notes.append(
            "anchor taken as noise: it states no p_astro, and "
            + ("no false-alarm rate" if far is None else "no rate of real events of its class is published")
        )
    partner_rate, source, method = _partner_rate(pair, real=bool(real))
    if partner_rate is None:
        notes.append(f"no number: {source}")
    if pair.overlap is None:
        notes.append("time only: no overlap, as an event has no localization at hand")
    elif pair.overlap == 0:
        notes.append("positions exclude each other: overlap 0, the chance is not a finite number")
    in_time = None if partner_rate is None else _expected(pair, partner_rate)
    sky = pair.overlap != 0
    by_chance = in_time if pair.overlap is None or in_time is None else in_time / pair.overlap if sky else None
    rate = joint = None
    if real:
        rate = None if real_rate is None or by_chance is None else real_rate * by_chance
        if real_rate is None:
            notes.append("no rate of pairs: no rate of real events of this class is published")
    elif sky:
        rate = joint = _joint_far(pair, far, partner_rate, notes)
    return Significance(
        null="unrelated_real" if real else "noise_pair",
        method=_METHODS[method],
        expected_by_chance=by_chance,
        expected_in_time=in_time,
        rate_hz=rate,
        joint_far_hz=joint,
        partner_rate_hz=partner_rate,
        rate_source=source if partner_rate is not None else "",
        far_budget_hz=rule.far_budget_hz,
        trials=pair.trials,
        validity="; ".join(notes) or "valid",
    )


def _partner_rate(pair: Inputs, *, real: bool) -> tuple[float | None, str, str]:
    """Rate of partners, its source (or why there is none), and the key of the method."""
    rule = pair.rule
    if rule.method != "targeted":
        missing = "no rate of such partners is published"
        return rule.partner_rate_hz, rule.rate_source if rule.partner_rate_hz is not None else missing, rule.method
    far = None if pair.partner.rated is None else pair.partner.rated.far_hz
    method = "swapped" if real else "targeted"
    return far, "the partner's own false-alarm rate" if far is not None else "the partner states no rate", method


def _expected(pair: Inputs, rate_hz: float) -> float:
    if pair.rule.method != "interval":
        return expected_partners(rate_hz, pair.rule.window_s)
    durations = _duration_s(pair.anchor), _duration_s(pair.partner)
    return expected_intervals(rate_hz, durations, pair.rule.window_s)


def _joint_far(pair: Inputs, far: float | None, partner_rate: float | None, notes: list[str]) -> float | None:
    rule = pair.rule
    if far is None:
        notes.append("no joint false-alarm rate: the anchor states none")
        return None
    if partner_rate is None:
        return None
    if rule.method == "targeted" and rule.anchor_far_max_hz is not None and rule.partner_far_max_hz is not None:
        caps = rule.anchor_far_max_hz, rule.partner_far_max_hz
        try:
            return targeted_far(far, partner_rate, rule.window_s, *caps, pair.overlap)
        except ValueError as error:
            notes.append(f"no joint false-alarm rate: {error}")
            return None
    if rule.method == "interval":
        number = _expected(pair, partner_rate)
        return far * number if pair.overlap is None else far * number / pair.overlap
    return untargeted_far(far, partner_rate, rule.window_s, pair.overlap)


def _duration_s(facts: Facts) -> float:
    return 0.0 if facts.span is None else (facts.span[1] - facts.span[0]) / 1e6
