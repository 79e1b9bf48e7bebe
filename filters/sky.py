"""Positions against places, for one row and for many: the same operations, so the same bits."""

from functools import lru_cache
from typing import Final

import numpy as np

from nuncius.broker.sky.healpix import BoolArray, FloatArray, IntArray, pixel, vectors
from nuncius.broker.sky.polygon import Polygon
from nuncius.broker.sky.ranges import Ranges, contains
from nuncius.broker.sky.region import moc_ranges
from nuncius.broker.sky.sphere import separation_deg
from nuncius.filters.places import Area, IndexedPlaces, Places
from nuncius.filters.tree import ActiveRegions, Circle, Coverage, EventRegion, NamedRegion, Outline, Place

DAY_US: Final = 86_400_000_000

_REMEMBERED: Final = 4096
"""Polygons and coverage maps that are read once: a filter's text, so each of them, is at most 4 kB."""

_ROUNDING_DEG: Final = 1e-6
"""Far more than what the sines of a separation lose."""


def on_sky(ra: FloatArray, dec: FloatArray) -> BoolArray:
    """Whether each is a position: 0 <= ra <= 360 and -90 <= dec <= 90, degrees; NaN is none."""
    found: BoolArray = (ra >= 0) & (ra <= 360) & (dec >= -90) & (dec <= 90)
    return found


def separations(ra1: FloatArray, dec1: FloatArray, ra2: FloatArray, dec2: FloatArray) -> FloatArray:
    """Degrees; NaN where one is no position."""
    valid = on_sky(ra1, dec1) & on_sky(ra2, dec2)
    found = np.full(len(ra1), np.nan)
    found[valid] = separation_deg(ra1[valid], dec1[valid], ra2[valid], dec2[valid])
    return found


def inside(
    place: Place, ra: FloatArray, dec: FloatArray, time_us: IntArray, timed: BoolArray, places: Places
) -> tuple[BoolArray, BoolArray]:
    """Whether each position lies in the place, and whether that is known.

    Parameters
    ----------
    place
        Circle (border inside), polygon, coverage map, or a region that ``places`` knows.
    ra, dec
        ICRS degrees; what is no position is unknown.
    time_us, timed
        Of the records, and whether each is known; only for `ActiveRegions`.
    places
        Where named regions and events are looked up.
    """
    known = on_sky(ra, dec)
    found = np.zeros(len(ra), np.bool_)
    if isinstance(place, ActiveRegions):
        known = known & timed
        return _near_events(place, ra, dec, time_us, known, places), known
    if isinstance(place, NamedRegion | EventRegion):
        area = _area(place, places)
        if area is None:
            return found, np.zeros(len(ra), np.bool_)
        found[known] = area.contains(ra[known], dec[known])
        return found, known
    found[known] = _fixed(place, ra[known], dec[known])
    return found, known


def _near_events(
    place: ActiveRegions, ra: FloatArray, dec: FloatArray, time_us: IntArray, known: BoolArray, places: Places
) -> BoolArray:
    found = np.zeros(len(ra), np.bool_)
    if isinstance(places, IndexedPlaces):
        rows = np.flatnonzero(known)
        hits = places.holding(place.messenger, place.level, ra[rows], dec[rows])
        row = rows[hits.row]
        found[row[np.abs(time_us[row] - hits.time_us) <= place.days * DAY_US]] = True
        return found
    for event in places.events(place.messenger, place.level):
        near = known & ~found & (np.abs(time_us - event.time_us) <= place.days * DAY_US)
        if near.any():
            found[near] = event.area.contains(ra[near], dec[near])
    return found


def _area(place: NamedRegion | EventRegion, places: Places) -> Area | None:
    if isinstance(place, NamedRegion):
        return places.region(place.name)
    return places.event_region(place.thread_id, place.level)


def _fixed(place: Circle | Outline | Coverage, ra: FloatArray, dec: FloatArray) -> BoolArray:
    if isinstance(place, Circle):
        return _in_circle(place, ra, dec)
    if isinstance(place, Outline):
        if not len(ra):
            return np.zeros(0, np.bool_)
        return _polygon(place).border_rad(vectors(ra, dec))[1]
    return contains(_ranges(place), pixel(ra, dec))


def _in_circle(place: Circle, ra: FloatArray, dec: FloatArray) -> BoolArray:
    """Declinations differ by no more than the separation: only those that are near need it."""
    found: BoolArray = np.abs(dec - place.dec) <= place.radius_deg + _ROUNDING_DEG
    found[found] = separation_deg(place.ra, place.dec, ra[found], dec[found]) <= place.radius_deg
    return found


@lru_cache(maxsize=_REMEMBERED)
def _ranges(place: Coverage) -> Ranges:
    return moc_ranges(place.moc)


@lru_cache(maxsize=_REMEMBERED)
def _polygon(place: Outline) -> Polygon:
    return Polygon.of(place.vertices)
