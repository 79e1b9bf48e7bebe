"""Regions of active events, indexed by messenger and credible level as filters ask for them."""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

from nuncius.broker.sky.footprint import footprint
from nuncius.broker.sky.healpix import FloatArray, IntArray
from nuncius.broker.sky.index import RegionIndex
from nuncius.broker.sky.profile import Fisher
from nuncius.broker.sky.skymap import SkyMap
from nuncius.filters import EventHits

MOST_INDICES: Final = 32
"""Of different messengers and levels that are kept; one more is made again when it is asked for."""


class Placed(NamedTuple):
    """An event with a region and a time, microseconds since 1970 UTC."""

    messenger: str
    shape: SkyMap | Fisher
    time_us: int


class _Index:
    """The events of one messenger at one level; ``waiting`` are threads that changed since it was last asked."""

    def __init__(self, waiting: set[str]) -> None:
        self.waiting = waiting
        self.regions: RegionIndex[str] = RegionIndex()
        self.time_us: IntArray = np.zeros(0, np.int64)


class ActiveIndex:
    """Finds the events whose regions hold positions; a thread that changed is indexed when it is next asked for.

    Parameters
    ----------
    placed
        A thread's event as it is known now; None where it has no region or no time, or was retracted.
    """

    def __init__(self, placed: Callable[[str], Placed | None]) -> None:
        self._placed = placed
        self._threads: set[str] = set()
        self._indices: dict[tuple[str, float], _Index] = {}

    def changed(self, thread_id: str) -> None:
        """There is something new of a thread."""
        self._threads.add(thread_id)
        for index in self._indices.values():
            index.waiting.add(thread_id)

    def holding(self, messenger: str, level: float, ra: FloatArray, dec: FloatArray) -> EventHits:
        """See `nuncius.filters.IndexedPlaces`."""
        index = self._indices.pop((messenger, level), None) or _Index(set(self._threads))
        self._indices[messenger, level] = index
        while len(self._indices) > MOST_INDICES:
            del self._indices[next(iter(self._indices))]
        self._bring_up(index, messenger, level)
        hits = index.regions.find(ra, dec)
        return EventHits(hits.row, index.time_us[hits.slot])

    def _bring_up(self, index: _Index, messenger: str, level: float) -> None:
        if not index.waiting:
            return
        found = {thread: self._placed(thread) for thread in sorted(index.waiting)}
        index.regions.drop(*found)
        placed = {thread: one for thread, one in found.items() if one is not None and one.messenger == messenger}
        if placed:
            index.regions.add({thread: footprint(one.shape, level) for thread, one in placed.items()})
            index.time_us = np.append(index.time_us, np.array([one.time_us for one in placed.values()], np.int64))
        index.waiting = set()
