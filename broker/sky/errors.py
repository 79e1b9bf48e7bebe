"""Localization errors that the stated radius leaves out, by the name an alert carries in ``systematic_model``.

Sources: Fermi GBM core and tail as gwcelery 3.0.0 ``tasks/external_skymaps.py`` uses them; the floor of 0.08 degrees,
ibid.; IceCube EHE: GCN 19787 finds the statistical errors low by about five.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from nuncius.broker.sky.profile import Fisher, concentration

FLOOR_DEG = 0.08
"""Least 90 % radius of a localization whose systematic error is unknown."""

_SIGMA_PER_R68 = 0.66


@dataclass(frozen=True, slots=True)
class ErrorModel:
    """How a stated circle becomes a density.

    Parameters
    ----------
    source
        Where the numbers were published.
    scale
        Factor on the stated radius.
    floor_deg
        Least 90 % radius.
    systematic
        Weight and 68 % radius in degrees of each systematic component, added in quadrature to the statistical 68 %
        radius; empty for none.
    """

    source: str
    scale: float = 1.0
    floor_deg: float = FLOOR_DEG
    systematic: tuple[tuple[float, float], ...] = ()


_GBM = "gwcelery 3.0.0 tasks/external_skymaps.py; Connaughton et al. 2015, ApJS 216, 32"

MODELS: Mapping[str, ErrorModel] = {
    "fermi-gbm-flight": ErrorModel(_GBM, systematic=((0.897, 7.52), (0.103, 55.6))),
    "fermi-gbm-ground": ErrorModel(_GBM, systematic=((0.804, 3.72), (0.196, 13.7))),
    "fermi-gbm-final": ErrorModel(_GBM, systematic=((0.900, 3.71), (0.100, 14.3))),
    "icecube-ehe": ErrorModel("GCN 19787", scale=5.0),
    "icecube-track": ErrorModel("statistical only, no published systematic adopted"),
    "icecube-cascade": ErrorModel("systematic included by the facility"),
    "swift-bat": ErrorModel("gwcelery 3.0.0 tasks/external_skymaps.py"),
    "unknown": ErrorModel("gwcelery 3.0.0 tasks/external_skymaps.py"),
}
AS_STATED = ErrorModel("as stated", floor_deg=0.0)


def model(name: str | None, *, systematic_included: bool | None = True) -> ErrorModel:
    """The model an alert names; without a name, or with one not known here, the floor where it is unknown whether
    the systematic error is included, else the radius as stated.
    """
    if name is not None and name in MODELS:
        return MODELS[name]
    return MODELS["unknown"] if name is not None or systematic_included is None else AS_STATED


def fisher(ra: float, dec: float, radius_deg: float, containment: float, error: ErrorModel = AS_STATED) -> Fisher:
    """The density of a circle that holds ``containment`` in (0, 1) within ``radius_deg``, with its error model."""
    radius = min(radius_deg * error.scale, 180.0)
    if error.systematic:
        r68 = radius * math.sqrt(math.log(1 - 0.68) / math.log1p(-containment))
        return Fisher(
            ra,
            dec,
            tuple(
                (weight, 1 / (_SIGMA_PER_R68 * math.radians(math.hypot(r68, extra))) ** 2)
                for weight, extra in error.systematic
            ),
        )
    kappa = concentration(radius, containment)
    if error.floor_deg > 0:
        kappa = min(kappa, concentration(error.floor_deg, 0.9))
    return Fisher(ra, dec, ((1.0, kappa),))
