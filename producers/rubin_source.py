"""Fields of Rubin's diaSource under the names of every schema version, and what its history says."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from nuncius.producers.build import number
from nuncius.producers.detection import part, parts
from nuncius.producers.julian import UNIX_FROM, from_mjd_tai
from nuncius.producers.light_curve import LightCurve, Point, light_curve
from nuncius.schemas.alert import Photometry, Quantity
from nuncius.schemas.vocabulary import Reality

NANOJANSKY_ZERO_POINT: Final = 31.4
"""AB magnitude of 1 nJy."""

ELASTICC_ZERO_POINT: Final = 27.5
"""Of the fluxes that SNANA simulates."""

POSITION_ERRORS: Final = ("raErr", "decErr", "declErr")
DETECTION_SNR: Final = 5.0
"""A forced measurement below it is a non-detection (difference images are searched down to 5 sigma)."""

KEPT: Final = (
    "visit",
    "detector",
    "snr",
    "extendedness",
    "isNegative",
    "isDipole",
    "glint_trail",
    "pixelFlags_streak",
    "pixelFlags_saturated",
    "psfFlux_flag",
    "centroid_flag",
    "shape_flag",
    "trailLength",
    "scienceFlux",
    "templateFlux",
)
"""Facts that an alert keeps by the survey's own names."""

_TIMES: Final = ("midpointMjdTai", "midPointTai")
_FLUXES: Final = (("psfFlux", "psfFluxErr"), ("psFlux", "psFluxErr"))
_INJECTED: Final = "pixelFlags_injected"
_DAY_S: Final = 86400.0
_POGSON: Final = 2.5 / math.log(10.0)


@dataclass(frozen=True, slots=True)
class History:
    """First detection, last non-detection before it (both UTC), and the number of detections, this one included."""

    first: datetime | None
    last_limit: datetime | None
    detections: int


def time(row: Mapping[str, Any]) -> datetime | None:
    """Mid-exposure in UTC; the packet counts TAI."""
    return from_mjd_tai(_mjd(row))


def band(row: Mapping[str, Any]) -> str:
    """Name of the band; empty where the packet names none."""
    return str(row.get("band") or row.get("filterName") or "")


def flux(row: Mapping[str, Any], unit: str) -> Quantity | None:
    """Difference flux of the point source as stated."""
    for name, error in _FLUXES:
        value = number(row.get(name))
        if value is not None:
            return Quantity(value, unit, number(row.get(error)))
    return None


def magnitude(stated: Quantity | None, zero_point: float) -> tuple[float | None, float | None]:
    """AB magnitude and its error; none where the flux is not positive."""
    if stated is None or stated.value <= 0.0:
        return None, None
    error = None if stated.error is None else _POGSON * stated.error / stated.value
    return zero_point - 2.5 * math.log10(stated.value), error


def reality(dia: Mapping[str, Any]) -> Reality:
    """``injection`` where a synthetic source was injected, ``real`` only where the packet says that none was.

    The mark is null in the schema package's made-up samples and absent before schema 7, which no real sky ever saw:
    both are ``test``.
    """
    marks = [value for name, value in dia.items() if name.startswith(_INJECTED)]
    if any(marks):
        return "injection"
    return "real" if dia.get(_INJECTED) is False else "test"


def history(record: Mapping[str, Any], dia: Mapping[str, Any]) -> History:
    """Fold what the packet repeats of the past."""
    earlier, summary = parts(record, "prvDiaSources"), part(record, "diaObject")
    seen = [mjd for row in (dia, *earlier) if (mjd := _mjd(row)) is not None]
    start = number(summary.get("firstDiaSourceMjdTai"))
    first = min([*seen, *([] if start is None else [start])], default=None)
    limits = [
        mjd
        for row in (*parts(record, "prvDiaNondetectionLimits"), *filter(_unseen, parts(record, "prvDiaForcedSources")))
        if (mjd := _mjd(row)) is not None and first is not None and mjd < first
    ]
    counted = int(number(summary.get("nDiaSources")) or 0)
    return History(from_mjd_tai(first), from_mjd_tai(max(limits, default=None)), max(len(earlier) + 1, counted))


def photometry(record: Mapping[str, Any]) -> tuple[Photometry, ...]:
    """Light curve: the detection and the earlier ones with a positive flux, newest first."""
    rows = [part(record, "diaSource"), *parts(record, "prvDiaSources")]
    points = [point for row in rows if (point := _point(row)) is not None]
    return tuple(sorted(points, key=lambda point: point.time.timestamp() if point.time else 0.0, reverse=True))


def curve(record: Mapping[str, Any], dia: Mapping[str, Any], zero_point: float) -> LightCurve:
    """The light curve at a diaSource, of the sources with a positive flux alone."""
    seen = (_excess(row, zero_point) for row in parts(record, "prvDiaSources"))
    return light_curve(_excess(dia, zero_point), [point for point in seen if point is not None])


def host_arcsec(record: Mapping[str, Any]) -> float | None:
    """Distance to the host that ELAsTiCC states; packets of the telescope name no host."""
    distance = number(part(record, "diaObject").get("hostgal_snsep"))
    return distance if distance is not None and distance >= 0.0 else None


def _excess(row: Mapping[str, Any], zero_point: float) -> Point | None:
    day, (mag, error) = _mjd(row), magnitude(flux(row, ""), zero_point)
    if day is None or mag is None:
        return None
    return Point(day if day < UNIX_FROM else day / _DAY_S, band(row), mag, error)


def _point(row: Mapping[str, Any]) -> Photometry | None:
    zero_point = ELASTICC_ZERO_POINT if "decl" in row and "psRa" not in row else NANOJANSKY_ZERO_POINT
    mag, error = magnitude(flux(row, "nJy"), zero_point)
    if mag is None:
        return None
    return Photometry(time(row), band(row), mag, error)


def _mjd(row: Mapping[str, Any]) -> float | None:
    return next((mjd for name in _TIMES if (mjd := number(row.get(name))) is not None), None)


def _unseen(row: Mapping[str, Any]) -> bool:
    stated = flux(row, "nJy")
    return stated is not None and stated.error is not None and stated.value < DETECTION_SNR * stated.error
