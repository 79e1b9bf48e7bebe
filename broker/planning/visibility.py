"""When a target can be observed from a site: up, dark, far enough from the Moon.

Limits hold on the geometric altitude (`nuncius.broker.planning.apparent`, good to 0.01 degrees). Margins are sampled
every minute and edges are interpolated, so that a window's ends are good to 5 s at the altitudes where telescopes
observe; a window that is shorter than a minute may be missed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Final

import numpy as np

from nuncius.broker.planning.apparent import Floats, Track, track

STEP_S: Final = 60.0
MAX_SPAN: Final = timedelta(days=31)
"""Longer searches are cut: the equator of one date serves the whole span."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where a telescope stands.

    Parameters
    ----------
    name
        As policies call it.
    lon_deg, lat_deg, height_m
        WGS84 geodetic; longitude east of Greenwich.
    source
        Where the numbers come from.
    """

    name: str
    lon_deg: float
    lat_deg: float
    height_m: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a telescope needs; every bound is inclusive.

    Parameters
    ----------
    min_altitude_deg
        Of the target, geometric.
    sun_altitude_max_deg
        Of the Sun's centre: -18 astronomical, -12 nautical twilight.
    moon_separation_min_deg
        Of the target from the Moon; 0 for any.
    horizon
        As of a `Telescope`.
    """

    min_altitude_deg: float
    sun_altitude_max_deg: float = -18.0
    moon_separation_min_deg: float = 0.0
    horizon: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One stretch of time in which every limit holds, both ends inclusive.

    Parameters
    ----------
    start, stop
        UTC.
    airmass_min
        Least airmass within it.
    sun_altitude_max_deg
        Highest altitude of the Sun within it.
    moon_separation_min_deg
        Least separation from the Moon within it.
    """

    start: datetime
    stop: datetime
    airmass_min: float
    sun_altitude_max_deg: float
    moon_separation_min_deg: float


def airmass(altitude_deg: Floats | float) -> Floats:
    """Relative airmass at an altitude above 0 (Pickering 2002, DIO 12, 1, note 39); infinite at and below 0."""
    altitude = np.asarray(altitude_deg, dtype=np.float64)
    up = np.maximum(altitude, 0.0)
    return np.where(altitude > 0, 1 / np.sin(np.radians(np.minimum(up + 244 / (165 + 47 * up**1.1), 90.0))), np.inf)


@cache
def altitude_of(max_airmass: float) -> float:
    """The altitude in degrees, to 0.001, below which the airmass exceeds ``max_airmass`` (1 or more)."""
    grid = np.linspace(90.0, 0.001, 90_000)
    return float(grid[np.searchsorted(airmass(grid), max_airmass * (1 + 1e-9)) - 1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When the limits are nearest to hold.

    Parameters
    ----------
    time
        UTC.
    margin_deg
        By how much they hold, of the one that holds least; below 0 where one does not.
    altitude_deg, sun_altitude_deg, moon_separation_deg
        Of the target, of the Sun, and between target and Moon.
    """

    time: datetime
    margin_deg: float
    altitude_deg: float
    sun_altitude_deg: float
    moon_separation_deg: float


@lru_cache(maxsize=4096)
def windows(
    ra_deg: float, dec_deg: float, site: Site, limits: Limits, *, start: datetime, stop: datetime
) -> tuple[Window, ...]:
    """Every window of a target in [start, stop], earliest first.

    Parameters
    ----------
    ra_deg, dec_deg
        ICRS degrees.
    site, limits
        From where, and what the telescope needs.
    start, stop
        Aware; a span of more than `MAX_SPAN` is cut to it. Nothing is found where ``stop`` is not after ``start``.

    Notes
    -----
    Answers are kept, since a cause is revised more often than its target moves.
    """
    watched = _watched(ra_deg, dec_deg, site, limits, start, stop)
    if watched is None:
        return ()
    seen, offset, margin = watched
    altitude, moon = seen.altitude_deg[0], seen.moon_separation_deg[0]
    edges = np.diff(np.concatenate([[False], margin >= 0, [False]]).astype(np.int8))
    return tuple(
        Window(
            start=start + timedelta(seconds=_crossing(margin, offset, first, -1)),
            stop=start + timedelta(seconds=_crossing(margin, offset, end - 1, +1)),
            airmass_min=float(airmass(altitude[first:end].max())),
            sun_altitude_max_deg=float(seen.sun_altitude_deg[first:end].max()),
            moon_separation_min_deg=float(moon[first:end].min()),
        )
        for first, end in zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True)
    )


def nearest(
    ra_deg: float, dec_deg: float, site: Site, limits: Limits, *, start: datetime, stop: datetime
) -> Moment | None:
    """The moment in [start, stop] at which the limits are nearest to hold, or hold by most; None where there is none.

    Parameters
    ----------
    ra_deg, dec_deg, site, limits, start, stop
        As of `windows`.
    """
    watched = _watched(ra_deg, dec_deg, site, limits, start, stop)
    if watched is None:
        return None
    seen, offset, margin = watched
    best = int(margin.argmax())
    return Moment(
        time=start + timedelta(seconds=float(offset[best])),
        margin_deg=float(margin[best]),
        altitude_deg=float(seen.altitude_deg[0, best]),
        sun_altitude_deg=float(seen.sun_altitude_deg[best]),
        moon_separation_deg=float(seen.moon_separation_deg[0, best]),
    )


def _watched(
    ra_deg: float, dec_deg: float, site: Site, limits: Limits, start: datetime, stop: datetime
) -> tuple[Track, Floats, Floats] | None:
    """Where target, Sun and Moon are, the seconds from the start, and by how many degrees all limits hold."""
    span = min(stop - start, MAX_SPAN).total_seconds()
    if span <= 0:
        return None
    offset = np.linspace(0.0, span, int(np.ceil(span / STEP_S)) + 1)
    seen = track(
        np.array([ra_deg]),
        np.array([dec_deg]),
        lon_deg=site.lon_deg,
        lat_deg=site.lat_deg,
        height_m=site.height_m,
        start=start,
        offset_s=offset,
    )
    altitude, moon = seen.altitude_deg[0], seen.moon_separation_deg[0]
    above, dark = altitude - limits.min_altitude_deg, limits.sun_altitude_max_deg - seen.sun_altitude_deg
    if limits.horizon:
        azimuth, lowest = np.array(limits.horizon).T
        above = np.minimum(above, altitude - np.interp(seen.azimuth_deg[0], azimuth, lowest, period=360.0))
    return seen, offset, np.minimum(np.minimum(above, dark), moon - limits.moon_separation_min_deg)


def _crossing(margin: Floats, offset: Floats, inside: int, step: int) -> float:
    """Where the margin crosses zero between a moment inside and its neighbour outside; the end if there is none."""
    outside = inside + step
    if not 0 <= outside < len(margin):
        return float(offset[inside])
    share = float(margin[inside] / (margin[inside] - margin[outside]))
    return float(offset[inside] + share * (offset[outside] - offset[inside]))
