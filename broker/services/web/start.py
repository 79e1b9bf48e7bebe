"""Where a reader of a stream begins, and reading on from there in slices."""

import threading
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

from nuncius.broker.services.web.frames import Source, selected_frames, selected_of
from nuncius.broker.services.web.opened import opened
from nuncius.broker.services.web.regions import Regions
from nuncius.broker.transport.port import Log, Record, TopicPartition
from nuncius.broker.transport.position import from_token
from nuncius.broker.transport.reading import goals_before, read_to
from nuncius.filters import Filter
from nuncius.schemas import SettingsError, Stop

SLICE_RECORDS: Final = 5_000
"""Most records that one slice reads."""

SLICE_BYTES: Final = 256 * 2**10
"""A slice ends when its events have so many bytes."""

SLICE_S: Final = 1.0
"""A slice ends after so long, so that those who wait for a turn get one."""

_POLL: Final = 200
_WAIT_S: Final = 0.02
"""How long one poll of a slice waits; Kafka gives nothing at the first one."""

LAST_SCANNED: Final = 200_000
"""Records that are looked at to find the last few that a filter selects; a day of events, half an hour of Rubin."""


class Wish(NamedTuple):
    """What a reader asked for.

    Parameters
    ----------
    after
        ``Last-Event-ID``: a position, or the last offset seen, as older readers have it; empty for none.
    since
        From records taken at or after this time.
    from_start
        Everything that is kept.
    last
        Begin with the last so many that are selected.
    until
        Nothing that was taken at or after this time.
    """

    after: str = ""
    since: datetime | None = None
    from_start: bool = False
    last: int | None = None
    until: datetime | None = None


class Begin(NamedTuple):
    """Where a reader begins.

    Parameters
    ----------
    position, ends
        Next offsets by partition, and the ends at that moment or at ``until``.
    reset
        Whether the position that was asked for is that of another log.
    note
        What the reader should know of it: one line, empty for nothing.
    """

    position: Mapping[int, int]
    ends: Mapping[int, int]
    reset: bool
    note: str = ""


class Slice(NamedTuple):
    """Events, the position behind their records, and how many of them tell of a record that cannot be read."""

    frames: list[bytes]
    after: dict[int, int]
    skipped: int


def begin(
    log: Log, source: Source, wish: Wish, wanted: Filter | None, regions: Regions, ending: threading.Event
) -> Begin:
    """Where to begin.

    Raises
    ------
    SettingsError
        If ``after`` is no position of this stream.
    Stop
        If the broker began to end meanwhile.
    """
    tps = [TopicPartition(source.topic, number) for number in range(log.partitions(source.topic))]
    starts, ends = log.starts(tps), {tp: log.end(tp) for tp in tps}
    last_of = {tp.partition: end for tp, end in ends.items()}
    if wish.until is not None:
        reader = log.reader(ends)
        try:
            ends = goals_before(log, reader, wish.until)
        finally:
            reader.close()
    end_of = {tp.partition: end for tp, end in ends.items()}
    start_of = {tp.partition: start for tp, start in starts.items()}
    if wish.after:
        position = _after(wish.after, start_of)
        beyond = any(offset > last_of[number] for number, offset in position.items())
        return Begin(start_of if beyond else position, end_of, beyond)
    if wish.last is not None:
        position, note = _last(log, source, starts, ends, wish.last, wanted, regions, ending)
        return Begin(position, end_of, reset=False, note=note)
    if wish.since is not None:
        since = wish.since
        return Begin({tp.partition: log.offset_at(tp, since) for tp in tps}, end_of, reset=False)
    return Begin(start_of if wish.from_start else end_of, end_of, reset=False)


def slice_of(
    log: Log,
    source: Source,
    position: Mapping[int, int],
    goal: Mapping[int, int],
    wanted: Filter | None,
    regions: Regions,
) -> Slice:
    """Events of the next records before ``goal`` (exclusive)."""
    at = dict(position)
    behind = {TopicPartition(source.topic, n): offset for n, offset in at.items() if offset < goal[n]}
    frames: list[bytes] = []
    if not behind:
        return Slice(frames, at, 0)
    reader = log.reader(behind)
    nbytes = scanned = skipped = 0
    until = time.monotonic() + SLICE_S
    try:
        while behind and nbytes < SLICE_BYTES and scanned < SLICE_RECORDS and time.monotonic() < until:
            records = [r for r in reader.poll(_POLL, _WAIT_S) if r.offset < goal[r.partition]]
            scanned += len(records)
            with regions.lent(*(() if wanted is None else (wanted,))) as places:
                found = selected_frames(source, records, at, wanted, places)
            frames += found.frames
            skipped += found.skipped
            nbytes += sum(map(len, found.frames))
            for tp in tuple(behind):
                at[tp.partition] = max(at[tp.partition], min(reader.position(tp), goal[tp.partition]))
                if at[tp.partition] >= goal[tp.partition]:
                    del behind[tp]
    finally:
        reader.close()
    return Slice(frames, at, skipped)


def _after(text: str, starts: Mapping[int, int]) -> dict[int, int]:
    if text.isascii() and text.isdecimal():
        if len(starts) > 1:
            raise SettingsError(f"Last-Event-ID {text[:40]}: this stream has {len(starts)} partitions; 0:13,1:7 is one")
        return {0: int(text) + 1}
    given = from_token(text)
    unknown = sorted(set(given) - set(starts))
    if unknown:
        raise SettingsError(f"Last-Event-ID names partition {unknown[0]}; this stream has {len(starts)}, from 0")
    return {**starts, **given}


def _last(
    log: Log,
    source: Source,
    starts: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
    count: int,
    wanted: Filter | None,
    regions: Regions,
    ending: threading.Event,
) -> tuple[dict[int, int], str]:
    """The offsets behind which the last ``count`` selected records lie, by the log's time; a word where fewer do."""
    span, note = max(4 * count, 64), ""
    while True:
        low = {tp: max(starts[tp], end - span) for tp, end in ends.items()}
        found = _selected_after(log, source, low, ends, wanted, regions, ending)
        whole = all(low[tp] == starts[tp] for tp in ends)
        if len(found) >= count or whole:
            break
        if span * len(ends) >= LAST_SCANNED:
            looked = sum(ends[tp] - offset for tp, offset in low.items())
            note = f"{len(found)} of the last {count} found in the newest {looked} records; since=TIME looks farther"
            break
        span *= 4
    found.sort(key=lambda r: (r.time, r.partition, r.offset))
    position = {tp.partition: end for tp, end in ends.items()}
    for record in reversed(found[len(found) - min(count, len(found)) :]):
        position[record.partition] = record.offset
    return position, note


def _selected_after(
    log: Log,
    source: Source,
    low: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
    wanted: Filter | None,
    regions: Regions,
    ending: threading.Event,
) -> list[Record]:
    reader = log.reader(low)
    found: list[Record] = []
    try:
        for records in read_to(reader, ends):
            if ending.is_set():
                raise Stop("the broker ends; ask again when it is back")
            inside = [r for r in records if r.offset < ends[TopicPartition(r.topic, r.partition)]]
            if wanted is None:
                found += inside
                continue
            with regions.lent(wanted) as places:
                chosen = selected_of(source, opened(source.table, inside).taken, wanted, places)
            found += [r for r in inside if (r.partition, r.offset) in chosen]
    finally:
        reader.close()
    return found
