"""Calibration: whether what is stated to happen at a rate does happen at that rate.

A chance pair states how often a pair as good or better comes by chance. Over a livetime T the number of pairs that
state at most x must then be x T. Pairs of slides share events, so their counts are no independent Poisson numbers:
one global test carries the covariance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nuncius.schemas.vocabulary import Null

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Side = Literal["equal", "not_above"]

DRAWS: Final = 20_000
"""Simulations of the global test: its p-value is known to 0.1 % at 0.01 (binomial)."""

LOSS: Final = 0.01
"""Rates are tested up to where at most this share of the pairs is missing because the stream has a cap."""

_RUNGS: Final = 12
_RUNG: Final = 10**0.25
_FEWEST: Final = 25.0
"""Effective number of pairs from which the mean of I is tested: (sum I)^2 / sum I^2."""


class ChancePair(NamedTuple):
    """A pair that a slide made, at its best over all revisions.

    Parameters
    ----------
    slide
        Number of the slide.
    anchor, partner
        Which group of events each belongs to: pairs that share one are not independent.
    null
        What the stated rate answers.
    stated_hz
        `Significance.rate_hz`: the product FAR / I or, where the anchor is real, the rate of unrelated pairs. Infinite
        where the positions exclude each other.
    overlap
        Overlap integral I; None where the sky was not used.
    most_hz
        The rate it would state with its anchor at the highest false-alarm rate that the stream passes on.
    """

    slide: int
    anchor: int
    partner: int
    null: Null
    stated_hz: float
    overlap: float | None
    most_hz: float


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Measured against stated rate, Hz; one element a pair, sorted by stated rate.

    Parameters
    ----------
    stated_hz, measured_hz
        Threshold, and the rate of pairs that state at most that.
    low_hz, high_hz
        68 % interval of a Poisson count (one-sided 84.13 % limits); neighbours are correlated.
    """

    stated_hz: Floats
    measured_hz: Floats
    low_hz: Floats
    high_hz: Floats


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the global test says.

    Parameters
    ----------
    side
        ``equal``: measured is stated. ``not_above``: stated is a bound.
    p_value
        Chance of so large a departure where the statement holds; None where no rate could be tested.
    complete_hz
        Highest stated rate that was tested.
    observed, expected
        Pairs that state at most that, and how many should.
    floor_hz
        Lowest rate that this livetime can measure: 1 / T, T summed over the slides.
    """

    side: Side
    p_value: float | None
    complete_hz: float
    observed: int
    expected: float
    floor_hz: float


class MeanOverlap(NamedTuple):
    """Mean of I over chance pairs, its standard error, and p-value (None where too few pairs carry it)."""

    mean: float
    error: float
    p_value: float | None


def curve(pairs: Sequence[ChancePair], livetime_s: float) -> Curve:
    """Cumulative rate of pairs at each finite stated rate.

    Raises
    ------
    ValueError
        If the livetime is not above 0.
    """
    if not livetime_s > 0:
        raise ValueError(f"livetime {livetime_s} s: no slide has both streams up")
    stated = np.sort(np.array([pair.stated_hz for pair in pairs if np.isfinite(pair.stated_hz)], float))
    count = np.searchsorted(stated, stated, side="right").astype(float)
    low, high = poisson_limits(count)
    return Curve(stated, count / livetime_s, low / livetime_s, high / livetime_s)


def poisson_limits(count: Floats) -> tuple[Floats, Floats]:
    """One-sided 84.13 % limits of the mean of a Poisson count (Gehrels 1986, ApJ 303, 336, eqs. 9 and 12, S = 1).

    Low is 0 for a count of 0. Against the exact limits 2 % or better for counts above 0.
    """
    above = count + 1
    high = above * (1 - 1 / (9 * above) + 1 / (3 * np.sqrt(above))) ** 3
    some = np.maximum(count, 1)
    low = some * (1 - 1 / (9 * some) - 1 / (3 * np.sqrt(some))) ** 3
    return np.where(count > 0, low, 0.0), high


def complete_hz(pairs: Sequence[ChancePair], loss: float = LOSS) -> float:
    """Highest stated rate, Hz, up to which a stream with a cap still shows all but ``loss`` of the pairs; 0 without.

    A stream that ends at FAR_max states at most m = R dt FAR_max / I for a pair. Of the pairs that should state at
    most x the share mean(min(1, x/m)) / mean(x/m) is there.
    """
    most = np.sort([pair.most_hz for pair in pairs if pair.most_hz > 0 and np.isfinite(pair.most_hz)])
    if not len(most):
        return 0.0
    inverse = 1 / most
    below = np.arange(1, len(most) + 1)
    rest = np.sum(inverse) - np.cumsum(inverse)
    there = (below + most * rest) / (most * np.sum(inverse))
    whole = np.flatnonzero(there >= 1 - loss)
    return float(most[whole[-1]]) if len(whole) else float(most[0])


def highest_hz(pairs: Sequence[ChancePair]) -> float:
    """Highest finite stated rate, Hz; 0 without."""
    return max((pair.stated_hz for pair in pairs if np.isfinite(pair.stated_hz)), default=0.0)


def global_test(
    pairs: Sequence[ChancePair], livetime_s: float, top_hz: float, side: Side, seed: int, draws: int = DRAWS
) -> Verdict:
    """One test over all stated rates up to ``top_hz``.

    The statistic is the largest departure of the cumulative counts from x T, in standard deviations, over rungs a
    quarter of a decade apart that expect at least one pair. Its distribution is simulated: Poisson counts whose means
    vary together as events shared by pairs make them, the variance of two-way clusters (Cameron, Gelbach and Miller
    2011, doi:10.1198/jbes.2010.07136, eq. 2.3) less its Poisson part.

    Parameters
    ----------
    pairs
        Of one rule and null.
    livetime_s
        Summed over the slides.
    top_hz
        From `complete_hz`.
    side
        Whether a deficit counts, too.
    seed, draws
        Of the simulation.

    Raises
    ------
    ValueError
        If the livetime is not above 0.
    """
    if not livetime_s > 0:
        raise ValueError(f"livetime {livetime_s} s: no slide has both streams up")
    rungs = top_hz * _RUNG ** -np.arange(_RUNGS - 1.0, -1.0, -1.0)
    rungs = rungs[rungs * livetime_s >= 1]
    used = [pair for pair in pairs if pair.stated_hz <= top_hz]
    expected = top_hz * livetime_s
    if not len(rungs):
        return Verdict(side, None, top_hz, len(used), expected, 1 / livetime_s)
    mean = np.diff(rungs * livetime_s, prepend=0.0)
    place = np.searchsorted(rungs, [pair.stated_hz for pair in used])
    count = np.bincount(place, minlength=len(rungs)).astype(float)
    excess = _excess(used, place, len(rungs)) * (expected / max(len(used), 1)) ** 2
    values, axes = np.linalg.eigh(excess)
    root = axes * np.sqrt(np.maximum(values, 0.0))
    spread = np.sqrt(np.cumsum(mean) + np.diag(_cumulated(root @ root.T)))
    random = np.random.default_rng(seed)
    wander = random.standard_normal((draws, len(rungs))) @ root.T
    made = random.poisson(np.maximum(mean + wander, 0.0))
    observed = _departure(count[None, :], mean, spread, side)[0]
    beyond = int(np.sum(_departure(made, mean, spread, side) >= observed))
    return Verdict(side, (beyond + 1) / (draws + 1), top_hz, len(used), expected, 1 / livetime_s)


def mean_overlap(pairs: Sequence[ChancePair], seed: int, draws: int = DRAWS) -> MeanOverlap | None:
    """Whether I is 1 in the mean over chance pairs, as FAR / I needs; None where no pair has an overlap.

    The error is that of two-way clusters, as in `global_test`. Where a few pairs carry the sum, nothing is tested.
    """
    known = [pair for pair in pairs if pair.overlap is not None]
    if not known:
        return None
    overlap = np.array([pair.overlap for pair in known], float)
    number, mean = len(overlap), float(np.mean(overlap))
    off = overlap - mean
    keys = [np.array([pair.anchor for pair in known]), np.array([pair.partner for pair in known])]
    both = np.unique(np.stack(keys, 1), axis=0, return_inverse=True)[1].ravel()
    one, two, shared = (float(np.sum(np.bincount(_ranked(key), off) ** 2)) for key in (*keys, both))
    error = float(np.sqrt(max(one + two - shared, float(np.sum(off**2))))) / number
    square = float(np.sum(overlap**2))
    if square == 0 or error == 0 or float(np.sum(overlap)) ** 2 / square < _FEWEST:
        return MeanOverlap(mean, error, None)
    made = np.abs(np.random.default_rng(seed).standard_normal(draws))
    return MeanOverlap(mean, error, (int(np.sum(made >= abs(mean - 1) / error)) + 1) / (draws + 1))


def _departure(counts: NDArray[np.float64] | Ints, mean: Floats, spread: Floats, side: Side) -> Floats:
    away = (np.cumsum(counts, axis=1) - np.cumsum(mean)) / spread
    farthest: Floats = np.max(away if side == "not_above" else np.abs(away), axis=1)
    return farthest


def _cumulated(matrix: Floats) -> Floats:
    return np.cumsum(np.cumsum(matrix, axis=0), axis=1)


def _excess(pairs: Sequence[ChancePair], place: Ints, rungs: int) -> Floats:
    """Covariance of the counts a rung beyond that of independent pairs."""
    if not pairs:
        return np.zeros((rungs, rungs))
    anchors, partners = (np.array([pair[k] for pair in pairs]) for k in (1, 2))
    both = np.unique(np.stack([anchors, partners], 1), axis=0, return_inverse=True)[1].ravel()
    found = _products(anchors, place, rungs) + _products(partners, place, rungs) - _products(both, place, rungs)
    return found - np.diag(np.bincount(place, minlength=rungs).astype(float))


def _products(key: Ints, place: Ints, rungs: int) -> Floats:
    """Sum over groups of the products of their counts."""
    group = _ranked(key)
    table = np.bincount(group * rungs + place, minlength=(int(group.max()) + 1) * rungs).reshape(-1, rungs)
    return (table.T @ table).astype(np.float64)


def _ranked(key: Ints) -> Ints:
    return np.unique(key, return_inverse=True)[1].ravel().astype(np.int64)
