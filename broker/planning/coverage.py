"""Which cells the chosen fields hold, and what each field that is not chosen would add: no cell counts twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from nuncius.broker.sky.healpix import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Fields:
    """Fields of one telescope.

    Parameters
    ----------
    points
        Directions of their centres, unit vectors, shape (n, 3).
    reach_rad
        Largest distance of a point of a field from its centre.
    cells
        Of each field, shape (n, most of any of them); rows are filled up with the number of all cells.
    """

    points: FloatArray
    reach_rad: float
    cells: npt.NDArray[np.int32]

    @cached_property
    def _by_height(self) -> tuple[IntArray, FloatArray]:
        """Fields from south to north, and the sines of their declinations."""
        order = np.argsort(self.points[:, 2], kind="stable")
        return order, self.points[order, 2]

    def near(self, point: FloatArray, apart_rad: float) -> IntArray:
        """Fields whose centres lie within a distance of a direction (a unit vector), and no others but for rounding."""
        order, height = self._by_height
        dec = float(np.arcsin(np.clip(point[2], -1.0, 1.0)))
        low = -1.0 if dec - apart_rad <= -np.pi / 2 else np.sin(dec - apart_rad)
        high = 1.0 if dec + apart_rad >= np.pi / 2 else np.sin(dec + apart_rad)
        some = order[np.searchsorted(height, low - 1e-12) : np.searchsorted(height, high + 1e-12, side="right")]
        near: IntArray = some[self.points[some] @ point >= np.cos(min(apart_rad, np.pi)) - 1e-12]
        return near


@dataclass(frozen=True, eq=False)
class Pool:
    """Fields that may be chosen, numbered through, those of one telescope side by side.

    Parameters
    ----------
    teams
        Of each telescope. Each keeps a table as wide as its own fields: a small one beside a large one costs little.
    probability
        Of each cell.
    """

    teams: tuple[Fields, ...]
    probability: FloatArray

    @cached_property
    def first(self) -> tuple[int, ...]:
        """Number of the first field of each telescope, and of all fields."""
        return tuple(np.cumsum([0, *(len(one.points) for one in self.teams)]).tolist())

    @cached_property
    def own(self) -> FloatArray:
        """What each field holds where nothing is covered."""
        free = np.append(self.probability, 0.0)
        return np.concatenate([free[one.cells].sum(axis=1) for one in self.teams])

    @cached_property
    def points(self) -> FloatArray:
        """Directions of all fields, shape (n, 3)."""
        return np.concatenate([one.points for one in self.teams])

    def cells(self, field: int) -> npt.NDArray[np.int32]:
        """Those of one field, filled up with the number of all cells."""
        team = int(np.searchsorted(self.first, field, side="right")) - 1
        own: npt.NDArray[np.int32] = self.teams[team].cells[field - self.first[team]]
        return own


class Coverage:
    """What is covered so far.

    Parameters
    ----------
    pool
        All fields.
    """

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._own = np.append(pool.probability, 0.0)
        self._free = self._own.copy()
        self.gain = pool.own.copy()
        """Probability that each field would add."""

    def add(self, field: int) -> float:
        """Covers a field; the probability it added."""
        cells = self.pool.cells(field)
        added = float(self._free[cells].sum())
        self._free[cells] = 0.0
        for first, team, near in zip(self.pool.first, self.pool.teams, self.near(field), strict=False):
            self.gain[first + near] = self._free[team.cells[near]].sum(axis=1)
        return added

    def in_order(self, fields: Sequence[int]) -> list[float]:
        """What each of some fields adds to those before it."""
        free = self._own.copy()
        gains: list[float] = []
        for field in fields:
            cells = self.pool.cells(field)
            gains.append(float(free[cells].sum()))
            free[cells] = 0.0
        return gains

    def near(self, field: int) -> list[IntArray]:
        """Of each telescope the fields, numbered from 0, that may share a cell with one."""
        pool = self.pool
        own = pool.teams[int(np.searchsorted(pool.first, field, side="right")) - 1].reach_rad
        return [team.near(pool.points[field], team.reach_rad + own) for team in pool.teams]
