"""The significance of a pair: which null it answers, the formula, and when the number must not be used."""

from typing import Final, NamedTuple

from nuncius.broker.matching.rates import MeasuredRate, in_words
from nuncius.broker.matching.rules import EventRule
from nuncius.broker.matching.statistics import (
    ASTROPHYSICAL,
    expected_intervals,
    expected_partners,
    is_astrophysical,
    targeted_far,
    untargeted_far,
)
from nuncius.broker.matching.threads import Facts
from nuncius.schemas.alert import Alert
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
    tried
        Names of the rules that the anchor is tried with.
    far_budget_total_hz
        Published total of all rules.
    measured
        Rate of partners as counted; None where the rule does not count them.
    overlap_measured
        Overlap integral against the measured density of partners; None where there is none.
    """

    rule: EventRule
    anchor: Facts
    partner: Facts
    overlap: float | None
    tried: tuple[str, ...]
    far_budget_total_hz: float
    measured: MeasuredRate | None = None
    overlap_measured: float | None = None


class _Rate(NamedTuple):
    """Rate of partners, Hz; its source, or why there is none; the key of the method; the ends of its interval."""

    rate_hz: float | None
    source: str
    method: str
    interval_hz: tuple[float, float] | None = None


def significance(pair: Inputs) -> Significance:
    """How surprising the pair is.

    The null is ``unrelated_real`` where the anchor has p_astro >= 0.5 or a false-alarm rate below the rate of real
    events of its class; else ``noise_pair``; ``null_reason`` says which of it held. Numbers that cannot be had are
    None, and ``validity`` says why.
    """
    rule = pair.rule
    notes: list[str] = []
    far = stated_far(pair.anchor.rated, "anchor", notes)
    p_astro = None if pair.anchor.likely is None else pair.anchor.likely.p_astro
    event_class = "" if pair.anchor.main is None else pair.anchor.main.event_class
    real_rate = rule.real_rate_of(event_class)
    real = is_astrophysical(p_astro, far, real_rate)
    if real is None:
        notes.append(
            "anchor taken as noise: it states no p_astro, and "
            + ("no false-alarm rate" if far is None else "no rate of real events of its class is published")
        )
    partner = _partner_rate(pair, stated_far(pair.partner.rated, "partner", notes), real=bool(real))
    if partner.rate_hz is None:
        notes.append(f"no number: {partner.source}")
    overlap = pair.overlap if pair.overlap_measured is None else pair.overlap_measured
    if overlap is None:
        notes.append("time only: no overlap, as an event has no localization at hand")
    elif overlap == 0:
        notes.append("positions exclude each other: overlap 0, the chance is not a finite number")
    by_chance = _expected(pair, partner.rate_hz, overlap)
    rate = joint = None
    if real:
        rate = None if real_rate is None or by_chance is None else real_rate * by_chance
        if real_rate is None:
            notes.append("no rate of pairs: no rate of real events of this class is published")
    elif overlap != 0:
        undecided = real is None and far is not None and rule.real_rate_hz is not None and far < rule.real_rate_hz
        rate = joint = _joint_far(pair, far, partner.rate_hz, overlap, notes, undecided=undecided)
    low, high = (None, None) if partner.interval_hz is None else partner.interval_hz
    return Significance(
        null="unrelated_real" if real else "noise_pair",
        null_reason=_reason(p_astro, far, real_rate, event_class, rule.real_rate_source),
        method=_METHODS[partner.method],
        expected_by_chance=by_chance,
        expected_in_time=_expected(pair, partner.rate_hz, None),
        expected_low=_expected(pair, low, overlap),
        expected_high=_expected(pair, high, overlap),
        rate_hz=rate,
        joint_far_hz=joint,
        partner_rate_hz=partner.rate_hz,
        rate_source=partner.source if partner.rate_hz is not None else "",
        partner_rate_low_hz=low,
        partner_rate_high_hz=high,
        overlap_used=overlap,
        overlap_background=_background(pair, overlap),
        far_budget_hz=rule.far_budget_hz,
        far_budget_total_hz=pair.far_budget_total_hz,
        within_budget=None if rate is None or rule.far_budget_hz is None else rate <= rule.far_budget_hz,
        trials=max(1, len(pair.tried)),
        tried=pair.tried,
        validity="; ".join(notes) or "valid",
    )


def stated_far(rated: Alert | None, words: str, notes: list[str]) -> float | None:
    """The false-alarm rate stated, Hz; a p-value in its place is no rate, which ``notes`` then say."""
    if rated is None or rated.far_kind != "p_value":
        return None if rated is None else rated.far_hz
    notes.append(f"the {words} states a p-value, which is no rate: not used")
    return None


def _reason(
    p_astro: float | None, far_hz: float | None, real_rate_hz: float | None, event_class: str, source: str
) -> str:
    """Every condition of `is_astrophysical` that could be asked, with its numbers and its outcome."""
    said = []
    if p_astro is not None:
        said.append(f"p_astro {p_astro:.4g} {'>=' if p_astro >= ASTROPHYSICAL else '<'} {ASTROPHYSICAL}")
    if far_hz is not None and real_rate_hz is not None:
        sign = "<" if far_hz < real_rate_hz else ">="
        said.append(f"FAR {far_hz:.3g} Hz {sign} rate of real {event_class} {real_rate_hz:.3g} Hz ({source})")
    return "; ".join(said) or "nothing stated decides: taken as noise"


def _background(pair: Inputs, overlap: float | None) -> str:
    if overlap is None:
        return ""
    if pair.overlap_measured is None:
        return "isotropic" if pair.measured is None else pair.measured.background_note
    return "" if pair.measured is None else pair.measured.background_note


def _partner_rate(pair: Inputs, far: float | None, *, real: bool) -> _Rate:
    rule, counted = pair.rule, pair.measured
    if rule.method == "targeted":
        source = "the partner's own false-alarm rate" if far is not None else "the partner states no rate"
        return _Rate(far, source, "swapped" if real else "targeted")
    if rule.partner_rate_hz is not None:
        return _Rate(rule.partner_rate_hz, f"cited: {rule.rate_source}", rule.method)
    if counted is None:
        return _Rate(None, "no rate of such partners is published", rule.method)
    interval = None if counted.rate_hz is None else (counted.low_hz, counted.high_hz)
    return _Rate(counted.rate_hz, in_words(counted, rule), rule.method, interval)


def _expected(pair: Inputs, rate_hz: float | None, overlap: float | None) -> float | None:
    if rate_hz is None or overlap == 0:
        return None
    if pair.rule.method != "interval":
        return expected_partners(rate_hz, pair.rule.window_s, overlap)
    durations = _duration_s(pair.anchor), _duration_s(pair.partner)
    return expected_intervals(rate_hz, durations, pair.rule.window_s, overlap)


def _joint_far(
    pair: Inputs, far: float | None, rate: float | None, overlap: float | None, notes: list[str], *, undecided: bool
) -> float | None:
    """The joint false-alarm rate of the method; ``undecided`` where the anchor's rate is low enough for a real one."""
    rule = pair.rule
    if far is None:
        notes.append("no joint false-alarm rate: the anchor states none")
    if far is None or rate is None:
        return None
    if rule.method == "targeted":
        refused = _refusals(rule, far, rate, undecided=undecided)
        notes += [f"no joint false-alarm rate: {why}" for why in refused]
        if refused or rule.anchor_far_max_hz is None or rule.partner_far_max_hz is None:
            return None
        return targeted_far(far, rate, rule.window_s, rule.anchor_far_max_hz, rule.partner_far_max_hz, overlap)
    if rule.method == "interval":
        number = _expected(pair, rate, overlap)
        return None if number is None else far * number
    return untargeted_far(far, rate, rule.window_s, overlap)


def _refusals(rule: EventRule, far: float, rate: float, *, undecided: bool) -> list[str]:
    """Why the targeted formula must not be used, by the name of each input at fault."""
    found = [
        f"{name} {value:.3g} Hz lies above its cap {name.removesuffix('_hz')}_max_hz {cap:.3g} Hz"
        for name, value, cap in (
            ("anchor_far_hz", far, rule.anchor_far_max_hz),
            ("partner_far_hz", rate, rule.partner_far_max_hz),
        )
        if cap is not None and value > cap
    ]
    if undecided:
        found.append(
            f"anchor_far_hz {far:.3g} Hz is below real_rate_hz {rule.real_rate_hz:.3g} Hz and no p_astro says that the "
            "anchor is noise: the targeted formula is for noise only"
        )
    return found


def _duration_s(facts: Facts) -> float:
    return 0.0 if facts.span is None else (facts.span[1] - facts.span[0]) / 1e6
