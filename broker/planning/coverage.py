"""Which cells the chosen fields hold, and what each field that is not chosen would add: no cell counts twice."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nuncius.broker.sky.healpix import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Fields that may be chosen, those of one telescope side by side.

    Parameters
    ----------
    points
        Directions of their centres, unit vectors, shape (n, 3).
    reach_rad
        Largest distance of a point of each field from its centre, shape (n,).
    cells
        Of each field, shape (n, most); rows are filled up with the number of all cells.
    probability
        Of each cell.
    """

    points: FloatArray
    reach_rad: FloatArray
    cells: npt.NDArray[np.int32]
    probability: FloatArray


class Coverage:
    """What is covered so far. Fields are named by their places in the pool.

    Parameters
    ----------
    pool
        All fields.
    """

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._own = np.append(pool.probability, 0.0)
        self._free = self._own.copy()
        self.gain = self.gain_of(np.arange(len(pool.cells)))
        """Probability that each field would add."""

    def gain_of(self, fields: IntArray) -> FloatArray:
        """Probability that each of the fields would add, summed anew."""
        return np.asarray(self._free[self.pool.cells[fields]].sum(axis=1), np.float64)

    def add(self, field: int) -> float:
        """Covers a field; the probability it added."""
        cells = self.pool.cells[field]
        added = float(self._free[cells].sum())
        self._free[cells] = 0.0
        near = self.near(field)
        self.gain[near] = self.gain_of(near)
        return added

    def in_order(self, fields: Sequence[int]) -> list[float]:
        """What each of some fields adds to those before it."""
        free = self._own.copy()
        gains: list[float] = []
        for field in fields:
            cells = self.pool.cells[field]
            gains.append(float(free[cells].sum()))
            free[cells] = 0.0
        return gains

    def near(self, field: int) -> IntArray:
        """All fields that may share a cell with one."""
        pool = self.pool
        apart = np.minimum(pool.reach_rad + pool.reach_rad[field], np.pi)
        return np.flatnonzero(pool.points @ pool.points[field] >= np.cos(apart) - 1e-12)
