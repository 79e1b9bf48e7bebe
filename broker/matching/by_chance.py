"""How many unrelated objects pass the cuts of a candidate list, measured where the survey looked before the event."""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from nuncius.broker.matching.looks import CELL_DEG2, CELL_ORDER, CELLS, cells_at, night_of
from nuncius.broker.matching.rates import poisson_interval
from nuncius.broker.matching.rules import CandidateRule
from nuncius.broker.matching.store import DAY_US, CoverageRows, Look
from nuncius.broker.matching.threads import microseconds
from nuncius.broker.sky.healpix import BoolArray, FloatArray, IntArray
from nuncius.schemas.coincidence import Counterpart


class ByChance(NamedTuple):
    """Expected number of unrelated objects, its 68 % interval, and how it was measured; None where it cannot be."""

    expected: float | None
    low: float | None
    high: float | None
    method: str


def by_chance(rule: CandidateRule, objects: Iterable[Counterpart], coverage: CoverageRows) -> ByChance:
    """The number expected in the on window, from the objects and the looks of the control window.

    In a cell that a survey looked at on n nights of the control window and m nights of the on window, and where k
    objects were first seen on those n nights, m k / n are expected: that is unbiased whatever the density is there, if
    new objects are as many on every night looked. The sum over cells and surveys, sum(w k) with w = m / n,
    has the interval of Dobson et al. 1991 (Statistics in Medicine 10, 457): sum(w k) + (L - K) (sum(w2 k) / K)^1/2,
    with L an end of the exact Poisson interval of K = sum(k). Where K is 0, sum(w2 k) / K is taken as its expectation
    under one density, sum(w2 n) / sum(n). A cell not looked at in the control window has no density.

    Parameters
    ----------
    rule
        Its windows are told.
    objects
        Each once, both arms.
    coverage
        By survey, arm and night: the cells looked at.
    """
    days = f"{rule.control_us / DAY_US:g} days before the event"
    if not rule.control_us:
        return ByChance(None, None, None, f"the rule {rule.name} has no control window")
    surveys = sorted({look.survey: None for look in coverage})
    counts = {survey: _Counts.of(survey, coverage) for survey in surveys}
    after = sum(int(c.on.sum()) for c in counts.values())
    if not after:
        return ByChance(None, None, None, "no row tells that a survey looked there in the window: nothing to compare")
    held = sum(int(c.on[c.both].sum()) for c in counts.values())
    if not held:
        return ByChance(
            None, None, None, f"no cell of the region was looked at in the {days} and in the window: density undefined"
        )
    total, square, counted, outside = 0.0, 0.0, 0, 0
    rows = sorted(objects, key=lambda row: row.thread_id)
    cells = cells_at(np.array([row.ra for row in rows]), np.array([row.dec for row in rows])).tolist()
    for row, cell in zip(rows, cells, strict=True):
        at = counts.get(row.survey)
        known = at is not None and bool(at.both[cell])
        first = Look(row.survey, row.arm, night_of(microseconds(row.first_time)))
        if row.arm == "on":
            outside += not known
        elif at is not None and known and cell in coverage.get(first, ()):
            weight = float(at.weight[cell])
            total, square, counted = total + weight, square + weight**2, counted + 1
    looked = sum(int(c.control[c.both].sum()) for c in counts.values())
    typical = sum(float(np.sum(c.weight[c.both] ** 2 * c.control[c.both])) for c in counts.values()) / looked
    scale = math.sqrt(square / counted if counted else typical)
    low, high = (total + scale * (end - counted) for end in poisson_interval(counted))
    said = (
        f"{counted} objects first seen in the {days} under the same cuts, where a survey looked in both windows: "
        f"{looked} cell-nights before, {held} after ({CELL_DEG2:.3g} deg2, HEALPix order {CELL_ORDER}); assumes as "
        f"many new objects each night looked"
    )
    if held < after:
        said += (
            f"; without {1 - held / after:.0%} of the cell-nights after, where nobody looked before (density "
            f"undefined; {outside} of the objects that passed)"
        )
    return ByChance(total, max(0.0, low), high, said)


class _Counts(NamedTuple):
    """Of one survey: nights looked at each cell, in either window."""

    control: IntArray
    on: IntArray

    @classmethod
    def of(cls, survey: str, coverage: CoverageRows) -> "_Counts":
        return cls(_nights(survey, "control", coverage), _nights(survey, "on", coverage))

    @property
    def both(self) -> BoolArray:
        return np.asarray((self.control > 0) & (self.on > 0))

    @property
    def weight(self) -> FloatArray:
        return np.asarray(self.on / np.maximum(self.control, 1), np.float64)


def _nights(survey: str, arm: str, coverage: CoverageRows) -> IntArray:
    seen = [cells for look, cells in coverage.items() if look.survey == survey and look.arm == arm]
    return np.bincount(np.concatenate(seen), minlength=CELLS) if seen else np.zeros(CELLS, np.int64)
