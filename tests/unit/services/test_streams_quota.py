"""The quota: a minute's rows at once, then no more than its mean, whatever the order in which partitions are read."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from matching_alerts import candidates, gw
from road import put
from streams_here import MADE, made, rows_of_stream, selected, stream, work_streams

from nuncius.broker.services.streams.overview import overview
from nuncius.broker.services.streams.publishing import LEAST_BURST, Publishing
from nuncius.broker.transport.port import Log
from nuncius.schemas import StreamProgress, StreamRow

NewLog = Callable[[], Log]
PARTITIONS = 64


def row(partition: int, offset: int) -> StreamRow:
    """A row of a record."""
    return StreamRow(stream="mine", revision=1, sequence=0, partition=partition, offset=offset)


def let_through(
    taken: Sequence[tuple[int, int, datetime]], quota: float, partitions: int = PARTITIONS
) -> set[tuple[int, int]]:
    """Partition and offset of the rows that the quota lets through."""
    one = Publishing(StreamProgress(definition=stream(quota_per_s=quota)))
    for partition, offset, time in taken:
        one.live_row(row(partition, offset), time, partitions)
    return {(r.partition, r.offset) for r in one.rows if r.kind == "row"}


def history(count: int, seconds: float) -> list[tuple[int, int, datetime]]:
    """Rows over all partitions, evenly in time."""
    dice, ends, found = random.Random(3), [0] * PARTITIONS, []  # noqa: S311  which partition
    for number in range(count):
        partition = dice.randrange(PARTITIONS)
        found.append((partition, ends[partition], MADE + timedelta(seconds=seconds * number / count)))
        ends[partition] += 1
    return found


@pytest.mark.parametrize("quota", [0.2, 2.0, 20.0])
def test_the_order_in_which_partitions_are_read_changes_nothing(quota: float) -> None:
    rows = history(4000, 100.0)
    in_order = let_through(rows, quota)
    assert 0 < len(in_order) < len(rows)
    assert let_through(sorted(rows), quota) == in_order
    assert let_through(sorted(rows, key=lambda r: (-r[0], r[1])), quota) == in_order


def test_in_the_long_run_it_is_the_mean() -> None:
    hours = 6
    rows = history(60_000, hours * 3600.0)
    assert len(let_through(rows, 0.5)) <= 0.5 * hours * 3600 + LEAST_BURST * PARTITIONS


def test_half_the_quota_goes_through() -> None:
    dice, now, rows = random.Random(5), 0.0, []  # noqa: S311  arrivals
    for number in range(5000):
        now += dice.expovariate(0.5)
        rows.append((dice.randrange(PARTITIONS), number, MADE + timedelta(seconds=now)))
    assert len(let_through(rows, 1.0)) > 0.99 * len(rows)


def test_one_partition_takes_a_minute_at_once_and_then_one_by_one() -> None:
    burst = [(0, number, MADE) for number in range(10)]
    assert let_through(burst, 0.1, 1) == {(0, number) for number in range(6)}
    later = [(0, 10, MADE + timedelta(seconds=9.9)), (0, 11, MADE + timedelta(seconds=10.0))]
    assert let_through(burst + later, 0.1, 1) == {(0, number) for number in range(6)} | {(0, 11)}


def test_a_clock_that_steps_back_gives_nothing_away() -> None:
    back = [(0, number, MADE - timedelta(seconds=number)) for number in range(20)]
    assert 0 < len(let_through(back, 0.1, 1)) <= 6


def test_rows_beyond_the_quota_are_counted_and_told(new_log: NewLog) -> None:
    log = new_log()
    one = stream(quota_per_s=0.1, table="alerts")
    made(log, one)
    work_streams(log)
    put(log, [gw(f"lvk:S{number}") for number in range(20)])
    work_streams(log)
    made(log, replace(one, revision=2, state="paused"))
    work_streams(log)
    (view,) = overview(log)
    assert (view.published, view.skipped) == (6, 14)  # 0.1 a second over 60 s, and the log's clock hardly moves
    told = [int(row.detail.split()[0]) for row in rows_of_stream(log) if row.kind == "skipped"]
    assert sum(told) == 14


@pytest.mark.parametrize("most", [1, 7, 5000])
def test_any_cut_and_a_restart_after_each_step_let_the_same_rows_through(new_log: NewLog, most: int) -> None:
    log = new_log()
    made(log, stream(quota_per_s=0.1))
    work_streams(log)
    put(log, batch=candidates(*({"thread_id": f"ztf:{n % 3}", "alert_id": f"c{n}"} for n in range(30))))
    work_streams(log, most)
    first = {f"c{n}" for n in range(LEAST_BURST * 3)}
    assert set(selected(log)) == first
    put(log, batch=candidates(*({"thread_id": f"ztf:{n % 3}", "alert_id": f"d{n}"} for n in range(3))))
    work_streams(log, most)
    assert set(selected(log)) == first
