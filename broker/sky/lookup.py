"""Which of many sorted ranges holds a pixel: a coarse table of the sphere, then bisection."""

from typing import Final

import numpy as np
import numpy.typing as npt

from nuncius.broker.sky.compiled import kernels
from nuncius.broker.sky.healpix import ORDER, FloatArray, IntArray

FINEST: Final = 7
"""Finest order of a table's cells: 196 608 of them, 0.8 MB, the quickest for maps of 20 000 and 200 000 tiles."""


class Lookup:
    """Sorted, disjoint order-29 ranges [start, stop) that pixels are looked up in.

    Parameters
    ----------
    start, stop
        The ranges; kept, not copied.
    """

    __slots__ = ("_order", "_shift", "_start", "_stop", "_table")

    def __init__(self, start: IntArray, stop: IntArray) -> None:
        self._start, self._stop = start, stop
        # two to eight cells a range, so that the table of a small list stays in the processor's cache
        self._order = min(FINEST, max(0, (int(start.size).bit_length() + 1) // 2))
        self._shift = 2 * (ORDER - self._order)
        self._table: npt.NDArray[np.int32] | None = None

    def find(self, points: IntArray) -> IntArray:
        """Index of the range that holds each pixel, -1 where none does; the shape of ``points``."""
        loops = kernels(points.size)
        if loops is None:
            index = np.searchsorted(self._start, points, side="right") - 1
            found: IntArray = np.where((index >= 0) & (points < self._stop[index]), index, -1)
            return found
        out = np.empty(points.shape, np.int64)
        if self._table is None:
            self._table = np.empty((12 << (2 * self._order)) + 1, np.int32)
            loops.tabulate(self._start, self._shift, self._table)
        loops.find(points.reshape(-1), self._start, self._stop, self._table, self._shift, out.reshape(-1))
        return out


def taken(column: FloatArray, index: IntArray, outside: float) -> FloatArray:
    """Values of a column at indices; ``outside`` where the index is negative. The shape of ``index``."""
    loops = kernels(index.size)
    if loops is None:
        return np.where(index < 0, outside, column[index])
    out = np.empty(index.shape, np.float64)
    loops.take(index.reshape(-1), column, outside, out.reshape(-1))
    return out


def order_of(keys: FloatArray | IntArray) -> IntArray:
    """Places of keys in rising order, equal ones as they stand; numpy's own stable sort takes three times longer."""
    order = np.argsort(keys)
    ranked = keys[order]
    equal = ranked[1:] == ranked[:-1]
    if equal.any():
        tied = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
        places = order[tied]
        order[tied] = places[np.lexsort((places, keys[places]))]
    return order
