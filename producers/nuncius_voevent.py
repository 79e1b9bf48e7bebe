"""VOEvents that a Nuncius wrote: the same record again, with the id it had there."""

from dataclasses import replace
from typing import Final

from nuncius.producers import notice
from nuncius.producers.facility import Context, Facility, Parsed
from nuncius.producers.nuncius_records import read_back
from nuncius.schemas import Alert, MalformedAlert, NotAnAlert, ids


def parse(payload: bytes, context: Context) -> Parsed:
    """The alert, with its own id, bytes' hash and run mode; another broker's coincidence is no alert."""
    record = read_back(payload)
    if not isinstance(record, Alert):
        return (NotAnAlert("coincidence_of_a_broker", context.stream, record.issued_time),)
    if record.alert_id != ids.alert_id(record.native_id, record.raw_sha256):
        raise MalformedAlert("the id does not follow from native id and sha256 of the bytes", "alert_id")
    run_mode = context.run_mode if record.run_mode == "live" else record.run_mode
    stream = context.stream or record.stream
    here = replace(record, run_mode=run_mode, source=context.source, received_time=context.received_time, stream=stream)
    return (here,)


FACILITY: Final = Facility(
    "Nuncius (VOEvent)",
    ("voevent",),
    notice.owner("ivo://nuncius/"),
    parse,
    reference="https://ivoa.net/documents/VOEvent/",
)
