"""Annuli, as interplanetary triangulation states them: a ring on the sky with a width."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from nuncius.broker.sky.cover import Cover, Verdict, check_order, check_position, descend
from nuncius.broker.sky.healpix import ORDER, FloatArray, cell_range, position
from nuncius.broker.sky.moc import moc_ascii
from nuncius.broker.sky.profile import Ring
from nuncius.broker.sky.ranges import Ranges, intersection, spelled
from nuncius.broker.sky.skymap import SkyMap
from nuncius.broker.sky.sphere import separation_deg
from nuncius.schemas.errors import LimitExceeded
from nuncius.schemas.localization import Region

CELLS_PER_HALF_WIDTH: Final = 4
MAX_MAP_CELLS: Final = 1 << 20
REACH_SIGMA: Final = 4.5
"""Of a map: what lies farther from the ring, 7e-6 of a Gaussian, is left out."""


@dataclass(frozen=True, slots=True)
class Annulus:
    """All points whose distance from a centre is within ``half_width_deg`` of ``radius_deg``, borders inside."""

    ra: float
    dec: float
    radius_deg: float
    half_width_deg: float


def annulus_cover(ring: Annulus, *, order: int | None = None) -> Cover:
    """Cover of an annulus; where ``order`` is left out the smallest cells are about a quarter of the half width wide.

    Raises
    ------
    ValueError
        The centre is not on the sky, the radius not in [0, 180], the half width not in (0, 180] or the order not in
        [0, 29].
    LimitExceeded
        The ring is so narrow that its border has too many cells: ask for a smaller order.
    """
    check_position(ring.ra, ring.dec)
    if not (0 <= ring.radius_deg <= 180 and 0 < ring.half_width_deg <= 180):
        raise ValueError(f"annulus of radius {ring.radius_deg} and half width {ring.half_width_deg} degrees")
    radius, half = math.radians(ring.radius_deg), math.radians(ring.half_width_deg)
    inner = radius - half if radius > half else -math.inf
    outer = radius + half if radius + half < math.pi else math.inf

    def judged(ra: FloatArray, dec: FloatArray, ball: float) -> Verdict:
        apart = np.radians(separation_deg(ring.ra, ring.dec, ra, dec))
        return Verdict(
            (apart >= inner - ball) & (apart <= outer + ball), (apart >= inner + ball) & (apart <= outer - ball)
        )

    finest = _order(half / CELLS_PER_HALF_WIDTH) if order is None else check_order(order)
    return descend(judged, finest)


def annulus(
    ra: float, dec: float, radius_deg: float, half_width_deg: float, containment: float, *, order: int | None = None
) -> Region:
    """The region of an annulus: every cell that it touches.

    Parameters
    ----------
    ra, dec
        Centre, ICRS degrees.
    radius_deg, half_width_deg
        Of the ring, in [0, 180] and (0, 180]; triangulations state three sigma as half width.
    containment
        Probability inside; of three sigma 0.9973.
    order
        Of the smallest cells, as in `annulus_cover`, which also says what is raised.
    """
    return crossing((Annulus(ra, dec, radius_deg, half_width_deg),), containment, order=order)


def crossing(rings: tuple[Annulus, ...], containment: float, *, order: int | None = None) -> Region:
    """The region where annuli cross, from the cells that each touches.

    Raises
    ------
    ValueError
        No annulus is given, or they do not meet; or as in `annulus_cover`.
    """
    if not rings:
        raise ValueError("no annulus given")
    common: Ranges = annulus_cover(rings[0], order=order).ranges
    for ring in rings[1:]:
        common = intersection(common, annulus_cover(ring, order=order).ranges)
    if len(common.start) == 0:
        raise ValueError(f"the {len(rings)} annuli do not meet: look at their centres and widths")
    return Region(moc_ascii(common), containment)


def annulus_map(ra: float, dec: float, radius_deg: float, sigma_deg: float) -> SkyMap:
    """The map of an annulus with a Gaussian profile across it, uniform along it, out to `REACH_SIGMA`.

    Its cells are at most half a sigma wide and hold the mean of the density at sixteen points,
    which widens the profile: one sigma on either side holds up to 1.5 points of 68 less.

    Raises
    ------
    ValueError
        As in `annulus_cover`, of the sigma in (0, 40] degrees.
    LimitExceeded
        More than `MAX_MAP_CELLS` cells: on a great circle a sigma of 0.03 degrees still works, 0.02 does not. Use the
        region.
    """
    if not 0 < sigma_deg <= 180 / REACH_SIGMA:
        raise ValueError(f"sigma {sigma_deg} degrees; expected (0, 40]")
    order = _order(math.radians(sigma_deg) / 2)
    cover = annulus_cover(Annulus(ra, dec, radius_deg, REACH_SIGMA * sigma_deg), order=order)
    shift = 2 * (ORDER - order)
    count = int(np.sum(cover.stop - cover.start)) >> shift
    if count > MAX_MAP_CELLS:
        raise LimitExceeded(f"annulus map of {count} cells; at most {MAX_MAP_CELLS} are made: use the region")
    number = spelled(Ranges(cover.start >> shift, cover.stop >> shift))
    ring = Ring(ra, dec, radius_deg, sigma_deg)
    density = np.zeros(len(number))
    depth = min(2, ORDER - order)
    for part in range(1 << (2 * depth)):
        density += ring.density(ring.coordinate(*position(order + depth, (number << (2 * depth)) + part)))
    start, stop = cell_range(order, number)
    return SkyMap.from_ranges(start, stop, density)


def _order(width_rad: float) -> int:
    """Order of the widest cells that are at most so wide, of area (pi / 3) 4^-order."""
    return max(0, min(ORDER, math.ceil(math.log2(math.sqrt(math.pi / 3) / width_rad))))
