"""One packet into alerts, or into columns where a survey wrote it."""

from nuncius.producers import FACILITIES, parse_all
from nuncius.producers.envelope import envelope
from nuncius.producers.facility import Context
from nuncius.producers.limits import check_size
from nuncius.schemas import Alert, CandidateBatch, NotAnAlert


def read_packet(payload: bytes, context: Context) -> tuple[Alert | NotAnAlert, ...] | CandidateBatch:
    """What `nuncius.producers.parse_all` says; a survey's packet as columns, which is what the road carries of it.

    Raises
    ------
    Quarantine
        As `parse_all`.
    """
    check_size(payload)
    seen = envelope(payload, context)
    if seen.format in ("avro", "confluent"):
        for facility in FACILITIES:
            if seen.format in facility.formats and facility.owns(seen, payload):
                if facility.decode_batch is not None:
                    return facility.decode_batch([payload], context)
                break
    return parse_all(payload, context)
