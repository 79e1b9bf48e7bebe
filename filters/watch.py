"""Regions that users name: watchmaps (coverage maps) and watchlists (circles around targets)."""

from dataclasses import dataclass

import numpy as np

from nuncius.broker.sky.healpix import BoolArray, FloatArray, IntArray, pixel
from nuncius.broker.sky.ranges import Ranges, contains
from nuncius.broker.sky.sphere import separation_deg


@dataclass(frozen=True, slots=True, eq=False)
class Watchmap:
    """A coverage map; its border is that of its pixels."""

    ranges: Ranges

    def contains(self, ra: FloatArray, dec: FloatArray) -> BoolArray:
        """Whether each position, ICRS degrees, lies in one of its pixels."""
        return contains(self.ranges, pixel(ra, dec))


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
        self._largest = float(radius_deg.max(initial=0.0))

    def __len__(self) -> int:
        return len(self._names)

    def contains(self, ra: FloatArray, dec: FloatArray) -> BoolArray:
        """Whether each position, ICRS degrees, lies in any circle."""
        row, _ = self._hits(np.atleast_1d(ra), np.atleast_1d(dec))
        inside = np.zeros(len(np.atleast_1d(ra)), np.bool_)
        inside[row] = True
        return inside

    def targets(self, ra: FloatArray, dec: FloatArray) -> list[tuple[str, ...]]:
        """Names of the targets whose circles hold each position, by declination."""
        found: list[list[str]] = [[] for _ in range(len(ra))]
        for row, target in zip(*(part.tolist() for part in self._hits(ra, dec)), strict=True):
            found[row].append(self._names[target])
        return [tuple(names) for names in found]

    def _hits(self, ra: FloatArray, dec: FloatArray) -> tuple[IntArray, IntArray]:
        """Pairs of a position and a target whose circle holds it: only targets near in declination are compared."""
        margin = self._largest + 1e-9  # of rounding
        first = np.searchsorted(self._dec, dec - margin, side="left")
        count = np.searchsorted(self._dec, dec + margin, side="right") - first
        row = np.repeat(np.arange(len(ra)), count)
        target = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
        near = separation_deg(ra[row], dec[row], self._ra[target], self._dec[target]) <= self._radius[target]
        return row[near], target[near]
