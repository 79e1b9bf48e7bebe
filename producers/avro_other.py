"""Surveys whose Avro records hold one candidate under other names: ATLAS and the DECam search DESIRT."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from nuncius.producers import avro
from nuncius.producers.build import kept, number
from nuncius.producers.detection import Detection, alert, batch, named, needed, part
from nuncius.producers.facility import Context, Envelope, Facility, Parsed
from nuncius.producers.julian import from_mjd
from nuncius.producers.survey_columns import COLUMNS, Columns
from nuncius.schemas.candidate import CandidateBatch
from nuncius.schemas.errors import MalformedAlert


def detect(record: Mapping[str, Any], columns: Columns) -> Detection:
    """What one record says."""
    candidate = part(record, "candidate")
    return Detection(
        native_id=named(record, "candid"),
        thread_id=f"{columns.survey}:{named(record, 'objectId')}",
        survey=columns.survey,
        reality="real",
        facility=columns.facility,
        instrument=columns.instrument,
        ra=needed(candidate, columns.ra),
        dec=needed(candidate, columns.dec),
        time=from_mjd(needed(candidate, "mjd")),
        mag=number(candidate.get(columns.mag)),
        mag_err=number(candidate.get(columns.mag_err)),
        filter=str(candidate.get(columns.filter) or ""),
        score=number(candidate.get(columns.score)),
        properties=kept(candidate, columns.kept),
    )


def owns(_seen: Envelope, _payload: bytes) -> bool:
    """Every Avro container that no other facility owns: it is read, or named in the error."""
    return True


def parse(payload: bytes, context: Context) -> Parsed:
    """One alert a record, for the surveys of `COLUMNS`."""
    return tuple(alert(seen, payload, context) for seen in _read(payload))


def decode_batch(payloads: Sequence[bytes], _context: Context) -> CandidateBatch:
    """One row a record, in order; the first packet that cannot be read raises."""
    return batch((seen, payload) for payload in payloads for seen in _read(payload))


def _read(payload: bytes) -> tuple[Detection, ...]:
    found = avro.container(payload)
    columns = COLUMNS.get(found.name)
    if columns is None or not found.records:
        have = sorted(found.records[0])[:12] if found.records else "no records"
        raise MalformedAlert(f"Avro records named {found.name!r} ({have}) are of no survey read here", "avro.schema")
    return tuple(detect(record, columns) for record in found.records)


FACILITY: Final = Facility(
    name="ATLAS and DESIRT (Avro)",
    formats=("avro",),
    owns=owns,
    parse=parse,
    decode_batch=decode_batch,
    reference="https://github.com/alercebroker/pipeline",
)
