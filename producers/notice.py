"""What every VOEvent adapter takes from a packet in the same way."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final, TypedDict

from nuncius.producers import times
from nuncius.producers.build import SECONDS_PER_YEAR, cone, number, property_value, provenance
from nuncius.producers.facility import Context, Envelope
from nuncius.producers.voevent import VOEvent
from nuncius.schemas.alert import Citation
from nuncius.schemas.localization import Localization
from nuncius.schemas.vocabulary import FarKind, Kind, Reality, RunMode, TimeFrame

MEDIA_TYPE: Final = "application/xml"

_REALITY: Final[Mapping[str, Reality]] = {"observation": "real", "prediction": "prediction"}
_TEST_MARKS: Final = ("Test_Submission", "Test_Notice", "Trigger_ID/Test", "InternalTest")
_NO: Final = frozenset({"", "false", "0"})
_POINTING: Final = ("0", "2")
_SERIAL: Final = re.compile(r"-\d{1,10}$", re.ASCII)


class Common(TypedDict):
    """The fields of `Alert` that every VOEvent fills alike: ``Alert(**common(…), …)``."""

    alert_id: str
    native_id: str
    stream: str
    received_time: datetime | None
    run_mode: RunMode
    raw_media_type: str
    raw_sha256: str
    source: str
    reality: Reality
    time_start: datetime | None
    time_stop: datetime | None
    time_frame: TimeFrame
    issued_time: datetime | None
    cites: tuple[Citation, ...]
    references: tuple[str, ...]


class Rate(TypedDict):
    """The false-alarm fields of `Alert`."""

    far_hz: float | None
    far_kind: FarKind | None
    far_scope: str | None
    far_as_stated: str | None


class Strength(TypedDict):
    """The significance fields of `Alert`."""

    significance: float | None
    significance_unit: str | None


def owner(*starts: str) -> Callable[[Envelope, bytes], bool]:
    """`Facility.owns` for ivorns that begin with one of ``starts``."""
    return lambda seen, _payload: seen.name.startswith(starts)


def common(event: VOEvent, payload: bytes, context: Context) -> Common:
    """Provenance, reality, times, citations and references of a packet."""
    start = times.utc(event.time)
    scale, _, place = event.frame.partition("-")
    return {
        **provenance(payload, context, event.ivorn, MEDIA_TYPE, event.authority),
        "reality": reality(event),
        "time_start": start and times.from_scale(start, scale),
        "time_stop": times.utc(event.time_stop),
        "time_frame": time_frame(place),
        "issued_time": times.utc(event.date),
        "cites": event.cites,
        "references": event.references,
    }


def reality(event: VOEvent) -> Reality:
    """By role, and by the senders' own marks; an unknown role is a test, and so is a mark that does not say no."""
    if any(event.params.get(mark, "").strip().lower() not in _NO for mark in _TEST_MARKS):
        return "test"
    return _REALITY.get(event.role, "test")


def kind(event: VOEvent) -> Kind:
    """By what the packet cites (VOEvent 2.0, 3.7): a retraction before a replacement before a follow-up."""
    cited = {citation.cite for citation in event.cites}
    if "retraction" in cited or event.params.get("Retraction") == "true":
        return "retraction"
    if "supersedes" in cited:
        return "update"
    return "followup" if "followup" in cited else "initial"


def serial(event: VOEvent) -> int | None:
    """GCN's count of the packets of a thread."""
    text = event.params.get("Pkt_Ser_Num", "")
    return int(text) if text.isdecimal() else None


def rate_per_year(text: str | None) -> Rate:
    """A stream's rate of noise events, stated per Julian year."""
    per_year = number(text)
    if per_year is None:
        return {"far_hz": None, "far_kind": None, "far_scope": None, "far_as_stated": None}
    return {
        "far_hz": per_year / SECONDS_PER_YEAR,
        "far_kind": "noise_only",
        "far_scope": "stream",
        "far_as_stated": f"{text} per year",
    }


def strength(event: VOEvent, names: Iterable[str], unit: str = "sigma") -> Strength:
    """The first of ``names`` that is stated and not 0, which senders print for "none"."""
    for name in names:
        value = number(event.params.get(name))
        if value:
            return {"significance": value, "significance_unit": unit}
    return {"significance": None, "significance_unit": None}


def time_frame(place: str) -> TimeFrame:
    """Where the clock stood, from the end of a VOEvent coordinate system's id (``UTC-FK5-GEO``)."""
    if place.endswith("BARY"):
        return "barycentric"
    return "geocentric" if place.endswith("GEO") else "topocentric"


def position(
    event: VOEvent,
    containment: float,
    *,
    systematic_included: bool | None = None,
    systematic_model: str | None = None,
) -> tuple[Localization, ...]:
    """The source's position, or nothing where the packet prints none or the one its instrument pointed at.

    GCN marks each position (``Coords_Type``): 0 is no position, 1 the source, 2 the pointing.
    """
    if event.params.get("Coords_Type") in _POINTING or not event.unit.startswith("deg"):
        return ()
    return cone(
        event.ra,
        event.dec,
        event.error_radius or None,
        containment,
        systematic_included=systematic_included,
        systematic_model=systematic_model,
        as_stated=None if event.error_radius else "no radius stated",
    )


def stated(event: VOEvent, properties: dict[str, str | float | bool]) -> dict[str, str | float | bool]:
    """``properties`` with the time as printed where it could not be read, or was read in another scale than UTC."""
    if event.time and (times.utc(event.time) is None or not event.frame.startswith("UTC")):
        properties["time_as_stated"] = f"{event.time} {event.frame}".strip()
    if event.params.get("Coords_Type") == "2":
        properties["pointing_ra_deg"] = property_value(event.ra)
        properties["pointing_dec_deg"] = property_value(event.dec)
    return properties


def without_serial(local_id: str) -> str:
    """A GCN local id without the number at its end that tells packets apart: ``XRT_Pos_1167973-456``."""
    return _SERIAL.sub("", local_id)
