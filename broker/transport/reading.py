"""Reading up to now: everything that was acknowledged before the call, on whatever log."""

import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from nuncius.broker.transport.port import Log, Reader, Record, TopicPartition
from nuncius.schemas.errors import Retry

TICK_S: Final = 0.05
"""How long a poll waits; what was acknowledged is there, or on its way."""

STALLED_S: Final = 60.0
"""How long nothing may move: six times as long as a writer that died holds up readers."""


def read_up(reader: Reader, most: int = 1000) -> Iterator[tuple[Record, ...]]:
    """Records in batches of one or more, until all that was acknowledged before this call has been read.

    Raises
    ------
    Retry
        If the log stands still before that.
    """
    return read_to(reader, reader.goals(), most)


def read_to(reader: Reader, goals: Mapping[TopicPartition, int], most: int = 1000) -> Iterator[tuple[Record, ...]]:
    """Records in batches of one or more, until every position has reached its goal; some may lie beyond.

    Raises
    ------
    Retry
        If the log stands still before that.
    """
    wanted = sorted(goals)
    places = [reader.position(tp) for tp in wanted]
    moved = time.monotonic()
    while any(reader.position(tp) < goals[tp] for tp in wanted):
        if records := reader.poll(most, TICK_S):
            yield records
        now = [reader.position(tp) for tp in wanted]
        if records or now != places:
            places, moved = now, time.monotonic()
        elif time.monotonic() - moved > STALLED_S:
            behind = next(tp for tp in wanted if reader.position(tp) < goals[tp])
            raise Retry(
                f"{behind.topic}/{behind.partition}: nothing to read for {STALLED_S:.0f} s, at"
                f" {reader.position(behind)} of {goals[behind]}; nuncius doctor says what holds readers up"
            )


def read_all(log: Log, topic: str) -> Iterator[Record]:
    """Every record of a topic that was acknowledged before the call, in order within a partition."""
    starts = log.starts([TopicPartition(topic, number) for number in range(log.partitions(topic))])
    reader = log.reader(starts)
    try:
        for records in read_up(reader):
            yield from records
    finally:
        reader.close()


def goals_before(log: Log, reader: Reader, moment: datetime) -> dict[TopicPartition, int]:
    """For each partition of a reader the offset before which lies all that the log took before a moment.

    The moment has passed by the log's clock. What a transaction under way appended before it counts; records that were
    taken at or after it may lie before a goal, where they came during this call.
    """
    goals = reader.goals()
    ends = {tp: log.end(tp) for tp in goals}
    found = {tp: log.offset_at(tp, moment) for tp in goals}
    goals = reader.goals()
    return {tp: found[tp] if found[tp] < ends[tp] else goals[tp] for tp in goals}
