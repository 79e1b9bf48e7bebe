"""Records of the log held against all streams of their table at once."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import numpy as np

from nuncius.broker.services.alerts import decode_alert
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Record
from nuncius.filters import AnyRows, Filter, Places, rows_of, rows_of_batch, select, values
from nuncius.filters.tree import ActiveRegions, EventRegion
from nuncius.schemas import (
    NO_TIME,
    Alert,
    CandidateList,
    CandidateRow,
    Coincidence,
    Quarantine,
    StreamDefinition,
    StreamRow,
)
from nuncius.schemas.candidate_row import columns
from nuncius.schemas.codec import decode, kind_of
from nuncius.schemas.vocabulary import RunMode, StreamTable

TOPIC_OF: Final[dict[StreamTable, str]] = {
    "alerts": topics.EVENTS.name,
    "candidates": topics.CANDIDATES.name,
    "coincidences": topics.COINCIDENCES.name,
}
"""Where each table lies."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Selector(NamedTuple):
    """A stream's definition with its checked filter; None selects everything."""

    definition: StreamDefinition
    filter: Filter | None

    @property
    def follows_events(self) -> bool:
        """Whether what it selects depends on events of the log."""
        places = () if self.filter is None else self.filter.places
        return any(isinstance(place, ActiveRegions | EventRegion) for place in places)


class Taken(NamedTuple):
    """A record with its value."""

    record: Record
    value: Any


def decoded(table: StreamTable, records: Sequence[Record]) -> tuple[Taken, ...]:
    """What can be read; a record that cannot is in no table."""
    found = []
    for record in records:
        if record.value is None:
            continue
        try:
            found.append(Taken(record, _value(table, record.value)))
        except Quarantine:
            continue
    return tuple(found)


def selections(
    table: StreamTable, selectors: Sequence[Selector], taken: Sequence[Taken], places: Places
) -> Iterator[tuple[Selector, list[Taken]]]:
    """For each stream that selects any, what it selects, in order.

    A stream that follows events takes real records only: nothing else meets a real event.
    """
    if not taken or not selectors:
        return
    filters = [one.filter for one in selectors if one.filter is not None]
    hits = np.zeros((len(filters), len(taken)), np.bool_)
    for index, rows in _rows(table, taken):
        hits[:, index] = select(filters, rows, places)
    at = 0
    for one in selectors:
        if one.filter is None:
            yield one, list(taken)
            continue
        found = [taken[number] for number in np.flatnonzero(hits[at]).tolist()]
        if one.follows_events:
            found = [item for item in found if item.value.reality == "real"]
        at += 1
        if found:
            yield one, found


def stream_row(definition: StreamDefinition, taken: Taken, places: Places, *, backfill: bool = False) -> StreamRow:
    """The slim row of a selected record; its sequence is given when it is published."""
    record, value = taken
    given = values(definition.table, value, record.time, places, definition.include) if definition.include else {}
    row = StreamRow(
        stream=definition.name,
        revision=definition.revision,
        sequence=0,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        taken_time=record.time,
        fields=given,
        backfill=backfill,
    )
    return _placed(row, value, record.time, places)


def _placed(row: StreamRow, value: Any, taken: datetime, places: Places) -> StreamRow:
    match value:
        case CandidateRow():
            time = None if value.time_us == NO_TIME else _EPOCH + timedelta(microseconds=value.time_us)
            return replace(
                row, record_id=value.alert_id, thread_id=value.thread_id, ra=value.ra, dec=value.dec, time=time
            )
        case Alert():
            at = values("alerts", value, taken, places, ("ra", "dec"))
            ra, dec = at.get("ra"), at.get("dec")
            return replace(
                row,
                record_id=value.alert_id,
                thread_id=value.thread_id,
                ra=None if ra is None else float(ra),
                dec=None if dec is None else float(dec),
                time=value.time_start,
            )
        case Coincidence():
            anchor = value.anchor
            return replace(row, record_id=value.coincidence_id, thread_id=anchor.event_id, time=anchor.time)
        case CandidateList():
            return replace(row, record_id=value.list_id, thread_id=value.event_thread)
        case _:
            return row


def _value(table: StreamTable, data: bytes) -> Any:
    if table == "alerts":
        return decode_alert(data)
    if table == "candidates":
        return decode(CandidateRow, data)
    return decode(CandidateList if kind_of(data) is CandidateList else Coincidence, data)


def _rows(table: StreamTable, taken: Sequence[Taken]) -> Iterator[tuple[list[int], AnyRows]]:
    """Rows with their places in ``taken``; candidates as columns, those of one run mode together."""
    if table != "candidates":
        yield list(range(len(taken))), rows_of(table, [item.value for item in taken], [i.record.time for i in taken])
        return
    modes: dict[RunMode, list[int]] = {}
    for number, item in enumerate(taken):
        modes.setdefault(item.value.run_mode, []).append(number)
    for mode, index in modes.items():
        batch = columns([taken[number].value for number in index])
        yield index, rows_of_batch(batch, mode, [taken[number].record.time for number in index])
