"""Records of the log as server-sent events.

An event's ``id:`` is the position after its record (`nuncius.broker.transport.position`): whoever sends it back as
``Last-Event-ID`` goes on behind that record. Its ``taken:`` is when the log took the record, UTC; readers of events that
do not know this field ignore it.
"""

from collections.abc import Mapping, MutableMapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from nuncius.broker.services.streams.selecting import Selector, Taken, decoded, selections
from nuncius.broker.transport.port import Record
from nuncius.broker.transport.position import to_token
from nuncius.filters import Filter, Places
from nuncius.schemas import (
    Alert,
    CandidateList,
    CandidateRow,
    Coincidence,
    Quarantine,
    StreamDefinition,
    StreamRow,
)
from nuncius.schemas.codec import decode, encode_json, kind_of
from nuncius.schemas.vocabulary import StreamTable

EVENT_OF: Final[Mapping[type, str]] = {
    Alert: "alert",
    Coincidence: "coincidence",
    CandidateList: "candidate_list",
    CandidateRow: "candidate",
    StreamRow: "row",
}
"""Name of the event that carries a record of each kind."""


class Source(NamedTuple):
    """What is streamed: a topic, and the table its filters are of; None where it takes none."""

    topic: str
    table: StreamTable | None


class Framed(NamedTuple):
    """Events of some records, and for each filter's text the places of those it selects."""

    frames: tuple[bytes, ...]
    hits: Mapping[str, tuple[int, ...]]


def frames_of(
    source: Source,
    records: Sequence[Record],
    position: MutableMapping[int, int],
    filters: Sequence[Filter],
    places: Places,
) -> Framed:
    """Each record as an event, encoded once; ``position`` is moved on behind them.

    A record that cannot be read here is passed over.
    """
    taken = _taken(source, records)
    chosen = _chosen(source, filters, taken, places)
    frames: list[bytes] = []
    hits: dict[str, list[int]] = {item.text: [] for item in filters}
    readable = {(item.record.partition, item.record.offset): item for item in taken}
    for record in records:
        position[record.partition] = record.offset + 1
        place = (record.partition, record.offset)
        if place not in readable:
            continue
        for text, selected in chosen.items():
            if place in selected:
                hits[text].append(len(frames))
        frames.append(_frame(readable[place], to_token(position)))
    return Framed(tuple(frames), {text: tuple(found) for text, found in hits.items()})


def selected_frames(
    source: Source, records: Sequence[Record], position: MutableMapping[int, int], wanted: Filter | None, places: Places
) -> list[bytes]:
    """As `frames_of`, for one reader: only what its filter selects is encoded."""
    taken = _taken(source, records)
    chosen = None if wanted is None else _chosen(source, [wanted], taken, places)[wanted.text]
    readable = {(item.record.partition, item.record.offset): item for item in taken}
    frames = []
    for record in records:
        position[record.partition] = record.offset + 1
        place = (record.partition, record.offset)
        if place in readable and (chosen is None or place in chosen):
            frames.append(_frame(readable[place], to_token(position)))
    return frames


def count_selected(source: Source, records: Sequence[Record], wanted: Filter, places: Places) -> set[tuple[int, int]]:
    """Partition and offset of the records that a filter selects."""
    return _chosen(source, [wanted], _taken(source, records), places)[wanted.text]


def event(name: str, data: bytes, token: str = "", taken: datetime | None = None) -> bytes:
    """One event; ``data`` is one line. Without a position the reader keeps the one it has."""
    where = b"id: %b\n" % token.encode() if token else b""
    when = b"" if taken is None else b"taken: %b\n" % taken.isoformat().encode()
    return where + when + b"event: %b\ndata: %b\n\n" % (name.encode(), data)


def standing(token: str) -> bytes:
    """A position without an event: the reader remembers it, and shows nothing."""
    return b"id: %b\n\n" % token.encode()


def _frame(item: Taken, token: str) -> bytes:
    name = EVENT_OF.get(type(item.value), "record")
    return event(name, encode_json(item.value), token, item.record.time)


def _taken(source: Source, records: Sequence[Record]) -> tuple[Taken, ...]:
    if source.table is not None:
        return decoded(source.table, records)
    found = []
    for record in records:
        try:
            data = record.value or b""
            found.append(Taken(record, decode(kind_of(data), data)))
        except Quarantine:
            continue
    return tuple(found)


def _chosen(
    source: Source, filters: Sequence[Filter], taken: Sequence[Taken], places: Places
) -> dict[str, set[tuple[int, int]]]:
    chosen: dict[str, set[tuple[int, int]]] = {item.text: set() for item in filters}
    if source.table is None or not taken or not filters:
        return chosen
    when = taken[0].record.time
    selectors = [
        Selector(StreamDefinition(name=item.text, table=source.table, changed_time=when), item) for item in filters
    ]
    for selector, found in selections(source.table, selectors, taken, places):
        chosen[selector.definition.name] = {(item.record.partition, item.record.offset) for item in found}
    return chosen
