"""Which fields, in which order, on which of several nights: insertion by value.

The team orienteering problem with time windows (Vansteenwegen et al. 2009, Comput. Oper. Res. 36, 3281), except that
what a field is worth depends on the fields that were chosen before: the one that adds most goes to the place in a
night where the plan gains most, until nothing fits. Exchanging fields afterwards was tried: less than 0.5 % more
probability, less of it early, for twice the time. Nothing is drawn at random.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from nuncius.broker.planning.coverage import Coverage
from nuncius.broker.planning.front import Front
from nuncius.broker.planning.route import Insertion, Route
from nuncius.broker.sky.healpix import FloatArray, IntArray

FADE: Final = 0.3
"""A field at the end of the time counts so much less than at its beginning. Ours: sources fade, nights cloud over."""
NEGLIGIBLE: Final = 1e-3
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
        self._least = max(NEGLIGIBLE * float(coverage.gain.max(initial=0.0)), 1e-12)

    def pin(self, route: int, field: int, start_s: float) -> None:
        """Gives a field a moment of a night that it keeps."""
        self.routes[route].pin(field, start_s, self._coverage.add(field))

    def fill(self, owners: Collection[int]) -> None:
        """Inserts fields of some telescopes as long as one fits and is worth it."""
        some = [_Choice(one, Front(one.shift.maybe, self._least)) for one in self.routes if one.shift.owner in owners]
        while True:
            for one in some:
                if one.is_stale(self._coverage.gain):
                    one.choose(self._coverage.gain)
            ranked = [
                (one.found.value, -n, one.found)
                for n, one in enumerate(some)
                if one.found is not None and self._has_room(one.route)
            ]
            if not ranked:
                return
            _, n, found = max(ranked)
            some[-n].route.insert(found, self._coverage.add(found.field))
            some[-n].tried = None

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

    def _has_room(self, route: Route) -> bool:
        owner = route.shift.owner
        return sum(len(one.fields) for one in self.routes if one.shift.owner == owner) < self._tiles_max


@dataclass(slots=True, eq=False)
class _Choice:
    """What would be inserted next into a route: the best of the most probable fields of which one fits.

    It stands as long as neither the route nor the gain of any field that was tried changes, since no gain rises.
    """

    route: Route
    front: Front
    tried: IntArray | None = None
    held: FloatArray = field(default_factory=lambda: np.zeros(0))
    found: Insertion | None = None

    def is_stale(self, gain: FloatArray) -> bool:
        """Whether it must be chosen anew, by what each field of the pool would add."""
        return self.tried is None or not np.array_equal(gain[self.tried], self.held)

    def choose(self, gain: FloatArray) -> None:
        """Chooses; fields that fit nowhere are struck off."""
        first = self.route.shift.first_field
        own = gain[first : first + len(self.route.shift.maybe)]
        tried: list[IntArray] = [np.zeros(0, np.int64)]
        self.found = None
        for few, soon in self.front.falling(own):
            tried.append(few + first)
            self.route.shift.sight.look(few, soon)
            self.found, value = _inserted(self.route, few + first, own[few])
            self.front.strike(few[np.isneginf(value)])
            if self.found is not None:
                break
        self.tried = np.concatenate(tried)
        self.held = gain[self.tried]


def _inserted(route: Route, fields: IntArray, gain: FloatArray) -> tuple[Insertion | None, FloatArray]:
    """The best insertion of some fields, the first of equal ones; None where none is worth it. And all values."""
    place, spell, value = route.best(fields, gain)
    n = int(np.argmax(value))
    if not value[n] > 0:
        return None, value
    return Insertion(int(fields[n]), int(place[n]), int(spell[n]), float(value[n])), value
