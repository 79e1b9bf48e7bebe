"""Records of the log as server-sent events.

An event's ``id:`` is the position after its record (`nuncius.broker.transport.position`): whoever sends it back as
``Last-Event-ID`` goes on behind that record. Its ``taken:`` is when the log took the record, UTC; readers of events
that do not know this field ignore it.
"""

from collections.abc import Mapping, MutableMapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from nuncius.broker.services.streams.held import HeldValues, Taken, held
from nuncius.broker.services.streams.selecting import Selector, selections
from nuncius.broker.services.web.opened import Opened, Skipped, opened
from nuncius.broker.transport.port import Record
from nuncius.broker.transport.position import to_token
from nuncius.filters import Filter, Places
from nuncius.schemas import (
    Alert,
    CandidateList,
    CandidateRow,
    Coincidence,
    StreamDefinition,
    StreamRow,
)
from nuncius.schemas.codec import encode_json
from nuncius.schemas.vocabulary import StreamTable

EVENT_OF: Final[Mapping[type, str]] = {
    Alert: "alert",
    Coincidence: "coincidence",
    CandidateList: "candidate_list",
    CandidateRow: "candidate",
    StreamRow: "row",
}
"""Name of the event that carries a record of each kind."""

SKIPPED: Final = "skipped"
"""Name of the event that tells of a record that cannot be read; readers that do not know it pass it over."""


class Source(NamedTuple):
    """What is streamed: a topic, and the table its filters are of; None where it takes none."""

    topic: str
    table: StreamTable | None


class Framed(NamedTuple):
    """Events of some records, and for each filter's text the places of those it selects.

    A record that cannot be read here is an event ``skipped``, which every filter selects; ``skipped`` counts them.
    """

    frames: tuple[bytes, ...]
    hits: Mapping[str, tuple[int, ...]]
    skipped: int


class Part(NamedTuple):
    """Events for one reader, and how many of them are ``skipped``."""

    frames: list[bytes]
    skipped: int


def frames_of(
    source: Source,
    records: Sequence[Record],
    position: MutableMapping[int, int],
    filters: Sequence[Filter],
    places: Places,
) -> Framed:
    """Each record as an event, encoded once; ``position`` is moved on behind them."""
    read = opened(source.table, records)
    chosen = _chosen(source, filters, read.taken, places)
    events = _events(read)
    frames: list[bytes] = []
    hits: dict[str, list[int]] = {item.text: [] for item in filters}
    for record in records:
        position[record.partition] = record.offset + 1
        place = (record.partition, record.offset)
        if place not in events:
            continue
        for_all = isinstance(events[place], Skipped)
        for text, selected in chosen.items():
            if for_all or place in selected:
                hits[text].append(len(frames))
        frames.append(_frame(events[place], to_token(position)))
    return Framed(tuple(frames), {text: tuple(found) for text, found in hits.items()}, len(read.skipped))


def selected_frames(
    source: Source, records: Sequence[Record], position: MutableMapping[int, int], wanted: Filter | None, places: Places
) -> Part:
    """As `frames_of`, for one reader: only what its filter selects is encoded."""
    read = opened(source.table, records)
    chosen = None if wanted is None else _chosen(source, [wanted], read.taken, places)[wanted.text]
    events = _events(read)
    frames = []
    for record in records:
        position[record.partition] = record.offset + 1
        place = (record.partition, record.offset)
        if place in events and (chosen is None or isinstance(events[place], Skipped) or place in chosen):
            frames.append(_frame(events[place], to_token(position)))
    return Part(frames, len(read.skipped))


def selected_of(source: Source, taken: Sequence[Taken], wanted: Filter, places: Places) -> set[tuple[int, int]]:
    """Partition and offset of the records that a filter selects."""
    return _chosen(source, [wanted], taken, places)[wanted.text]


def event(name: str, data: bytes, token: str = "", taken: datetime | None = None) -> bytes:
    """One event; ``data`` is one line. Without a position the reader keeps the one it has."""
    where = b"id: %b\n" % token.encode() if token else b""
    when = b"" if taken is None else b"taken: %b\n" % taken.isoformat().encode()
    return where + when + b"event: %b\ndata: %b\n\n" % (name.encode(), data)


def standing(token: str) -> bytes:
    """A position without an event: the reader remembers it, and shows nothing."""
    return b"id: %b\n\n" % token.encode()


def _events(read: Opened) -> dict[tuple[int, int], Taken | Skipped]:
    events: dict[tuple[int, int], Taken | Skipped] = {(one.partition, one.offset): one for one in read.skipped}
    events.update({(item.record.partition, item.record.offset): item for item in read.taken})
    return events


def _frame(item: Taken | Skipped, token: str) -> bytes:
    if isinstance(item, Skipped):
        return event(SKIPPED, item.model_dump_json().encode(), token)
    name = EVENT_OF.get(type(item.value), "record")
    return event(name, encode_json(item.value), token, item.record.time)


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
    is_columns = source.table == "candidates"
    here = held("candidates", [one.record for one in taken]) if is_columns else HeldValues(source.table, taken)
    for selector, found in selections(selectors, here, places):
        chosen[selector.definition.name] = {(item.record.partition, item.record.offset) for item in found}
    return chosen
