"""Records of the log with their values, and those that cannot be read here, which every reader is told."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from pydantic import BaseModel

from nuncius.broker.services.alerts import decode_alert
from nuncius.broker.services.streams.held import Taken
from nuncius.broker.transport.port import Record
from nuncius.schemas import CandidateList, CandidateRow, Coincidence, Quarantine
from nuncius.schemas.codec import decode, kind_of
from nuncius.schemas.vocabulary import StreamTable

_MOST_WORDS: Final = 300


class Skipped(BaseModel):
    """A record that cannot be read here: where it lies, and why. ``GET /records/…`` with format=avro has its bytes."""

    topic: str
    partition: int
    offset: int
    reason: str


class Opened(NamedTuple):
    """What can be read, and what cannot, each in the order of the records; a record without a value is neither."""

    taken: tuple[Taken, ...]
    skipped: tuple[Skipped, ...]


def opened(table: StreamTable | None, records: Sequence[Record]) -> Opened:
    """Records with their values; of a table only the kinds that lie in it can be read."""
    taken: list[Taken] = []
    skipped: list[Skipped] = []
    for record in records:
        if record.value is None:
            continue
        try:
            taken.append(Taken(record, _value(table, record.value)))
        except Quarantine as error:
            skipped.append(skipped_record(record, error))
    return Opened(tuple(taken), tuple(skipped))


def skipped_record(record: Record, error: Quarantine) -> Skipped:
    """What is told of a record that cannot be read."""
    reason = " ".join(str(error).split())[:_MOST_WORDS]
    return Skipped(topic=record.topic, partition=record.partition, offset=record.offset, reason=reason)


def _value(table: StreamTable | None, data: bytes) -> Any:
    match table:
        case "alerts":
            return decode_alert(data)
        case "candidates":
            return decode(CandidateRow, data)
        case "coincidences":
            return decode(CandidateList if kind_of(data) is CandidateList else Coincidence, data)
        case None:
            return decode(kind_of(data), data)
