"""Fields by falling gain, a few at a time, though the gains of all of them keep falling."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from nuncius.broker.sky.healpix import BoolArray, FloatArray, IntArray

_FEW: Final = 24
"""Fields that are tried at once, most probable first."""
_FRONT: Final = 1024
"""Fields among which the next few are looked for, as long as they hold more than those behind them ever did."""
_SOON: Final = 128
"""So many may be tried soon, the few among them: what is worked out for one costs little more for all (measured)."""


class Few(NamedTuple):
    """Fields to be tried now, and fields that may be soon, these among them; each by falling gain."""

    now: IntArray
    soon: IntArray


class Front:
    """Fields of one night that may still be chosen.

    A gain never rises. So what a field held when they were last put in order bounds what it holds now, and only the
    foremost need to be looked at.

    Parameters
    ----------
    maybe
        Fields that may be chosen at all.
    least
        Fields that add no more are not worth it.
    """

    def __init__(self, maybe: BoolArray, least: float) -> None:
        self._alive, self._least = maybe.copy(), least
        self._rows: IntArray | None = None
        self._bound: FloatArray = np.zeros(0)

    def strike(self, rows: IntArray) -> None:
        """Fields that fit nowhere any more."""
        self._alive[rows] = False

    def falling(self, gain: FloatArray) -> Iterator[Few]:
        """Fields by falling gain, of equal ones the first, a few at a time."""
        rows, bound = self._ordered(gain)
        above, ahead = np.inf, _FRONT
        while len(rows):
            beyond = float(bound[ahead]) if ahead < len(rows) else -np.inf
            front = rows[:ahead]
            now = gain[front]
            front = front[self._alive[front] & (now > max(beyond, self._least)) & (now <= above)]
            front = np.sort(front)
            front = front[np.argsort(-gain[front], kind="stable")]
            for begin in range(0, len(front), _FEW):
                yield Few(front[begin : begin + _FEW], front[begin : begin + _SOON])
            if ahead >= len(rows) or beyond <= self._least:
                return
            if ahead > 2 * _FRONT:
                self._rows = None
            above, ahead = beyond, 2 * ahead

    def _ordered(self, gain: FloatArray) -> tuple[IntArray, FloatArray]:
        if self._rows is None:
            rows = np.flatnonzero(self._alive & (gain > self._least))
            self._rows = rows[np.argsort(-gain[rows], kind="stable")]
            self._bound = gain[self._rows]
        return self._rows, self._bound
