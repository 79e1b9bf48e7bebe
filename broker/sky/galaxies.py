"""Which galaxy of a list is the host: a map held against a catalogue."""

from dataclasses import dataclass

import numpy as np

from nuncius.broker.sky.healpix import FloatArray, IntArray
from nuncius.broker.sky.skymap import SkyMap
from nuncius.broker.sky.volume import Volume


@dataclass(frozen=True, eq=False)
class RankedGalaxies:
    """Galaxies of a list, most probable first; of equally probable ones the earlier in the list.

    Parameters
    ----------
    index
        Place in the list.
    probability
        Of being the host, given that one of the list is: sums to 1.
    density
        Per Mpc^3 at the galaxy.
    credible_level
        In space, as `Volume.credible_level`.
    """

    index: IntArray
    probability: FloatArray
    density: FloatArray
    credible_level: FloatArray


def rank_galaxies(
    sky: SkyMap, ra: FloatArray, dec: FloatArray, distance_mpc: FloatArray, weight: FloatArray | None = None
) -> RankedGalaxies:
    """Ranks galaxies by the probability density at their places times their weights.

    The density per Mpc^3 is that of the sky times p(r) / r^2: the space prior of the map's distances is divided out,
    the list stands in its place (Singer et al. 2016, ApJL 829, L15). Distance errors and galaxies the list lacks are
    not counted.

    Parameters
    ----------
    sky
        A map with distances.
    ra, dec, distance_mpc
        Of the galaxies: ICRS degrees, Mpc; shape (n,).
    weight
        Prior weight of each, as its luminosity, in any unit, >= 0; equal where left out.

    Raises
    ------
    ValueError
        The map has no distances, a position, distance or weight is out of range, or no galaxy has any probability.
    """
    space = Volume(sky)
    if weight is not None and not np.all(np.isfinite(weight) & (weight >= 0)):
        raise ValueError("a weight is negative or not finite")
    density = space.density(ra, dec, distance_mpc)
    product = density if weight is None else density * (weight / max(float(np.max(weight, initial=0.0)), 1e-300))
    total = float(product.sum())
    if not total > 0:
        raise ValueError("no galaxy of the list lies where the map has probability")
    probability = product / total
    index: IntArray = np.argsort(-probability, kind="stable")
    level = space.credible_level(ra, dec, distance_mpc)
    return RankedGalaxies(index, probability[index], density[index], level[index])
