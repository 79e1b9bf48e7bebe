"""Named streams for tests: definitions, the worker alone, and what a reader of a stream holds true."""

from datetime import UTC, datetime
from typing import Any

from road import decoded

from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.runner import drain
from nuncius.broker.services.streams.define import define
from nuncius.broker.services.streams.limits import LIMITS, Limits
from nuncius.broker.services.streams.worker import StreamsWorker
from nuncius.broker.transport.port import Log
from nuncius.broker.transport.topics import stream_topic
from nuncius.schemas import StreamDefinition, StreamRow

MADE = datetime(2026, 11, 23, 12, tzinfo=UTC)
"""When definitions are made; the log's own clock here begins then, too."""


def stream(name: str = "mine", filter: str = "", **more: Any) -> StreamDefinition:  # noqa: A002  as the field is named
    """A definition of a stream of candidates."""
    return StreamDefinition(**{"name": name, "filter": filter, "table": "candidates", "changed_time": MADE, **more})


def made(log: Log, *definitions: StreamDefinition) -> None:
    """Write definitions."""
    for definition in definitions:
        define(log, definition)


def work_streams(log: Log, most: int = 5000, limits: Limits = LIMITS) -> None:
    """Let the worker work until nothing is left, and close it."""
    worker = StreamsWorker(log, MapShelf(log), limits=limits, most=most)
    drain([worker])
    worker.close()


def rows_of_stream(log: Log, name: str = "mine") -> list[StreamRow]:
    """All records of a stream, their sequence checked."""
    found: list[StreamRow] = decoded(log, stream_topic(name).name)
    assert [row.sequence for row in found] == list(range(1, len(found) + 1))
    return found


def selected(log: Log, name: str = "mine") -> list[str]:
    """Ids of the selected records, in the order of the stream."""
    return [row.record_id for row in rows_of_stream(log, name) if row.kind == "row"]
