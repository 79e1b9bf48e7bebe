"""LIGO/Virgo/KAGRA public alerts in JSON, the sky map in base64 (GCN topic ``igwn.gwalert``)."""

from typing import Any, Final

from nuncius.producers import json_text, lvk
from nuncius.producers.embedded_map import from_base64
from nuncius.producers.facility import Context, Envelope, Facility, Parsed
from nuncius.schemas.errors import MalformedAlert
from nuncius.schemas.localization import SkyMapRef

_MARKS: Final = (b'"superevent_id"', b'"time_created"', b'"alert_type"')


def owns(_seen: Envelope, payload: bytes) -> bool:
    """By the three keys that every notice has."""
    return all(mark in payload for mark in _MARKS)


def parse(payload: bytes, context: Context) -> Parsed:
    """The one notice of the packet."""
    return (lvk.alert(json_text.load_object(payload), payload, context, "application/json", _read_map),)


def _read_map(value: Any, field: str) -> SkyMapRef:
    if not isinstance(value, str):
        raise MalformedAlert(f"{field} must be base64 text, found {type(value).__name__}", field)
    return from_base64(value, field)


FACILITY: Final = Facility(
    name="LIGO/Virgo/KAGRA (JSON)",
    formats=("json",),
    owns=owns,
    parse=parse,
    reference="https://emfollow.docs.ligo.org/userguide/content.html",
)
