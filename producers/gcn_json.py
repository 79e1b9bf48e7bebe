"""Any notice of the GCN unified schema that no adapter of its own reads."""

from typing import Final

from nuncius.producers import gcn_notice, json_text
from nuncius.producers.facility import Context, Envelope, Facility, Parsed
from nuncius.producers.gcn_missions import notice_path
from nuncius.schemas.alert import NotAnAlert

_MARKS: Final = (b'"alert_datetime"', b'"alert_tense"', b'"trigger_time"')


def owns(seen: Envelope, payload: bytes) -> bool:
    """By the schema, by the topic, else by a core field that the schema alone calls so."""
    if notice_path(seen.name, seen.stream):
        return True
    return not seen.name and any(mark in payload for mark in _MARKS)


def parse(payload: bytes, context: Context) -> Parsed:
    """One alert, or a pointing notice, which says where an instrument looks and not that it saw anything."""
    notice = json_text.load_object(payload)
    if "ra_pointing" in notice and "trigger_time" not in notice and "id" not in notice:
        return (NotAnAlert("pointing", context.stream),)
    return (gcn_notice.read(notice, payload, context),)


FACILITY: Final = Facility(
    name="GCN notices (JSON)",
    formats=("json",),
    owns=owns,
    parse=parse,
    reference="https://gcn.nasa.gov/docs/notices/schema",
)
