"""Probability of a map inside a region, and the region that holds a probability."""

from typing import Final

import numpy as np

from nuncius.broker.sky import healpix
from nuncius.broker.sky.cover import Cover, circle_cover, fitting_order
from nuncius.broker.sky.ellipse import ellipse_cover, half_axes_deg, in_ellipse
from nuncius.broker.sky.healpix import ORDER, PIXEL_AREA_SR, BoolArray, FloatArray, IntArray, cell_range
from nuncius.broker.sky.moc import moc_ascii
from nuncius.broker.sky.ranges import Ranges, pieces, spelled, union
from nuncius.broker.sky.region import moc_ranges
from nuncius.broker.sky.skymap import SkyMap
from nuncius.broker.sky.sphere import separation_deg
from nuncius.schemas.localization import Cone, Ellipse, Region

_BORDER_ORDERS: Final = 5
"""Border cells are so many orders finer than an eighth of the radius: about a 256th of it wide."""
_PARTS: Final = 16


def probability_inside(sky: SkyMap, region: Ranges | Region | Cone | Ellipse) -> float:
    """Probability of a map inside a region, in [0, 1].

    Ranges, a coverage map or the whole sky (`ranges.WHOLE_SKY`): exact. A circle or an ellipse (border inside, its
    stated containment plays no part): exact but for cells on the border, about a 256th of the radius wide, each piece
    of which counts by the centres of its sixteen parts. On a map that is even across the border the error is below 1e-3
    of what is inside; it is at most the probability of the border cells.

    Raises
    ------
    ValueError
        A circle or an ellipse that `cover.circle_cover` or `ellipse.ellipse_cover` refuses.
    MalformedAlert
        The coverage map cannot be read.
    """
    if isinstance(region, Cone):
        finest = min(fitting_order(region.radius) + _BORDER_ORDERS, ORDER)
        cover = circle_cover(region.ra, region.dec, region.radius, order=finest)
        return _resolved(sky, cover, finest, region)
    if isinstance(region, Ellipse):
        least, most = half_axes_deg(region)
        finest = min(fitting_order((least * most) ** 0.5) + _BORDER_ORDERS, ORDER)
        return _resolved(sky, ellipse_cover(region, order=finest), finest, region)
    return _held(sky, moc_ranges(region.moc) if isinstance(region, Region) else region)


def credible_region(sky: SkyMap, level: float) -> Ranges:
    """The smallest region of whole tiles that holds at least a probability; equally dense tiles stay together.

    Raises
    ------
    ValueError
        The level is not in (0, 1].
    """
    if not 0 < level <= 1:
        raise ValueError(f"credible level {level}; expected (0, 1]")
    dense = sky.density > 0
    # cumulative probabilities of the same tiles differ by rounding from the level asked for
    reached = sky.levels[dense & (sky.levels >= level - 1e-12)].min()
    kept = dense & (sky.levels <= reached)
    return union(sky.start[kept], sky.stop[kept])


def credible_moc(sky: SkyMap, level: float) -> Region:
    """`credible_region` as a coverage map that contains ``level``."""
    return Region(moc_ascii(credible_region(sky, level)), level)


def _held(sky: SkyMap, region: Ranges) -> float:
    common = pieces(Ranges(sky.start, sky.stop), region)
    return _sum(sky, common.of_a, common.stop - common.start)


def _resolved(sky: SkyMap, cover: Cover, order: int, shape: Cone | Ellipse) -> float:
    sure = _held(sky, Ranges(cover.start[cover.full], cover.stop[cover.full]))
    shift = 2 * (ORDER - order)
    border = spelled(Ranges(cover.start[~cover.full] >> shift, cover.stop[~cover.full] >> shift))
    common = pieces(Ranges(sky.start, sky.stop), Ranges(*cell_range(order, border)))
    length = common.stop - common.start
    share = np.zeros(len(length))
    for part in range(_PARTS):
        # the first pixel of a cell's last quarter has its corner in the middle of the cell
        middle = common.start + (length * (4 * part + 3)) // (4 * _PARTS)
        share += _holds(shape, *healpix.position(ORDER, middle))
    return min(sure + _sum(sky, common.of_a, length * (share / _PARTS)), 1.0)


def _sum(sky: SkyMap, tile: IntArray, length: IntArray | FloatArray) -> float:
    return min(float(np.sum(sky.density[tile] * (length * PIXEL_AREA_SR))), 1.0)


def _holds(shape: Cone | Ellipse, ra: FloatArray, dec: FloatArray) -> BoolArray:
    if isinstance(shape, Ellipse):
        return in_ellipse(shape, ra, dec)
    return np.asarray(separation_deg(shape.ra, shape.dec, ra, dec) <= shape.radius)
