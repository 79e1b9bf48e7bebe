"""The probability that is to be covered, as small cells: of a map that was partly looked at already, or of galaxies."""

import math
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from nuncius.broker.sky.distance import stated
from nuncius.broker.sky.healpix import (
    DEG2_PER_SR,
    ORDER,
    PIXEL_AREA_SR,
    PIXELS,
    BoolArray,
    FloatArray,
    IntArray,
    pixel,
    position,
    vectors,
)
from nuncius.broker.sky.ranges import Ranges, complement, contains, pieces, spelled
from nuncius.broker.sky.skymap import SkyMap
from nuncius.broker.sky.volume import Volume


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Pieces of a map: order-29 ranges [start, stop), sorted, and the density of each per steradian."""

    start: IntArray
    stop: IntArray
    density: FloatArray

    @classmethod
    def of(cls, sky: SkyMap, covered: Ranges | None = None) -> Self:
        """What a map has outside the pixels that are covered already; places without probability are left out."""
        if covered is None or not len(covered.start):
            dense = sky.density > 0
            return cls(sky.start[dense], sky.stop[dense], sky.density[dense])
        left = pieces(sky.ranges, complement(covered))
        density = sky.density[left.of_a]
        return cls(left.start[density > 0], left.stop[density > 0], density[density > 0])


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Points that hold probability.

    Parameters
    ----------
    ra_deg, dec_deg
        ICRS degrees, shape (n,).
    probability
        Of each, shape (n,).
    name
        Of galaxies; empty for cells of a map.
    """

    ra_deg: FloatArray
    dec_deg: FloatArray
    probability: FloatArray
    name: tuple[str, ...] = ()

    @property
    def points(self) -> FloatArray:
        """Unit vectors, shape (n, 3)."""
        return vectors(self.ra_deg, self.dec_deg)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Galaxies:
    """A catalogue of possible hosts.

    Parameters
    ----------
    ra, dec
        ICRS degrees, shape (n,).
    distance_mpc
        Shape (n,); not finite where unknown: such a galaxy is left out.
    weight
        Prior weight of each, as its luminosity, in any unit, >= 0; shape (n,).
    name
        One each, or empty.

    Raises
    ------
    ValueError
        The columns differ in length, a place is not on the sky, or a weight is negative or not finite.
    """

    ra: FloatArray
    dec: FloatArray
    distance_mpc: FloatArray
    weight: FloatArray
    name: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        lengths = {len(self.ra), len(self.dec), len(self.distance_mpc), len(self.weight), len(self.name or self.ra)}
        if len(lengths) > 1:
            raise ValueError(f"galaxy columns of different lengths: {sorted(lengths)}")
        for words, bad in (
            ("place off the sky", ~(np.isfinite(self.ra) & (np.abs(self.dec) <= 90))),
            ("weight that is negative or not finite", ~(np.isfinite(self.weight) & (self.weight >= 0))),
        ):
            if bad.any():
                raise ValueError(f"galaxy {int(np.argmax(bad))} of the list has a {words}")


NEGLIGIBLE: Final = 2e-3
SIDE_CELLS: Final = 12
"""Cells across a field while fields are chosen."""


def order_for(field_deg2: float, across: float = SIDE_CELLS) -> int:
    """HEALPix order whose cells are about so many times smaller than the side of a field of that area."""
    side = math.sqrt(field_deg2 / DEG2_PER_SR) / across
    return max(0, min(ORDER, round(math.log2(math.sqrt(math.pi / 3) / side))))


def cells_of(parts: Parts, order: int) -> Cells:
    """The pieces summed into cells of one order, in NESTED order."""
    small = split(parts, order)
    number = small.start >> 2 * (ORDER - order)
    first = np.flatnonzero(np.diff(number, prepend=-1))
    held = small.density * ((small.stop - small.start) * PIXEL_AREA_SR)
    return Cells(*position(order, number[first]), np.add.reduceat(held, first) if len(first) else held)


def densest(parts: Parts, seen: BoolArray, most_deg2: float) -> Parts:
    """The densest of the pieces that can be seen, up to an area; of equally dense ones the first in NESTED order.

    The last `NEGLIGIBLE` of their probability is left out.
    """
    kept = np.flatnonzero(seen)
    falling = kept[np.argsort(-parts.density[kept], kind="stable")]
    length = (parts.stop - parts.start)[falling]
    held = np.cumsum(parts.density[falling] * length)
    if len(held):
        falling = falling[: int(np.searchsorted(held, (1 - NEGLIGIBLE) * held[-1])) + 1]
        length = length[: len(falling)]
    most = math.ceil(min(most_deg2 / (PIXEL_AREA_SR * DEG2_PER_SR), float(PIXELS)))
    left = np.maximum(most - (np.cumsum(length) - length), 0)
    few = np.sort(falling[left > 0])
    stop = parts.stop.copy()
    stop[falling] = parts.start[falling] + np.minimum(length, left)
    return Parts(parts.start[few], stop[few], parts.density[few])


def split(parts: Parts, order: int) -> Parts:
    """The pieces cut at the borders of an order's cells where they are longer than one."""
    shift = 2 * (ORDER - order)
    first, last = parts.start >> shift, (parts.stop - 1) >> shift
    count = last - first + 1
    row = np.repeat(np.arange(len(first)), count)
    number = spelled(Ranges(first, last + 1))
    start = np.maximum(parts.start[row], number << shift)
    return Parts(start, np.minimum(parts.stop[row], (number + 1) << shift), parts.density[row])


def hosts(sky: SkyMap, galaxies: Galaxies, covered: Ranges | None) -> Cells:
    """Galaxies with their probability of being the host, most probable first, those on covered pixels left out.

    The weight times the density per Mpc^3 of the map, or per steradian where the map has no distances; of all galaxies
    the probabilities sum to 1; none is left where none has any.
    """
    known = np.isfinite(galaxies.distance_mpc) & (galaxies.distance_mpc >= 0)
    ra, dec, weight = galaxies.ra[known], galaxies.dec[known], galaxies.weight[known]
    if stated(sky).any():
        density = Volume(sky).density(ra, dec, galaxies.distance_mpc[known])
    else:
        density = np.asarray(sky.probdensity(ra, dec), np.float64)
    product = density * weight
    total = float(product.sum())
    names = np.array(galaxies.name or [""] * len(known))[known]
    free = product > 0
    if covered is not None:
        free &= ~contains(covered, pixel(ra, dec))
    by_rank = np.lexsort((names[free], dec[free], ra[free], -product[free]))
    pick = np.flatnonzero(free)[by_rank]
    return Cells(ra[pick] % 360, dec[pick], product[pick] / total, tuple(names[pick].tolist()))
