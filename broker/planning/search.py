"""Which fields, in which order, on which of several nights: insertion by value.

The team orienteering problem with time windows (Vansteenwegen et al. 2009, Comput. Oper. Res. 36, 3281), except that
what a field is worth depends on the fields that were chosen before: the one that adds most goes to the place in a
night where the plan gains most, until nothing fits. Exchanging fields afterwards was tried: less than 0.5 % more
probability, less of it early, for twice the time. Nothing is drawn at random.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

import numpy as np

from nuncius.broker.planning.coverage import Coverage
from nuncius.broker.planning.route import Insertion, Route
from nuncius.broker.sky.healpix import BoolArray, FloatArray, IntArray

FADE: Final = 0.3
"""A field at the end of the time counts so much less than at its beginning. Ours: sources fade, nights cloud over."""
_FEW: Final = 24
"""Fields that are tried at once, most probable first."""
_MANY: Final = 240
_NEGLIGIBLE: Final = 1e-3
"""A field that adds less than this share of what the best one holds is not worth its time; ours."""


class Search:
    """A plan in the making.

    Parameters
    ----------
    routes
        Nights that share the coverage.
    coverage
        Of the fields of all of them.
    tiles_max
        Most fields of one telescope.
    """

    def __init__(self, routes: Sequence[Route], coverage: Coverage, *, tiles_max: int) -> None:
        self.routes, self._coverage, self._tiles_max = tuple(routes), coverage, tiles_max
        self._least = max(_NEGLIGIBLE * float(coverage.gain.max(initial=0.0)), 1e-12)

    def fill(self, owners: Collection[int]) -> None:
        """Inserts fields of some telescopes as long as one fits and is worth it."""
        routes = [route for route in self.routes if route.shift.owner in owners]
        alive = [_possible(route) for route in routes]
        while True:
            found = [self._best(route, left) for route, left in zip(routes, alive, strict=True)]
            ranked = [(one.value, -n, one) for n, one in enumerate(found) if one is not None]
            if not ranked:
                return
            _, n, one = max(ranked)
            routes[-n].insert(one, self._coverage.add(one.field))

    def tally(self) -> float:
        """Counts each cell for the field that sees it first; the value of the whole plan."""
        seen = [(start, n, k) for n, one in enumerate(self.routes) for k, start in enumerate(one.start_s.tolist())]
        seen.sort()
        fields = [int(self.routes[n].fields[k]) for _, n, k in seen]
        for (_, n, k), gain in zip(seen, self._coverage.in_order(fields), strict=True):
            self.routes[n].gain[k] = gain
        for route in self.routes:
            route.settle()
        return sum(route.value for route in self.routes)

    def _best(self, route: Route, alive: BoolArray) -> Insertion | None:
        """The insertion that is worth most, of the most probable fields of which one fits.

        Fields that fit nowhere are struck off ``alive``.
        """
        if sum(len(one.fields) for one in self.routes if one.shift.owner == route.shift.owner) >= self._tiles_max:
            return None
        first = route.shift.first_field
        gain = self._coverage.gain[first : first + len(alive)]
        for few in _falling(np.flatnonzero(alive & (gain > self._least)), gain):
            one, value = _inserted(route, few + first, gain[few])
            alive[few[np.isneginf(value)]] = False
            if one is not None:
                return one
        return None


def _inserted(route: Route, fields: IntArray, gain: FloatArray) -> tuple[Insertion | None, FloatArray]:
    """The best insertion of some fields, the first of equal ones; None where none is worth it. And all values."""
    place, spell, value = route.best(fields, gain)
    n = int(np.argmax(value))
    if not value[n] > 0:
        return None, value
    return Insertion(int(fields[n]), int(place[n]), int(spell[n]), float(value[n])), value


def _falling(rows: IntArray, gain: FloatArray) -> Iterator[IntArray]:
    """Rows by falling gain, of equal ones the first, a few at a time; those never asked for stay unsorted."""
    while len(rows) > _MANY:
        least = np.partition(gain[rows], len(rows) - _MANY)[len(rows) - _MANY]
        top = gain[rows] >= least
        yield from _falling_few(rows[top], gain)
        rows = rows[~top]
    yield from _falling_few(rows, gain)


def _falling_few(rows: IntArray, gain: FloatArray) -> Iterator[IntArray]:
    rows = rows[np.argsort(-gain[rows], kind="stable")]
    for begin in range(0, len(rows), _FEW):
        yield rows[begin : begin + _FEW]


def _possible(route: Route) -> BoolArray:
    """Fields of the route's telescope that can be seen at all on its night."""
    spells = route.shift.spells
    return np.asarray((spells.last_s >= spells.first_s).any(axis=1))
