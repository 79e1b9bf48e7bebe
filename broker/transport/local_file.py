"""The SQLite file of the local log: its tables, how it is opened, and what its errors mean."""

import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from nuncius.schemas.errors import LogDamaged, NunciusError, Retry, SettingsError, Stop

FILE_NAME: Final = "log.sqlite"

APPLICATION_ID: Final = 0x4E554E43
"""``NUNC``, in the header of the file."""

SCHEMA_VERSION: Final = 1

PAGE_BYTES: Final = 16384
"""Rows of 5 to 80 kB are written about twice as fast as with SQLite's 4096."""

WAIT_S: Final = 30.0
"""How long a call waits for others before it raises `Retry`."""

_TABLES: Final = (
    """CREATE TABLE topics (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL, retention_us INTEGER,
        compacted INTEGER NOT NULL, start_offset INTEGER NOT NULL, next_offset INTEGER NOT NULL,
        last_us INTEGER NOT NULL)""",
    "CREATE TABLE slots (slot TEXT PRIMARY KEY, epoch INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TABLE committed (
        team TEXT, topic INTEGER, partition INTEGER, next_offset INTEGER NOT NULL, metadata TEXT NOT NULL,
        PRIMARY KEY (team, topic, partition)) WITHOUT ROWID""",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)


def connect(path: Path, *, durable: bool) -> sqlite3.Connection:
    """A connection in autocommit mode that never checkpoints by itself.

    Automatic checkpoints are off because SQLite before 3.51.3 can lose a commit when one connection starts a
    checkpoint while another commits and resets the WAL (sqlite.org/wal.html, "the WAL-reset bug"); `LocalStore` makes
    both in one turn instead.
    """
    try:
        connection = sqlite3.connect(path, timeout=WAIT_S, isolation_level=None, check_same_thread=False)
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'OFF'}")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
    except sqlite3.Error as error:
        raise explain(error, path) from error
    return connection


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables of a new file; refuse a file that is not ours.

    Raises
    ------
    SettingsError
        The file belongs to another program or another version of Nuncius.
    LogDamaged
        It is no SQLite file, or a broken one.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        new = application == 0 and not tables
        if new:
            for statement in _TABLES:
                connection.execute(statement)
        if new or (application == APPLICATION_ID and "identity" not in tables):
            connection.execute("CREATE TABLE identity (name TEXT NOT NULL)")
            connection.execute("INSERT INTO identity VALUES (?)", (uuid4().hex[:16],))
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise explain(error, path) from error
    if application != APPLICATION_ID and tables:
        raise SettingsError(f"{path} is a database of another program; name another folder")
    if application == APPLICATION_ID and version != SCHEMA_VERSION:
        raise SettingsError(
            f"{path} has layout {version}, this Nuncius reads {SCHEMA_VERSION}:"
            " use the version that wrote it, or name another folder"
        )


def explain(error: sqlite3.Error, path: Path) -> NunciusError:
    """What an SQLite error means to the caller: try again, change the settings, or end."""
    name = getattr(error, "sqlite_errorname", "")
    match name.split("_")[1:2]:
        case ["BUSY" | "LOCKED"]:
            return Retry(f"{path}: another process kept it locked for {WAIT_S:.0f} s ({error}); try again")
        case ["FULL"]:
            return Retry(f"{path}: the disk is full; make room, then try again")
        case ["IOERR" | "NOMEM" | "INTERRUPT"]:
            return Retry(f"{path}: {error} ({name}); look at the disk, then try again")
        case ["READONLY" | "CANTOPEN" | "PERM" | "AUTH"]:
            return SettingsError(f"{path}: {error}; give this user the right to write to the folder, or name another")
        case ["CORRUPT" | "NOTADB"]:
            return LogDamaged(f"{path}: {error}; put back a copy, or move the folder away and begin a new log")
        case _ if isinstance(error, sqlite3.ProgrammingError):
            return Stop(f"{path}: used after it was closed ({error})")
        case _:
            return LogDamaged(f"{path}: {error} {name}".rstrip())


class ReadConnection:
    """A connection for reading: every query is whole before the call returns, so that no cursor stays open.

    Parameters
    ----------
    path
        The file; it exists.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection = connect(path, durable=True)

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """All rows of a query."""
        try:
            with self._lock:
                return self._connection.execute(query, parameters).fetchall()
        except sqlite3.Error as error:
            raise explain(error, self._path) from error

    def version(self) -> int:
        """Another number than before where another connection has committed since; costs next to nothing."""
        ((found,),) = self.rows("PRAGMA data_version")
        return int(found)

    def rows_within(
        self, query: str, parameters: Sequence[Any], budget: int, size_column: int
    ) -> tuple[list[Any], bool]:
        """Rows until their bytes in one column exceed the budget, at least one; and whether more may follow."""
        found: list[Any] = []
        try:
            with self._lock:
                cursor = self._connection.execute(query, parameters)
                try:
                    for row in cursor:
                        found.append(row)
                        budget -= len(row[size_column] or b"")
                        if budget < 0:
                            return found, True
                finally:
                    cursor.close()
        except sqlite3.Error as error:
            raise explain(error, self._path) from error
        return found, False

    def close(self) -> None:
        """Close it; a query under way ends first. Twice is allowed."""
        with self._lock:
            self._connection.close()
