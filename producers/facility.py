"""What a facility is to Nuncius: one constant of plain parts, and what its pure parser may know beside the bytes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from nuncius.schemas.alert import Alert, NotAnAlert
from nuncius.schemas.candidate import CandidateBatch
from nuncius.schemas.vocabulary import RunMode

Format = Literal["voevent", "json", "avro", "confluent", "fits", "pickle", "unknown"]


@dataclass(frozen=True, slots=True)
class Context:
    """Everything a pure parser may know beside the bytes.

    Parameters
    ----------
    stream
        Topic or stream the packet came on.
    source
        Where the bytes came from: file, archive member, topic/partition/offset.
    received_time
        UTC; in a replay the source's, not the clock's.
    run_mode
        As in `Alert`.
    writer_schemas
        Confluent schema id -> parsed Avro schema.
    skymaps
        File name (last path part of a URL) -> FITS bytes; may be lazy.
    """

    stream: str = ""
    source: str = ""
    received_time: datetime | None = None
    run_mode: RunMode = "live"
    writer_schemas: Mapping[int, Any] = field(default_factory=dict)
    skymaps: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What can be seen of a packet in microseconds, before it is parsed.

    Parameters
    ----------
    format
        Which family of parsers may read it; ``confluent`` is a zero byte and a schema id before an Avro body.
    name
        The packet's own type: a VOEvent's ivorn, a JSON's ``$schema`` URL, the full name of an Avro container's record,
        a Confluent schema id in decimal. Empty where none is found.
    stream
        From the context.
    """

    format: Format
    name: str
    stream: str


Parsed = tuple[Alert | NotAnAlert, ...]


@dataclass(frozen=True, slots=True)
class Facility:
    """One producer of alerts.

    Parameters
    ----------
    name
        For people: ``Fermi GBM``.
    formats
        The `Envelope` formats that ``owns`` is asked about.
    owns
        Whether this packet is theirs. Cheap, and never raises.
    parse
        Bytes to alerts; pure. Raises a `Quarantine` and nothing else, whatever the bytes.
    decode_batch
        The same for a high-rate survey, into columns.
    reference
        Where the format is documented.
    profile
        True while it has not been tried on real packets.
    """

    name: str
    formats: tuple[Format, ...]
    owns: Callable[[Envelope, bytes], bool]
    parse: Callable[[bytes, Context], Parsed]
    decode_batch: Callable[[Sequence[bytes], Context], CandidateBatch] | None = None
    reference: str = ""
    profile: bool = False
