"""How surprising a group is: the number of unrelated sets of partners expected around its anchor.

Partners of independent streams come by independent Poisson processes, so the expected number of sets with one of each
in the windows is the product of R_i dt_i. Where positions count it is divided by the n-fold overlap integral I (Ashton
et al. 2018), as for pairs. The mean of I is 1 for unrelated isotropic positions, so by Markov's inequality at most
1 / I of all sets have as large an integral: the stated number bounds chance from above.
"""

import math
from collections.abc import Sequence
from typing import Final

from nuncius.broker.matching.coincide import Found
from nuncius.broker.matching.regions import Regions
from nuncius.broker.matching.scoring import stated_far
from nuncius.broker.matching.threads import Facts
from nuncius.broker.sky.overlap_many import overlap_many
from nuncius.schemas.coincidence import Significance

METHOD: Final = (
    "product: the product of R_i dt_i over the partners, / I of all, times the anchor's rate; "
    "overlap I: Ashton et al. 2018, doi:10.3847/1538-4357/aabfd2, n-fold"
)


def group_overlap(anchor: Facts, partners: Sequence[Found], sky: Regions) -> float | None:
    """Overlap integral of all members that have a localization at hand; None where fewer than two have."""
    located = (anchor.located, *(each.partner.located for each in partners))
    places = [place for alert in located if (place := sky.place(alert)) is not None]
    return overlap_many(places, sky.maps) if len(places) > 1 else None


def group_significance(anchor: Facts, partners: Sequence[Found], overlap: float | None, trials: int) -> Significance:
    """How surprising the anchor with all these partners is.

    The null is ``unrelated_real`` where it is so for any of its pairs, else ``noise_pair``. The rate is the expected
    number times the rate of real events of the anchor's class, or times the anchor's false-alarm rate.

    Parameters
    ----------
    anchor
        The anchor thread.
    partners
        Two or more living pairs, one an event.
    overlap
        Of all members, as `group_overlap` gives it.
    trials
        How many rules the anchor is tried with.
    """
    scores = [each.pair.significance for each in partners]
    real = any(score.null == "unrelated_real" for score in scores)
    notes: list[str] = []
    missing = [each.rule.name for each, score in zip(partners, scores, strict=True) if score.expected_in_time is None]
    targeted = [each.rule.name for each in partners if each.rule.method == "targeted"]
    if missing:
        notes.append(f"no number: no rate of partners of {', '.join(missing)} is known")
    if targeted:
        notes.append(f"no number: the rate of {', '.join(targeted)} is the partner's own and was not set beforehand")
    numbers = [score.expected_in_time for score in scores if score.expected_in_time is not None]
    in_time = None if missing or targeted else math.prod(numbers)
    if overlap is None:
        notes.append("time only: no overlap, as fewer than two events have a localization at hand")
    elif overlap == 0:
        notes.append("positions exclude each other: overlap 0, the chance is not a finite number")
    by_chance = None if in_time is None or overlap == 0 else in_time if overlap is None else in_time / overlap
    per_anchor = _real_rate(anchor, partners) if real else stated_far(anchor.rated, "anchor", notes)
    if per_anchor is None:
        notes.append(
            "no rate of groups: " + ("no rate of real anchors is published" if real else "the anchor states no rate")
        )
    rate = None if by_chance is None or per_anchor is None else by_chance * per_anchor
    sources = dict.fromkeys(score.rate_source for score in scores if score.rate_source)
    return Significance(
        null="unrelated_real" if real else "noise_pair",
        method=METHOD,
        expected_by_chance=by_chance,
        expected_in_time=in_time,
        rate_hz=rate,
        joint_far_hz=None if real else rate,
        rate_source="; ".join(sources),
        trials=trials,
        validity="; ".join(notes) or "valid",
    )


def _real_rate(anchor: Facts, partners: Sequence[Found]) -> float | None:
    event_class = "" if anchor.main is None else anchor.main.event_class
    rates = (each.rule.real_rate_of(event_class) for each in partners)
    return next((rate for rate in rates if rate is not None), None)
