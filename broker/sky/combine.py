"""Two localizations of one source as one map: the product of their densities over the prior."""

import math
from collections.abc import Mapping

import numpy as np

from nuncius.broker.sky.distance import FARTHEST_BELOW, SMALLEST_MPC, layers, normalised, stated, whole_sky
from nuncius.broker.sky.geometry import NO_MAPS, Place, geometry
from nuncius.broker.sky.healpix import PIXEL_AREA_SR, FloatArray, IntArray
from nuncius.broker.sky.normal import normal_density
from nuncius.broker.sky.ranges import pieces
from nuncius.broker.sky.skymap import Distance, SkyMap


def combined(a: Place, b: Place, maps: Mapping[str, SkyMap] = NO_MAPS) -> SkyMap:
    """Map of one source that both localizations are of, on the union of both tilings, normalised; symmetric.

    Both are taken as independent; never combine a map with one that was made from it. Where one alone has a distance
    in a tile, it is kept. Where both have, the two ansatz densities (Singer et al. 2016, ApJL 829, L15) are
    multiplied and their common prior r^2 is divided out once: the product of two Gaussians times r^2, exactly the
    ansatz again, and the tile's probability is multiplied by the integral of that product. Tiles where the distance
    of one is missing have the mean of these integrals in its place. The mean and deviation of the distance are those
    of the new map.

    Parameters
    ----------
    a, b
        Localizations, shapes or maps.
    maps
        Maps by the sha256 of their files.

    Raises
    ------
    ValueError
        A sky map is known by its hash or address only, or the localizations exclude each other.
    """
    first, second = geometry(a, maps), geometry(b, maps)
    if first is None or second is None:
        raise ValueError("a sky map is known by its hash or address only: read it and pass it in maps")
    of_a, of_b, start, stop = pieces(first.ranges, second.ranges)
    density = first.density[of_a] * second.density[of_b]
    distance, agreement = _distances(first, second, of_a, of_b)
    both = agreement >= 0
    probability = density * (stop - start) * PIXEL_AREA_SR
    if both.any() and probability[both].sum() > 0:
        typical = float(probability[both] @ agreement[both] / probability[both].sum())
        density = density * np.where(both, agreement, typical)
    kept = density > 0
    if not kept.any():
        raise ValueError("the localizations exclude each other: there is no combined map")
    some = bool(np.any(distance.norm[kept] > 0))
    made = SkyMap.from_ranges(
        start[kept],
        stop[kept],
        density[kept] / density.max(),
        distance=np.stack(distance)[:, kept] if some else None,
    )
    if not some:
        return made
    anywhere = whole_sky(made)
    return SkyMap.from_ranges(
        made.start,
        made.stop,
        made.density,
        distance=np.stack(layers(made)),
        distance_mean_mpc=anywhere.mean_mpc,
        distance_std_mpc=anywhere.std_mpc,
    )


def _distances(a: SkyMap, b: SkyMap, of_a: IntArray, of_b: IntArray) -> tuple[Distance, FloatArray]:
    """Layers of the pieces, and where both maps have a distance the integral of p1 p2 / r^2 over r; else -1.

    The product of two Gaussians is normal(mu1 - mu2; sqrt(sigma1^2 + sigma2^2)) times a Gaussian.
    """
    has_a, has_b = stated(a)[of_a], stated(b)[of_b]
    mu_a, sigma_a = _sound(a, of_a)
    mu_b, sigma_b = _sound(b, of_b)
    wide = np.hypot(sigma_a, sigma_b)
    share = (sigma_b / wide) ** 2
    both = has_a & has_b
    mu = np.where(both, mu_a * share + mu_b * (1 - share), np.where(has_a, mu_a, mu_b))
    sigma = np.where(both, sigma_a * (sigma_b / wide), np.where(has_a, sigma_a, sigma_b))
    possible = (has_a | has_b) & (mu > FARTHEST_BELOW * sigma) & (sigma >= SMALLEST_MPC)
    norm = normalised(np.where(possible, mu, 0.0), np.where(possible, sigma, 1.0))
    agreement = (
        normalised(mu_a, sigma_a) * normalised(mu_b, sigma_b) / norm * normal_density((mu_a - mu_b) / wide) / wide
    )
    layer = Distance(np.where(possible, mu, math.inf), np.where(possible, sigma, 1.0), np.where(possible, norm, 0.0))
    return layer, np.where(both, np.where(possible, agreement, 0.0), -1.0)


def _sound(sky: SkyMap, tiles: IntArray) -> tuple[FloatArray, FloatArray]:
    """Location and scale of tiles, 0 and 1 where they say nothing."""
    mu, sigma, _ = layers(sky)
    good = stated(sky)
    return np.where(good, mu, 0.0)[tiles], np.where(good, sigma, 1.0)[tiles]
