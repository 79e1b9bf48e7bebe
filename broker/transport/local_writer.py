"""Transactions on the local log: gathered in memory, written together with those of other threads in one commit."""

import contextlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from sqlite3 import Connection

from nuncius.broker.transport.headers import pack_headers
from nuncius.broker.transport.local_store import LocalStore, TopicRow
from nuncius.broker.transport.partitioner import partitions_of
from nuncius.broker.transport.port import MAX_MESSAGE_BYTES, MAX_METADATA_BYTES, Fenced, Headers, TopicPartition
from nuncius.schemas.errors import CommitUnknown, LimitExceeded, NunciusError, Retry, SettingsError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

BY_KEY = -1

_Row = tuple[int, bytes | None, bytes | None, bytes | None]


def no_gap() -> int:
    """Offsets without gaps."""
    return 0


@dataclass(slots=True, eq=False)
class Work:
    """What one transaction has still to write.

    Parameters
    ----------
    slot, epoch
        Who writes it.
    rows
        For each topic, in order of sending: partition (`BY_KEY` where the key chooses it), key, value, headers.
    order
        The topic of each record, in order of sending.
    offsets
        Offset and note by group and partition.
    done
        Whether its fate is known.
    error
        Why it was not committed.
    """

    slot: str
    epoch: int
    rows: dict[TopicRow, list[_Row]] = field(default_factory=dict)
    order: list[TopicRow] = field(default_factory=list)
    offsets: dict[tuple[str, TopicRow, int], tuple[int, str]] = field(default_factory=dict)
    done: bool = False
    error: NunciusError | None = None


class Committer:
    """Writes the work of all writers of one log.

    A writer puts its work into the queue and waits for its turn. Whoever has the turn writes all that is queued in one
    SQLite transaction: under load many transactions share one ``fsync``.

    Parameters
    ----------
    clock
        Gives the append time, UTC.
    gap
        How many offsets to leave out before a record and at the end of a transaction.
    """

    def __init__(self, store: LocalStore, clock: Callable[[], datetime], gap: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock
        self._gap = gap
        self._queue: deque[Work] = deque()

    def commit(self, work: Work) -> None:
        """Return when the work is durable; raise when it is not."""
        self._queue.append(work)
        try:
            with self._store.alone():
                if not work.done:
                    self._write_all([self._queue.popleft() for _ in range(len(self._queue))])
        except BaseException:
            with contextlib.suppress(ValueError):
                self._queue.remove(work)
            raise
        if work.error is not None:
            raise work.error

    def apply(self, connection: Connection, work: Work) -> dict[TopicRow, list[int]]:
        """Write the work within the SQLite transaction; the offsets of its records by topic, in order of sending."""
        held = connection.execute("SELECT epoch FROM slots WHERE slot = ?", (work.slot,)).fetchone()
        if held != (work.epoch,):
            raise Fenced(f"slot {work.slot!r} has a newer writer: end this worker, its transaction was not committed")
        now_us = (self._clock() - EPOCH) // timedelta(microseconds=1)
        given = {topic: self._append(connection, topic, rows, now_us) for topic, rows in work.rows.items()}
        connection.executemany(
            "INSERT OR REPLACE INTO committed VALUES (?, ?, ?, ?, ?)",
            [(team, topic.number, part, *value) for (team, topic, part), value in work.offsets.items()],
        )
        return given

    def _append(self, connection: Connection, topic: TopicRow, rows: Sequence[_Row], now_us: int) -> list[int]:
        query = "SELECT next_offset, last_us FROM topics WHERE id = ?"
        following, last_us = connection.execute(query, (topic.number,)).fetchone()
        time_us = max(now_us, last_us)
        gap = self._gap
        offsets: list[int] = []
        written = []
        by_key = iter(partitions_of([key or b"" for chosen, key, _, _ in rows if chosen == BY_KEY], topic.partitions))
        for chosen, key, value, headers in rows:
            partition = next(by_key) if chosen == BY_KEY else chosen
            offset = following + gap()
            following = offset + 1
            offsets.append(offset)
            written.append((offset, partition, time_us, key, value, headers))
        connection.executemany(f"INSERT INTO {topic.table} VALUES (?, ?, ?, ?, ?, ?)", written)  # noqa: S608 - our own number
        update = "UPDATE topics SET next_offset = ?, last_us = ? WHERE id = ?"
        connection.execute(update, (following + gap(), time_us, topic.number))
        return offsets

    def _write_all(self, works: list[Work]) -> None:
        failure: NunciusError | None = CommitUnknown("interrupted: read the committed point again")
        try:
            with self._store.transaction() as connection:
                for work in works:
                    try:
                        self.apply(connection, work)
                    except Fenced as error:
                        work.error = error
            failure = None
        except NunciusError as error:
            failure = error
        finally:
            for work in works:
                if work.error is None and failure is not None:
                    work.error = type(failure)(*failure.args)
                work.done = True


class LocalTransaction:
    """See `nuncius.broker.transport.port.Transaction`."""

    def __init__(self, store: LocalStore, committer: Committer, work: Work, turn: Callable[[], int]) -> None:
        self._store = store
        self._committer = committer
        self._work = work
        self._turn = turn
        self._flushed: list[int] = []
        self._connection: Connection | None = None
        self._whole = True
        self._open = ExitStack()

    def send(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Headers = (),
        partition: int | None = None,
    ) -> None:
        """Add a record."""
        row = self._store.topic(topic)
        packed = pack_headers(headers) if headers else None
        size = len(value or b"") + len(key or b"") + len(packed or b"")
        if size > MAX_MESSAGE_BYTES:
            raise LimitExceeded(f"record of {size} bytes for {topic} is over the limit of {MAX_MESSAGE_BYTES} bytes")
        if partition is None:
            partition = BY_KEY if key is not None else self._turn() % row.partitions
        elif not 0 <= partition < row.partitions:
            raise SettingsError(f"{topic} has no partition {partition}: it has {row.partitions}, counted from 0")
        self._work.rows.setdefault(row, []).append((partition, key, value, packed))
        self._work.order.append(row)

    def flush(self) -> tuple[int, ...]:
        """Take the turn to write, and keep it until the transaction ends."""
        if self._connection is None:
            self._connection = self._open.enter_context(self._store.transaction())
        self._whole = False
        given = {topic: iter(offsets) for topic, offsets in self._committer.apply(self._connection, self._work).items()}
        self._flushed += [next(given[topic]) for topic in self._work.order]
        self._work.rows, self._work.order, self._work.offsets = {}, [], {}
        self._whole = True
        return tuple(self._flushed)

    def commit_offset(self, group: str, tp: TopicPartition, offset: int, metadata: str = "") -> None:
        """Add an offset."""
        if len(metadata.encode()) > MAX_METADATA_BYTES:
            raise ValueError(f"note of group {group} at {tp} is over {MAX_METADATA_BYTES} bytes")
        row = self._store.topic(tp.topic)
        if not 0 <= tp.partition < row.partitions:
            raise SettingsError(f"{tp.topic} has no partition {tp.partition}: it has {row.partitions}, counted from 0")
        self._work.offsets[group, row, tp.partition] = (offset, metadata)

    @contextlib.contextmanager
    def run(self) -> Iterator["LocalTransaction"]:
        """Commit at the end of the block, abort on an exception."""
        with self._open:
            yield self
            if not self._whole:
                raise Retry("a flush failed, so this transaction was not committed; begin another")
            if self._connection is not None:
                self._committer.apply(self._connection, self._work)
        if self._connection is None and (self._work.order or self._work.offsets):
            self._committer.commit(self._work)


class LocalWriter:
    """See `nuncius.broker.transport.port.Writer`."""

    def __init__(self, store: LocalStore, committer: Committer, slot: str) -> None:
        self._store = store
        self._committer = committer
        self._slot = slot
        self._keyless = 0
        self._busy = False
        with store.transaction() as connection:
            connection.execute(
                "INSERT INTO slots VALUES (?, 1) ON CONFLICT (slot) DO UPDATE SET epoch = epoch + 1", (slot,)
            )
            ((self._epoch,),) = connection.execute("SELECT epoch FROM slots WHERE slot = ?", (slot,)).fetchall()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[LocalTransaction]:
        """A transaction; one at a time."""
        if self._busy:
            raise RuntimeError(f"the writer of slot {self._slot!r} has a transaction open; one at a time")
        self._busy = True
        try:
            work = Work(self._slot, self._epoch)
            with LocalTransaction(self._store, self._committer, work, self._next_turn).run() as transaction:
                yield transaction
        finally:
            self._busy = False

    def close(self) -> None:
        """Nothing is held."""

    def _next_turn(self) -> int:
        self._keyless += 1
        return self._keyless - 1
