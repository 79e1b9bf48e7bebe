"""Dropping what is old from the local log, and finding an offset by time."""

from datetime import datetime, timedelta
from typing import Final

from nuncius.broker.transport.local_store import LocalStore, TopicRow, table_of
from nuncius.broker.transport.local_writer import EPOCH

CHUNK_ROWS: Final = 5000
"""Rows deleted in one transaction: others write in between."""

TOMBSTONE_AGE: Final = timedelta(days=1)
"""How long a deletion stays in a compacted topic, so that readers see it (Kafka's default)."""


def bisect_time(store: LocalStore, topic: TopicRow, time: datetime) -> int:
    """The offset from which on all records were appended at or after that time; the topic's end where there are none.

    Append times never go back within a topic, so halving its offsets finds it in some forty look-ups.
    """
    return _bisect(store, topic.number, (time - EPOCH) // timedelta(microseconds=1))


def expire(store: LocalStore, now: datetime) -> None:
    """Apply each topic's retention and compaction."""
    now_us = (now - EPOCH) // timedelta(microseconds=1)
    for number, retention_us, compacted in store.rows("SELECT id, retention_us, compacted FROM topics ORDER BY id"):
        if retention_us is not None:
            _drop_before(store, number, _bisect(store, number, now_us - retention_us))
        if compacted:
            _compact(store, number, now_us)


def _bisect(store: LocalStore, number: int, time_us: int) -> int:
    low: int
    high: int
    ((low, high),) = store.rows("SELECT start_offset, next_offset FROM topics WHERE id = ?", number)
    query = f"SELECT offset, time_us FROM {table_of(number)} WHERE offset >= ? AND offset < ? ORDER BY offset LIMIT 1"  # noqa: S608 - our own number
    first = high
    while low < high:
        middle = (low + high) // 2
        found = store.rows(query, middle, high)
        if found and found[0][1] < time_us:
            low = found[0][0] + 1
        else:
            high = middle
            first = found[0][0] if found else first
    return first


def _drop_before(store: LocalStore, number: int, offset: int) -> None:
    table = table_of(number)
    delete = (
        f"DELETE FROM {table} WHERE offset IN (SELECT offset FROM {table} WHERE offset < ? ORDER BY offset LIMIT ?)"  # noqa: S608 - our own number
    )
    while True:
        with store.transaction() as connection:
            connection.execute("UPDATE topics SET start_offset = max(start_offset, ?) WHERE id = ?", (offset, number))
            if connection.execute(delete, (offset, CHUNK_ROWS)).rowcount < CHUNK_ROWS:
                return


def _compact(store: LocalStore, number: int, now_us: int) -> None:
    table = table_of(number)
    old_us = now_us - TOMBSTONE_AGE // timedelta(microseconds=1)
    with store.transaction() as connection:
        connection.execute(
            f"DELETE FROM {table} WHERE key IS NOT NULL"  # noqa: S608 - our own number
            f" AND offset NOT IN (SELECT max(offset) FROM {table} WHERE key IS NOT NULL GROUP BY partition, key)"
        )
        connection.execute(f"DELETE FROM {table} WHERE value IS NULL AND time_us < ?", (old_us,))  # noqa: S608 - our own number
