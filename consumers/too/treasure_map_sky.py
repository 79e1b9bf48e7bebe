"""The sky that an instrument of many detectors sees at once."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from nuncius.broker.sky import separation_deg
from nuncius.broker.sky.cover import circle_cover, fitting_order
from nuncius.broker.sky.healpix import ORDER, BoolArray, FloatArray, cell_range, position, vectors
from nuncius.broker.sky.polygon import Polygon
from nuncius.broker.sky.ranges import Ranges, spelled, union

Place = tuple[float, float]

_BORDER_ORDERS: Final = 4
"""Cells are so many orders finer than an eighth of the radius of the whole: a 128th of it, as of our own fields."""
_ROUNDING: Final = 1e-12


def mosaic(rings: Sequence[Sequence[Place]], centre: Place) -> Ranges:
    """All cells whose centre lies in one of the detectors, a 128th of the radius of the whole wide.

    Parameters
    ----------
    rings
        Corners of each detector, (ra, dec) in ICRS degrees.
    centre
        Of the field.

    Raises
    ------
    ValueError, LimitExceeded
        As in `Polygon.of`; ValueError also where no detector holds the centre of a cell.
    """
    shapes = [Polygon.of(ring) for ring in rings]
    corners = np.array([corner for ring in rings for corner in ring])
    reach_deg = float(np.max(separation_deg(*centre, corners[:, 0], corners[:, 1])))
    order = min(fitting_order(reach_deg) + _BORDER_ORDERS, ORDER)
    around = circle_cover(*centre, reach_deg, order=order).ranges
    shift = 2 * (ORDER - order)
    cells = spelled(Ranges(around.start >> shift, around.stop >> shift))
    points = vectors(*position(order, cells))
    seen = np.zeros(len(cells), np.bool_)
    for shape in shapes:
        seen |= _inside(shape, points)
    if not seen.any():
        raise ValueError("its detectors are too small for a field that wide")
    return union(*cell_range(order, cells[seen]))


def _inside(shape: Polygon, points: FloatArray) -> BoolArray:
    """Whether each point lies in a polygon; looked at closely only within the reach of its corners."""
    middle = shape.vertices.mean(axis=0)
    least = float((shape.vertices @ middle).min())
    # corners in a cap smaller than a hemisphere: all that lies between them is in it, too
    near = points @ middle >= least - _ROUNDING if least > 0 else np.ones(len(points), np.bool_)
    inside = np.zeros(len(points), np.bool_)
    convex = bool((shape.vertices @ shape.poles.T >= -_ROUNDING).all())
    here = points[near]
    inside[near] = (here @ shape.poles.T > 0).all(axis=1) if convex else shape.border_rad(here)[1]
    return inside
