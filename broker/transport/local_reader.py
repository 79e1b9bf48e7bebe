"""Readers of the local log."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from nuncius.broker.transport.headers import unpack_headers
from nuncius.broker.transport.local_file import ReadConnection
from nuncius.broker.transport.local_store import LocalStore, TopicRow
from nuncius.broker.transport.local_writer import EPOCH
from nuncius.broker.transport.port import Record, TopicPartition
from nuncius.schemas.errors import LogDamaged

POLL_BYTES: Final = 32 * 2**20
"""A poll ends when its values have so many bytes."""


class TopicScan:
    """Reads some partitions of one topic in one scan, in append order.

    All is read below ``_scanned``; a partition that stands further on is listed in ``_ahead``.
    """

    def __init__(self, topic: TopicRow, positions: Mapping[int, int]) -> None:
        self.topic = topic
        self.partitions = frozenset(positions)
        self._scanned = 0
        self._ahead: dict[int, int] = {}
        self._place(positions)

    def position(self, partition: int) -> int:
        """Next offset to read."""
        return max(self._scanned, self._ahead.get(partition, 0))

    def furthest(self) -> int:
        """The largest position."""
        return max(self._ahead.values(), default=self._scanned)

    def seek(self, partition: int, offset: int) -> None:
        """Read that partition from there on, the others from where they are."""
        self._place({each: self.position(each) for each in self.partitions} | {partition: offset})

    def read(self, connection: ReadConnection, end: int, max_records: int, budget: int) -> list[Any]:
        """The next rows below ``end``."""
        if self._scanned >= end:
            return []
        query = (
            f"SELECT offset, partition, time_us, key, value, headers FROM {self.topic.table}"  # noqa: S608 - our own number
            f" WHERE offset >= ? AND offset < ? {self._condition()} ORDER BY offset LIMIT ?"
        )
        rows, more = connection.rows_within(query, (self._scanned, end, max_records), budget, 4)
        self._scanned = rows[-1][0] + 1 if more or len(rows) == max_records else end
        self._ahead = {partition: offset for partition, offset in self._ahead.items() if offset > self._scanned}
        return rows

    def _place(self, positions: Mapping[int, int]) -> None:
        self._scanned = min(positions.values())
        self._ahead = {partition: offset for partition, offset in positions.items() if offset > self._scanned}

    def _condition(self) -> str:
        parts = []
        if len(self.partitions) < self.topic.partitions:
            parts.append(f"AND partition IN ({', '.join(map(str, sorted(self.partitions)))})")
        if self._ahead:
            cases = " ".join(f"WHEN {partition} THEN {offset}" for partition, offset in sorted(self._ahead.items()))
            parts.append(f"AND offset >= CASE partition {cases} ELSE 0 END")
        return " ".join(parts)


class LocalReader:
    """See `nuncius.broker.transport.port.Reader`.

    Topics are read one after another, beginning with another one at each poll.
    """

    def __init__(
        self, store: LocalStore, positions: Mapping[TopicPartition, int], forget: Callable[["LocalReader"], None]
    ) -> None:
        self._store = store
        self._forget = forget
        by_topic: dict[str, dict[int, int]] = {}
        for tp in sorted(positions):
            by_topic.setdefault(tp.topic, {})[tp.partition] = positions[tp]
        self._scans = {name: TopicScan(store.topic(name), parts) for name, parts in by_topic.items()}
        self._order = list(self._scans.values())
        self._connection = ReadConnection(store.path)
        self._version = -1
        self._known: dict[int, int] = {}
        self._check_positions()

    def poll(self, max_records: int, timeout_s: float) -> tuple[Record, ...]:
        """The next records."""
        deadline = time.monotonic() + timeout_s
        while True:
            seen = self._store.changes()
            records = self._read(max_records)
            left_s = deadline - time.monotonic()
            if records or left_s <= 0:
                return records
            self._store.wait(seen, left_s)

    def position(self, tp: TopicPartition) -> int:
        """Next offset to read."""
        return self._scans[tp.topic].position(tp.partition)

    def seek(self, tp: TopicPartition, offset: int) -> None:
        """Read on from there."""
        self._scans[tp.topic].seek(tp.partition, offset)
        self._check_positions()

    def goals(self) -> dict[TopicPartition, int]:
        """The ends of now."""
        ends = self._ends()
        return {
            TopicPartition(scan.topic.name, p): ends[scan.topic.number]
            for scan in self._order
            for p in sorted(scan.partitions)
        }

    def caught_up(self) -> bool:
        """Whether all is read that is committed now."""
        ends = self._ends()
        return all(scan.position(p) >= ends[scan.topic.number] for scan in self._order for p in scan.partitions)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
        self._forget(self)

    def _read(self, max_records: int) -> tuple[Record, ...]:
        ends = self._ends()
        records: list[Record] = []
        budget = POLL_BYTES
        for scan in self._order:
            rows = scan.read(self._connection, ends[scan.topic.number], max_records - len(records), budget)
            records += records_of(scan.topic.name, rows)
            budget -= sum(len(row[4] or b"") for row in rows)
            if len(records) >= max_records or budget < 0:
                break
        self._order.append(self._order.pop(0))
        return tuple(records)

    def _ends(self) -> dict[int, int]:
        """By topic; asked for only where something was committed since."""
        version = self._connection.version()
        if version != self._version:
            self._known = dict(self._connection.rows("SELECT id, next_offset FROM topics"))
            self._version = version
        return self._known

    def _check_positions(self) -> None:
        ends = self._ends()
        for name, scan in self._scans.items():
            if scan.furthest() > ends[scan.topic.number]:
                raise LogDamaged(
                    f"{self._store.path}: position {scan.furthest()} of {name} is beyond its end"
                    f" {ends[scan.topic.number]}: records were lost, or this is another log"
                )


def records_of(topic: str, rows: list[Any]) -> list[Record]:
    """Rows as records."""
    records: list[Record] = []
    last_us: int | None = None
    appended: datetime = EPOCH
    for offset, partition, time_us, key, value, headers in rows:
        if time_us != last_us:
            last_us, appended = time_us, EPOCH + timedelta(microseconds=time_us)
        records.append(Record(topic, partition, offset, key, value, unpack_headers(headers), appended))
    return records
