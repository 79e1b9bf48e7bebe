"""Named streams: what somebody asked to be selected, the rows that were, and how far the broker has come with it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from nuncius.schemas.vocabulary import RowKind, StreamState, StreamTable

STREAM_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
"""What a stream may be called: its topic has the name, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamDefinition:
    """One named stream, as its owner wants it. The last one of a name holds.

    Parameters
    ----------
    name
        Lower-case letters, digits and ``-``; the rows lie in the topic ``nuncius.stream.<name>``.
    revision
        Counts the definitions of this name, from 1.
    table
        What it selects from.
    filter
        The filter's text; empty selects everything.
    include
        Names of the table's fields that every row carries.
    owner, description
        Who wants it, and what for.
    state
        ``active``, ``paused`` or ``deleted``.
    since
        Back-fill from records taken at or after this time, UTC; None for what comes from now on.
    quota_per_s
        Most rows a second, as a mean over a minute; each partition of the table has an equal share. Rows beyond are
        counted, not published.
    changed_time
        When this revision was made, UTC.
    """

    name: str
    revision: int = 1
    table: StreamTable
    filter: str = ""
    include: tuple[str, ...] = ()
    owner: str = ""
    description: str = ""
    state: StreamState = "active"
    since: datetime | None = None
    quota_per_s: float = 50.0
    changed_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRow:
    """One record of a named stream: a selected row, or what a reader must know of the stream itself.

    Parameters
    ----------
    stream, revision
        Which stream, and which of its definitions selected it.
    sequence
        Counts the records of the stream from 1, without gaps, over all revisions.
    kind
        ``row``; ``begin`` and ``end`` of a revision; ``handover`` from back-fill to live; ``skipped`` rows beyond the
        quota.
    topic, partition, offset
        Where the whole record lies (`GET /records/…`); of another kind than ``row`` where the stream stood.
    taken_time
        When the log took that record, UTC.
    record_id, thread_id
        Of the record: alert id or coincidence id; thread or anchor.
    ra, dec
        ICRS degrees; None where it has no position.
    time
        The record's event time, UTC.
    fields
        The included fields that have a value, by name.
    backfill
        Whether it comes from before the stream was made, or from before an event whose region it follows.
    detail
        In words: the filter that begins, why it ended, how many rows were skipped.
    """

    stream: str
    revision: int
    sequence: int
    kind: RowKind = "row"
    topic: str = ""
    partition: int = -1
    offset: int = -1
    taken_time: datetime | None = None
    record_id: str = ""
    thread_id: str = ""
    ra: float | None = None
    dec: float | None = None
    time: datetime | None = None
    fields: Mapping[str, str | float | bool] = field(default_factory=dict)
    backfill: bool = False
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamProgress:
    """How far the broker has come with one named stream.

    Parameters
    ----------
    definition
        The revision that was last taken up.
    sequence
        Of the last record written to the stream; 0 before the first.
    published, skipped
        Rows written, and rows beyond the quota that were not.
    unsaid
        Those of the skipped rows that no record of the stream has told yet.
    due_us
        For each partition of the table when the rows that the quota let through are paid for, microseconds since
        1970-01-01 UTC of the log's own time; those beyond the end, and 0, are paid.
    said_time, last_time
        By the log's own times, UTC: when skipped rows were last told, and when the log took the last record that was
        selected.
    past, past_end
        Where the back-fill stands in the table's topic and where it ends, ``partition:offset`` joined by commas; empty
        where none is under way.
    past_rows
        Rows that the back-fill under way has published.
    broken
        Why the definition cannot be used; empty where it can.
    """

    definition: StreamDefinition
    sequence: int = 0
    published: int = 0
    skipped: int = 0
    unsaid: int = 0
    due_us: tuple[int, ...] = ()
    said_time: datetime | None = None
    last_time: datetime | None = None
    past: str = ""
    past_end: str = ""
    past_rows: int = 0
    broken: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamCheckpoint:
    """How far the broker has read for its named streams, written together with the rows that this led to.

    Parameters
    ----------
    definitions
        Next offset to read in ``nuncius.streams``.
    positions
        Topic -> next offsets, ``partition:offset`` joined by commas.
    """

    definitions: int
    positions: Mapping[str, str]
