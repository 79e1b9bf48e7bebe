"""The order of one night: fields with the times at which they may begin, and where one more fits in."""

from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np

from nuncius.broker.planning.sightlines import Night, Sight, Spells
from nuncius.broker.planning.telescope import Telescope
from nuncius.broker.sky.healpix import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Shift:
    """One telescope on one night.

    Parameters
    ----------
    owner, telescope, night
        Number of the telescope, the telescope, and a dark time of one of its sites.
    first_field, sight, maybe
        Place of its first field in the pool, when each of its fields may begin, and which of them may at all.
    exposure_s
        Of every field.
    budget_s
        Most time that may be spent, moves, settling and read-out included; infinite for all.
    """

    owner: int
    telescope: Telescope
    night: Night
    first_field: int
    sight: Sight
    maybe: BoolArray
    exposure_s: float
    budget_s: float

    @property
    def least_s(self) -> float:
        """Time that a field takes without a move."""
        return self.telescope.settle_s + self.exposure_s + self.telescope.readout_s


class Insertion(NamedTuple):
    """The best place of one field among those of a route."""

    field: int
    place: int
    spell: int
    value: float


class Route:
    """The fields of a shift in their order; the first move of a night takes no time beyond settling.

    Parameters
    ----------
    shift
        Whose night it is.
    points
        Directions of all fields of the pool, shape (n, 3).
    fade_per_s
        What a field is worth falls by so much of its probability each second that it is seen later.
    """

    def __init__(self, shift: Shift, points: FloatArray, fade_per_s: float) -> None:
        self.shift = shift
        self._points, self._fade_per_s = points, fade_per_s
        self.fields: IntArray = np.zeros(0, np.int64)
        self.gain: FloatArray = np.zeros(0)
        self._first: FloatArray = np.zeros(0)
        self._last: FloatArray = np.zeros(0)
        self.settle()

    def insert(self, found: Insertion, gain: float) -> None:
        """Puts a field where it was found to fit; ``gain`` is the probability it adds."""
        row = found.field - self.shift.first_field
        spells = self.shift.sight.spells(np.array([row]))
        first_s, last_s = spells.first_s[0, found.spell], spells.last_s[0, found.spell]
        self._put(found.place, found.field, gain, float(first_s), float(last_s))

    def pin(self, field: int, start_s: float, gain: float) -> None:
        """Puts a field at a moment that it keeps, behind those that begin before; the order must have room for it."""
        self._put(int(np.searchsorted(self.start_s, start_s)), field, gain, start_s, start_s)

    @property
    def value(self) -> float:
        """Of the whole order."""
        return float(np.sum(self.gain * (1 - self._fade_per_s * self.start_s)))

    def best(self, fields: IntArray, gain: FloatArray) -> tuple[IntArray, IntArray, FloatArray]:
        """Where each of some fields fits best: place, spell, and what the order gains; minus infinity for nowhere.

        ``gain`` is the probability that each adds. A delay of the fields behind it is counted as if no wait took it up.
        """
        shift, k = self.shift, len(self.fields)
        telescope = shift.telescope
        move = _angle(self._points[fields], self._here) / telescope.slew_deg_s
        arrive = np.empty((len(fields), k + 1))
        arrive[:, 0] = shift.night.open_s + telescope.settle_s
        np.add(move, self._free_s + telescope.settle_s, out=arrive[:, 1:])
        start, spell = _starts(arrive, shift.sight.spells(fields - shift.first_field))
        after = start[:, :k] + (shift.least_s + move)
        start[:, :k][after > self._latest] = np.inf
        if np.isfinite(shift.budget_s):
            busy = np.full(arrive.shape, self.busy_s + shift.least_s)
            busy[:, 1:] += move
            busy[:, :k] += move - self._move_s
            start[busy > shift.budget_s] = np.inf
        nowhere = np.isinf(start)
        start[nowhere] = after[nowhere[:, :k]] = 0.0
        value = gain[:, None] * (1 - self._fade_per_s * start)
        value[:, :k] -= np.maximum(after - self.start_s, 0.0) * (self._fade_per_s * self._gain_after)
        value[nowhere] = -np.inf
        place = np.argmax(value, axis=1)
        at = np.arange(len(fields))
        return place, spell[at, place], value[at, place]

    def _put(self, place: int, field: int, gain: float, first_s: float, last_s: float) -> None:
        """A field at a place, which may begin from one moment to another."""
        self.fields = _with(self.fields, place, field)
        self.gain = _with(self.gain, place, gain)
        self._first = _with(self._first, place, first_s)
        self._last = _with(self._last, place, last_s)
        self.settle()

    def settle(self) -> None:
        """Times of the order: each field as early as it can, and how late it may begin so that all others still can."""
        shift = self.shift
        telescope = shift.telescope
        self._here = self._points[self.fields]
        step = np.zeros(len(self.fields))
        if len(step) > 1:
            chord = np.linalg.norm(np.diff(self._here, axis=0), axis=1)
            step[1:] = np.degrees(2 * np.arcsin(np.minimum(chord / 2, 1.0))) / telescope.slew_deg_s
        self._move_s = step
        """Of the move to each field."""
        taken = np.cumsum(step + telescope.settle_s) + np.arange(len(step)) * (shift.exposure_s + telescope.readout_s)
        self.start_s: FloatArray = taken + np.maximum.accumulate(np.maximum(self._first - taken, shift.night.open_s))
        """Of each exposure."""
        self._latest = taken + np.minimum.accumulate((self._last - taken)[::-1])[::-1]
        self._free_s = self.start_s + shift.exposure_s + telescope.readout_s
        self._gain_after = np.cumsum(self.gain[::-1])[::-1]
        self.busy_s = float(step.sum()) + len(step) * shift.least_s


def _starts(arrive: FloatArray, spells: Spells) -> tuple[FloatArray, IntArray]:
    """For arrivals of fields, shape (fields, places): the first moment within a spell, infinite for none, and which."""
    start, spell = np.full(arrive.shape, np.inf), np.zeros(arrive.shape, np.int64)
    for number in range(spells.first_s.shape[1]):
        begin = np.maximum(arrive, spells.first_s[:, number, None])
        begin[begin > spells.last_s[:, number, None]] = np.inf
        if number == 0:
            start = begin
            continue
        sooner = begin < start
        start[sooner], spell[sooner] = begin[sooner], number
    return start, spell


_Numbers = TypeVar("_Numbers", FloatArray, IntArray)


def _with(values: _Numbers, place: int, value: float) -> _Numbers:
    """A row of numbers with one more."""
    out = np.empty(len(values) + 1, values.dtype)
    out[:place], out[place], out[place + 1 :] = values[:place], value, values[place:]
    return out


def _angle(one: FloatArray, other: FloatArray) -> FloatArray:
    """Angles between all pairs of unit vectors, degrees."""
    return np.asarray(np.degrees(np.arccos(np.clip(one @ other.T, -1.0, 1.0))), np.float64)
