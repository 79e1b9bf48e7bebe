"""Overlap against the density that a stream itself shows, for streams that do not see the whole sky alike.

I = integral p1 p2 / b dOmega: the overlap integral of Ashton et al. 2018 (doi:10.3847/1538-4357/aabfd2) with the
normalised density b of the partners as its prior. With b the mean of the partners' own localizations, the mean of I
over unrelated pairs is 1 by construction.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nuncius.broker.matching.regions import Regions
from nuncius.broker.sky import SkyMap
from nuncius.broker.sky.healpix import position, vectors
from nuncius.schemas.alert import Alert

Floats = NDArray[np.float64]

ORDER: Final = 3
"""Cells of 7.3 degrees: b is to be smooth, and to hold several partners a cell."""

_PIXELS: Final = 12 << (2 * ORDER)


class MeasuredOverlap:
    """Overlap integrals against the time-averaged density of the partners.

    Parameters
    ----------
    partners
        Whose localizations make the density; those without one are left out.
    maps
        Sky maps by sha256.

    Raises
    ------
    ValueError
        If no partner has a localization.
    """

    def __init__(self, partners: Iterable[Alert], maps: Mapping[str, SkyMap]) -> None:
        self._sky = Regions(maps)
        self._known: dict[str, Floats] = {}
        found = {alert.alert_id: share for alert in partners if (share := self._share(alert)) is not None}
        if not found:
            raise ValueError("no partner has a localization: its density on the sky cannot be measured")
        self._relative = np.mean(list(found.values()), axis=0) * _PIXELS
        self._known = found

    def __call__(self, anchor: Alert, partner: Alert) -> float | None:
        """Overlap of two alerts; None where one has no localization at hand.

        The exact overlap, times the mean of 1 / (4 pi b) over cells where both may be.
        """
        plain = self._sky.overlap(anchor, partner)
        first, second = self._share(anchor), self._share(partner)
        if plain is None or first is None or second is None:
            return None
        joint = first * second
        seen = (joint > 0) & (self._relative > 0)
        if not np.any(seen):
            return plain
        return plain * float(np.sum(joint[seen] / self._relative[seen]) / np.sum(joint[seen]))

    def _share(self, alert: Alert) -> Floats | None:
        """Probability in each cell, by the density at its centre; in one cell where the place is smaller than that."""
        if alert.alert_id in self._known:
            return self._known[alert.alert_id]
        found = self._sky.searched(alert)
        if found is None:
            return None
        ra, dec = _grid()
        if isinstance(found, SkyMap):
            density = np.asarray(found.probdensity(ra, dec), float)
        else:
            density = np.asarray(found.density(found.coordinate(ra, dec)), float)
        total = float(np.sum(density))
        if total <= 0:
            density = np.zeros(_PIXELS)
            density[_nearest(found.maximum() if isinstance(found, SkyMap) else (found.ra, found.dec))] = total = 1.0
        share: Floats = density / total
        return share


@lru_cache(maxsize=1)
def _grid() -> tuple[Floats, Floats]:
    ra, dec = position(np.full(_PIXELS, ORDER), np.arange(_PIXELS))
    return ra, dec


def _nearest(place: tuple[float, float]) -> int:
    return int(np.argmax(vectors(*_grid()) @ vectors(*place)))
