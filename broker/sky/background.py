"""Where a stream's localized events come from, measured from their positions; overlaps against that density."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from nuncius.broker.sky.errors import FLOOR_DEG, fisher
from nuncius.broker.sky.geometry import NO_MAPS, Place, Point, simple, tiled
from nuncius.broker.sky.healpix import ORDER, FloatArray, IntArray, cell_area_sr, cell_range, pixel
from nuncius.broker.sky.overlap import overlap as isotropic_overlap
from nuncius.broker.sky.ranges import Ranges, pieces
from nuncius.broker.sky.skymap import SkyMap

EVENTS_A_CELL: Final = 16
"""The order is the finest at which a cell holds so many events in the mean: one sigma of a cell is then 25 %."""

PRIOR_EVENTS: Final = 4.0
"""Pseudo-events a cell of mean exposure: the prior is an isotropic sky seen through the exposure. Our own choice."""

FEWEST: Final = 12 * EVENTS_A_CELL
"""Fewer positions than this do not fill the twelve cells of order 0: no density is measured."""

MOST_ORDER: Final = 6
"""No finer: cells of 0.9 degrees, below the position errors of streams that are not points."""

MOST_UNDEFINED: Final = 0.5
"""A localization with more of its probability than this on cells never observed has no overlap."""


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """Density of a stream's localized events over the sky.

    Parameters
    ----------
    order
        HEALPix order of the cells (nested, ICRS).
    density
        Per steradian, one a cell, integrating to 1 over the cells that were observed; NaN, undefined, where the stream
        never looked.
    events
        How many positions made it; 0 for one that was assumed.
    """

    order: int
    density: FloatArray
    events: int

    def at(self, ra: npt.ArrayLike, dec: npt.ArrayLike) -> FloatArray:
        """Density at positions (ICRS degrees), per steradian; NaN where the stream never looked."""
        return np.asarray(self.density[_cells(ra, dec, self.order)])


def isotropic() -> Background:
    """The uniform density, 1 / 4 pi."""
    return Background(0, np.full(12, 1 / (12 * float(cell_area_sr(0)))), 0)


def measured(
    ra: npt.ArrayLike, dec: npt.ArrayLike, exposure: npt.ArrayLike | None = None, order: int | None = None
) -> Background:
    """The density of positions: (n_i + a e_i) / sum(n + a e) / cell area, with e the exposure over its mean.

    That is the mean of a Dirichlet posterior whose prior is an isotropic sky seen through the exposure, worth
    a = `PRIOR_EVENTS` events a cell (Gelman et al., Bayesian Data Analysis, section 3.4).

    Parameters
    ----------
    ra, dec
        Best positions of the events, ICRS degrees.
    exposure
        How long each cell was observed, in any unit, nested cells of one order; zero where never. None takes all
        cells as observed alike. The density gets its order.
    order
        Of the cells where no exposure is given; None takes the finest with `EVENTS_A_CELL` events a cell in the mean,
        0 to `MOST_ORDER`.

    Raises
    ------
    ValueError
        If positions are not on the sky, the exposure is no full sky of numbers >= 0 with some above 0, or an event
        lies where nothing was observed.
    """
    right, declination = np.atleast_1d(np.asarray(ra, np.float64)), np.atleast_1d(np.asarray(dec, np.float64))
    if right.shape != declination.shape or not (np.isfinite(right).all() and (np.abs(declination) <= 90).all()):
        raise ValueError("positions: give as many ra as dec, finite, dec in [-90, 90] degrees")
    if exposure is None:
        order = _order_for(len(right)) if order is None else order
        seen: FloatArray = np.ones(12 << (2 * order))
    else:
        seen = np.asarray(exposure, np.float64)
        order = _order_of(seen)
    counts = np.bincount(_cells(right, declination, order), minlength=len(seen))
    blind = int(counts[seen == 0].sum())
    if blind:
        raise ValueError(f"exposure: {blind} of {len(right)} events lie on cells never observed: correct the exposure")
    weight = counts + PRIOR_EVENTS * seen / seen[seen > 0].mean()
    density = weight / (weight.sum() * float(cell_area_sr(order)))
    return Background(order, np.where(seen > 0, density, np.nan), len(right))


def overlap(a: Place, b: Place, background: Background, maps: Mapping[str, SkyMap] = NO_MAPS) -> float:
    """The integral of p1 p2 / b over the cells where b is defined; dimensionless, symmetric.

    Its mean over unrelated partners that are distributed as b is 1, which makes a rate over it calibrated for a
    stream that does not see the sky evenly; b = 1 / 4 pi gives `nuncius.broker.sky.overlap` (Ashton et al. 2018,
    doi:10.3847/1538-4357/aabfd2, with the prior of their equation for the overlap replaced by b). Computed as
    that overlap times the mean of 1 / (4 pi b), weighted by p1 p2 over the common pieces of both maps and the cells.

    Parameters
    ----------
    a, b
        Localizations, shapes or maps. Probability on undefined cells counts as lost: the result can only fall.
    background
        Density of the localized stream's events.
    maps
        Maps by the sha256 of their files.

    Raises
    ------
    ValueError
        If more than `MOST_UNDEFINED` of a localization lies on undefined cells (the message states the fraction), or
        a sky map is known by its hash or address only.
    """
    even = isotropic_overlap(a, b, maps)
    first, second = simple(a, maps), simple(b, maps)
    if first is None or second is None:
        raise ValueError("a sky map is known by its hash or address only: read it and pass it in maps")
    if isinstance(first, Point) and isinstance(second, Point):
        first, second = (fisher(at.ra, at.dec, FLOOR_DEG, 0.9) for at in (first, second))
    one, two = (shape if isinstance(shape, SkyMap) else tiled(shape) for shape in (first, second))
    for words, sky in (("first", one), ("second", two)):
        lost = undefined_fraction(sky, background)
        if lost > MOST_UNDEFINED:
            raise ValueError(
                f"{words} localization: {lost:.1%} of its probability lies on cells the stream never observed, where "
                "its density is undefined"
            )
    return even * _mean_inverse(one, two, background)


def undefined_fraction(sky: SkyMap, background: Background) -> float:
    """Probability of a map on cells where the density is undefined."""
    blind = np.flatnonzero(np.isnan(background.density))
    start, stop = cell_range(background.order, blind)
    of_sky, _, start, stop = pieces(sky.ranges, Ranges(start, stop))
    share = (stop - start) / (sky.stop - sky.start)[of_sky]
    return float(np.sum(sky.density[of_sky] * sky.solid_angle_sr[of_sky] * share))


def _mean_inverse(a: SkyMap, b: SkyMap, background: Background) -> float:
    """Mean of 1 / (4 pi density), weighted by the product of two maps; 0 where they have no common piece."""
    of_a, of_b, start, stop = pieces(a.ranges, b.ranges)
    weight = a.density[of_a] * b.density[of_b]
    cells = Ranges(*cell_range(background.order, np.arange(len(background.density))))
    of_piece, of_cell, start, stop = pieces(Ranges(start, stop), cells)
    parts = weight[of_piece] * (stop - start)
    total = float(np.sum(parts))
    if total == 0:
        return 0.0
    mean = 1 / (len(background.density) * float(cell_area_sr(background.order)))
    inverse = mean / background.density[of_cell]
    return float(np.sum(np.where(np.isnan(inverse), 0.0, parts * inverse))) / total


def _cells(ra: npt.ArrayLike, dec: npt.ArrayLike, order: int) -> IntArray:
    return np.asarray(pixel(ra, dec) >> np.int64(2 * (ORDER - order)))


def _order_for(events: int) -> int:
    order = 0
    while order < MOST_ORDER and events >= EVENTS_A_CELL * (12 << (2 * (order + 1))):
        order += 1
    return order


def _order_of(exposure: FloatArray) -> int:
    order = (max(len(exposure) // 12, 1).bit_length() - 1) // 2
    if exposure.ndim != 1 or len(exposure) != 12 << (2 * order) or order > ORDER:
        raise ValueError(f"exposure: {exposure.shape} is no full sky of HEALPix cells; give 12 x 4**order numbers")
    if not (np.isfinite(exposure).all() and (exposure >= 0).all() and (exposure > 0).any()):
        raise ValueError("exposure: must be finite numbers >= 0, some of them above 0")
    return order
