"""What stays of an earlier plan when its map was revised: all of it, the fields that are still good, some, or nothing.

A telescope in the middle of a plan loses time with every change of it, and people who approved it read it anew. So an
earlier plan counts as long as little would be gained without it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from nuncius.broker.planning.composing import Field, Job, compose
from nuncius.broker.planning.search import FADE, NEGLIGIBLE
from nuncius.broker.planning.tally import first_seen

TOLERANCE: Final = 0.05
"""So much less than a plan made anew an earlier one may be worth, and so many of its fields idle; shares, ours."""


SHARES: Final = (1.0, 0.75, 0.5, 0.25)
"""Of the fields that are still good, so many are kept at most; each costs a search more where the one before it is not
worth enough; ours."""


def revised(job: Job, earlier: Sequence[Field]) -> tuple[Field, ...]:
    """The plan of a job that comes after another one, by time.

    Fields that begin before the job does are past, whether taken or not. What was taken is not asked for again because
    a report covers it; what was not is still wanted, behind the fields that are kept.

    1. The earlier plan stands as it is, past fields included, where those to come are worth 0.95 of a plan made anew,
       and no more than one in twenty of them is idle: holds less than the search would look for.
    2. Else its fields to come, idle ones left out, keep their times, and others go where there is room, where this is
       worth as much; else so do those three quarters, halves or quarters of them (`SHARES`) that hold most, the first
       that are worth as much.
    3. Else it is made anew.

    Parameters
    ----------
    job
        With nothing kept.
    earlier
        Fields of the same telescopes, which were within the same limits; of the same exposure.
    """
    anew = compose(job)
    to_come = sorted((one for one in earlier if one.begin >= job.start and _ends(job, one)), key=lambda one: one.order)
    if not anew or not to_come:
        return anew
    fresh = _Plan.of(job, anew)
    floor = (1 - TOLERANCE) * fresh.worth
    least = NEGLIGIBLE * max(fresh.held)
    ahead = _Plan.of(job, to_come)
    best = sorted(zip(ahead.held, ahead.fields, strict=True), key=lambda one: (-one[0], one[1].order))
    good = [field for held, field in best if held >= least]
    whole = all(_ends(job, one) for one in earlier)
    if whole and ahead.worth >= floor and len(good) >= (1 - TOLERANCE) * len(ahead.fields):
        return tuple(sorted(earlier, key=lambda one: one.order))
    for many in dict.fromkeys(int(len(good) * share) for share in SHARES):
        kept = _Plan.of(job, compose(replace(job, kept=tuple(good[:many])))) if many else fresh
        if kept.worth >= floor:
            return kept.fields
    return fresh.fields


def _ends(job: Job, field: Field) -> bool:
    return (job.stop - field.begin).total_seconds() >= job.exposure_s


@dataclass(frozen=True, slots=True)
class _Plan:
    """Fields by time, what each holds that none before it does, and what they are worth: less the later they come."""

    fields: tuple[Field, ...]
    held: tuple[float, ...]
    worth: float

    @classmethod
    def of(cls, job: Job, fields: Sequence[Field]) -> "_Plan":
        held = first_seen(job.sky, job.covered, job.telescopes, fields)
        whole_s = (job.stop - job.start).total_seconds()
        late = [(one.begin - job.start).total_seconds() / whole_s for one in fields]
        return cls(tuple(fields), tuple(held), sum(p * (1 - FADE * part) for p, part in zip(held, late, strict=True)))
