"""What a ZTF packet repeats of the past: detections, and limits where nothing was seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from math import log10
from typing import Any, Final

from nuncius.producers.build import number
from nuncius.producers.detection import part, parts
from nuncius.producers.julian import from_jd
from nuncius.producers.light_curve import LightCurve, Point, light_curve
from nuncius.producers.rubin_source import magnitude
from nuncius.schemas.alert import Photometry, Quantity

KEPT: Final = (
    "isdiffpos",
    "rb",
    "drb",
    "ssnamenr",
    "ssdistnr",
    "distpsnr1",
    "sgscore1",
    "diffmaglim",
    "field",
    "programid",
    "ndethist",
)
"""Facts that an alert keeps by the survey's own names."""

FILTERS: Final = {"1": "g", "2": "r", "3": "i"}
_NEGATIVE: Final = frozenset({"f", "false", "0"})
_EXPOSURE_S: Final = 30.0
"""Of a survey exposure where the packet does not state it; ``jd`` is its start."""

_LONGEST_S: Final = 86400.0
"""No exposure lasts a day: what states more states none."""


@dataclass(frozen=True, slots=True)
class History:
    """What is known of the object before this detection.

    Parameters
    ----------
    first_jd
        Earliest detection: of the history, of this packet, and ``jdstarthist`` (the whole survey at this place).
    last_limit_jd
        Latest non-detection before ``first_jd``; None where the packet lists none.
    detections
        Of the history and this packet together.
    """

    first_jd: float | None
    last_limit_jd: float | None
    detections: int


def read(record: Mapping[str, Any], candidate: Mapping[str, Any]) -> History:
    """Fold the history of a packet; a null one says nothing."""
    earlier = parts(record, "prv_candidates")
    seen = [jd for row in earlier if _detected(row) and (jd := number(row.get("jd"))) is not None]
    known = (number(candidate.get(name)) for name in ("jd", "jdstarthist"))
    first = min([*seen, *(jd for jd in known if jd is not None)], default=None)
    limits = [
        jd
        for row in (*(row for row in earlier if not _detected(row)), *parts(record, "prv_nondetections"))
        if (jd := number(row.get("jd"))) is not None and first is not None and jd < first
    ]
    return History(first, max(limits, default=None), len(seen) + 1)


def photometry(record: Mapping[str, Any]) -> tuple[Photometry, ...]:
    """Light curve: the detection and the history, newest first. Times are of mid-exposure."""
    rows = [part(record, "candidate"), *parts(record, "prv_candidates")]
    points = [point for row in rows if (point := _point(row)) is not None]
    return tuple(sorted(points, key=lambda point: point.time.timestamp() if point.time else 0.0, reverse=True))


def curve(record: Mapping[str, Any], candidate: Mapping[str, Any]) -> LightCurve:
    """The light curve at a detection, of what is brighter than the reference image alone.

    Babamul repeats the past as fluxes in a unit of its own; the packet's own magnitude and flux give the zero point.
    """
    mag, flux = number(candidate.get("magpsf")), number(candidate.get("psfFlux"))
    zero_point = None if mag is None or flux is None or flux <= 0.0 else mag + 2.5 * log10(flux)
    seen = (_excess(row, zero_point) for row in parts(record, "prv_candidates"))
    return light_curve(_excess(candidate, zero_point), [point for point in seen if point is not None])


def _excess(row: Mapping[str, Any], zero_point: float | None) -> Point | None:
    """A detection whose difference is positive; packets spell that in four ways, and some leave it out."""
    mag, error = number(row.get("magpsf")), number(row.get("sigmapsf"))
    if mag is None and zero_point is not None and (flux := number(row.get("psfFlux"))) is not None:
        mag, error = magnitude(Quantity(flux, "", number(row.get("psfFluxErr"))), zero_point)
    if mag is None or (day := number(row.get("jd"))) is None or str(row.get("isdiffpos")).lower() in _NEGATIVE:
        return None
    return Point(day, FILTERS.get(str(row.get("fid"))) or str(row.get("band") or ""), mag, error)


def _detected(row: Mapping[str, Any]) -> bool:
    """A limit has no magnitude; packets of Babamul state fluxes instead, and list limits apart."""
    return row.get("magpsf") is not None if "magpsf" in row else row.get("psfFlux") is not None


def _point(row: Mapping[str, Any]) -> Photometry | None:
    start = from_jd(row.get("jd"))
    limit = row.get("magpsf") is None
    mag = number(row.get("diffmaglim" if limit else "magpsf"))
    if start is None or mag is None:
        return None
    stated = number(row.get("exptime"))
    half = timedelta(seconds=(stated if stated is not None and 0.0 < stated <= _LONGEST_S else _EXPOSURE_S) / 2)
    band = FILTERS.get(str(row.get("fid")), "")
    return Photometry(start + half, band, mag, None if limit else number(row.get("sigmapsf")), "AB", limit)
