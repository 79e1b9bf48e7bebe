"""From the sky to the plane of a picture and back. Right ascension grows to the left, north is up. ICRS degrees."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from nuncius.broker.sky.healpix import FloatArray, IntArray, pixel
from nuncius.broker.sky.sphere import offsets_deg, separation_deg

_ROOT2 = 2**0.5
_NEWTON_STEPS = 8
"""The equation is convex and the first guess lies below its root: eight steps reach the last digits."""
_JUST_INSIDE = 1 - 1e-9
_FAR_DEG = 150.0


class Curve(NamedTuple):
    """A line in the plane; NaN parts its pieces."""

    x: FloatArray
    y: FloatArray


class Grid(NamedTuple):
    """A regular grid of the plane, rows upwards, and the order-29 pixel of the sky under each of its points."""

    x: FloatArray
    y: FloatArray
    pixels: IntArray


class Projection(Protocol):
    """One panel's way to lay out the sky."""

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top of the panel in the plane."""

    def plane(self, ra: npt.ArrayLike, dec: npt.ArrayLike) -> Curve:
        """Where positions lie in the plane."""

    def sky(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The positions at points of the plane."""

    def curve(self, ra: FloatArray, dec: FloatArray) -> Curve:
        """A line through positions a few degrees apart, parted where the picture's edge parts the sky."""


def grid(projection: Projection, columns: int) -> Grid:
    """Points a ``columns``-th of the panel's width apart, from edge to edge."""
    left, right, bottom, top = projection.extent
    rows = round(columns * (top - bottom) / (right - left))
    x, y = np.linspace(left, right, columns), np.linspace(bottom, top, rows)
    return Grid(x, y, pixel(*projection.sky(*np.meshgrid(x, y))))


@dataclass(frozen=True, slots=True)
class WholeSky:
    """Mollweide's ellipse of the unit sphere (Snyder 1987, USGS PP 1395, eq. 31-1 to 31-5), 12 h in the middle.

    Its edge is the meridian of 0 h, which lies at the left and at the right.
    """

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """The ellipse's box: the half axes are 2√2 and √2."""
        return (-2 * _ROOT2, 2 * _ROOT2, -_ROOT2, _ROOT2)

    def plane(self, ra: npt.ArrayLike, dec: npt.ArrayLike) -> Curve:
        """Where positions lie; right ascension is taken modulo 360, so that 0 and 360 are at the right edge."""
        return self._plane(np.mod(np.asarray(ra, np.float64), 360.0), np.asarray(dec, np.float64))

    def _plane(self, ra: FloatArray, dec: FloatArray) -> Curve:
        """As `plane`, with 360 at the left edge."""
        short = _complement(np.radians(90 - np.abs(dec))) / 2
        across = 2 * _ROOT2 * np.sin(short)
        return Curve(np.atleast_1d((1 - ra / 180) * across), np.atleast_1d(np.copysign(_ROOT2 * np.cos(short), dec)))

    def sky(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The positions; beyond the ellipse that of its edge at the same height, so that fields run on past it."""
        theta = np.arcsin(np.clip(y / _ROOT2, -1, 1))
        dec = np.degrees(np.arcsin(np.clip((2 * theta + np.sin(2 * theta)) / np.pi, -1, 1)))
        across = 2 * _ROOT2 * np.cos(theta)
        share = np.divide(x, across, out=np.zeros_like(dec), where=across > 0)
        return 180 * (1 - np.clip(share, -_JUST_INSIDE, _JUST_INSIDE)), dec

    def curve(self, ra: FloatArray, dec: FloatArray) -> Curve:
        """The line runs to the edge where it crosses 0 h, and goes on from the other edge at the same declination."""
        ra = np.mod(ra, 360.0)
        step = np.diff(ra)
        crossing = np.flatnonzero(np.abs(step) > 180)
        leaving_left = step[crossing] < 0
        room = np.where(leaving_left, 360 - ra[crossing], ra[crossing])
        whole = 360 - np.abs(step[crossing])
        share = np.divide(room, whole, out=np.zeros_like(room), where=whole > 0)
        edge_dec = dec[crossing] + share * (dec[crossing + 1] - dec[crossing])
        first, second = np.where(leaving_left, 360.0, 0.0), np.where(leaving_left, 0.0, 360.0)
        at = np.repeat(crossing + 1, 3)
        gap = np.full(len(crossing), np.nan)
        x, y = self._plane(
            np.insert(ra, at, np.stack((first, gap, second), axis=1).ravel()),
            np.insert(dec, at, np.stack((edge_dec, gap, edge_dec), axis=1).ravel()),
        )
        return Curve(x, y)


@dataclass(frozen=True, slots=True)
class CloseUp:
    """A square in which distance and bearing from its centre are true (azimuthal equidistant), in degrees.

    Parameters
    ----------
    ra, dec
        The centre.
    radius_deg
        From the centre to the middle of a side, in (0, 90].
    """

    ra: float
    dec: float
    radius_deg: float

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """The square around the centre."""
        return (-self.radius_deg, self.radius_deg, -self.radius_deg, self.radius_deg)

    def plane(self, ra: npt.ArrayLike, dec: npt.ArrayLike) -> Curve:
        """Offsets west and north of the centre."""
        east, north = offsets_deg(
            self.ra, self.dec, np.atleast_1d(np.asarray(ra, np.float64)), np.atleast_1d(np.asarray(dec, np.float64))
        )
        return Curve(-east, north)

    def sky(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The positions; exact at the poles too."""
        return on_tangent(self.ra, self.dec, -x, y)

    def curve(self, ra: FloatArray, dec: FloatArray) -> Curve:
        """The line, without what lies so far that it would come back from the other side."""
        x, y = self.plane(ra, dec)
        far = np.asarray(separation_deg(self.ra, self.dec, ra, dec)) > _FAR_DEG
        return Curve(np.where(far, np.nan, x), y)


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


def _complement(colatitude: FloatArray) -> FloatArray:
    """π minus twice Mollweide's auxiliary angle: the e of ``e - sin e = π (1 - cos colatitude)``, in [0, π]."""
    wanted = 2 * np.pi * np.sin(colatitude / 2) ** 2
    e = np.minimum(np.cbrt(6 * wanted), np.pi)
    for _ in range(_NEWTON_STEPS):
        slope = 2 * np.sin(e / 2) ** 2
        e = e - np.divide(e - np.sin(e) - wanted, slope, out=np.zeros_like(e), where=slope > 1e-15)
    return np.asarray(np.clip(e, 0, np.pi))
