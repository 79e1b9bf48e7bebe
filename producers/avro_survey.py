"""A survey's packets, container or wire, through one pure reading of a record to alerts and to columns."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nuncius.producers import avro, detection
from nuncius.producers.detection import Detection
from nuncius.producers.facility import Context, Parsed
from nuncius.schemas.alert import Photometry
from nuncius.schemas.candidate import CandidateBatch
from nuncius.schemas.errors import MalformedAlert


@dataclass(frozen=True, slots=True)
class Survey:
    """How one survey's records are read; both ways of reading share ``detect``, so they agree row by row.

    Parameters
    ----------
    detect
        Record -> detection. Raises `MalformedAlert` where it is none.
    photometry
        Record -> light curve, newest first.
    """

    detect: Callable[[Mapping[str, Any]], Detection]
    photometry: Callable[[Mapping[str, Any]], tuple[Photometry, ...]]

    def parse(self, payload: bytes, context: Context) -> Parsed:
        """One alert a record.

        Raises
        ------
        Quarantine
            Where bytes, schema or record cannot be read.
        """
        return tuple(
            detection.alert(self.detect(record), payload, context, self.photometry(record))
            for record in records(payload, context)
        )

    def decode_batch(self, payloads: Sequence[bytes], context: Context) -> CandidateBatch:
        """One row a record, in order. The first packet that cannot be read raises; the caller splits the batch.

        Raises
        ------
        Quarantine
            As `parse`.
        """
        return detection.batch(
            (self.detect(record), payload) for payload in payloads for record in records(payload, context)
        )


def records(payload: bytes, context: Context) -> Iterator[Mapping[str, Any]]:
    """The records of a packet in either format."""
    if payload[:1] == b"\x00":
        yield avro.wire(payload, context.writer_schemas)
        return
    found = avro.container(payload).records
    if not found:
        raise MalformedAlert("the Avro container holds no record")
    yield from found
