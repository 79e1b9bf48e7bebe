"""The overlap integral of any number of localizations, I = (4 pi)^(n-1) times the integral of the product of all p_i.

The n-fold form of Ashton et al. 2018 (ApJ 860, 6), whose prior is 1 / (4 pi): the probability of all data for one
source over that for n unrelated ones. Its mean is 1 for unrelated, isotropic localizations; a uniform one drops out.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations, product
from typing import Final

import numpy as np

from nuncius.broker.sky.errors import FLOOR_DEG, fisher
from nuncius.broker.sky.geometry import NO_MAPS, Place, Point, simple
from nuncius.broker.sky.healpix import PIXEL_AREA_SR
from nuncius.broker.sky.overlap import overlap, profile_overlap
from nuncius.broker.sky.profile import Fisher
from nuncius.broker.sky.ranges import pieces
from nuncius.broker.sky.skymap import SkyMap

Direction = tuple[float, float, float]
"""Unit vector."""

_FOUR_PI: Final = 4 * math.pi
_UNIFORM: Final = 1e-9
"""Up to this concentration a Fisher distribution is uniform, as in `nuncius.broker.sky.profile`."""


def overlap_many(places: Sequence[Place], maps: Mapping[str, SkyMap] = NO_MAPS) -> float:
    """Overlap integral of two or more localizations, dimensionless, >= 0, whatever their order.

    Circles multiply to circles in closed form, maps to a map over the common pieces of their ranges; what is left is
    the overlap of the two products. One point takes the densities there; of several, each is given the floor of
    0.08 degrees (90 %), as in `overlap`.

    Parameters
    ----------
    places
        Localizations, shapes or maps.
    maps
        Maps by the sha256 of their files.

    Raises
    ------
    ValueError
        Fewer than two places, or a sky map is known by its hash or address only.
    """
    if len(places) < 2:
        raise ValueError(f"an overlap needs two localizations or more, not {len(places)}")
    if len(places) == 2:
        return overlap(places[0], places[1], maps)
    shapes = [simple(place, maps) for place in places]
    if None in shapes:
        raise ValueError("a sky map is known by its hash or address only: read it and pass it in maps")
    points = [shape for shape in shapes if isinstance(shape, Point)]
    circles = [shape for shape in shapes if isinstance(shape, Fisher)]
    skies = [shape for shape in shapes if isinstance(shape, SkyMap)]
    if len(points) == 1:
        ra, dec = np.asarray(points[0].ra), np.asarray(points[0].dec)
        densities = [float(circle.probdensity(ra, dec)) for circle in circles]
        densities += [sky.probdensity(points[0].ra, points[0].dec) for sky in skies]
        return math.prod(_FOUR_PI * density for density in densities)
    circles += [fisher(at.ra, at.dec, FLOOR_DEG, 0.9) for at in points]
    of_skies, sky = _product_of_maps(skies)
    parts = list(product(*(_components(circle) for circle in circles)))
    if sky is None:
        return sum(_product_of_circles(each)[0] for each in parts)
    total = 0.0
    for each in parts if of_skies else ():
        factor, circle = _product_of_circles(each)
        total += factor * (profile_overlap(sky, circle) if factor else 0.0)
    return of_skies * total


def _product_of_maps(skies: Sequence[SkyMap]) -> tuple[float, SkyMap | None]:
    """Overlap integral of maps and their normalised product; 1 and the map itself for one, 1 and None for none."""
    if not skies:
        return 1.0, None
    factor, sky = 1.0, skies[0]
    for other in skies[1:]:
        of_sky, of_other, start, stop = pieces(sky.ranges, other.ranges)
        density = sky.density[of_sky] * other.density[of_other]
        step = _FOUR_PI * float(np.sum(density * ((stop - start) * PIXEL_AREA_SR)))
        if not step > 0:
            return 0.0, sky
        factor *= step
        kept = density > 0
        sky = SkyMap.from_ranges(start[kept], stop[kept], density[kept])
    return factor, sky


def _components(circle: Fisher) -> list[tuple[float, float, Direction]]:
    ra, dec = math.radians(circle.ra), math.radians(circle.dec)
    direction = math.cos(dec) * math.cos(ra), math.cos(dec) * math.sin(ra), math.sin(dec)
    return [(weight, kappa, direction) for weight, kappa in circle.parts]


def _product_of_circles(parts: Sequence[tuple[float, float, Direction]]) -> tuple[float, Fisher]:
    """Overlap integral of Fisher distributions, weights included, and their normalised product.

    The product of exp(k_i (n_i.x - 1)) is exp(K.x - sum k_i) with K = sum k_i n_i, whose integral over the sphere is
    4 pi sinh(K) / K exp(-sum k_i).
    """
    weight = math.prod(each[0] for each in parts)
    known = [(kappa, direction) for _, kappa, direction in parts if kappa > _UNIFORM]
    if not known:
        return weight, Fisher(0.0, 0.0, ((1.0, 0.0),))
    x, y, z = (sum(kappa * direction[axis] for kappa, direction in known) for axis in range(3))
    joint = math.sqrt(x * x + y * y + z * z)
    total = sum(kappa for kappa, _ in known)
    # K - sum k_i without cancellation, from K^2 = (sum k_i)^2 - sum over pairs of k_i k_j chord^2
    shortfall = sum(k * m * math.dist(one, two) ** 2 for (k, one), (m, two) in combinations(known, 2))
    scale = math.prod(2 * kappa / -math.expm1(-2 * kappa) for kappa, _ in known)
    tail = -math.expm1(-2 * joint) / (2 * joint) if joint > _UNIFORM else 1.0
    factor = weight * scale * math.exp(-shortfall / (joint + total)) * tail
    ra, dec = math.degrees(math.atan2(y, x)) % 360, math.degrees(math.atan2(z, math.hypot(x, y)))
    return factor, Fisher(ra, dec, ((1.0, joint),))
