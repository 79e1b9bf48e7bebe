"""From a map and telescopes to filled nights: cells, fields that may be chosen, and the best of a few searches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Self

import numpy as np

from nuncius.broker.planning.cells import SIDE_CELLS, Cells, Galaxies, Parts, cells_of, densest, hosts, order_for, split
from nuncius.broker.planning.coverage import Coverage, Fields, Pool
from nuncius.broker.planning.footprints import area_deg2, reach_deg
from nuncius.broker.planning.placing import Bands, Centres, members
from nuncius.broker.planning.route import Route, Shift
from nuncius.broker.planning.search import FADE, Search
from nuncius.broker.planning.sightlines import Night, Sight, night_number, nights, reachable
from nuncius.broker.planning.telescope import RectangleField, Telescope
from nuncius.broker.planning.visibility import Site
from nuncius.broker.sky.healpix import ORDER, BoolArray, cell_area_sr, cell_radius_rad, pixel, position, vectors
from nuncius.broker.sky.ranges import Ranges
from nuncius.broker.sky.skymap import SkyMap

DENSE: Final = 2 / 3
"""Overlap of a grid so dense that fields lie where the map wants them."""
_MOST_CELLS: Final = 150_000
_MOST_GALAXIES: Final = 5000
_TIMES_AREA: Final = 3.0
"""The densest part of the map that is looked at, in units of what the telescopes can cover."""
_LOOK_ORDER: Final = 5
_TURN_DEG: Final = 2.5
"""So far the sky turns in ten minutes."""
_SLACK_DEG: Final = _TURN_DEG + float(np.degrees(cell_radius_rad(_LOOK_ORDER)))
"""What lies in a cell that stays so far outside the limits cannot be seen."""

_EDGE_S: Final = 1.0
"""By less the edge of a night differs that is worked out from another beginning; ours."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Job:
    """What is to be planned.

    Parameters
    ----------
    sky, covered
        The map, and pixels of it that were looked at already.
    telescopes
        They share the map.
    start, stop
        Aware; nothing begins before the one or ends after the other.
    exposure_s
        Of every field.
    tiles_max
        Most fields a telescope.
    galaxies
        Fields are laid on these where given.
    used_s
        Time that is used already, by telescope, site and number of the night.
    kept
        Fields of an earlier plan that keep their times, with owners among the telescopes.
    """

    sky: SkyMap
    covered: Ranges | None
    telescopes: tuple[Telescope, ...]
    start: datetime
    stop: datetime
    exposure_s: float
    tiles_max: int
    galaxies: Galaxies | None
    used_s: Mapping[tuple[str, str, int], float]
    kept: tuple["Field", ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """A chosen field: number of its telescope, site, centre, when its exposure begins, and the galaxy it lies on."""

    owner: int
    site: Site
    ra_deg: float
    dec_deg: float
    begin: datetime
    name: str

    @property
    def order(self) -> tuple[datetime, int, str]:
        """Place in a plan."""
        return self.begin, self.owner, self.site.name


def compose(job: Job) -> tuple[Field, ...]:
    """The fields of the best plan found, by time; of those to be kept the ones that a night has room for."""
    dark = [nights(telescope, job.start, job.stop) for telescope in job.telescopes]
    if not any(dark):
        return ()
    # what a field is worth falls from the first darkness on
    first_s = min(night.open_s for of_one in dark for night in of_one)
    job = replace(job, start=job.start + timedelta(seconds=first_s))
    dark = [nights(telescope, job.start, job.stop) for telescope in job.telescopes]
    kept = (one for one in job.kept if any(_lies(job, one, night) for night in dark[one.owner]))
    job = replace(job, kept=tuple(sorted(kept, key=lambda one: one.order)))
    cells = _cells(job, dark) if job.galaxies is None else _hosts(job, job.galaxies, dark)
    if not len(cells.ra_deg):
        return ()
    grids = [_Grid.of(job, dark, cells, places) for places in _places(job, cells)]
    together = [grid.searched([tuple(range(len(job.telescopes)))]) for grid in grids]
    best = max(range(len(grids)), key=lambda n: together[n].value)
    one_by_one = [grids[best].searched(turns) for turns in _turns(len(job.telescopes))]
    return grids[best].fields(max((together[best], *one_by_one), key=lambda one: one.value))


def _cells(job: Job, dark: Sequence[Sequence[Night]]) -> Cells:
    """The densest part of the map that can be seen, in cells that suit the smallest field."""
    areas = [area_deg2(telescope.field) for telescope in job.telescopes]
    order = max(
        order_for(min(areas), SIDE_CELLS / 2), min(order_for(min(areas)), order_for(max(areas), 2 * SIDE_CELLS))
    )
    parts = split(Parts.of(job.sky, job.covered), min(_LOOK_ORDER, order))
    sure = _TIMES_AREA * sum(n * area for n, area in zip(_most_fields(job, dark), areas, strict=True))
    shift = 2 * (ORDER - _LOOK_ORDER)
    parts = densest(parts, _seen(job, dark)[parts.start >> shift], sure)
    area = float(np.sum(parts.stop - parts.start)) * float(cell_area_sr(ORDER))
    while order > 0 and area / float(cell_area_sr(order)) > _MOST_CELLS:
        order -= 1
    return cells_of(parts, order)


def _hosts(job: Job, galaxies: Galaxies, dark: Sequence[Sequence[Night]]) -> Cells:
    found = hosts(job.sky, galaxies, job.covered)
    seen = np.zeros(len(found.ra_deg), np.bool_)
    for telescope, of_one in zip(job.telescopes, dark, strict=True):
        slack = _TURN_DEG + reach_deg(telescope.field)
        seen |= reachable(telescope, of_one, found.ra_deg, found.dec_deg, job.start, slack)
    kept = np.flatnonzero(seen)[:_MOST_GALAXIES]
    names = tuple(found.name[n] for n in kept.tolist())
    return Cells(found.ra_deg[kept], found.dec_deg[kept], found.probability[kept], names)


def _most_fields(job: Job, dark: Sequence[Sequence[Night]]) -> list[float]:
    """For how many fields each telescope has time."""
    return [
        min(job.tiles_max, 1 + sum(n.close_s - n.open_s for n in of_one) / _least_s(telescope, job.exposure_s))
        for telescope, of_one in zip(job.telescopes, dark, strict=True)
    ]


def _least_s(telescope: Telescope, exposure_s: float) -> float:
    return telescope.settle_s + exposure_s + telescope.readout_s


def _seen(job: Job, dark: Sequence[Sequence[Night]]) -> BoolArray:
    """Cells of order `_LOOK_ORDER` of which any part may be in a field of any telescope."""
    ra, dec = position(_LOOK_ORDER, np.arange(12 << (2 * _LOOK_ORDER)))
    out = np.zeros(len(ra), np.bool_)
    for telescope, of_one in zip(job.telescopes, dark, strict=True):
        out |= reachable(telescope, of_one, ra, dec, job.start, _SLACK_DEG + reach_deg(telescope.field))
    return out


def _maybe(job: Job, telescope: Telescope, night: Night, centres: Centres) -> BoolArray:
    """Fields whose cell of order `_LOOK_ORDER` comes near enough to the limits in a night to be worth a closer look."""
    cell, of_field = np.unique(pixel(centres.ra_deg, centres.dec_deg) >> 2 * (ORDER - _LOOK_ORDER), return_inverse=True)
    ra, dec = position(_LOOK_ORDER, cell)
    return reachable(telescope, [night], ra, dec, job.start, _SLACK_DEG)[of_field]


def _places(job: Job, cells: Cells) -> list[list[Centres]]:
    """Sets of places to try, each a list with the places of every telescope."""
    kept = [_own(job, owner) for owner in range(len(job.telescopes))]
    if job.galaxies is not None:
        return [[_with(Centres(cells.ra_deg, cells.dec_deg), own) for own in kept]]
    # edge to edge rectangles leave nothing between them; circles would overlap by a third
    square = any(isinstance(telescope.field, RectangleField) for telescope in job.telescopes)
    overlaps = (DENSE, 0.0) if square else (DENSE,)
    return [
        [
            _with(Bands.of(telescope.field, overlap, telescope.position_angle_deg).near(cells), own)
            for telescope, own in zip(job.telescopes, kept, strict=True)
        ]
        for overlap in overlaps
    ]


def _with(centres: Centres, kept: Sequence[Field]) -> Centres:
    """Places of fields, those that are kept last."""
    ra, dec = [one.ra_deg for one in kept], [one.dec_deg for one in kept]
    return Centres(np.append(centres.ra_deg, ra), np.append(centres.dec_deg, dec))


@dataclass(frozen=True, slots=True, eq=False)
class _Filled:
    """What one search found: its value, and the nights filled."""

    value: float
    routes: tuple[Route, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Grid:
    """Places of fields to choose from, and the nights to choose for."""

    job: Job
    cells: Cells
    places: Sequence[Centres]
    pool: Pool
    shifts: tuple[Shift, ...]
    fade_per_s: float

    @classmethod
    def of(cls, job: Job, dark: Sequence[Sequence[Night]], cells: Cells, places: Sequence[Centres]) -> Self:
        pool = _pool(job, cells, places)
        shifts = tuple(
            _shift(job, owner, night, pool.first[owner], places[owner])
            for owner, of_one in enumerate(dark)
            for night in of_one
        )
        return cls(job, cells, places, pool, shifts, FADE / max(night.close_s for of_one in dark for night in of_one))

    @property
    def kept(self) -> tuple[tuple[Field, ...], ...]:
        """Of each telescope; their places are its last ones."""
        return tuple(_own(self.job, owner) for owner in range(len(self.job.telescopes)))

    def searched(self, turns: Sequence[tuple[int, ...]]) -> _Filled:
        """What telescopes find who choose in turns, those of a turn at once."""
        routes = [Route(one, self.pool.points, self.fade_per_s) for one in self.shifts]
        search = Search(routes, Coverage(self.pool), tiles_max=self.job.tiles_max)
        for number, field, start_s in self._pinned():
            search.pin(number, field, start_s)
        for owners in turns:
            search.fill(owners)
        return _Filled(search.tally(), search.routes)

    def fields(self, filled: _Filled) -> tuple[Field, ...]:
        """The fields of a search, by time."""
        found = [
            self._field(route.shift, field - route.shift.first_field, start)
            for route in filled.routes
            for field, start in zip(route.fields.tolist(), route.start_s.tolist(), strict=True)
        ]
        return tuple(sorted(found, key=lambda one: one.order))

    def _field(self, shift: Shift, row: int, start_s: float) -> Field:
        kept = self.kept[shift.owner]
        ra_deg, dec_deg = self.places[shift.owner]
        if row >= len(ra_deg) - len(kept):
            return kept[row - len(ra_deg)]
        return Field(
            shift.owner,
            shift.night.site,
            float(ra_deg[row]),
            float(dec_deg[row]),
            self.job.start + timedelta(seconds=start_s),
            self.cells.name[row] if self.job.galaxies is not None else "",
        )

    def _pinned(self) -> list[tuple[int, int, float]]:
        """Night, field and start of each field to be kept."""
        out = []
        for owner, kept in enumerate(self.kept):
            first = self.pool.first[owner + 1] - len(kept)
            for field, one in enumerate(kept, first):
                nights_of = ((n, shift.night) for n, shift in enumerate(self.shifts) if shift.owner == owner)
                number = next(n for n, night in nights_of if _lies(self.job, one, night))
                out.append((number, field, (one.begin - self.job.start).total_seconds()))
        return out


def _own(job: Job, owner: int) -> tuple[Field, ...]:
    """Fields of one telescope that are to be kept."""
    return tuple(one for one in job.kept if one.owner == owner)


def _lies(job: Job, one: Field, night: Night) -> bool:
    """Whether a night has room for a field at its time."""
    begin_s = (one.begin - job.start).total_seconds()
    first_s = night.open_s + job.telescopes[one.owner].settle_s - _EDGE_S
    return one.site == night.site and first_s <= begin_s <= night.close_s - job.exposure_s + _EDGE_S


def _turns(telescopes: int) -> list[list[tuple[int, ...]]]:
    """In which turns telescopes choose one after the other: there and back."""
    if telescopes == 1:
        return []
    there: list[tuple[int, ...]] = [(owner,) for owner in range(telescopes)]
    return [there, there[::-1]]


def _pool(job: Job, cells: Cells, places: Sequence[Centres]) -> Pool:
    teams = [
        Fields(
            vectors(one.ra_deg, one.dec_deg),
            float(np.radians(reach_deg(telescope.field))),
            members(telescope.field, one, cells, telescope.position_angle_deg),
        )
        for telescope, one in zip(job.telescopes, places, strict=True)
    ]
    return Pool(tuple(teams), cells.probability)


def _shift(job: Job, owner: int, night: Night, first_field: int, centres: Centres) -> Shift:
    telescope = job.telescopes[owner]
    number = night_number(night.site, job.start + timedelta(seconds=night.open_s))
    used_s = job.used_s.get((telescope.name, night.site.name, number), 0.0)
    return Shift(
        owner=owner,
        telescope=telescope,
        night=night,
        first_field=first_field,
        sight=Sight(telescope, night, centres.ra_deg, centres.dec_deg, job.start, job.exposure_s),
        maybe=_maybe(job, telescope, night, centres),
        exposure_s=job.exposure_s,
        budget_s=np.inf if telescope.night_max_s is None else telescope.night_max_s - used_s,
    )
