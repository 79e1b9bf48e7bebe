"""Ellipses, also with four different half axes, as ranges."""

import math
from typing import Final

import numpy as np

from nuncius.broker.sky.cover import Cover, Verdict, check_order, check_position, descend, fitting_order
from nuncius.broker.sky.healpix import BoolArray, FloatArray, cells_near
from nuncius.broker.sky.sphere import offsets_deg
from nuncius.schemas.localization import Ellipse

_FAR_RAD: Final = 0.99 * math.pi
"""Nearer to the antipode than this, offsets from the centre stretch without bound: cells there are never settled."""


def ellipse_cover(ellipse: Ellipse, *, order: int | None = None) -> Cover:
    """Cover of all points within the half axes, the border inside.

    Offsets keep distance and bearing (azimuthal equidistant), as in `profile.TwoPiece`.

    Parameters
    ----------
    ellipse
        Half axes in (0, 90] degrees; its containment plays no part.
    order
        Of the smallest cells; where it is left out they are about an eighth of the mean half axis wide.

    Raises
    ------
    ValueError
        The centre is not on the sky, a half axis is not in (0, 90] or the order not in [0, 29].
    """
    least, most = half_axes_deg(ellipse)
    finest = check_order(fitting_order(math.sqrt(least * most)) if order is None else order)
    farthest = math.radians(most)

    def judged(ra: FloatArray, dec: FloatArray, ball: float) -> Verdict:
        first, second = _turned(ellipse, ra, dec)
        apart = np.radians(np.hypot(first, second))
        reach = apart + ball
        near = reach < _FAR_RAD
        # over the equidistant plane lengths grow by at most t / sin t within t of the centre
        slack = np.degrees(ball * np.where(near, reach / np.sin(np.minimum(reach, _FAR_RAD)), 0.0))
        low1, high1 = _gauge(first, slack, ellipse.ra_minus, ellipse.ra_plus)
        low2, high2 = _gauge(second, slack, ellipse.dec_minus, ellipse.dec_plus)
        touched = (apart <= farthest + ball) & (~near | (np.hypot(low1, low2) <= 1))
        return Verdict(touched, near & (np.hypot(high1, high2) <= 1))

    return descend(judged, finest, cells_near(ellipse.ra, ellipse.dec, farthest, finest))


def in_ellipse(ellipse: Ellipse, ra: FloatArray, dec: FloatArray) -> BoolArray:
    """Whether positions (ICRS degrees) lie within the half axes, the border inside."""
    first, second = _turned(ellipse, ra, dec)
    inside: BoolArray = (
        np.hypot(
            first / np.where(first < 0, ellipse.ra_minus, ellipse.ra_plus),
            second / np.where(second < 0, ellipse.dec_minus, ellipse.dec_plus),
        )
        <= 1
    )
    return inside


def half_axes_deg(ellipse: Ellipse) -> tuple[float, float]:
    """The smallest and the largest half axis; ValueError where the ellipse has no area or is not on the sky."""
    check_position(ellipse.ra, ellipse.dec)
    axes = (ellipse.ra_minus, ellipse.ra_plus, ellipse.dec_minus, ellipse.dec_plus)
    if not (all(0 < axis <= 90 for axis in axes) and math.isfinite(ellipse.position_angle)):
        raise ValueError(f"half axes {axes} turned by {ellipse.position_angle} degrees; expected axes in (0, 90]")
    return min(axes), max(axes)


def _turned(ellipse: Ellipse, ra: FloatArray, dec: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Offsets along the first and the second axis, degrees."""
    east, north = offsets_deg(ellipse.ra, ellipse.dec, ra, dec)
    turn = math.radians(ellipse.position_angle)
    return east * math.cos(turn) + north * math.sin(turn), north * math.cos(turn) - east * math.sin(turn)


def _gauge(offset: FloatArray, slack: FloatArray, minus: float, plus: float) -> tuple[FloatArray, FloatArray]:
    """Smallest and largest |offset| in units of the half axis on its side, over offset - slack to offset + slack."""
    one, two = (np.where(end < 0, -end / minus, end / plus) for end in (offset - slack, offset + slack))
    return np.where(np.abs(offset) <= slack, 0.0, np.minimum(one, two)), np.maximum(one, two)
