"""Angles between positions."""

from typing import overload

import numpy as np
import numpy.typing as npt

from nuncius.broker.sky.healpix import FloatArray


@overload
def separation_deg(ra1: float, dec1: float, ra2: float, dec2: float) -> float: ...
@overload
def separation_deg(
    ra1: npt.ArrayLike, dec1: npt.ArrayLike, ra2: npt.ArrayLike, dec2: npt.ArrayLike
) -> float | FloatArray: ...
def separation_deg(
    ra1: npt.ArrayLike, dec1: npt.ArrayLike, ra2: npt.ArrayLike, dec2: npt.ArrayLike
) -> float | FloatArray:
    """Great-circle distance, degrees in [0, 180]; positions in degrees that broadcast together.

    Vincenty's formula for a sphere: keeps its digits for neighbours and for antipodes alike.
    """
    delta = np.radians(np.subtract(ra2, ra1, dtype=np.float64))
    lat1, lat2 = np.radians(np.asarray(dec1, np.float64)), np.radians(np.asarray(dec2, np.float64))
    sin1, cos1, sin2, cos2 = np.sin(lat1), np.cos(lat1), np.sin(lat2), np.cos(lat2)
    across = np.hypot(cos2 * np.sin(delta), cos1 * sin2 - sin1 * cos2 * np.cos(delta))
    out: FloatArray = np.degrees(np.arctan2(across, sin1 * sin2 + cos1 * cos2 * np.cos(delta)))
    return float(out) if out.ndim == 0 else out


def offsets_deg(ra0: float, dec0: float, ra: FloatArray, dec: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Offsets east and north of (ra0, dec0) that keep distance and bearing (azimuthal equidistant), degrees."""
    delta = np.radians(ra - ra0)
    lat0, lat = np.radians(dec0), np.radians(dec)
    east = np.cos(lat) * np.sin(delta)
    north = np.cos(lat0) * np.sin(lat) - np.sin(lat0) * np.cos(lat) * np.cos(delta)
    across = np.hypot(east, north)
    angle = np.degrees(np.arctan2(across, np.sin(lat0) * np.sin(lat) + np.cos(lat0) * np.cos(lat) * np.cos(delta)))
    scale = np.divide(angle, across, out=np.zeros_like(angle), where=across > 0)
    return east * scale, north * scale
