"""From what a facility states to geometry: points, circular densities and maps."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import numpy as np

from nuncius.broker.sky import errors, healpix
from nuncius.broker.sky.errors import AS_STATED, ErrorModel
from nuncius.broker.sky.profile import Disc, Fisher, TwoPiece
from nuncius.broker.sky.region import moc_ranges
from nuncius.broker.sky.skymap import SkyMap
from nuncius.broker.sky.tiling import TOLERANCE, tile_profile
from nuncius.schemas.errors import MalformedAlert
from nuncius.schemas.localization import Cone, Ellipse, Localization, Region, SkyMapRef

Place = Localization | Cone | Ellipse | Region | SkyMapRef | SkyMap
"""Whatever has a place on the sky."""

NO_MAPS: Mapping[str, SkyMap] = MappingProxyType({})
POINT_DEG = 1e-6
"""A radius up to this is a point: 4 mas, ten pixels of order 29."""
_HARD_BORDER = 1 - 1e-6


@dataclass(frozen=True, slots=True)
class Point:
    """A position whose error does not matter. ICRS degrees."""

    ra: float
    dec: float


def geometry(place: Place, maps: Mapping[str, SkyMap] = NO_MAPS, *, tolerance: float = TOLERANCE) -> SkyMap | None:
    """The map of a localization; None for a sky map that is neither in ``maps`` nor carried along.

    A cone becomes a Fisher map with the right containment radius, with the error model the localization names; with
    containment 1 a uniform disc; with radius 0 one pixel of order 29. An ellipse becomes a Gaussian with four widths,
    a region a uniform map (all its probability inside). Shapes are remembered, so asking again is quick.

    Parameters
    ----------
    place
        Localization, shape or map.
    maps
        Maps by the sha256 of their files.
    tolerance
        Largest probability by which a cell of a circle or ellipse may be uneven; smaller gives more cells.

    Raises
    ------
    MalformedAlert
        A shape is out of its range, or the carried bytes are no map.
    """
    shape = simple(place, maps, tolerance=tolerance)
    if isinstance(shape, (Point, Fisher)):
        return tiled(shape, tolerance)
    return shape


def searchable(place: Place, maps: Mapping[str, SkyMap] = NO_MAPS) -> Fisher | SkyMap | None:
    """The geometry that candidates are held against: exact for a circle, else a map; None as in `geometry`."""
    shape = simple(place, maps)
    return tiled(shape) if isinstance(shape, Point) else shape


def simple(
    place: Place, maps: Mapping[str, SkyMap] = NO_MAPS, *, tolerance: float = TOLERANCE
) -> Point | Fisher | SkyMap | None:
    """The simplest exact geometry: a point or a circular density where it is one, else a map."""
    if isinstance(place, SkyMap):
        return place
    if isinstance(place, Localization):
        shape = place.shape
        error = errors.model(place.systematic_model, systematic_included=place.systematic_included)
    else:
        shape, error = place, AS_STATED
    if isinstance(shape, SkyMapRef):
        known = maps.get(shape.sha256) if shape.sha256 else None  # a map known by its URL only
        return _read(shape.data) if known is None and shape.data is not None else known
    return _simple(shape, error, tolerance)


def point(place: Place) -> tuple[float, float, float] | None:
    """Centre and 90 % radius in degrees, error model included; None for regions and maps.

    The radius of an ellipse is the largest of its half axes.
    """
    shape = place.shape if isinstance(place, Localization) else place
    if isinstance(shape, Ellipse):
        sigma = _sigma_deg(shape)
        return shape.ra, shape.dec, max(sigma) * math.sqrt(-2 * math.log(0.1))
    if isinstance(shape, Cone):
        found = simple(place)
        if isinstance(found, Fisher):
            return found.ra, found.dec, found.radius90_deg
        return shape.ra, shape.dec, 0.0 if isinstance(found, Point) else shape.radius
    return None


@lru_cache(maxsize=512)
def _simple(shape: Cone | Ellipse | Region, error: ErrorModel, tolerance: float) -> Point | Fisher | SkyMap:
    if isinstance(shape, Region):
        start, stop = moc_ranges(shape.moc)
        return SkyMap.from_ranges(start, stop, np.ones(len(start)))
    ra, dec = shape.ra, shape.dec
    if not (math.isfinite(ra) and -90 <= dec <= 90):
        raise MalformedAlert(f"position ({ra}, {dec}) is not on the sky", "ra, dec")
    if not 0 < shape.containment <= 1:
        raise MalformedAlert(f"containment {shape.containment}; expected a probability in (0, 1]", "containment")
    if isinstance(shape, Ellipse):
        minus, plus, down, up = _sigma_deg(shape)
        if max(minus, plus, down, up) <= POINT_DEG:
            return Point(ra, dec)
        return tile_profile(TwoPiece(ra, dec, minus, plus, down, up, shape.position_angle), tolerance=tolerance)
    radius = shape.radius
    if not 0 <= radius <= 360:
        raise MalformedAlert(f"radius {radius} degrees; expected 0 to 180", "radius")
    if radius <= POINT_DEG:
        return Point(ra, dec)
    if radius >= 180:
        return Fisher(ra, dec, ((1.0, 0.0),))
    if shape.containment >= _HARD_BORDER and not error.systematic:
        return tile_profile(Disc(ra, dec, max(radius * error.scale, error.floor_deg)), tolerance=tolerance)
    return errors.fisher(ra, dec, radius, min(shape.containment, _HARD_BORDER), error)


@lru_cache(maxsize=256)
def tiled(shape: Point | Fisher, tolerance: float = TOLERANCE) -> SkyMap:
    """The map of a point (one pixel of order 29) or of a circular density."""
    if isinstance(shape, Point):
        start = np.atleast_1d(healpix.pixel(shape.ra, shape.dec))
        return SkyMap.from_ranges(start, start + 1, np.ones(1))
    return tile_profile(shape, tolerance=tolerance)


def _read(data: bytes) -> SkyMap:
    return _read_once(_Bytes(hashlib.sha256(data).digest(), data))


@dataclass(frozen=True, slots=True, eq=False)
class _Bytes:
    """A file that is remembered by its digest, not by its megabytes."""

    digest: bytes
    data: bytes

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Bytes) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)


@lru_cache(maxsize=4)
def _read_once(file: _Bytes) -> SkyMap:
    return SkyMap.read(file.data)


def _sigma_deg(shape: Ellipse) -> tuple[float, float, float, float]:
    """Widths at which the density has fallen to e^-1/2, from half axes at the stated containment.

    Within half axes at s sigma each quarter of a two-piece Gaussian holds 1 - exp(-s^2 / 2), whatever its widths.
    """
    axes = (shape.ra_minus, shape.ra_plus, shape.dec_minus, shape.dec_plus)
    if not all(0 <= axis <= 180 for axis in axes):
        raise MalformedAlert(f"half axes {axes} degrees; expected 0 to 180", "ra_minus")
    reach = math.sqrt(-2 * math.log1p(-min(shape.containment, 1 - 1e-6)))
    least = max(max(axes) * 1e-3, POINT_DEG / 10)
    minus, plus, down, up = (max(axis, least) / reach for axis in axes)
    return minus, plus, down, up
