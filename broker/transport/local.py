"""The embedded log: one SQLite file in a folder, durable, for any number of processes of one machine.

A record is on the disk when its transaction returns (WAL mode, ``synchronous=FULL``: the WAL is synced at every
commit). The folder must lie on a disk of this machine: SQLite's WAL does not work over a network.
"""

import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from nuncius.broker.transport.file_lock import FileLock
from nuncius.broker.transport.local_member import LocalMember, all_partitions
from nuncius.broker.transport.local_reader import LocalReader
from nuncius.broker.transport.local_retention import bisect_time, expire
from nuncius.broker.transport.local_store import LocalStore, make_records
from nuncius.broker.transport.local_writer import Committer, LocalWriter, no_gap
from nuncius.broker.transport.port import Committed, TopicPartition
from nuncius.broker.transport.topics import Topic
from nuncius.schemas.errors import SettingsError

_PROBE: Final = "nuncius-probe"
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")


def open_local(path: Path | None, clock: Callable[[], datetime], *, gap: Callable[[], int] = no_gap) -> "LocalLog":
    """Open the log in a folder, making both where absent.

    Parameters
    ----------
    path
        The folder. None keeps the log in a temporary folder without ``fsync`` and removes it when it is closed: the
        same code for tests and for logs to throw away.
    clock
        Gives the append time, aware UTC; times that go back are held.
    gap
        How many offsets to leave out before each record and at the end of each transaction; for tests.

    Raises
    ------
    SettingsError
        No folder, no right to write there, or the file is another program's or another version's.
    LogDamaged
        The file is broken.
    """
    if path is None:
        temporary = tempfile.TemporaryDirectory(prefix="nuncius-", ignore_cleanup_errors=True)
        return LocalLog(LocalStore(Path(temporary.name), durable=False), clock, gap, temporary.cleanup)
    folder = path.expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        store = LocalStore(folder, durable=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise SettingsError(f"{folder} is not a folder; name another for the log") from error
    except OSError as error:
        raise SettingsError(f"no log can be kept in {folder}: {error.strerror}; name another folder") from error
    return LocalLog(store, clock, gap)


class LocalLog:
    """See `nuncius.broker.transport.port.Log`; made by `open_local`."""

    def __init__(
        self,
        store: LocalStore,
        clock: Callable[[], datetime],
        gap: Callable[[], int],
        at_close: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._committer = Committer(store, clock, gap)
        self._at_close = at_close
        self._open: list[LocalReader | LocalMember] = []
        self._groups = store.folder / "groups"
        self._groups.mkdir(exist_ok=True)

    @property
    def session_s(self) -> float:
        """The lock of a member ends with it."""
        return 0.0

    def create(self, topics: Sequence[Topic]) -> None:
        """Make topics."""
        with self._store.transaction() as connection:
            for topic in topics:
                if _NAME.fullmatch(topic.name) is None or topic.partitions < 1:
                    raise SettingsError(
                        f"topic {topic.name!r} with {topic.partitions} partitions: no such topic can be"
                    )
                retention = topic.retention and int(topic.retention.total_seconds() * 1_000_000)
                made = connection.execute(
                    "INSERT INTO topics VALUES (NULL, ?, ?, ?, ?, 0, 0, 0) ON CONFLICT (name) DO UPDATE SET"
                    " retention_us = excluded.retention_us, compacted = excluded.compacted RETURNING id, partitions",
                    (topic.name, topic.partitions, retention, topic.compacted),
                )
                ((number, partitions),) = made.fetchall()
                if partitions != topic.partitions:
                    raise SettingsError(
                        f"{self._store.path}: topic {topic.name} has {partitions} partitions, not {topic.partitions},"
                        " and they cannot change; use the settings it was made with, or another folder"
                    )
                make_records(connection, number)

    def partitions(self, topic: str) -> int:
        """Number of partitions."""
        return self._store.topic(topic).partitions

    def identity(self, topic: str) -> str:
        """Of the file: its topics are never made anew."""
        self._store.topic(topic)
        ((found,),) = self._store.rows("SELECT name FROM identity")
        return str(found)

    def start(self, tp: TopicPartition) -> int:
        """The offset at which what is kept begins."""
        return self._bounds(tp)[0]

    def starts(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The offsets at which what is kept begins."""
        return {tp: self.start(tp) for tp in tps}

    def end(self, tp: TopicPartition) -> int:
        """The offset after all that is committed."""
        return self._bounds(tp)[1]

    def offset_at(self, tp: TopicPartition, time: datetime) -> int:
        """The offset from which on all was appended at or after that time."""
        self._bounds(tp)
        return bisect_time(self._store, self._store.topic(tp.topic), time)

    def reader(self, positions: Mapping[TopicPartition, int]) -> LocalReader:
        """A reader of these partitions."""
        for tp in positions:
            self._bounds(tp)
        reader = LocalReader(self._store, positions, self._forget)
        self._open.append(reader)
        return reader

    def member(
        self,
        group: str,
        topics: Sequence[str],
        on_revoke: Callable[[tuple[TopicPartition, ...]], None] | None = None,
    ) -> LocalMember:
        """Join a group."""
        partitions = all_partitions({topic: self.partitions(topic) for topic in topics})

        def open_reader() -> LocalReader:
            found = {tp: self.committed(group, tp) for tp in partitions}
            return self.reader({tp: at.offset if at is not None else self.start(tp) for tp, at in found.items()})

        member = LocalMember(
            self._groups,
            group,
            partitions,
            open_reader=open_reader,
            committed=lambda tp: self.committed(group, tp),
            on_revoke=on_revoke,
            forget=self._forget,
        )
        self._open.append(member)
        return member

    def members(self, group: str) -> int:
        """1 where the group has an active member; those that stand by cannot be told."""
        lock = FileLock(self._groups / f"{group}.lock")
        try:
            return 0 if lock.try_acquire() else 1
        finally:
            lock.close()

    def committed(self, group: str, tp: TopicPartition) -> Committed | None:
        """How far the group has come."""
        query = "SELECT next_offset, metadata FROM committed WHERE team = ? AND topic = ? AND partition = ?"
        rows = self._store.rows(query, group, self._store.topic(tp.topic).number, tp.partition)
        return Committed(*rows[0]) if rows else None

    def all_committed(self, group: str, tps: Iterable[TopicPartition]) -> dict[TopicPartition, Committed | None]:
        """How far the group has come in each of them."""
        return {tp: self.committed(group, tp) for tp in tps}

    def writer(self, slot: str) -> LocalWriter:
        """The writer of a slot."""
        return LocalWriter(self._store, self._committer, slot)

    def probe(self) -> str:
        """Write and sync, as a record would be: a slot of that name is taken anew each time."""
        self.writer(_PROBE)
        return "can be written"

    def expire(self, now: datetime) -> None:
        """Drop and compact; other writers get their turn in between."""
        expire(self._store, now)

    def close(self) -> None:
        """Close all."""
        for each in tuple(self._open):
            each.close()
        self._store.close()
        self._at_close()

    def _forget(self, closed: LocalReader | LocalMember) -> None:
        if closed in self._open:
            self._open.remove(closed)

    def _bounds(self, tp: TopicPartition) -> tuple[int, int]:
        topic = self._store.topic(tp.topic)
        if not 0 <= tp.partition < topic.partitions:
            raise SettingsError(
                f"{tp.topic} has no partition {tp.partition}: it has {topic.partitions}, counted from 0"
            )
        query = "SELECT start_offset, next_offset FROM topics WHERE id = ?"
        ((start, end),) = self._store.rows(query, topic.number)
        return start, end
