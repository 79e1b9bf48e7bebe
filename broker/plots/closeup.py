"""Which part of the sky a close-up shows where nobody says."""

from collections.abc import Sequence

import numpy as np

from nuncius.broker.plots.projection import CloseUp
from nuncius.broker.sky.healpix import FloatArray, vectors
from nuncius.broker.sky.skymap import SkyMap
from nuncius.broker.sky.sphere import separation_deg

SMALLEST_DEG, LARGEST_DEG = 0.5, 60.0
_LOBE_DEG = 45.0
_MARGIN = 1.15


def fitting(
    skies: Sequence[SkyMap],
    points: Sequence[tuple[float, float]] = (),
    *,
    centre: tuple[float, float] | None = None,
    radius_deg: float | None = None,
) -> CloseUp:
    """A close-up of the first map, with the other maps and the points that lie near it.

    Parameters
    ----------
    skies, points
        Maps, at least one, and positions in ICRS degrees.
    centre
        ICRS degrees; by default the middle of the first map's 90 % region within 45 degrees of its densest place.
    radius_deg
        By default so that this part of the region fits, and what lies within twice as far; 0.5 to 60.
    """
    ra, dec = _lobe(skies[0])
    at = centre or middle(ra, dec)
    if radius_deg is not None:
        return CloseUp(*at, radius_deg)
    reach = float(np.max(separation_deg(*at, ra, dec)))
    others = [float(np.max(separation_deg(*at, *_lobe(sky)))) for sky in skies[1:]]
    others += [separation_deg(*at, *point) for point in points]
    near = [away for away in others if away < 2 * reach + 1]
    return CloseUp(*at, float(np.clip(_MARGIN * max([reach, *near]), SMALLEST_DEG, LARGEST_DEG)))


def _lobe(sky: SkyMap) -> tuple[FloatArray, FloatArray]:
    """Centres of the tiles of the 90 % region near the densest one; of an even map of all its tiles there."""
    ra, dec = sky.centres
    inside = sky.levels <= max(0.9, float(sky.levels.min()))
    near = np.asarray(separation_deg(*sky.maximum(), ra, dec)) <= _LOBE_DEG
    return ra[inside & near], dec[inside & near]


def middle(ra: FloatArray, dec: FloatArray) -> tuple[float, float]:
    """Middle of the box, in the tangent frame of the mean direction, that holds the positions."""
    x, y, z = vectors(ra, dec).mean(axis=0)
    mean = CloseUp(float(np.degrees(np.arctan2(y, x)) % 360), float(np.degrees(np.arctan2(z, np.hypot(x, y)))), 90.0)
    flat = mean.plane(ra, dec)
    across, up = (np.array([(values.min() + values.max()) / 2]) for values in flat)
    ra_middle, dec_middle = mean.sky(across, up)
    return float(ra_middle[0]), float(dec_middle[0])
