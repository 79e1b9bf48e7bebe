"""What of a localization is searched: the smallest region that holds a probability, as ranges to be found by."""

from dataclasses import dataclass

import numpy as np

from nuncius.broker.sky.cover import Cover, circle_cover
from nuncius.broker.sky.profile import Fisher
from nuncius.broker.sky.ranges import union
from nuncius.broker.sky.skymap import SkyMap

_SLACK = 1 + 1e-9
"""On a circle's radius, so that rounding never leaves out what the credible level lets in."""


@dataclass(frozen=True, slots=True)
class Circle:
    """A circle whose border is tested exactly; ICRS degrees, the border inside."""

    ra: float
    dec: float
    radius_deg: float


@dataclass(frozen=True, slots=True, eq=False)
class Footprint:
    """Ranges, and for those that are not full the circle that decides."""

    cover: Cover
    circle: Circle | None = None


def footprint(shape: SkyMap | Fisher, level: float) -> Footprint:
    """The region of all places whose credible level is at most ``level`` in (0, 1]; the densest places always.

    Exact: a map's tiles as they are, of a circular density the circle.
    """
    if isinstance(shape, Fisher):
        radius = min(shape.radius_deg(level) * _SLACK, 180.0)
        return Footprint(circle_cover(shape.ra, shape.dec, radius), Circle(shape.ra, shape.dec, radius))
    inside = shape.levels <= searched_level(shape, level)
    start, stop = union(shape.start[inside], shape.stop[inside])
    return Footprint(Cover(start, stop, np.ones(len(start), np.bool_)))


def searched_level(shape: SkyMap | Fisher, level: float) -> float:
    """The level up to which a place is inside: of a map at least that of its densest places.

    All of a uniform region is its densest place, and so is a point: a level below that has no region.
    """
    return level if isinstance(shape, Fisher) else max(level, float(shape.levels.min()))
