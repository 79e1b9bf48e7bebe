"""What all parts of a local log share: the right to write, the topics, and word of new records."""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nuncius.broker.transport.file_lock import Turnstile
from nuncius.broker.transport.local_file import FILE_NAME, WAIT_S, ReadConnection, connect, explain, prepare
from nuncius.broker.transport.local_watch import LocalWatch
from nuncius.schemas.errors import CommitUnknown, Retry, SettingsError, Stop

CHECKPOINT_BYTES: Final = 16 * 2**20
"""The WAL is copied into the file and emptied when it has grown by so much."""

_COLUMNS: Final = """offset INTEGER PRIMARY KEY, partition INTEGER NOT NULL, time_us INTEGER NOT NULL,
    key BLOB, value BLOB, headers BLOB"""


@dataclass(frozen=True, slots=True, eq=False)
class TopicRow:
    """What never changes about a topic; one object a topic and store.

    Parameters
    ----------
    number
        Its number in the file; its records lie in the table ``records_<number>``, ordered by offset. All partitions of
        a topic draw their offsets from one sequence, so one scan reads many partitions in append order.
    name, partitions
        As created.
    """

    number: int
    name: str
    partitions: int

    @property
    def table(self) -> str:
        """Name of the table that holds its records."""
        return table_of(self.number)


def table_of(number: int) -> str:
    """Name of the table that holds the records of a topic."""
    return f"records_{number}"


def make_records(connection: sqlite3.Connection, number: int) -> None:
    """Make the table of a topic's records where it is absent."""
    connection.execute(f"CREATE TABLE IF NOT EXISTS {table_of(number)} ({_COLUMNS})")


class LocalStore:
    """One open SQLite file.

    Parameters
    ----------
    folder
        Exists; the file and the locks lie in it.
    durable
        False writes without ``fsync``: for a log that nobody wants back after a power failure.
    """

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self.folder = folder
        self.path = folder / FILE_NAME
        self._wal = folder / f"{FILE_NAME}-wal"
        self._turn = threading.RLock()
        self._write_lock = Turnstile(folder)
        self._topics: dict[str, TopicRow] = {}
        self._checkpoint_at = CHECKPOINT_BYTES
        self._closed = False
        with contextlib.ExitStack() as undo:
            undo.callback(self._write_lock.close)
            with self._exclusive():
                self._connection = undo.enter_context(contextlib.closing(connect(self.path, durable=durable)))
                prepare(self._connection, self.path)
                self._reading = undo.enter_context(contextlib.closing(ReadConnection(self.path)))
                self._watch = LocalWatch(self.path)
                undo.callback(self._watch.close)
            _sync_folder(folder)
            undo.pop_all()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """The turn of one thread among the threads of this log; may be nested."""
        if not self._turn.acquire(timeout=WAIT_S):
            raise Retry(f"{self.path}: another thread held a transaction open for {WAIT_S:.0f} s; try again")
        try:
            yield
        finally:
            self._turn.release()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One SQLite transaction, alone among all threads and processes; rolled back when an exception leaves it.

        Raises
        ------
        CommitUnknown
            The disk failed in the middle of the commit.
        """
        with self.alone():
            if self._closed:
                raise Stop(f"{self.path}: the log was closed")
            if self._connection.in_transaction:
                raise RuntimeError("this thread has flushed a transaction and not ended it; one at a time")
            with self._exclusive():
                try:
                    self._connection.execute("BEGIN IMMEDIATE")
                    yield self._connection
                except sqlite3.Error as error:
                    self._roll_back()
                    raise explain(error, self.path) from error
                except BaseException:
                    self._roll_back()
                    raise
                self._commit()
                self._checkpoint()
        self._watch.tell()

    def rows(self, query: str, *parameters: str | int) -> list[Any]:
        """All rows of a small query."""
        return self._reading.rows(query, parameters)

    def topic(self, name: str) -> TopicRow:
        """The topic of that name; `SettingsError` where there is none."""
        if (known := self._topics.get(name)) is not None:
            return known
        for number, partitions in self.rows("SELECT id, partitions FROM topics WHERE name = ?", name):
            return self._topics.setdefault(name, TopicRow(number, name, partitions))
        raise SettingsError(f"{self.path} has no topic {name!r}; create it first")

    def changes(self) -> int:
        """Another number than before where something was committed; see `wait`."""
        return self._watch.changes()

    def wait(self, seen: int, timeout_s: float) -> None:
        """Wait until `changes` differs from ``seen``, at most so long."""
        self._watch.wait(seen, timeout_s)

    def close(self) -> None:
        """Close the file; the last one to do so empties the WAL. Twice is allowed."""
        with self.alone():
            if self._closed:
                return
            self._closed = True
            self._watch.close()
            with contextlib.suppress(Retry), self._exclusive():
                self._reading.close()
                self._connection.close()
            self._write_lock.close()

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[None]:
        if not self._write_lock.acquire(WAIT_S):
            raise Retry(f"{self.path}: another process kept it locked for {WAIT_S:.0f} s; try again")
        try:
            yield
        finally:
            self._write_lock.release()

    def _commit(self) -> None:
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            if getattr(error, "sqlite_errorname", "").startswith("SQLITE_IOERR"):
                raise CommitUnknown(f"{self.path}: {error} while committing; read the committed point again") from error
            raise explain(error, self.path) from error
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def _checkpoint(self) -> None:
        try:
            size = self._wal.stat().st_size
        except FileNotFoundError:
            return
        if size < self._checkpoint_at:
            return
        with contextlib.suppress(sqlite3.Error):  # the commit stands; the next one tries again
            self._connection.execute("PRAGMA busy_timeout = 100")
            ((busy, _, _),) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self._checkpoint_at = CHECKPOINT_BYTES + (size if busy else 0)
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute(f"PRAGMA busy_timeout = {int(WAIT_S * 1000)}")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
