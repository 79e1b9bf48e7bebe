"""Lines on the sky as positions a degree or less apart. ICRS degrees."""

from typing import Final

import numpy as np

from nuncius.broker.plots.projection import CloseUp, on_tangent
from nuncius.broker.sky.healpix import FloatArray, vectors

Line = tuple[FloatArray, FloatArray]

_GALACTIC: Final = np.array(
    [
        (-0.0548755604, -0.8734370902, -0.4838350155),
        (0.4941094279, -0.4448296300, 0.7469822445),
        (-0.8676661490, -0.1980763734, 0.4559837762),
    ]
)
"""Rows: the galactic axes in ICRS (ESA 1997, The Hipparcos and Tycho Catalogues, SP-1200, vol. 1, eq. 1.5.11)."""


def galactic(longitude: FloatArray, latitude: FloatArray) -> Line:
    """ICRS positions of galactic ones, degrees."""
    x, y, z = (vectors(longitude, latitude) @ _GALACTIC).T
    return np.degrees(np.arctan2(y, x)) % 360.0, np.degrees(np.arctan2(z, np.hypot(x, y)))


def galactic_plane() -> Line:
    """Latitude 0, from the galactic centre once around."""
    longitude = np.arange(361.0)
    return galactic(longitude, np.zeros_like(longitude))


def circle(ra: float, dec: float, radius_deg: float) -> Line:
    """All positions at one distance, from the northern one eastwards and back to it."""
    bearing = np.radians(np.arange(0.0, 360.5, 0.5))
    return on_tangent(ra, dec, radius_deg * np.sin(bearing), radius_deg * np.cos(bearing))


def frame(view: CloseUp) -> Line:
    """The border of a close-up, once around."""
    side = np.linspace(-view.radius_deg, view.radius_deg, 121)
    end = np.full_like(side, view.radius_deg)
    x = np.concatenate((side, end, -side, -end))
    y = np.concatenate((end, -side, -end, side))
    return view.sky(x, y)
