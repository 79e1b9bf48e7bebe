"""Grids of positions for drawing, and where positions fall on them. Right ascension grows to the left."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nuncius.broker.sky.healpix import FloatArray


class Grid(NamedTuple):
    """Plot coordinates and the positions they show, ICRS degrees; all of one shape."""

    x: FloatArray
    y: FloatArray
    ra: FloatArray
    dec: FloatArray


def mollweide(ra: npt.ArrayLike, dec: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Coordinates in radians on matplotlib's Mollweide axes with 12 h in the middle."""
    return np.atleast_1d(np.radians(180.0 - np.mod(ra, 360.0))), np.atleast_1d(np.radians(dec))


def all_sky_grid(columns: int = 800) -> Grid:
    """The whole sky, cells of 360 / ``columns`` degrees."""
    step = 360.0 / columns
    ra, dec = np.meshgrid(np.arange(360 - step / 2, 0, -step), np.arange(-90 + step / 2, 90, step))
    x, y = mollweide(ra, dec)
    return Grid(x, y, ra, dec)


def local_grid(ra0: float, dec0: float, radius_deg: float, size: int = 420) -> Grid:
    """Offsets in degrees, east and north, up to ``radius_deg`` from a centre."""
    offset = np.linspace(-radius_deg, radius_deg, size)
    east, north = np.meshgrid(offset, offset)
    return Grid(east, north, *on_tangent(ra0, dec0, east, north))


def on_tangent(ra0: float, dec0: float, east: FloatArray, north: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Positions at offsets in degrees that keep distance and bearing (inverse azimuthal equidistant)."""
    distance = np.radians(np.hypot(east, north))
    bearing = np.arctan2(east, north)
    lon0, lat0 = np.radians(ra0), np.radians(dec0)
    # in the frame whose x axis points at the centre's meridian: exact at the poles too
    ahead, aside = np.cos(distance), np.sin(distance) * np.sin(bearing)
    up = np.sin(distance) * np.cos(bearing)
    x = ahead * np.cos(lat0) - up * np.sin(lat0)
    z = ahead * np.sin(lat0) + up * np.cos(lat0)
    return np.degrees(lon0 + np.arctan2(aside, x)) % 360.0, np.degrees(np.arctan2(z, np.hypot(x, aside)))
