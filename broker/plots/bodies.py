"""Sun and Moon as seen from the centre of the Earth, from the IAU routines of ERFA: no table, no clock."""

from datetime import UTC, datetime
from typing import Final, NamedTuple

import erfa  # type: ignore[import-untyped]  # pyerfa ships no types
import numpy as np

from nuncius.broker.sky.healpix import FloatArray

_J2000: Final = datetime(2000, 1, 1, 12, tzinfo=UTC)
_JD_J2000: Final = 2451545.0
_TT_MINUS_UTC_S: Final = 69.184
"""Since 2017 (37 leap seconds + 32.184 s); some seconds off before, which moves the Moon by less than 0.005 degrees."""


class Bodies(NamedTuple):
    """Directions from the Earth's centre, ICRS degrees (the Sun's without aberration, 0.006 degrees).

    A telescope sees the Moon up to 1 degree from there. ``moon_lit`` is the share of the Moon's disc that is lit.
    """

    sun: tuple[float, float]
    moon: tuple[float, float]
    moon_lit: float


def bodies(moment: datetime) -> Bodies:
    """Where Sun and Moon are.

    Parameters
    ----------
    moment
        Aware; ERFA's Earth is made for 1900 to 2100.

    Notes
    -----
    The lit share is (1 + cos i) / 2, i the angle at the Moon between Sun and Earth (Meeus 1998, Astronomical
    Algorithms, eq. 48.1).
    """
    days = ((moment - _J2000).total_seconds() + _TT_MINUS_UTC_S) / 86400.0
    heliocentric, _ = erfa.epv00(_JD_J2000, days)
    sun = -np.asarray(heliocentric["p"], np.float64)
    moon = np.asarray(erfa.moon98(_JD_J2000, days)["p"], np.float64)
    to_sun = sun - moon
    cosine = -float(moon @ to_sun) / float(np.linalg.norm(moon) * np.linalg.norm(to_sun))
    return Bodies(_position(sun), _position(moon), (1 + cosine) / 2)


def _position(vector: FloatArray) -> tuple[float, float]:
    x, y, z = vector
    return float(np.degrees(np.arctan2(y, x))) % 360.0, float(np.degrees(np.arctan2(z, np.hypot(x, y))))
