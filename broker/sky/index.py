"""One interval index over many regions: which of them hold each point."""

from collections.abc import Hashable, Mapping
from typing import Final, Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from nuncius.broker.sky import healpix
from nuncius.broker.sky.compiled import kernels
from nuncius.broker.sky.footprint import Circle, Footprint
from nuncius.broker.sky.healpix import BoolArray, FloatArray, IntArray
from nuncius.broker.sky.lookup import Lookup

Key = TypeVar("Key", bound=Hashable)

GROWTH: Final = 8
"""A layer holds more than so many times the regions of the next: few to ask, and few rebuilt for a new region."""


class Hits(NamedTuple):
    """Pairs of a point and a region that holds it, each once, in no particular order."""

    row: IntArray
    slot: IntArray


class _Layer(NamedTuple):
    """Elementary intervals between all ends of some regions; interval i has entries first[i] to first[i + 1].

    An entry is twice the slot of the region, plus one where only the circle decides.
    """

    slots: tuple[int, ...]
    lookup: Lookup
    first: IntArray
    entries: npt.NDArray[np.int32]


class RegionIndex(Generic[Key]):
    """Regions by key: added, replaced and dropped one by one, asked for many points at once.

    Regions lie in layers of falling size. A new region makes a small layer, which swallows those that are no longer
    much larger (the logarithmic method of Bentley and Saxe 1980, J. Algorithms 1, 301): the large layers stay as they
    are. A dropped region is skipped until its layer is next rebuilt.
    """

    def __init__(self) -> None:
        self._footprints: list[Footprint | None] = []
        self._keys: list[Key] = []
        self._slot: dict[Key, int] = {}
        self._layers: list[_Layer] = []
        self._circles: FloatArray = np.zeros((0, 4))
        self._alive: BoolArray = np.zeros(0, np.bool_)

    def __len__(self) -> int:
        return len(self._slot)

    def __contains__(self, key: Key) -> bool:
        return key in self._slot

    def key(self, slot: int) -> Key:
        """Key of a slot that `find` gave."""
        return self._keys[slot]

    def add(self, footprints: Mapping[Key, Footprint]) -> None:
        """Add regions; those of known keys are replaced."""
        self.drop(*(key for key in footprints if key in self._slot))
        slots = []
        for key, footprint in footprints.items():
            self._slot[key] = len(self._keys)
            slots.append(len(self._keys))
            self._keys.append(key)
            self._footprints.append(footprint)
        self._circles = np.concatenate((self._circles, *(_vector(f.circle) for f in footprints.values())))
        self._alive = np.append(self._alive, np.ones(len(slots), np.bool_))
        while self._layers and self._living(self._layers[-1]) <= GROWTH * len(slots):
            slots = [s for s in self._layers.pop().slots if self._footprints[s] is not None] + slots
        if slots:
            self._layers.append(self._layer(tuple(slots)))

    def drop(self, *keys: Key) -> None:
        """Forget regions; unknown keys do nothing."""
        for key in keys:
            slot = self._slot.pop(key, None)
            if slot is not None:
                self._footprints[slot] = None
                self._alive[slot] = False
        self._layers = [layer for layer in self._layers if self._living(layer)]

    def find(self, ra: npt.ArrayLike, dec: npt.ArrayLike) -> Hits:
        """Every pair of a point (ICRS degrees, one-dimensional) and a region that holds it."""
        ra_deg, dec_deg = np.asarray(ra, np.float64), np.asarray(dec, np.float64)
        points = healpix.pixel(ra_deg, dec_deg)
        found = []
        for layer in self._layers:
            sure, edge = _entries(layer, points, self._alive)
            inside = self._within(ra_deg, dec_deg, edge)
            found += [sure, Hits(edge.row[inside], edge.slot[inside])]
        if not found:
            return Hits(np.zeros(0, np.int64), np.zeros(0, np.int64))
        return Hits(*(np.concatenate(column) for column in zip(*found, strict=True)))

    def _within(self, ra: FloatArray, dec: FloatArray, edge: Hits) -> BoolArray:
        loops = kernels(edge.row.size)
        if loops is None:
            x, y, z = (healpix.vectors(ra[edge.row], dec[edge.row]) - self._circles[edge.slot, :3]).T
            return np.asarray((x * x + y * y) + z * z <= self._circles[edge.slot, 3])
        inside = np.empty(edge.row.size, np.bool_)
        loops.within(ra, dec, self._circles, edge.row, edge.slot, inside)
        return inside

    def _living(self, layer: _Layer) -> int:
        return int(np.count_nonzero(self._alive[list(layer.slots)]))

    def _layer(self, slots: tuple[int, ...]) -> _Layer:
        covers = [(slot, f.cover) for slot in slots if (f := self._footprints[slot]) is not None]
        start = np.concatenate([cover.start for _, cover in covers])
        stop = np.concatenate([cover.stop for _, cover in covers])
        entry = np.concatenate([2 * slot + ~cover.full for slot, cover in covers]).astype(np.int32)
        bounds = np.unique(np.concatenate((start, stop)))
        begin, end = np.searchsorted(bounds, start), np.searchsorted(bounds, stop)
        count = np.cumsum(np.bincount(begin, minlength=len(bounds)) - np.bincount(end, minlength=len(bounds)))
        first = np.concatenate(([0], np.cumsum(count)))
        # a region's intervals are neighbours, so a stable sort by interval lists every interval's regions by slot
        length = end - begin
        interval = np.arange(int(length.sum())) + np.repeat(begin - np.cumsum(length) + length, length)
        entries = np.repeat(entry, length)[np.argsort(interval, kind="stable")]
        return _Layer(slots, Lookup(bounds[:-1], bounds[1:]), first, entries)


def _vector(circle: Circle | None) -> FloatArray:
    """Unit vector of the centre and the squared chord of the radius, one row; nothing lies within no circle."""
    if circle is None:
        return np.array([[0.0, 0.0, 0.0, -1.0]])
    chord2 = 4 * np.sin(np.radians(min(circle.radius_deg, 180.0)) / 2) ** 2
    return np.append(healpix.vectors(circle.ra, circle.dec), chord2)[None, :]


def _entries(layer: _Layer, points: IntArray, alive: BoolArray) -> tuple[Hits, Hits]:
    """Points with the living regions of the layer whose ranges hold them: surely inside, and on an edge."""
    interval = layer.lookup.find(points)
    loops = kernels(points.size)
    if loops is None:
        row = np.flatnonzero(interval >= 0)
        interval = interval[row]
        count = layer.first[interval + 1] - layer.first[interval]
        place = np.arange(int(count.sum())) + np.repeat(layer.first[interval] - np.cumsum(count) + count, count)
        row, entry = np.repeat(row, count), layer.entries[place].astype(np.int64)
        living = alive[entry >> 1]
        sure, edge = living & (entry & 1 == 0), living & (entry & 1 == 1)
        return Hits(row[sure], entry[sure] >> 1), Hits(row[edge], entry[edge] >> 1)
    total = loops.count_entries(interval, layer.first)
    row, slot = np.empty(total, np.int64), np.empty(total, np.int64)
    until, since = loops.list_entries(interval, layer.first, layer.entries, alive, row, slot)
    return Hits(row[:until], slot[:until]), Hits(row[since:], slot[since:])
