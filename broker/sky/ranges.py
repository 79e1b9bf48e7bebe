"""Sets of order-29 pixels as ranges [start, stop): union, intersection, difference, complement, degrading, area.

Unless a function says otherwise its ranges are sorted and disjoint; what it returns is sorted and disjoint, none of
them empty and no two touching, so equal sets are equal arrays.
"""

from typing import NamedTuple

import numpy as np

from nuncius.broker.sky.healpix import DEG2_PER_SR, ORDER, PIXEL_AREA_SR, PIXELS, BoolArray, IntArray


class Ranges(NamedTuple):
    """Order-29 NESTED pixel ranges [start, stop), sorted and disjoint."""

    start: IntArray
    stop: IntArray


NOTHING = Ranges(np.zeros(0, np.int64), np.zeros(0, np.int64))
WHOLE_SKY = Ranges(np.zeros(1, np.int64), np.full(1, PIXELS, np.int64))


def union(start: IntArray, stop: IntArray) -> Ranges:
    """Ranges in any order, overlapping or touching, as the fewest sorted ones."""
    if len(start) == 0:
        return NOTHING
    by_place = np.argsort(start, kind="stable")
    start, reach = start[by_place], np.maximum.accumulate(stop[by_place])
    fresh = np.concatenate(([True], start[1:] > reach[:-1]))
    last = np.concatenate((fresh[1:], [True]))
    return Ranges(start[fresh], reach[last])


def joined(*sets: Ranges) -> Ranges:
    """Pixels in any of the sets."""
    if not sets:
        return NOTHING
    return union(np.concatenate([one.start for one in sets]), np.concatenate([one.stop for one in sets]))


class Pieces(NamedTuple):
    """Common pieces of two lists of ranges: index in each list, and the piece [start, stop), sorted."""

    of_a: IntArray
    of_b: IntArray
    start: IntArray
    stop: IntArray


def pieces(a: Ranges, b: Ranges) -> Pieces:
    """Common pieces of two lists of ranges; neighbours in either list may touch and stay apart."""
    first = np.searchsorted(b.stop, a.start, side="right")
    count = np.maximum(np.searchsorted(b.start, a.stop, side="left") - first, 0)
    of_a = np.repeat(np.arange(len(a.start)), count)
    of_b = np.arange(len(of_a)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    return Pieces(of_a, of_b, np.maximum(a.start[of_a], b.start[of_b]), np.minimum(a.stop[of_a], b.stop[of_b]))


def intersection(a: Ranges, b: Ranges) -> Ranges:
    """Pixels in both sets."""
    common = pieces(a, b)
    return union(common.start, common.stop)


def complement(a: Ranges) -> Ranges:
    """Pixels of the sphere that are not in the set."""
    start = np.concatenate((np.zeros(1, np.int64), a.stop))
    stop = np.concatenate((a.start, np.full(1, PIXELS, np.int64)))
    kept = start < stop
    return union(start[kept], stop[kept])


def difference(a: Ranges, b: Ranges) -> Ranges:
    """Pixels of the first set that are not in the second."""
    return intersection(a, complement(b))


def degraded(a: Ranges, order: int) -> Ranges:
    """All cells of an order that hold any pixel of the set: never smaller than the set.

    Raises
    ------
    ValueError
        The order is not in [0, 29].
    """
    if not 0 <= order <= ORDER:
        raise ValueError(f"order {order}; HEALPix has orders 0 to {ORDER}")
    shift = 2 * (ORDER - order)
    return union((a.start >> shift) << shift, -(-a.stop >> shift) << shift)


def contains(a: Ranges, points: IntArray) -> BoolArray:
    """Whether each order-29 pixel is in the set; the shape of ``points``."""
    if len(a.start) == 0:
        return np.zeros(np.shape(points), np.bool_)
    index = np.searchsorted(a.start, points, side="right") - 1
    inside: BoolArray = (index >= 0) & (points < a.stop[np.maximum(index, 0)])
    return inside


def cells(a: Ranges) -> tuple[IntArray, IntArray]:
    """Orders and numbers of the fewest cells that make up the set, by order and then by number."""
    start, stop = a
    orders: list[IntArray] = []
    numbers: list[IntArray] = []
    for order in range(ORDER + 1):
        shift = 2 * (ORDER - order)
        first, last = -(-start >> shift), stop >> shift
        whole = first < last
        number = spelled(Ranges(first[whole], last[whole]))
        orders.append(np.full(len(number), order))
        numbers.append(number)
        left = np.where(whole, first << shift, stop)
        start = np.concatenate((start, last[whole] << shift))
        stop = np.concatenate((left, stop[whole]))
        kept = start < stop
        start, stop = start[kept], stop[kept]
        if len(start) == 0:
            break
    order_, number_ = np.concatenate(orders), np.concatenate(numbers)
    by_cell = np.lexsort((number_, order_))
    return order_[by_cell], number_[by_cell]


def spelled(a: Ranges) -> IntArray:
    """Every number in the ranges, one by one."""
    length = a.stop - a.start
    out: IntArray = np.repeat(a.start - np.cumsum(length) + length, length) + np.arange(int(length.sum()))
    return out


def area_deg2(start: IntArray, stop: IntArray) -> float:
    """Area of disjoint ranges, square degrees."""
    return float(np.sum(stop - start) * PIXEL_AREA_SR * DEG2_PER_SR)
