"""Distance along lines of sight, p(r) = N / (sqrt(2 pi) sigma) exp(-(r - mu)^2 / (2 sigma^2)) r^2.

Singer et al. 2016, ApJL 829, L15 (arXiv:1603.07333), their ansatz of a sky map's distance layers. With the scale
taken out, s = r / sigma and a = mu / sigma, everything follows from the truncated moments I_n(a), the integrals over
s > 0 of s^n times the normal density of s - a. Parts of them have closed forms in the normal tail; ratios of
neighbours obey I_(n+1) = a I_n + n I_(n-1), integration by parts.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from nuncius.broker.sky.healpix import BoolArray, FloatArray, IntArray, pixel
from nuncius.broker.sky.normal import normal_density, upper_tail
from nuncius.broker.sky.skymap import Distance, SkyMap

FARTHEST_BELOW: Final = -37.0
"""Smallest mu / sigma: below it the norm exceeds what a double holds."""
LARGEST_MPC: Final = 1e9
SMALLEST_MPC: Final = 1e-6
"""Locations and scales beyond these bounds are no distances; the horizon is at some 1e4 Mpc, a parsec is 1e-6."""
_UPWARD: Final = 3.0
_FRACTION_TERMS: Final = 80
_BISECTIONS: Final = 60
_Component = Callable[[float], FloatArray]


@dataclass(frozen=True, eq=False)
class DistancePosterior:
    """Distance distribution of one source, a mixture of ansatz densities, normalised.

    Parameters
    ----------
    weight
        Of each component, sum 1; shape (k,). Empty where nothing is known of the distance.
    mu, sigma
        Location and scale of each component, Mpc, finite, sigma > 0.
    known
        Share of the probability asked about that has a distance, in [0, 1]; the rest is left out.
    """

    weight: FloatArray
    mu: FloatArray
    sigma: FloatArray
    known: float

    def density(self, distance_mpc: npt.ArrayLike) -> FloatArray:
        """Probability density dP/dr at distances, per Mpc; 0 below zero, NaN where nothing is known."""
        r = np.asarray(distance_mpc, np.float64)
        if not len(self.weight):
            return np.full(r.shape, np.nan)
        return self._mixed(
            r, lambda at: at * at * self._norm * normal_density((at - self.mu) / self.sigma) / self.sigma
        )

    def cdf(self, distance_mpc: npt.ArrayLike) -> FloatArray:
        """Probability of a distance at or below the given ones; NaN where nothing is known."""
        r = np.asarray(distance_mpc, np.float64)
        if not len(self.weight):
            return np.full(r.shape, np.nan)
        return self._mixed(r, lambda at: 1 - beyond(at / self.sigma - self._offset, self._offset) / self._total)

    @property
    def mean_mpc(self) -> float:
        """Expected distance; NaN where nothing is known."""
        return float(self.weight @ self._moments[0]) if len(self.weight) else math.nan

    @property
    def std_mpc(self) -> float:
        """Standard deviation; NaN where nothing is known."""
        if not len(self.weight):
            return math.nan
        mean, std = self._moments
        return math.sqrt(float(self.weight @ (std**2 + (mean - self.mean_mpc) ** 2)))

    def quantile(self, probability: npt.ArrayLike) -> FloatArray:
        """Distances below which probabilities lie, Mpc: bisection to the last bit; inf for 1, NaN where nothing is
        known.

        Raises
        ------
        ValueError
            A probability lies outside [0, 1].
        """
        wanted = np.asarray(probability, np.float64)
        if not np.all((wanted >= 0) & (wanted <= 1)):
            raise ValueError("a probability lies outside [0, 1]")
        if not len(self.weight):
            return np.full(wanted.shape, np.nan)
        far = float(np.max(np.maximum(self.mu, 0) + 40 * self.sigma))
        low, high = np.zeros(wanted.shape), np.full(wanted.shape, far)
        for _ in range(64):
            middle = 0.5 * (low + high)
            below = self.cdf(middle) < wanted
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.where(wanted == 1, np.inf, np.where(wanted == 0, 0.0, high))

    @property
    def _norm(self) -> FloatArray:
        return 1 / (self.sigma**2 * self._total)

    @cached_property
    def _offset(self) -> FloatArray:
        return self.mu / self.sigma

    @cached_property
    def _total(self) -> FloatArray:
        return second_moment(self._offset)

    @cached_property
    def _moments(self) -> tuple[FloatArray, FloatArray]:
        return moments(self.mu, self.sigma)

    def _mixed(self, r: FloatArray, of: _Component) -> FloatArray:
        """Mixture of a function of the components, one distance at a time; 0 below zero."""
        flat = r.reshape(-1)
        values = np.array([float(self.weight @ of(at)) if at > 0 else 0.0 for at in flat.tolist()])
        out: FloatArray = np.clip(values, 0, None).reshape(r.shape)
        return out


def line_of_sight(sky: SkyMap, ra: float, dec: float) -> DistancePosterior:
    """Distance of a source in a direction (ICRS degrees): one component, or none."""
    return within(sky, sky.tile(pixel([ra], [dec])))


def within(sky: SkyMap, tiles: IntArray, part: FloatArray | None = None) -> DistancePosterior:
    """Distance of a source inside a set of tiles, each counted with its probability.

    Parameters
    ----------
    sky
        The map.
    tiles
        Indices of tiles, as `SkyMap.tile` gives them; -1, outside the map, counts for nothing.
    part
        Share of each tile that belongs to the region, in [0, 1]; all of it where left out.
    """
    inside = tiles >= 0
    tiles = tiles[inside]
    share = np.ones(len(tiles)) if part is None else part[inside]
    probability = sky.density[tiles] * sky.solid_angle_sr[tiles] * share
    held = float(probability.sum())
    mu, sigma, _ = layers(sky)
    good = stated(sky)[tiles] & (probability > 0)
    kept = probability[good]
    total = float(kept.sum())
    if not total > 0:
        return DistancePosterior(np.zeros(0), np.zeros(0), np.zeros(0), 0.0)
    return DistancePosterior(kept / total, mu[tiles[good]], sigma[tiles[good]], total / held)


def whole_sky(sky: SkyMap) -> DistancePosterior:
    """Distance of a source anywhere in the map."""
    return within(sky, np.arange(sky.tiles))


def layers(sky: SkyMap) -> Distance:
    """Distance layers; those of a map without any say nothing: infinite location, unit scale, norm zero."""
    mu, sigma, norm = sky.distance_mu, sky.distance_sigma, sky.distance_norm
    if mu is None or sigma is None or norm is None:
        return Distance(np.full(sky.tiles, np.inf), np.ones(sky.tiles), np.zeros(sky.tiles))
    return Distance(mu, sigma, norm)


def stated(sky: SkyMap) -> BoolArray:
    """Which tiles have a distance: norm positive and finite, mu and sigma in bounds, mu / sigma above -37."""
    mu, sigma, norm = layers(sky)
    sound = np.isfinite(norm) & (norm > 0) & _sound(mu, sigma)
    return sound & (mu > FARTHEST_BELOW * np.where(sound, sigma, 1.0))


def beyond(z: FloatArray, offset: FloatArray) -> FloatArray:
    """Integral of (offset + t)^2 times the standard normal density over t > z.

    By parts: (1 + a^2) Q(z) + (2 a + z) phi(z), with Q the normal tail and phi its density.
    """
    return (1 + offset * offset) * upper_tail(z) + (2 * offset + z) * normal_density(z)


def second_moment(offset: FloatArray) -> FloatArray:
    """I_2, the integral of the ansatz in units of sigma^2 / N: norm = 1 / (sigma^2 I_2)."""
    whole = beyond(-offset, offset)
    far = offset < -_UPWARD
    low = offset[far]
    whole[far] = upper_tail(-low) * _ratio(low, 1) * _ratio(low, 2)
    return whole


def moments(mu: FloatArray, sigma: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of ansatz densities, Mpc, arrays of one shape; NaN where a layer says nothing."""
    sound = _sound(mu, sigma)
    offset = np.divide(mu, sigma, out=np.zeros(mu.shape), where=sound)
    sound &= offset >= FARTHEST_BELOW
    offset, scale = np.where(sound, offset, 0.0), np.where(sound, sigma, 1.0)
    second, third, fourth = _ratio(offset, 2), _ratio(offset, 3), _ratio(offset, 4)
    mean = scale * third
    # the same variance twice: neither form loses its digits where it is used
    variance = np.where(offset > 0, 3 - 2 * third / second, third * (fourth - third))
    std = scale * np.sqrt(np.maximum(variance, 0.0))
    return np.where(sound, mean, np.nan), np.where(sound, std, np.nan)


def from_moments(mean: FloatArray, std: FloatArray) -> Distance:
    """Layers with given means and standard deviations (Mpc); infinite, 1 and 0 where the ansatz has none such.

    std / mean falls with mu / sigma from 3^-1/2 on, so it has one root, found by bisection.
    """
    ratio = np.divide(std, mean, out=np.full(mean.shape, np.inf), where=(mean > 0) & (std > 0))
    lowest = moments(np.array([FARTHEST_BELOW]), np.ones(1))
    sound = (ratio < lowest[1][0] / lowest[0][0]) & np.isfinite(mean) & (ratio > 0)
    wanted = np.where(sound, ratio, 0.25)
    # as mean >= mu + 2 sigma^2 / mean and std <= sigma the root lies below 1 / ratio
    low, high = np.full(wanted.shape, FARTHEST_BELOW), 1 / wanted + 1
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        mean_there, std_there = moments(middle, np.ones(middle.shape))
        above = std_there > wanted * mean_there
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    offset = 0.5 * (low + high)
    sigma = np.where(sound, mean, 1.0) / _ratio(offset, 3)
    norm = 1 / (sigma**2 * second_moment(offset))
    return Distance(np.where(sound, offset * sigma, np.inf), np.where(sound, sigma, 1.0), np.where(sound, norm, 0.0))


def normalised(mu: FloatArray, sigma: FloatArray) -> FloatArray:
    """Norm of ansatz densities, Mpc^-2; arguments finite, sigma > 0, mu / sigma > -37."""
    out: FloatArray = 1 / (sigma**2 * second_moment(mu / sigma))
    return out


def _sound(mu: FloatArray, sigma: FloatArray) -> BoolArray:
    return (np.abs(mu) <= LARGEST_MPC) & (sigma >= SMALLEST_MPC) & (sigma <= LARGEST_MPC)


def _ratio(offset: FloatArray, order: int) -> FloatArray:
    """I_n / I_(n-1) of truncated moments.

    Upwards from Q and phi the recurrence is stable for a > 0; for a < -3 it is run downwards as the continued fraction
    n / (|a| + (n + 1) / (|a| + ...)).
    """
    above = np.maximum(offset, -_UPWARD)
    out = above + normal_density(above) / upper_tail(-above)
    for n in range(1, order):
        out = above + n / out
    far = offset < -_UPWARD
    below = -offset[far]
    down = np.zeros(below.shape)
    for n in range(order + _FRACTION_TERMS, order - 1, -1):
        down = n / (below + down)
    out[far] = down
    return out
