"""Localization in space: credible levels and volumes in three dimensions, without voxels.

In a tile of density rho (per steradian) the probability per volume is rho N / (sqrt(2 pi) sigma) exp(-(r - mu)^2 / (2
sigma^2)), the ansatz of Singer et al. 2016 (ApJL 829, L15) without its r^2. Where it exceeds a threshold r lies in
one interval around mu, and both the probability and the volume of that interval have closed forms: a sum over tiles
is exact, nothing is ranked. Space is Euclidean.
"""

import math
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from nuncius.broker.sky.distance import layers, second_moment, stated
from nuncius.broker.sky.healpix import BoolArray, FloatArray, pixel
from nuncius.broker.sky.normal import upper_tail
from nuncius.broker.sky.skymap import SkyMap

EXACT_POINTS: Final = 128
"""Up to so many different densities each is summed over the tiles; for more the table is asked."""
TABLE_TOLERANCE: Final = 1e-4
"""Largest difference between table and sum in the middle of the table's steps; elsewhere up to 3.3e-4 was measured."""
_TABLE_START: Final = 33
_TABLE_MOST: Final = 4096
_ALL_BUT: Final = 1e-9
_STEPS: Final = 100
_LEVEL_ROUNDING: Final = 1e-12
_LOWEST: Final = 2000.0
_NEGLIGIBLE: Final = 1e-12
"""Probability that the lightest tiles may hold together to be left out of levels (never of volumes)."""
_WHOLE_ABOVE: Final = 50.0
"""A tile whose peak is exp(50) times denser than a threshold lies above it, but for 1e-16 of its probability."""


class _Tiles(NamedTuple):
    """Tiles with a distance, by falling largest density."""

    peak: FloatArray
    """Natural logarithm of the largest density in the tile, per Mpc^3."""
    at_mu: FloatArray
    """The same at r = mu, which for mu < 0 lies outside space."""
    offset: FloatArray
    """mu / sigma."""
    sigma: FloatArray
    solid_angle_sr: FloatArray
    probability: FloatArray
    """Of all tiles with a distance: sums to 1."""
    whole: FloatArray
    """Integral of the ansatz over r > 0, in units of sigma^2 / N."""


class Volume:
    """A map in space, prepared once for many questions.

    Tiles without a distance (`distance.stated`) hold no place in space: levels and volumes are of the rest, `known`
    is its probability. Norms are computed anew, so that each tile keeps its probability on the sky.

    Parameters
    ----------
    sky
        The map.

    Raises
    ------
    ValueError
        No tile with probability has a distance.
    """

    def __init__(self, sky: SkyMap) -> None:
        mu, sigma, _ = layers(sky)
        kept = np.flatnonzero(stated(sky) & (sky.density > 0))
        if not len(kept):
            raise ValueError("the sky map has no distances: ask for levels and areas on the sky")
        held = (sky.density * sky.solid_angle_sr)[kept]
        mu, sigma = mu[kept], sigma[kept]
        offset = mu / sigma
        whole = second_moment(offset)
        self.known = float(held.sum())
        density = sky.density[kept] / self.known
        at_mu = np.log(density) - np.log(math.sqrt(2 * math.pi) * sigma**3 * whole)
        peak = at_mu - 0.5 * np.minimum(offset, 0.0) ** 2
        order = np.argsort(-peak, kind="stable")
        columns = (peak, at_mu, offset, sigma, sky.solid_angle_sr[kept], held / self.known, whole)
        self._tiles = _Tiles(*(column[order] for column in columns))
        rising = np.sort(self._tiles.probability)
        light = rising[np.searchsorted(np.cumsum(rising), _NEGLIGIBLE)]
        self._summed = _Tiles(*(column[self._tiles.probability >= light] for column in self._tiles))
        self._held = np.concatenate(([0.0], np.cumsum(self._summed.probability)))
        self._sky = sky
        self._row = np.full(sky.tiles + 1, -1)
        self._row[kept[order]] = np.arange(len(kept))

    def density(self, ra: npt.ArrayLike, dec: npt.ArrayLike, distance_mpc: npt.ArrayLike) -> FloatArray:
        """Probability per Mpc^3 at points (ICRS degrees, Mpc): arrays that broadcast; 0 where the map knows no
        distance.

        Raises
        ------
        ValueError
            A position is not on the sky, or a distance is negative or not finite.
        """
        return np.exp(self._log_density(ra, dec, distance_mpc))

    def credible_level(self, ra: npt.ArrayLike, dec: npt.ArrayLike, distance_mpc: npt.ArrayLike) -> FloatArray:
        """Probability of all space at least as dense as each point, in [0, 1]; 1 where the map knows no distance.

        Exact but for rounding for up to `EXACT_POINTS` different densities; more are interpolated in a table of the
        same sums, which was tried to `TABLE_TOLERANCE`, and stay in the order of their densities.

        Raises
        ------
        ValueError
            As for `density`.
        """
        log_density = self._log_density(ra, dec, distance_mpc)
        inside = log_density > -np.inf
        level = np.ones(log_density.shape)
        different, place = np.unique(log_density[inside], return_inverse=True)
        found = self._levels(different) if len(different) <= EXACT_POINTS else self._table(different)
        level[inside] = found[place]
        return level

    def searched(self, ra: npt.ArrayLike, dec: npt.ArrayLike, distance_mpc: npt.ArrayLike) -> FloatArray:
        """Volume of all space at least as dense as each point, Mpc^3, summed for each; inf where no distance is known.

        Raises
        ------
        ValueError
            As for `density`.
        """
        log_density = self._log_density(ra, dec, distance_mpc)
        flat = [self._volume(value) if value > -math.inf else math.inf for value in log_density.reshape(-1).tolist()]
        return np.array(flat).reshape(log_density.shape)

    def volume(self, level: npt.ArrayLike) -> FloatArray:
        """Volume of the smallest part of space that holds each probability, Mpc^3; inf for 1.

        Raises
        ------
        ValueError
            A level lies outside [0, 1].
        """
        wanted = np.asarray(level, np.float64)
        if not np.all((wanted >= 0) & (wanted <= 1)):
            raise ValueError("a credible level lies outside [0, 1]")
        flat = [self._holding(value) for value in wanted.reshape(-1).tolist()]
        return np.array(flat).reshape(wanted.shape)

    def _log_density(self, ra: npt.ArrayLike, dec: npt.ArrayLike, distance_mpc: npt.ArrayLike) -> FloatArray:
        r = np.asarray(distance_mpc, np.float64)
        if not np.all(np.isfinite(r) & (r >= 0)):
            raise ValueError("a distance is negative or not finite: give Mpc")
        row, r = np.broadcast_arrays(self._row[self._sky.tile(pixel(ra, dec))], r)
        tiles = self._tiles
        with np.errstate(over="ignore"):  # of distances beyond 1e154 sigma: no density there
            value = tiles.at_mu[row] - 0.5 * (r / tiles.sigma[row] - tiles.offset[row]) ** 2
        return np.where(row >= 0, value, -np.inf)

    def _level(self, threshold: float) -> float:
        first = int(np.searchsorted(-self._summed.peak, -(threshold + _WHOLE_ABOVE), side="right"))
        tiles, low, high = _intervals(self._summed, threshold, first)
        # the lower end is either -high, or r = 0 and nothing is missing below
        tail_density = np.exp(-0.5 * high * high) / math.sqrt(2 * math.pi)
        tail = upper_tail(high)
        square = 1 + tiles.offset * tiles.offset
        above = square * tail + (2 * tiles.offset + high) * tail_density
        below = np.maximum(tiles.whole - (square * (1 - tail) + (2 * tiles.offset - high) * tail_density), 0.0)
        missing = above + np.where(low > -tiles.offset, below, 0.0)
        partly = float(np.sum(tiles.probability * np.clip(1 - missing / tiles.whole, 0.0, 1.0)))
        return min(1.0, float(self._held[first]) + partly)

    def _levels(self, thresholds: FloatArray) -> FloatArray:
        return np.array([self._level(value) for value in thresholds.tolist()], np.float64)

    def _volume(self, threshold: float) -> float:
        tiles, low, high = _intervals(self._tiles, threshold)
        near, far = (tiles.offset + low) * tiles.sigma, (tiles.offset + high) * tiles.sigma
        return float(np.sum(tiles.solid_angle_sr * np.maximum(far * far * far - near * near * near, 0.0))) / 3

    def _holding(self, level: float) -> float:
        if level in (0.0, 1.0):
            return 0.0 if level == 0 else math.inf
        return self._volume(self._threshold(level))

    def _threshold(self, level: float) -> float:
        """Log density at which the level is reached.

        False position, Illinois variant (Dowell and Jarratt 1971, BIT 11, 168).
        """
        high = float(self._tiles.peak[0])
        step, over = 8.0, self._level(high - 8.0) - level
        while over < 0 and step < _LOWEST:
            step *= 1.5
            over = self._level(high - step) - level
        low, under = high - step, -level
        for _ in range(_STEPS):
            guess = low + (high - low) * over / (over - under)
            at = self._level(guess) - level
            if abs(at) < _LEVEL_ROUNDING or not low < guess < high:
                return guess
            if at > 0:
                low, over, under = guess, at, under / 2
            else:
                high, under, over = guess, at, over / 2
        return guess

    def _table(self, log_density: FloatArray) -> FloatArray:
        nodes, values, slopes = self._nodes
        return _cubic(nodes, values, slopes, log_density)

    @cached_property
    def _nodes(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Level at log densities, cut in two where the cubic between neighbours misses the sum in the middle."""
        reach = 8.0
        while self._level(self._tiles.peak[0] - reach) < 1 - _ALL_BUT and reach < _LOWEST:
            reach *= 1.5
        nodes = np.linspace(self._tiles.peak[0] - reach, self._tiles.peak[0], _TABLE_START)
        values = self._levels(nodes)
        failed: BoolArray = np.ones(len(nodes) - 1, np.bool_)
        while failed.any() and len(nodes) < _TABLE_MOST:
            middle = (0.5 * (nodes[1:] + nodes[:-1]))[failed]
            exact = self._levels(middle)
            wrong = np.abs(_cubic(nodes, values, _slopes(nodes, values), middle) - exact) > TABLE_TOLERANCE
            place = np.flatnonzero(failed) + 1
            nodes, values = np.insert(nodes, place, middle), np.insert(values, place, exact)
            failed = np.zeros(len(nodes) - 1, np.bool_)
            made = place + np.arange(len(place))
            failed[made[wrong]] = failed[made[wrong] - 1] = True
        return nodes, values, _slopes(nodes, values)


def _intervals(tiles: _Tiles, threshold: float, first: int = 0) -> tuple[_Tiles, FloatArray, FloatArray]:
    """Tiles from ``first`` on that reach a log density, and where they do: bounds of (r - mu) / sigma."""
    count = int(np.searchsorted(-tiles.peak, -threshold, side="right"))
    some = _Tiles(*(column[first:count] for column in tiles))
    half = np.sqrt(np.maximum(2 * (some.at_mu - threshold), 0.0))
    return some, np.maximum(-half, -some.offset), half


def _slopes(x: FloatArray, y: FloatArray) -> FloatArray:
    """Slopes at nodes that keep a cubic monotone.

    Weighted harmonic means (Fritsch and Butland 1984, SIAM J. Sci. Stat. Comput. 5, 300).
    """
    step, rise = np.diff(x), np.diff(y) / np.diff(x)
    left, right = rise[:-1], rise[1:]
    first, second = 2 * step[1:] + step[:-1], step[1:] + 2 * step[:-1]
    flat = left * right <= 0
    bottom = first * np.where(flat, 1.0, right) + second * np.where(flat, 1.0, left)
    inner = np.where(flat, 0.0, (first + second) * left * right / bottom)
    return np.concatenate((rise[:1], inner, rise[-1:]))


def _cubic(x: FloatArray, y: FloatArray, slope: FloatArray, at: FloatArray) -> FloatArray:
    """Cubic Hermite interpolation; constant beyond the ends."""
    at = np.clip(at, x[0], x[-1])
    k = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(x) - 2)
    step = x[k + 1] - x[k]
    t = (at - x[k]) / step
    rest = 1 - t
    bend = step * t * rest * (rest * slope[k] - t * slope[k + 1])
    out: FloatArray = y[k] * rest * rest * (1 + 2 * t) + y[k + 1] * t * t * (3 - 2 * t) + bend
    return out
