"""Regions that users name: watchmaps (coverage maps) and watchlists (circles around targets)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from nuncius.broker.sky.healpix import BoolArray, FloatArray, IntArray, pixel
from nuncius.broker.sky.ranges import Ranges, area_deg2, contains
from nuncius.broker.sky.sphere import separation_deg


@dataclass(frozen=True, slots=True, eq=False)
class Watchmap:
    """A coverage map; its border is that of its pixels."""

    ranges: Ranges

    @property
    def area_deg2(self) -> float:
        """Of all its pixels, square degrees."""
        return area_deg2(*self.ranges)

    def contains(self, ra: FloatArray, dec: FloatArray) -> BoolArray:
        """Whether each position, ICRS degrees, lies in one of its pixels."""
        return contains(self.ranges, pixel(ra, dec))


MAX_PAIRS: Final = 1_000_000
"""Pairs compared at once: about 100 MB of work space, whatever the circles."""

MOST_TARGETS: Final = 100
"""The nearest so many of a position are told: circles of a list may all lie one over the other."""

_ROUNDING_DEG: Final = 1e-6
"""Far more than what is lost in any of the sums and sines here; what is near is compared exactly."""


class Target(NamedTuple):
    """A target whose circle holds a position, and how far it is from there."""

    name: str
    separation_arcsec: float


class Watchlist:
    """Circles around targets.

    Parameters
    ----------
    names
        Of the targets.
    ra, dec
        ICRS degrees.
    radius_deg
        Of each circle; its border belongs to it.
    """

    def __init__(self, names: tuple[str, ...], ra: FloatArray, dec: FloatArray, radius_deg: FloatArray) -> None:
        by_dec = np.argsort(dec, kind="stable")
        self._names = [names[index] for index in by_dec.tolist()]
        self._ra, self._dec, self._radius = ra[by_dec], dec[by_dec], radius_deg[by_dec]
        self._reach = _reach_deg(self._dec, self._radius)
        octave = np.frexp(np.maximum(self._radius, _ROUNDING_DEG))[1]
        self._groups = [_group(np.flatnonzero(octave == each), self._dec, self._radius) for each in np.unique(octave)]

    def __len__(self) -> int:
        return len(self._names)

    @property
    def radii_deg(self) -> tuple[float, float]:
        """The smallest and the largest circle's radius."""
        return float(self._radius.min()), float(self._radius.max())

    def contains(self, ra: FloatArray, dec: FloatArray) -> BoolArray:
        """Whether each position, ICRS degrees, lies in any circle."""
        inside = np.zeros(len(ra), np.bool_)
        for row, _, _ in self._hits(ra, dec):
            inside[row] = True
        return inside

    def targets(self, ra: FloatArray, dec: FloatArray) -> list[tuple[Target, ...]]:
        """The targets whose circles hold each position, the nearest first; of equally near ones by declination.

        At most `MOST_TARGETS` of each.
        """
        kept = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
        for rows, targets, apart_deg in self._hits(ra, dec):
            joined = zip(kept, (rows, targets, apart_deg * 3600.0), strict=True)
            kept = _nearest(*(np.concatenate(pair) for pair in joined))
        found: list[list[Target]] = [[] for _ in range(len(ra))]
        for row, target, apart in zip(*(column.tolist() for column in kept), strict=True):
            found[row].append(Target(self._names[target], apart))
        return [tuple(each) for each in found]

    def _hits(self, ra: FloatArray, dec: FloatArray) -> Iterator[tuple[IntArray, IntArray, FloatArray]]:
        """Pairs of a position and a target whose circle holds it, and degrees between them, piece by piece.

        Circles of like radius are asked together, so that a wide one does not widen the search for the others.
        """
        for group in self._groups:
            first = np.searchsorted(group.dec, dec - group.largest_deg, side="left")
            count = np.searchsorted(group.dec, dec + group.largest_deg, side="right") - first
            before = np.concatenate(([0], np.cumsum(count)))
            for start in range(0, int(before[-1]), MAX_PAIRS):
                pair = np.arange(start, min(start + MAX_PAIRS, int(before[-1])))
                row = np.searchsorted(before, pair, side="right") - 1
                target = group.targets[first[row] + pair - before[row]]
                apart = np.abs(ra[row] - self._ra[target])
                near = np.minimum(apart, 360.0 - apart) <= self._reach[target]
                row, target = row[near], target[near]
                separation = separation_deg(ra[row], dec[row], self._ra[target], self._dec[target])
                held = separation <= self._radius[target]
                yield row[held], target[held], separation[held]


def _nearest(row: IntArray, target: IntArray, apart: FloatArray) -> tuple[IntArray, IntArray, FloatArray]:
    """Pairs by row and distance, at most `MOST_TARGETS` a row."""
    order = np.lexsort((target, apart, row))
    row, target, apart = row[order], target[order], apart[order]
    near = np.arange(len(row)) - np.searchsorted(row, row) < MOST_TARGETS
    return row[near], target[near], apart[near]


class _Group(NamedTuple):
    """Targets of like radius, by declination."""

    targets: IntArray
    dec: FloatArray
    largest_deg: float


def _group(targets: IntArray, dec: FloatArray, radius_deg: FloatArray) -> _Group:
    return _Group(targets, dec[targets], float(radius_deg[targets].max()) + _ROUNDING_DEG)


def _reach_deg(dec: FloatArray, radius_deg: FloatArray) -> FloatArray:
    """Reach of a circle in right ascension: asin(sin r / cos dec); 180 near a pole or if wide."""
    plain = (np.abs(dec) + radius_deg < 89.9) & (radius_deg < 45)
    sine = np.sin(np.radians(radius_deg)) / np.cos(np.radians(np.where(plain, dec, 0.0)))
    return np.where(plain, np.degrees(np.arcsin(np.where(plain, sine, 0.0))) + _ROUNDING_DEG, 180.0)
