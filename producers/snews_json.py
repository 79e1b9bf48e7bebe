"""SNEWS 2.0 messages in JSON: a detector's possible supernova; everything that is not marked real is a test."""

from collections.abc import Mapping
from typing import Any, Final

from nuncius.producers import json_text, times
from nuncius.producers.build import kept, number, provenance
from nuncius.producers.facility import Context, Envelope, Facility, Parsed
from nuncius.producers.gcn_fields import LONGEST_ID, texts
from nuncius.schemas.alert import Alert, NotAnAlert
from nuncius.schemas.errors import MalformedAlert
from nuncius.schemas.vocabulary import Reality

_MARK: Final = b'"detector_name"'
_KEPT: Final = ("tier", "p_val", "t_bin_width", "t_bin_width_sec", "is_pre_sn", "is_firedrill", "retraction_reason")
_NO: Final = (False, "False", "false")


def owns(seen: Envelope, payload: bytes) -> bool:
    """By the field that every tier has."""
    return not seen.name and _MARK in payload


def parse(payload: bytes, context: Context) -> Parsed:
    """One message of one detector."""
    message = json_text.load_object(payload)
    tier = str(message.get("tier", ""))
    sent = next((message[n] for n in ("sent_time_utc", "machine_time_utc", "machine_time") if message.get(n)), None)
    issued = times.utc(sent) if isinstance(sent, str) else None
    if "heartbeat" in tier.lower() or "detector_status" in message:
        return (NotAnAlert("heartbeat", context.stream, issued),)
    detector, start = message.get("detector_name"), message.get("neutrino_time_utc")
    retracts = "retract" in tier.lower() or any(name.startswith("retract_") for name in message)
    moment = times.utc(start) if isinstance(start, str) else None
    if not isinstance(detector, str) or len(detector) > LONGEST_ID or (moment is None and not retracts):
        raise MalformedAlert("a SNEWS message needs detector_name and neutrino_time_utc", "neutrino_time_utc")
    names = (message.get(name) for name in ("retract_message_uuid", "id", "uuid", "neutrino_time_utc"))
    named = next((text for name in names for text in texts(name) if len(text) <= LONGEST_ID), "")
    own_id = next(iter(texts(message.get("uuid"))), named)
    p_value = number(message.get("p_val"))
    alert = Alert(
        **provenance(payload, context, f"snews:{detector}:{own_id}", "application/json"),
        thread_id=f"snews:{detector}:{named}",
        kind="retraction" if retracts else "initial",
        reality=reality(message),
        messenger="neutrino",
        facility=detector,
        instrument="SNEWS",
        event_class="supernova_neutrino",
        time_start=moment,
        time_kind="onset",
        issued_time=issued,
        far_kind=None if p_value is None else "p_value",
        far_as_stated=None if p_value is None else f"p-value {p_value}",
        properties=kept(message, _KEPT),
    )
    return (alert,)


def reality(message: Mapping[str, Any]) -> Reality:
    """``real`` where the message says that it is no test (and, from schema 0.2, no fire drill); silence is a test."""
    if message.get("is_test") in _NO and message.get("is_firedrill", False) in _NO:
        return "real"
    return "test"


FACILITY: Final = Facility(
    name="SNEWS (JSON)",
    formats=("json",),
    owns=owns,
    parse=parse,
    reference="https://github.com/SNEWS2/SNEWS_Data_Formats",
)
