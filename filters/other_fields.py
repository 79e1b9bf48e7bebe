"""The fields of requests, of what could not be read, and of single counterparts."""

from typing import Final, get_args

from nuncius.filters.fields import FieldInfo, FieldKind, age_s, attribute
from nuncius.schemas.vocabulary import Arm, Reality, RequestState, RunMode


def _plain(name: str, kind: FieldKind, unit: str, meaning: str, words: tuple[str, ...] = ()) -> FieldInfo:
    return FieldInfo(name, kind, unit, meaning, attribute(name), words)


_ORIGIN: Final = (
    _plain("reality", "text", "", "Whether the sky did it", get_args(Reality)),
    _plain("run_mode", "text", "", "How the record came to be made", get_args(RunMode)),
)

TOO_FIELDS: Final = (
    _plain("request_id", "text", "", "The same for every revision"),
    _plain("revision", "number", "", "Count of changes"),
    _plain("state", "text", "", "Where the request stands", get_args(RequestState)),
    _plain("policy", "text", "", "Which policy asks"),
    _plain("facility", "text", "", "Who is asked"),
    _plain("cause_id", "text", "", "The record behind it"),
    _plain("cause_kind", "text", "", "What that record is"),
    _plain("target_name", "text", "", "For the observer"),
    _plain("ra", "number", "deg", "Right ascension, ICRS"),
    _plain("dec", "number", "deg", "Declination, ICRS"),
    _plain("radius_deg", "number", "deg", "90 % radius to cover"),
    FieldInfo("time", "time", "UTC", "Issue time of the cause", attribute("issued_time")),
    _plain("window_start", "time", "UTC", "First moment it can be observed"),
    _plain("window_stop", "time", "UTC", "Last moment it can be observed"),
    _plain("airmass_min", "number", "", "Best airmass in the window"),
    _plain("exposure_s", "number", "s", "Exposure"),
    _plain("filter", "text", "", "Band"),
    _plain("priority", "number", "", "0 lowest"),
    _plain("needs_approval", "flag", "", "Whether a person must agree"),
    _plain("expires", "time", "UTC", "After this it is worth nothing"),
    _plain("issued_time", "time", "UTC", "Of the cause"),
    *_ORIGIN,
    age_s(attribute("issued_time")),
)

QUARANTINE_FIELDS: Final = (
    _plain("sha256", "text", "", "Of the packet"),
    _plain("nbytes", "number", "B", "Its length"),
    _plain("source", "text", "", "Where it came from"),
    _plain("stream", "text", "", "The stream it claims"),
    _plain("reason", "text", "", "Short name: malformed, limit_exceeded, ..."),
    _plain("detail", "text", "", "What is wrong, in words"),
    _plain("field", "text", "", "The field at fault"),
)

COUNTERPART_FIELDS: Final = (
    _plain("rule", "text", "", "Name of the rule"),
    _plain("event_thread", "text", "", "The event"),
    _plain("event_alert_id", "text", "", "The exact notice"),
    _plain("arm", "text", "", "Possible counterpart or measured background", get_args(Arm)),
    _plain("alert_id", "text", "", "Of the candidate"),
    _plain("thread_id", "text", "", "Of the candidate's object"),
    _plain("survey", "text", "", "ztf, lsst, ..."),
    _plain("ra", "number", "deg", "Right ascension, ICRS"),
    _plain("dec", "number", "deg", "Declination, ICRS"),
    _plain("time", "time", "UTC", "Of the detection"),
    _plain("first_time", "time", "UTC", "Of the object's first detection"),
    _plain("last_limit_time", "time", "UTC", "Last non-detection before it"),
    _plain("mag", "number", "mag", "Magnitude"),
    _plain("filter", "text", "", "Band"),
    _plain("score", "number", "", "Real-bogus or reliability"),
    _plain("credible_level", "number", "", "Of the event's map at the candidate"),
    _plain("probdensity_per_sr", "number", "1/sr", "Of the event's map at the candidate"),
    *_ORIGIN,
    age_s(attribute("time")),
)
