"""What each field of a plan holds of the map, no place counted twice: by the map's own ranges, finely cut."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from nuncius.broker.planning.cells import Cells, Parts, cells_of, order_for
from nuncius.broker.planning.composing import Field
from nuncius.broker.planning.footprints import area_deg2, reach_deg
from nuncius.broker.planning.placing import Centres, members
from nuncius.broker.planning.telescope import CircleField, Telescope
from nuncius.broker.sky.cover import fitting_order
from nuncius.broker.sky.healpix import ORDER, cell_radius_rad, cell_range, position
from nuncius.broker.sky.ranges import Ranges, pieces, union
from nuncius.broker.sky.skymap import SkyMap

ACROSS: Final = 40.0
"""Cells across the smallest field, each counted by its centre."""
_MOST_CELLS: Final = 1_000_000


def first_seen(
    sky: SkyMap, covered: Ranges | None, telescopes: Sequence[Telescope], fields: Sequence[Field]
) -> list[float]:
    """Probability of the map in each field and in none before it, nor in what was covered before all of them.

    Parameters
    ----------
    sky, covered
        The map, and pixels that do not count.
    telescopes, fields
        The fields in their order, and whose they are.
    """
    used = sorted({one.owner for one in fields})
    cells = _cells(sky, covered, telescopes, fields) if fields else None
    if cells is None or not len(cells.ra_deg):
        return [0.0] * len(fields)
    held: dict[int, Sequence[int]] = {}
    for owner in used:
        places = [n for n, one in enumerate(fields) if one.owner == owner]
        ra, dec = np.array([(fields[n].ra_deg, fields[n].dec_deg) for n in places]).T
        one = telescopes[owner]
        of_one = members(one.field, Centres(ra, dec), cells, one.position_angle_deg)
        held.update(zip(places, of_one, strict=True))
    free = np.append(cells.probability, 0.0)
    out: list[float] = []
    for n in range(len(fields)):
        out.append(float(free[held[n]].sum()))
        free[held[n]] = 0.0
    return out


def _cells(sky: SkyMap, covered: Ranges | None, telescopes: Sequence[Telescope], fields: Sequence[Field]) -> Cells:
    """The map where the fields are."""
    reach = max(reach_deg(telescopes[one.owner].field) for one in fields)
    near = _around(Centres(np.array([one.ra_deg for one in fields]), np.array([one.dec_deg for one in fields])), reach)
    parts = Parts.of(sky, covered)
    common = pieces(Ranges(parts.start, parts.stop), near)
    order = order_for(min(area_deg2(telescopes[one.owner].field) for one in fields), ACROSS)
    pixels = float(np.sum(common.stop - common.start))
    while order > 0 and pixels * 4.0 ** (order - ORDER) > _MOST_CELLS:
        order -= 1
    return cells_of(Parts(common.start, common.stop, parts.density[common.of_a]), order)


def _around(centres: Centres, reach: float) -> Ranges:
    """Cells that hold all circles of a radius around some positions, half as wide as these at most."""
    order, finest = 3, max(fitting_order(reach) - 1, 3)
    number = np.arange(12 << (2 * order))
    while True:
        cells = Cells(*position(order, number), np.zeros(len(number)))
        wide = CircleField(min(reach + float(np.degrees(cell_radius_rad(order))), 180.0))
        held = np.unique(members(wide, centres, cells))
        number = number[held[held < len(number)]]
        if order >= finest:
            return union(*cell_range(order, number))
        step = min(2, finest - order)
        number = ((number[:, None] << (2 * step)) + np.arange(1 << (2 * step))).reshape(-1)
        order += step
