"""A survey detection, between its packet and what is made of it: an alert for people, columns for the engines."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import numpy as np

from nuncius.producers.build import cone, digest_of, number, provenance
from nuncius.producers.facility import Context
from nuncius.producers.gcn_fields import LONGEST_ID
from nuncius.producers.julian import micros
from nuncius.producers.light_curve import UNKNOWN, LightCurve
from nuncius.schemas import ids
from nuncius.schemas.alert import Alert, Photometry, Quantity
from nuncius.schemas.candidate import COLUMNS, CandidateBatch
from nuncius.schemas.errors import MalformedAlert
from nuncius.schemas.vocabulary import Kind, Reality

MEDIA_TYPE: Final = "application/vnd.apache.avro"

ONE_SIGMA: Final = 0.3935
"""Share of a two-dimensional Gaussian within one sigma: 1 - exp(-1/2)."""

MOST_DETECTIONS: Final = 10_000_000
LONGEST_FILTER: Final = 32
MAX_PROPERTIES: Final = 64
_LARGEST: Final = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """What a survey packet says about one point of the sky.

    Parameters
    ----------
    native_id, thread_id, survey, reality
        As in `Alert` and `CandidateBatch`.
    facility, instrument
        For people.
    ra, dec
        ICRS degrees.
    radius_deg
        One-sigma error circle; None where the packet states none.
    time, first, last_limit
        This detection, the object's first one, the last non-detection before that; UTC, None where unknown.
    mag, mag_err, filter
        Difference magnitude (AB); None where the flux is not positive.
    flux
        As stated.
    score, star_score, solar_system, detections
        As in `CandidateBatch`; None for NaN.
    light_curve, host_arcsec
        As the columns of their names in `CandidateBatch`; None for NaN.
    withdrawn
        Whether the survey took the detection back.
    properties
        Other facts worth keeping.
    """

    native_id: str
    thread_id: str
    survey: str
    reality: Reality
    facility: str
    instrument: str
    ra: float
    dec: float
    radius_deg: float | None = None
    time: datetime | None
    first: datetime | None = None
    last_limit: datetime | None = None
    mag: float | None = None
    mag_err: float | None = None
    filter: str = ""
    flux: Quantity | None = None
    score: float | None = None
    star_score: float | None = None
    solar_system: bool = False
    detections: int = 1
    light_curve: LightCurve = UNKNOWN
    host_arcsec: float | None = None
    withdrawn: bool = False
    properties: Mapping[str, str | float | bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.time is None:
            raise MalformedAlert(f"{self.thread_id}: its time lies outside the years 1900 to 2200", "time")
        if not 0 <= self.detections <= MOST_DETECTIONS:
            raise MalformedAlert(f"{self.thread_id}: a history of {self.detections} detections", "detections")
        if len(self.filter) > LONGEST_FILTER:
            raise MalformedAlert(f"{self.thread_id}: a filter of {len(self.filter)} characters", "filter")
        if not (0.0 <= self.ra <= 360.0 and -90.0 <= self.dec <= 90.0):
            raise MalformedAlert(f"{self.thread_id}: ({self.ra}, {self.dec}) is no position on the sky", "ra, dec")

    @property
    def kind(self) -> Kind:
        """``initial`` for an object's first detection."""
        if self.withdrawn:
            return "retraction"
        return "initial" if self.detections <= 1 else "subsequent"


def needed(record: Mapping[str, Any], name: str) -> float:
    """A number without which there is no candidate.

    Raises
    ------
    MalformedAlert
        If it is missing, not finite or no number.
    """
    value = number(record.get(name))
    if value is None:
        raise MalformedAlert(f"{name} is {record.get(name)!r}; a candidate needs a number there", name)
    return value


def named(record: Mapping[str, Any], *names: str) -> str:
    """The first of some identifiers that is given (zero, empty text and one with a NUL are none), as text.

    Raises
    ------
    MalformedAlert
        If none is.
    """
    for name in names:
        value = record.get(name)
        if isinstance(value, str | int) and value and len(str(value)) <= LONGEST_ID and "\0" not in str(value):
            return str(value)
    raise MalformedAlert(f"no {' nor '.join(names)}: a detection needs an identifier", names[0])


def part(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A record within a record; empty where it is null or missing."""
    value = record.get(name)
    return value if isinstance(value, Mapping) else {}


def parts(record: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    """A list of records within a record; empty where it is null or missing."""
    value = record.get(name)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def alert(seen: Detection, payload: bytes, context: Context, photometry: tuple[Photometry, ...] = ()) -> Alert:
    """The detection as an alert; ``photometry`` is the history, newest first."""
    return Alert(
        **provenance(payload, context, seen.native_id, MEDIA_TYPE),
        thread_id=seen.thread_id,
        kind=seen.kind,
        reality=seen.reality,
        messenger="photon",
        band="optical",
        facility=seen.facility,
        instrument=seen.instrument,
        event_class="solar_system" if seen.solar_system else "optical_transient",
        time_start=seen.time,
        time_kind="detection",
        issued_time=None,
        localizations=cone(seen.ra, seen.dec, seen.radius_deg, ONE_SIGMA, systematic_included=False),
        flux=seen.flux,
        photometry=photometry,
        properties=_facts(seen),
    )


def batch(seen: Iterable[tuple[Detection, bytes]]) -> CandidateBatch:
    """Detections and the packets they came in, as columns in the same order."""
    rows = [_row(detection, digest_of(payload)) for detection, payload in seen]
    if not rows:
        return CandidateBatch.empty()
    columns = zip(*rows, strict=True)
    return CandidateBatch(*(np.array(c, dtype=d) for c, d in zip(columns, COLUMNS.values(), strict=True)))


def _row(seen: Detection, raw_sha256: str) -> tuple[Any, ...]:
    curve = seen.light_curve
    return (
        ids.alert_id(seen.native_id, raw_sha256),
        seen.thread_id,
        seen.survey,
        seen.reality,
        seen.ra % 360.0,
        seen.dec,
        micros(seen.time),
        micros(seen.first),
        micros(seen.last_limit),
        _known(seen.mag),
        _known(seen.mag_err),
        seen.filter,
        _known(seen.score),
        _known(seen.star_score),
        seen.solar_system,
        seen.detections,
        _narrow(curve.rate_mag_per_day),
        _narrow(curve.rate_err_mag_per_day),
        _narrow(curve.peak_mag),
        _narrow(seen.host_arcsec),
        _narrow(curve.color_g_r_mag),
        -1,
    )


def _known(value: float | None) -> float:
    return np.nan if value is None else value


def _narrow(value: float | None) -> float:
    """NaN also for what four bytes cannot hold: no packet means it."""
    return value if value is not None and abs(value) <= _LARGEST else np.nan


def _facts(seen: Detection) -> dict[str, str | float | bool]:
    facts: dict[str, str | float | bool] = {"detections": float(seen.detections), "solar_system": seen.solar_system}
    if seen.score is not None:
        facts["score"] = seen.score
    if seen.star_score is not None:
        facts["star_score"] = seen.star_score
    for name, moment in (("first_detection", seen.first), ("last_limit", seen.last_limit)):
        if moment is not None:
            facts[name] = moment.isoformat()
    return {**facts, **dict(list(seen.properties.items())[:MAX_PROPERTIES])}
