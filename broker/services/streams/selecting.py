"""Records of the log held against all streams of their table at once."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NamedTuple

import numpy as np

from nuncius.broker.services.streams.held import Held, Taken
from nuncius.broker.transport import topics
from nuncius.filters import Filter, Places, rows_of, select, targets_near, values
from nuncius.filters.fields import possible_moment
from nuncius.filters.tree import ActiveRegions, EventRegion, NamedRegion
from nuncius.schemas import (
    Alert,
    CandidateList,
    CandidateRow,
    Coincidence,
    StreamDefinition,
    StreamRow,
)
from nuncius.schemas.vocabulary import StreamTable

TOPIC_OF: Final[dict[StreamTable, str]] = {
    "alerts": topics.EVENTS.name,
    "candidates": topics.CANDIDATES.name,
    "coincidences": topics.COINCIDENCES.name,
}
"""Where each table lies."""


class Selector(NamedTuple):
    """A stream's definition with its checked filter; None selects everything."""

    definition: StreamDefinition
    filter: Filter | None

    @property
    def follows_events(self) -> bool:
        """Whether what it selects depends on events of the log."""
        places = () if self.filter is None else self.filter.places
        return any(isinstance(place, ActiveRegions | EventRegion) for place in places)


def selections(selectors: Sequence[Selector], held: Held, places: Places) -> Iterator[tuple[Selector, list[Taken]]]:
    """For each stream that selects any, what it selects, in order.

    A stream that follows events takes real records only: nothing else meets a real event.
    """
    if not len(held) or not selectors:
        return
    filters = [one.filter for one in selectors if one.filter is not None]
    hits = np.zeros((len(filters), len(held)), np.bool_)
    for index, rows in held.rows():
        hits[:, index] = select(filters, rows, places)
    answer = iter(hits)
    found = [np.ones(len(held), np.bool_) if one.filter is None else next(answer) for one in selectors]
    real = held.real()
    found = [here & real if one.follows_events else here for one, here in zip(selectors, found, strict=True)]
    taken = held.taken(np.flatnonzero(np.logical_or.reduce(found)).tolist())
    for one, here in zip(selectors, found, strict=True):
        if here.any():
            yield one, _near(one.filter, [taken[number] for number in np.flatnonzero(here).tolist()], places)


def _near(chosen: Filter | None, taken: list[Taken], places: Places) -> list[Taken]:
    """What a filter selects, with the targets of its watchlists that each is near."""
    if chosen is None or not any(isinstance(place, NamedRegion) for place in chosen.places):
        return taken
    rows = rows_of(chosen.table, [item.value for item in taken], [item.record.time for item in taken])
    return [item._replace(near=near) for item, near in zip(taken, targets_near(chosen, rows, places), strict=True)]


def stream_row(definition: StreamDefinition, taken: Taken, places: Places, *, backfill: bool = False) -> StreamRow:
    """The slim row of a selected record; its sequence is given when it is published.

    Where its filter asks for watchlists, ``target`` and ``target_arcsec`` tell the nearest target and how far it is.
    """
    record, value, near = taken
    given = values(definition.table, value, record.time, places, definition.include) if definition.include else {}
    if near:
        given |= {"target": near[0].target, "target_arcsec": round(near[0].separation_arcsec, 3)}
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
            return replace(
                row,
                record_id=value.alert_id,
                thread_id=value.thread_id,
                ra=value.ra,
                dec=value.dec,
                time=possible_moment(value.time_us),
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
