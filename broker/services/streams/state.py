"""What `nuncius.streams` holds: definitions, how far each stream has come, and how far the worker has read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, Record
from nuncius.broker.transport.reading import read_all
from nuncius.schemas import Quarantine, StreamCheckpoint, StreamDefinition, StreamProgress
from nuncius.schemas.codec import decode, kind_of

CHECKPOINT_KEY: Final = b".checkpoint"
"""No stream's name begins with a dot."""


def progress_key(name: str) -> bytes:
    """Key of a stream's progress."""
    return f".progress.{name}".encode()


@dataclass(frozen=True, slots=True)
class Kept:
    """The last of everything.

    Parameters
    ----------
    definitions, progress
        By name.
    unreadable
        Streams whose last definition cannot be read here, with why.
    checkpoint
        None before the worker first wrote one.
    """

    definitions: Mapping[str, StreamDefinition] = field(default_factory=dict)
    progress: Mapping[str, StreamProgress] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)
    checkpoint: StreamCheckpoint | None = None


def read_definition(record: Record) -> StreamDefinition | None:
    """The definition in a record; None where it holds something else.

    Raises
    ------
    Quarantine
        If it cannot be read here.
    """
    if record.value is None or (record.key or b"").startswith(b"."):
        return None
    return decode(StreamDefinition, record.value)


def kept(log: Log) -> Kept:
    """Everything on `nuncius.streams` that was acknowledged before this call."""
    found: dict[str, StreamDefinition] = {}
    progress: dict[str, StreamProgress] = {}
    unreadable: dict[str, str] = {}
    checkpoint: StreamCheckpoint | None = None
    for record in read_all(log, topics.STREAMS.name):
        if record.value is None:
            continue
        name = (record.key or b"").decode(errors="replace")
        try:
            if not name.startswith("."):
                found[name] = decode(StreamDefinition, record.value)
                unreadable.pop(name, None)
            elif kind_of(record.value) is StreamCheckpoint:
                checkpoint = decode(StreamCheckpoint, record.value)
            else:
                one = decode(StreamProgress, record.value)
                progress[one.definition.name] = one
        except Quarantine as error:
            unreadable[name] = str(error)
    return Kept(found, progress, unreadable, checkpoint)


def definitions(log: Log) -> Mapping[str, StreamDefinition]:
    """The last definition of every stream, deleted ones too, by name."""
    return kept(log).definitions
