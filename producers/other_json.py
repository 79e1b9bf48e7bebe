"""JSON messages that are known and are no alerts: circulars, heartbeats, records of GraceDB, texts of HERMES."""

from collections.abc import Mapping
from typing import Any, Final

from nuncius.producers import json_text
from nuncius.producers.facility import Context, Envelope, Facility, Parsed
from nuncius.producers.gcn_fields import moment
from nuncius.schemas.alert import NotAnAlert
from nuncius.schemas.errors import MalformedAlert

KNOWN: Final[tuple[tuple[str, frozenset[str]], ...]] = (
    ("circular", frozenset({"circularId", "subject", "body"})),
    ("hermes_message", frozenset({"title", "authors", "topic", "message_text"})),
    ("gracedb_message", frozenset({"uid", "alert_type"})),
)
"""Reason -> fields that together tell the message."""

NOT_READ: Final[tuple[tuple[str, frozenset[str]], ...]] = (
    ("a superevent record of GraceDB, not its public alert", frozenset({"superevent_id", "preferred_event"})),
    ("an IceCube event as the detector's own systems pass it on, not the notice", frozenset({"varname", "value"})),
    ("a Rubin alert printed as JSON; its packets are Avro", frozenset({"diaSource", "prvDiaSources"})),
    ("a locus of ANTARES, an answer of its service and not an alert", frozenset({"locus_id", "alerts"})),
)
"""What is wrong -> fields that together tell it."""


def owns(_seen: Envelope, _payload: bytes) -> bool:
    """Every JSON that no other facility owns: it is named here, as a non-alert or in the error."""
    return True


def parse(payload: bytes, context: Context) -> Parsed:
    """The named non-alert; what is not known raises `MalformedAlert` with the fields found."""
    message: Mapping[str, Any] = json_text.load_object(payload)
    if context.stream.endswith("heartbeat") or str(message.get("$schema", "")).endswith("heartbeat.schema.json"):
        return (NotAnAlert("heartbeat", context.stream, moment(message, "alert_datetime")),)
    found = frozenset(message)
    for reason, fields in KNOWN:
        if fields <= found:
            return (NotAnAlert(reason, context.stream),)
    for fault, fields in NOT_READ:
        if fields <= found:
            raise MalformedAlert(f"{fault}; no facility sends this")
    raise MalformedAlert(f"a JSON object that no facility sends; its fields: {sorted(found)[:12]}")


FACILITY: Final = Facility(
    name="Circulars and service messages (JSON)",
    formats=("json",),
    owns=owns,
    parse=parse,
    reference="https://gcn.nasa.gov/docs/circulars",
)
