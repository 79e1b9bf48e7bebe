"""Shapes to order-29 ranges: the HEALPix tree is descended, cells inside and cells outside are settled as they come.

A cell lies within a ball around its centre (`healpix.cell_radius_rad`). What a shape says of the ball holds for the
cell: a cover never misses a point of its shape, and a range that is full never holds a point outside.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from nuncius.broker.sky.healpix import (
    ORDER,
    BoolArray,
    FloatArray,
    IntArray,
    cell_radius_rad,
    cell_range,
    cells_near,
    position,
)
from nuncius.broker.sky.ranges import Ranges, union
from nuncius.broker.sky.sphere import separation_deg
from nuncius.schemas.errors import LimitExceeded

ROUNDING_RAD: Final = 1e-13
"""More than positions and distances lose to rounding, radians; an order-29 pixel is 2e-9 wide."""
MAX_CELLS: Final = 1 << 21
"""Of one order in a descent."""
_CELLS_PER_RADIUS: Final = 8
_STEP: Final = 3
"""Orders that the descent takes at once: fewer and longer arrays."""


@dataclass(frozen=True, slots=True, eq=False)
class Cover:
    """A shape as ranges.

    Parameters
    ----------
    start, stop
        Order-29 NESTED pixel ranges [start, stop), sorted, disjoint. Every point of the shape lies in one.
    full
        Whether the whole range lies inside the shape; else it may hold points outside, or touch the shape nowhere.
    """

    start: IntArray
    stop: IntArray
    full: BoolArray

    @property
    def ranges(self) -> Ranges:
        """All ranges as a set of pixels."""
        return union(self.start, self.stop)


class Verdict(NamedTuple):
    """Of balls: whether each may hold a point of a shape, and whether it surely lies inside."""

    touched: BoolArray
    inside: BoolArray


Shape = Callable[[FloatArray, FloatArray, float], Verdict]
"""Says of the balls around positions (ICRS degrees), all of one radius in radians, how they lie to the shape."""


def circle_cover(ra: float, dec: float, radius_deg: float, *, order: int | None = None) -> Cover:
    """Cover of all points within a distance, the border inside.

    Parameters
    ----------
    ra, dec
        Centre, ICRS degrees.
    radius_deg
        In [0, 180].
    order
        Of the smallest cells; where it is left out they are about an eighth of the radius wide.

    Raises
    ------
    ValueError
        The centre is not on the sky, the radius is not in [0, 180] or the order not in [0, 29].
    """
    check_position(ra, dec)
    if not 0 <= radius_deg <= 180:
        raise ValueError(f"radius {radius_deg} degrees; expected 0 to 180")
    radius = math.radians(radius_deg)
    if radius_deg == 180:
        start, stop = cell_range(0, np.arange(12))
        return Cover(start[:1], stop[-1:], np.ones(1, np.bool_))

    def circle(ra_deg: FloatArray, dec_deg: FloatArray, ball: float) -> Verdict:
        apart = np.radians(separation_deg(ra, dec, ra_deg, dec_deg))
        return Verdict(apart <= radius + ball, apart <= radius - ball)

    finest = fitting_order(radius_deg) if order is None else order
    return descend(circle, finest, cells_near(ra, dec, radius, check_order(finest)))


def descend(shape: Shape, order: int, first: tuple[int, IntArray] | None = None) -> Cover:
    """Cover of a shape by cells of an order and coarser ones inside.

    Parameters
    ----------
    shape
        Judge of balls.
    order
        Of the smallest cells, in [0, 29].
    first
        Order (at most the other) and numbers of cells that hold all of the shape; the whole sphere where left out.

    Raises
    ------
    LimitExceeded
        More than `MAX_CELLS` cells of one order.
    """
    level, number = (0, np.arange(12)) if first is None else first
    pieces: list[tuple[IntArray, IntArray, BoolArray]] = []
    while len(number):
        touched, inside = shape(*position(level, number), cell_radius_rad(level) + ROUNDING_RAD)
        settled = inside | touched if level >= order else inside
        if settled.any():
            pieces.append((*cell_range(level, number[settled]), inside[settled]))
        unsettled = touched & ~settled
        step = min(_STEP, order - level)
        count = np.count_nonzero(unsettled) << (2 * step)
        if count > MAX_CELLS:
            raise LimitExceeded(f"a border of {count} cells of order {level + step}; ask for a smaller order")
        number = ((number[unsettled][:, None] << (2 * step)) + np.arange(1 << (2 * step))).reshape(-1)
        level += step
    return _joined(pieces)


def fitting_order(radius_deg: float) -> int:
    """Order of the cells whose width is about an eighth of a radius, in degrees."""
    radius = math.radians(radius_deg)
    # the square root of a cell's area is (pi / 3)^1/2 = 1.02 radians over 2^order
    return max(0, min(ORDER, round(math.log2(_CELLS_PER_RADIUS / radius)))) if radius > 0 else ORDER


def check_position(ra: float, dec: float) -> None:
    """ValueError where a position is not on the sky."""
    if not (math.isfinite(ra) and -90 <= dec <= 90):
        raise ValueError(f"position ({ra}, {dec}) is not on the sky")


def check_order(order: int) -> int:
    """The order; ValueError where it is not in [0, 29]."""
    if not 0 <= order <= ORDER:
        raise ValueError(f"order {order}; HEALPix has orders 0 to {ORDER}")
    return order


def _joined(pieces: list[tuple[IntArray, IntArray, BoolArray]]) -> Cover:
    """Disjoint pieces sorted, neighbours of one kind made one."""
    if not pieces:
        return Cover(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.bool_))
    start, stop, full = (np.concatenate(column) for column in zip(*pieces, strict=True))
    by_place = np.argsort(start)
    start, stop, full = start[by_place], stop[by_place], full[by_place]
    fresh = np.concatenate(([True], (start[1:] > stop[:-1]) | (full[1:] != full[:-1])))
    return Cover(start[fresh], stop[np.concatenate((fresh[1:], [True]))], full[fresh])
