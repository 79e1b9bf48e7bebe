"""The overlap integral of two localizations, I = 4 pi times the integral of p1 p2 (Ashton et al. 2018, ApJ 860, 6).

I says how much likelier the two positions are for one source than for unrelated ones under an isotropic prior: 1 when
either is uniform, 0 when they exclude each other.
"""

import math
from collections.abc import Mapping

import numpy as np

from nuncius.broker.sky.compiled import kernels
from nuncius.broker.sky.errors import FLOOR_DEG, fisher
from nuncius.broker.sky.geometry import NO_MAPS, Place, Point, simple, tiled
from nuncius.broker.sky.healpix import PIXEL_AREA_SR
from nuncius.broker.sky.profile import Fisher
from nuncius.broker.sky.ranges import pieces
from nuncius.broker.sky.skymap import SkyMap
from nuncius.broker.sky.sphere import separation_deg

_FOUR_PI = 4 * math.pi


def overlap(a: Place, b: Place, maps: Mapping[str, SkyMap] = NO_MAPS) -> float:
    """Overlap integral, dimensionless, >= 0, symmetric.

    A point with a map or cone is 4 pi p(point), two cones are the closed form, a cone with a map is summed over the
    map's tiles, everything else is the exact merge of both maps' ranges. Two points have no finite overlap: each is
    given the floor of 0.08 degrees (90 %).

    Parameters
    ----------
    a, b
        Localizations, shapes or maps.
    maps
        Maps by the sha256 of their files.

    Raises
    ------
    ValueError
        A sky map is known by its hash or address only.
    """
    first, second = simple(a, maps), simple(b, maps)
    if first is None or second is None:
        raise ValueError("a sky map is known by its hash or address only: read it and pass it in maps")
    if isinstance(first, Point):
        if isinstance(second, Point):
            return fisher_overlap(_blurred(first), _blurred(second))
        return _FOUR_PI * _density_at(second, first)
    if isinstance(second, Point):
        return _FOUR_PI * _density_at(first, second)
    if isinstance(first, Fisher):
        return profile_overlap(second, first) if isinstance(second, SkyMap) else fisher_overlap(first, second)
    return map_overlap(first, second) if isinstance(second, SkyMap) else profile_overlap(first, second)


def map_overlap(a: SkyMap, b: SkyMap) -> float:
    """Exact overlap integral of two maps: over the common pieces of their ranges. Cost: tiles of both."""
    if a.tiles > b.tiles:
        a, b = b, a
    loops = kernels(a.tiles + b.tiles)
    if loops is not None:
        return _FOUR_PI * float(loops.product(a.start, a.stop, a.density, b.start, b.stop, b.density, PIXEL_AREA_SR))
    of_a, of_b, start, stop = pieces(a.ranges, b.ranges)
    return _FOUR_PI * math.fsum((a.density[of_a] * b.density[of_b] * ((stop - start) * PIXEL_AREA_SR)).tolist())


def profile_overlap(sky: SkyMap, circle: Fisher) -> float:
    """Overlap integral of a map and a circular density: over the map's tiles, cut where the density needs it.

    A tile that lies within one cell of the tiled circle takes the density at its centre, scaled so that the cell keeps
    its probability: the wide cells of the circle's tail cost no accuracy, and a uniform map still gives 1.
    """
    cells = tiled(circle)
    of_sky, of_cell, start, stop = pieces(sky.ranges, cells.ranges)
    length = stop - start
    whole = length == (sky.stop - sky.start)[of_sky]
    density = cells.density[of_cell]
    ra, dec = sky.centres
    density[whole] = circle.density(circle.coordinate(ra[of_sky[whole]], dec[of_sky[whole]]))
    covered = np.bincount(of_cell, length, cells.tiles)
    held = np.bincount(of_cell, density * length, cells.tiles)
    size = (cells.stop - cells.start).astype(np.float64)
    scale = np.divide(cells.density * size, held, out=np.ones(cells.tiles), where=(held > 0) & (covered == size))
    return _FOUR_PI * float(np.sum(sky.density[of_sky] * density * scale[of_cell] * (length * PIXEL_AREA_SR)))


def fisher_overlap(a: Fisher, b: Fisher) -> float:
    """Overlap integral of two circular densities, exact.

    The product of exp(k1 n1.x) and exp(k2 n2.x) integrates over the sphere to 4 pi sinh(k) / k, k = |k1 n1 + k2 n2|.
    """
    angle = math.radians(separation_deg(a.ra, a.dec, b.ra, b.dec))
    return sum(
        weight_a * weight_b * _pair(kappa_a, kappa_b, angle)
        for weight_a, kappa_a in a.parts
        for weight_b, kappa_b in b.parts
    )


def _pair(kappa_a: float, kappa_b: float, angle: float) -> float:
    if min(kappa_a, kappa_b) <= 1e-9:
        return 1.0
    total = kappa_a + kappa_b
    chord2 = 4 * math.sin(angle / 2) ** 2
    # k - k1 - k2 without cancellation, from k^2 = (k1 + k2)^2 - k1 k2 chord^2
    shortfall = kappa_a * kappa_b * chord2
    joint = math.sqrt(max(total * total - shortfall, 0.0))
    fall = -shortfall / (joint + total)
    scale = kappa_a * kappa_b / (math.expm1(-2 * kappa_a) * math.expm1(-2 * kappa_b))
    # sinh(k)/k e^-(k1+k2), times 2
    tail = -math.expm1(-2 * joint) / joint if joint > 1e-12 else 2.0
    return 2 * scale * math.exp(fall) * tail


def _density_at(shape: Fisher | SkyMap, at: Point) -> float:
    if isinstance(shape, SkyMap):
        return shape.probdensity(at.ra, at.dec)
    return float(shape.density(shape.coordinate(np.asarray(at.ra), np.asarray(at.dec))))


def _blurred(at: Point) -> Fisher:
    return fisher(at.ra, at.dec, FLOOR_DEG, 0.9)
