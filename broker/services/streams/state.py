"""What `nuncius.streams` holds: definitions, how far each stream has come, and how far the worker has read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, Record
from nuncius.broker.transport.reading import read_all
from nuncius.schemas import MalformedAlert, Quarantine, Stop, StreamCheckpoint, StreamDefinition, StreamProgress
from nuncius.schemas.codec import decode
from nuncius.schemas.stream import STREAM_NAME

CHECKPOINT_KEY: Final = b".checkpoint"
"""No stream's name begins with a dot."""

_PROGRESS: Final = ".progress."


def progress_key(name: str) -> bytes:
    """Key of a stream's progress."""
    return f"{_PROGRESS}{name}".encode()


@dataclass(frozen=True, slots=True)
class Kept:
    """The last of everything.

    Parameters
    ----------
    definitions, progress
        By name.
    unreadable
        Streams whose last definition, or progress, cannot be read here, with why.
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
    definition = decode(StreamDefinition, record.value)
    if STREAM_NAME.fullmatch(definition.name) is None or record.key != definition.name.encode():
        raise MalformedAlert(f"a definition of {definition.name[:70]!r} that no stream can have", "name")
    return definition


def kept(log: Log) -> Kept:
    """Everything on `nuncius.streams` that was acknowledged before this call."""
    found: dict[str, StreamDefinition] = {}
    progress: dict[str, StreamProgress] = {}
    unreadable: dict[str, str] = {}
    lost: dict[str, str] = {}
    checkpoint: StreamCheckpoint | None = None
    for record in read_all(log, topics.STREAMS.name):
        if record.value is None:
            continue
        if record.key == CHECKPOINT_KEY:
            checkpoint = _checkpoint(record.value)
            continue
        key = name_in(record)
        of_progress = key.startswith(_PROGRESS)
        name = key.removeprefix(_PROGRESS)
        try:
            if of_progress:
                progress[name] = decode(StreamProgress, record.value)
            elif (definition := read_definition(record)) is not None:
                found[name] = definition
            (lost if of_progress else unreadable).pop(name, None)
        except Quarantine as error:
            if of_progress:
                progress.pop(name, None)
                lost[name] = f"how far it has come cannot be read by this version: {error}"
            else:
                unreadable[name] = f"its definition cannot be read by this version: {error}"
    return Kept(found, progress, {**lost, **unreadable}, checkpoint)


def name_in(record: Record) -> str:
    """The key as a name to be shown, whatever it is."""
    return (record.key or b"(no name)").decode(errors="replace")


def _checkpoint(value: bytes) -> StreamCheckpoint:
    try:
        return decode(StreamCheckpoint, value)
    except Quarantine as error:
        raise Stop(
            f"{topics.STREAMS.name}: how far the streams service has come cannot be read by this version: {error};"
            " run the version that wrote it"
        ) from error


def definitions(log: Log) -> Mapping[str, StreamDefinition]:
    """The last definition of every stream, deleted ones too, by name."""
    return kept(log).definitions
