"""Where to point because of a notice: the best of its localizations, as a position and the region around it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nuncius.broker.sky.geometry import geometry, point
from nuncius.broker.sky.skymap import SkyMap
from nuncius.schemas.alert import Alert
from nuncius.schemas.errors import MalformedAlert
from nuncius.schemas.localization import Localization

_SKY_DEG2 = 4 * np.pi * np.degrees(1.0) ** 2


@dataclass(frozen=True, slots=True)
class Place:
    """A position and how well it is known.

    Parameters
    ----------
    ra_deg, dec_deg
        ICRS; the maximum of the probability density for a region or a sky map.
    radius_deg
        Of the circle with the area of the 90 % region; 0 for a point.
    """

    ra_deg: float
    dec_deg: float
    radius_deg: float

    @property
    def area_deg2(self) -> float:
        """Area of the 90 % region."""
        return float(_SKY_DEG2 * np.sin(np.radians(self.radius_deg) / 2) ** 2)


def best(alert: Alert, maps: Mapping[str, SkyMap]) -> tuple[Place, Localization] | None:
    """The tightest of a notice's own localizations, else of the others; None where it has none that can be read.

    Parameters
    ----------
    alert
        The notice.
    maps
        Sky maps by their sha256; a localization whose map is not among them, or whose shape is impossible, is passed
        over.
    """
    found = [(spot.origin != "own", _place(spot, maps), spot) for spot in alert.localizations]
    known = [(foreign, there.radius_deg, n) for n, (foreign, there, _) in enumerate(found) if there is not None]
    if not known:
        return None
    _, there, spot = found[min(known)[2]]
    return None if there is None else (there, spot)


def place(alert: Alert, maps: Mapping[str, SkyMap]) -> Place | None:
    """Where `best` points."""
    found = best(alert, maps)
    return None if found is None else found[0]


def region(alert: Alert, maps: Mapping[str, SkyMap]) -> SkyMap | None:
    """The map of `best`, whatever its shape; None as there."""
    found = best(alert, maps)
    return None if found is None else geometry(found[1], maps)


def _place(spot: Localization, maps: Mapping[str, SkyMap]) -> Place | None:
    try:
        circle = point(spot)
        if circle is not None:
            return Place(*circle)
        sky = geometry(spot, maps)
    except MalformedAlert:
        return None
    if sky is None:
        return None
    ra, dec = sky.maximum()
    half = np.sqrt(min(1.0, float(sky.area(0.9)) / _SKY_DEG2))
    return Place(float(ra), float(dec), float(np.degrees(2 * np.arcsin(half))))
