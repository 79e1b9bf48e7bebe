"""AMON's combination of streams that give p-values: one statistic, a false-alarm rate by its published map.

Formulas and constants as in AmonPy, `amonpy/analyses/ICHAWC.py` and `antares_hawc.py`, `anal/analysis.py`; rates a
year. Functions only: an `Alert` has no field for a p-value, so no rule can be scored by them yet.
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from nuncius.broker.sky.healpix import vectors

NEUTRINO_RATE_HZ: Final = 0.0066887
"""IceCube's singlets over the whole sky, Hz: ICHAWC.py."""

SEARCH_RADIUS_DEG: Final = 3.5
"""Neutrinos are taken within so many degrees of the HAWC position: ICHAWC.py."""

PUBLIC_FAR_PER_YEAR: Final = 4.0
"""Alerts are public up to this rate, inclusive: ICHAWC.py."""


class FarMap(NamedTuple):
    """FAR a year = 10^(slope x + offset), x = -log10 of the chance of so large a chi2."""

    slope: float
    offset: float


ICECUBE_HAWC: Final = FarMap(-0.70, 5.27)
"""ICHAWC.py, in use from 2023-02-16."""

ANTARES_HAWC: Final = FarMap(-0.81, 2.31)
"""antares_hawc.py."""


class Located(NamedTuple):
    """A position, ICRS degrees, with the sigma of its circular Gaussian in degrees, > 0."""

    ra: float
    dec: float
    sigma_deg: float


class Combined(NamedTuple):
    """AMON's statistic: chi2, its degrees of freedom, x = -log10 P(chi2 or more), false alarms a year."""

    chi2: float
    dof: int
    x: float
    far_per_year: float


def p_cluster(neutrinos: int, transit_s: float) -> float:
    """Chance of as many neutrinos in a HAWC transit: 1 for one, else P(Poisson > N - 2) (ICHAWC.py).

    The mean is 0.0066887 Hz T (1 - cos 3.5 deg) / 2: the first neutrino is there by selection.

    Raises
    ------
    ValueError
        If there is no neutrino or the transit is not a finite number >= 0.
    """
    if neutrinos < 1 or not (transit_s >= 0 and math.isfinite(transit_s)):
        raise ValueError(f"{neutrinos} neutrinos in {transit_s} s: give at least one, and a finite time >= 0")
    if neutrinos == 1:
        return 1.0
    mean = NEUTRINO_RATE_HZ * transit_s * math.sin(math.radians(SEARCH_RADIUS_DEG) / 2) ** 2
    # the tail itself, not one minus the rest, which would lose small chances
    term = _poisson(neutrinos - 1, mean)
    total, n = 0.0, neutrinos - 1
    while term > total * 1e-17:
        total += term
        n += 1
        term *= mean / n
    return total


def combined(p_space: float, p_gamma: float, p_cluster: float, p_neutrinos: Sequence[float], far: FarMap) -> Combined:
    """chi2 = -2 ln(p_space p_gamma p_cluster prod p_nu), 6 + 2 n degrees of freedom (Fisher's method), and its rate.

    Parameters
    ----------
    p_space, p_gamma, p_cluster
        Chance of positions that agree as well; of as strong a gamma-ray excess; of as many neutrinos. In (0, 1].
    p_neutrinos
        Chance of each neutrino by its energy, in (0, 1]; at least one.
    far
        `ICECUBE_HAWC` or `ANTARES_HAWC`.

    Raises
    ------
    ValueError
        If a chance is not in (0, 1] or there is no neutrino.
    """
    chances = (p_space, p_gamma, p_cluster, *p_neutrinos)
    if not p_neutrinos or not all(0 < p <= 1 for p in chances):
        raise ValueError(f"chances {chances}: give p_space, p_gamma, p_cluster and at least one more, each in (0, 1]")
    chi2 = -2 * math.fsum(math.log(p) for p in chances)
    dof = 6 + 2 * len(p_neutrinos)
    x = -_log10_tail(chi2, dof // 2)
    return Combined(chi2, dof, x, 10 ** (far.slope * x + far.offset))


def position(places: Sequence[Located]) -> Located:
    """Where the product of circular Gaussians is highest, with sigma = (sum 1 / s^2)^-1/2 (ICHAWC.py).

    On the sphere the direction of sum n / s^2: exact for Fisher distributions of concentration 1 / s^2.

    Raises
    ------
    ValueError
        If there is no place, a sigma is not > 0, or the places cancel.
    """
    if not places or not all(place.sigma_deg > 0 and math.isfinite(place.sigma_deg) for place in places):
        raise ValueError(f"{len(places)} places: give at least one, each with a finite sigma > 0")
    weights = np.array([place.sigma_deg**-2 for place in places])
    directions = vectors(np.array([place.ra for place in places]), np.array([place.dec for place in places]))
    x, y, z = weights @ directions
    if math.hypot(x, y, z) <= 1e-9 * float(weights.sum()):
        raise ValueError("the places cancel: they have no common direction")
    ra = math.degrees(math.atan2(y, x)) % 360
    return Located(ra, math.degrees(math.atan2(z, math.hypot(x, y))), float(weights.sum()) ** -0.5)


def search_volume_sr_s(window_s: float, radius_deg: float) -> float:
    """V = dt 2 pi (1 - cos r), steradian seconds (anal/analysis.py).

    Raises
    ------
    ValueError
        If the window is not a finite number >= 0 or the radius not in [0, 180].
    """
    if not (window_s >= 0 and math.isfinite(window_s) and 0 <= radius_deg <= 180):
        raise ValueError(f"window {window_s} s, radius {radius_deg} deg: give a time >= 0 and an angle in [0, 180]")
    return window_s * 4 * math.pi * math.sin(math.radians(radius_deg) / 2) ** 2


def far_density(counts: Sequence[int], rates_per_sr_s: Sequence[float], volume_sr_s: float) -> float:
    """False alarms per steradian and second: prod_k Poisson(n_k; rate_k V) / V (anal/analysis.py, far_density).

    Raises
    ------
    ValueError
        If there are not as many counts as rates, one is negative, or the volume is not > 0.
    """
    if len(counts) != len(rates_per_sr_s) or min((*counts, *rates_per_sr_s), default=-1) < 0 or not volume_sr_s > 0:
        raise ValueError("give as many counts as rates, all >= 0, and a volume > 0")
    means = [rate * volume_sr_s for rate in rates_per_sr_s]
    chances = (_poisson(n, mean) for n, mean in zip(counts, means, strict=True))
    return math.prod(chances) / volume_sr_s


def doublet_density(rate1_per_sr_s: float, rate2_per_sr_s: float, volume_sr_s: float) -> float:
    """The limit of `far_density` for one event of each of two rare streams, r1 r2 V, per steradian and second."""
    return rate1_per_sr_s * rate2_per_sr_s * volume_sr_s


def _poisson(count: int, mean: float) -> float:
    """Probability of exactly so many; by logarithms, as powers and factorials leave the range of a double."""
    if mean == 0:
        return 1.0 if count == 0 else 0.0
    return math.exp(count * math.log(mean) - mean - math.lgamma(count + 1))


def _log10_tail(chi2: float, half_dof: int) -> float:
    """log10 of P(X >= chi2) for an even number of degrees of freedom: e^-h sum_{k < m} h^k / k!, h = chi2 / 2."""
    half = chi2 / 2
    terms = [0.0] + [k * math.log(half) - math.lgamma(k + 1) for k in range(1, half_dof)] if half > 0 else [0.0]
    top = max(terms)
    return (top + math.log(math.fsum(math.exp(term - top) for term in terms)) - half) / math.log(10)
