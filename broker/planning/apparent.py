"""Altitudes of targets, Sun and Moon over a site, from the IAU routines of ERFA, with no table and no clock.

Universal time is taken as UTC (they differ by less than 0.9 s, 0.004 degrees of sky), the equator and equinox of
the middle of the span serve the whole span, and air does not bend light. Together the geometric altitude is good to
0.01 degrees from 1972 on, for spans up to a month. Without an Earth-orientation table a date in 2017, today and a
date beyond the last prediction are computed alike: astropy refuses predictions more than 30 days older than the wall
clock, so that the same alert would be planned today and fail next month.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import erfa  # type: ignore[import-untyped]  # pyerfa ships no types
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_J2000: Final = datetime(2000, 1, 1, 12, tzinfo=UTC)
_JD_J2000: Final = 2451545.0
_TT_MINUS_UTC_S: Final = 69.184
"""Since 2017 (37 leap seconds + 32.184 s); some seconds off before, which moves the Moon by less than 0.005 degrees."""
_SIDEREAL: Final = 1.00273781191135448
"""Turns of the Earth a day (Capitaine, Guinot & McCarthy 2000, A&A 355, 398)."""
_SUN_STEP_S: Final = 21600.0
_MOON_STEP_S: Final = 1800.0
"""Both bodies move a quarter of a degree in a step; interpolated directions are off by less than 0.0004 degrees."""


@dataclass(frozen=True, slots=True)
class Track:
    """What passes over a site, at moments in time.

    Parameters
    ----------
    altitude_deg, azimuth_deg
        Of the targets, shape (targets, moments); azimuth from north through east.
    sun_altitude_deg
        Of the Sun's centre, shape (moments,).
    moon_separation_deg
        Of the targets from the Moon's centre as seen from the site, shape (targets, moments).
    """

    altitude_deg: Floats
    azimuth_deg: Floats
    sun_altitude_deg: Floats
    moon_separation_deg: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Overhead:
    """The sky over a site at moments in time; directions are unit vectors of the equator and equinox of date.

    Parameters
    ----------
    zenith, north, east, moon
        Directions from the site, shape (moments, 3).
    sun_altitude_deg
        Of the Sun's centre, shape (moments,).
    of_date, velocity
        What turns ICRS directions into those of date: rotation (3, 3), and the Earth's speed over that of light (3,).
    """

    zenith: Floats
    north: Floats
    east: Floats
    moon: Floats
    sun_altitude_deg: Floats
    of_date: Floats
    velocity: Floats

    def directions(self, ra_deg: Floats, dec_deg: Floats) -> Floats:
        """Apparent directions of ICRS positions in degrees, shape (targets, 3)."""
        icrs = _directions(np.radians(ra_deg), np.radians(dec_deg))
        return np.asarray(_unit(icrs + self.velocity) @ self.of_date.T, dtype=np.float64)

    def altitude_deg(self, directions: Floats) -> Floats:
        """Above the horizon, shape (targets, moments)."""
        return _degrees_above(directions @ self.zenith.T)

    def azimuth_deg(self, directions: Floats) -> Floats:
        """From north through east, in [0, 360), shape (targets, moments)."""
        turn = np.arctan2(directions @ self.east.T, directions @ self.north.T)
        return np.asarray(np.degrees(turn) % 360.0, dtype=np.float64)

    def moon_separation_deg(self, directions: Floats) -> Floats:
        """From the Moon's centre, shape (targets, moments)."""
        return np.asarray(90.0 - _degrees_above(directions @ self.moon.T), dtype=np.float64)


def track(
    ra_deg: Floats,
    dec_deg: Floats,
    *,
    lon_deg: float,
    lat_deg: float,
    height_m: float,
    start: datetime,
    offset_s: Floats,
) -> Track:
    """Altitudes and separations over a site.

    Parameters
    ----------
    ra_deg, dec_deg
        ICRS degrees, shape (targets,).
    lon_deg, lat_deg, height_m, start, offset_s
        As in `overhead`.
    """
    over = overhead(lon_deg=lon_deg, lat_deg=lat_deg, height_m=height_m, start=start, offset_s=offset_s)
    target = over.directions(ra_deg, dec_deg)
    return Track(
        altitude_deg=over.altitude_deg(target),
        azimuth_deg=over.azimuth_deg(target),
        sun_altitude_deg=over.sun_altitude_deg,
        moon_separation_deg=over.moon_separation_deg(target),
    )


def overhead(*, lon_deg: float, lat_deg: float, height_m: float, start: datetime, offset_s: Floats) -> Overhead:
    """The sky over a site.

    Parameters
    ----------
    lon_deg, lat_deg, height_m
        WGS84 geodetic; longitude east of Greenwich.
    start
        Aware.
    offset_s
        Seconds after ``start``, shape (moments,), one at least.
    """
    day = (start - _J2000).total_seconds() / 86400.0
    moments = day + offset_s / 86400.0
    middle = float(moments.min() + moments.max()) / 2
    tt_middle = middle + _TT_MINUS_UTC_S / 86400.0
    of_date = np.asarray(erfa.pnm06a(_JD_J2000, tt_middle), dtype=np.float64)

    knots = _knots(moments, _SUN_STEP_S)
    heliocentric, barycentric = erfa.epv00(_JD_J2000, knots + _TT_MINUS_UTC_S / 86400.0)
    velocity = np.asarray(barycentric["v"], dtype=np.float64)[len(knots) // 2] * erfa.AULT / erfa.DAYSEC
    sun = _interpolate(moments, knots, -np.asarray(heliocentric["p"], dtype=np.float64))
    knots = _knots(moments, _MOON_STEP_S)
    seen = erfa.moon98(_JD_J2000, knots + _TT_MINUS_UTC_S / 86400.0)
    moon = _interpolate(moments, knots, np.asarray(seen["p"], dtype=np.float64))

    turn = float(erfa.gst06a(_JD_J2000, middle, _JD_J2000, tt_middle))
    sidereal = turn + 2 * np.pi * _SIDEREAL * (moments - middle) + np.radians(lon_deg)
    lat = np.radians(lat_deg)
    zenith = _directions(sidereal, np.full_like(sidereal, lat))
    observer = _observer(sidereal, lat, height_m)
    sun = _unit((_unit(sun) + velocity) @ of_date.T - observer)
    return Overhead(
        zenith=zenith,
        north=_directions(sidereal + np.pi, np.full_like(sidereal, np.pi / 2 - lat)),
        east=np.stack([-np.sin(sidereal), np.cos(sidereal), np.zeros_like(sidereal)], axis=1),
        moon=_unit(moon @ of_date.T - observer),
        sun_altitude_deg=_degrees_above(np.einsum("ij,ij->i", sun, zenith)),
        of_date=of_date,
        velocity=velocity,
    )


def _knots(moments: Floats, step_s: float) -> Floats:
    first, last = float(moments.min()), float(moments.max())
    return np.linspace(first, last, int((last - first) * 86400.0 / step_s) + 2)


def _interpolate(at: Floats, knots: Floats, vectors: Floats) -> Floats:
    return np.stack([np.interp(at, knots, vectors[:, axis]) for axis in range(3)], axis=1)


def _directions(lon: Floats, lat: Floats) -> Floats:
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


def _observer(sidereal: Floats, lat: float, height_m: float) -> Floats:
    """Place of the observer in au, equator and equinox of date."""
    x, _, z = (float(value) for value in erfa.gd2gc(1, 0.0, lat, height_m))
    place = np.stack([x * np.cos(sidereal), x * np.sin(sidereal), np.full_like(sidereal, z)], axis=1)
    return np.asarray(place / erfa.DAU, dtype=np.float64)


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), dtype=np.float64)


def _degrees_above(sine: Floats) -> Floats:
    return np.asarray(np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0))), dtype=np.float64)
