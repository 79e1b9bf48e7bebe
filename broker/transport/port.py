"""The log, seen from a service: one port, whatever keeps the records.

The contract, which `tests/contract/test_transport_*.py` hold every backend to:

- Offsets of a partition increase; they are not dense, and a reader must not count with them.
- A reader has read all of a partition when ``position(tp) >= end(tp)``; all that was acknowledged before some moment
  when the position has reached the `Reader.goals` of that moment (`nuncius.broker.transport.reading` waits for it).
- A transaction's records and committed offsets become visible all, or none. On Kafka not at one instant: a partition
  may show its part some milliseconds before another does, and before or after the writer is told; who needs the
  others then waits for the goals.
- Records with the same key lie in one partition, in the order they were sent (`partitioner.py`).
- A record's time is when the log took it, given by the log; within a partition it never goes back.
- A log may be used from several threads and processes at once; one reader, member or writer from one at a time.
- Every method may raise `Retry` where the store is busy, full or away, and `Stop` where it is damaged or was closed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from nuncius.broker.transport.topics import Topic
from nuncius.schemas.errors import Stop
from nuncius.schemas.limits import MAX_MESSAGE_BYTES

__all__ = [
    "MAX_MESSAGE_BYTES",
    "MAX_METADATA_BYTES",
    "Batch",
    "Committed",
    "Fenced",
    "Headers",
    "Log",
    "Member",
    "Reader",
    "Record",
    "TopicPartition",
    "Transaction",
    "Writer",
]

MAX_METADATA_BYTES: Final = 4096
"""Largest note committed with an offset, as UTF-8 (a Kafka broker's default)."""

Headers = tuple[tuple[str, bytes], ...]


class Fenced(Stop):
    """A newer writer has taken this writer's slot: the work belongs to somebody else now, this worker must end."""


@dataclass(frozen=True, slots=True, order=True)
class TopicPartition:
    """One ordered part of a topic; partitions count from 0."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Record:
    """A committed record.

    Parameters
    ----------
    topic, partition, offset
        Where it lies.
    key, value, headers
        As sent. A record without a value deletes its key in a compacted topic.
    time
        When the log took it, UTC.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    time: datetime


@dataclass(frozen=True, slots=True)
class Committed:
    """How far a group has come in a partition.

    Parameters
    ----------
    offset
        Next offset to read.
    metadata
        The note committed with it.
    """

    offset: int
    metadata: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """What a member of a group is given by one poll.

    Parameters
    ----------
    records
        Of partitions that were already the member's own before this poll; empty when the assignment changed, so that
        state is restored (and `Member.seek` called) before the first record of a new partition comes.
    assigned, revoked
        Partitions gained and lost since the last poll, sorted.
    """

    records: tuple[Record, ...] = ()
    assigned: tuple[TopicPartition, ...] = ()
    revoked: tuple[TopicPartition, ...] = ()


class Reader(Protocol):
    """Reads partitions of its choice. It sees committed records only and holds nothing open between two polls."""

    def poll(self, max_records: int, timeout_s: float) -> tuple[Record, ...]:
        """The next records, at most so many, in append order within a partition.

        Waits up to ``timeout_s`` for the first one; empty when none came. Large records end a poll early.
        """

    def position(self, tp: TopicPartition) -> int:
        """Next offset that will be read; past what was deleted, aborted or never written."""

    def seek(self, tp: TopicPartition, offset: int) -> None:
        """Read on from there (inclusive). What retention has dropped is skipped."""

    def goals(self) -> dict[TopicPartition, int]:
        """For each partition the offset before which lies all that was acknowledged before this call."""

    def caught_up(self) -> bool:
        """Whether every position has reached its goal of now."""

    def close(self) -> None:
        """Give back what the reader holds. Twice is allowed."""


class Member(Protocol):
    """One of the members of a consumer group; each partition belongs to at most one of them at a time."""

    def poll(self, max_records: int, timeout_s: float) -> Batch:
        """The next records or the next change of assignment, waiting up to ``timeout_s`` for either.

        A gained partition starts at the group's committed offset, else at its start. A member without partitions
        stands by: its polls are empty until another member leaves or dies.
        """

    def assignment(self) -> tuple[TopicPartition, ...]:
        """The partitions that are this member's now, sorted."""

    def committed(self) -> dict[TopicPartition, Committed | None]:
        """How far the group has come in each of them; None where it never committed.

        Where the owner before left a transaction undecided, its end is waited for, so that no work is done twice.
        """

    def position(self, tp: TopicPartition) -> int:
        """As `Reader.position`, of an assigned partition."""

    def seek(self, tp: TopicPartition, offset: int) -> None:
        """As `Reader.seek`, of an assigned partition."""

    def caught_up(self) -> bool:
        """As `Reader.caught_up`, of the assigned partitions; False while standing by."""

    def close(self) -> None:
        """Leave the group, handing the partitions over. Twice is allowed."""


class Transaction(Protocol):
    """Records and offsets that are committed together."""

    def send(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Headers = (),
        partition: int | None = None,
    ) -> None:
        """Add a record. Without a partition the key chooses it; without a key too, the log does.

        Raises
        ------
        LimitExceeded
            The record is larger than `MAX_MESSAGE_BYTES`.
        SettingsError
            No such topic or partition.
        """

    def flush(self) -> tuple[int, ...]:
        """Offsets of all records sent so far in this transaction, in the order they were sent.

        They are final if the transaction commits, and not visible before. Between this call and the end of the
        transaction other writers may have to wait: do little.
        """

    def commit_offset(self, group: str, tp: TopicPartition, offset: int, metadata: str = "") -> None:
        """Commit the next offset that the group is to read, with a note of at most `MAX_METADATA_BYTES`.

        The group's owner of that partition calls it, nobody else. It may go back.
        """


class Writer(Protocol):
    """The one writer of its slot."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """A transaction: committed at the end of the block, aborted when an exception leaves it.

        One at a time. When the block has ended without an exception, the records are durable.

        Raises
        ------
        Fenced
            A newer writer has the slot; nothing was written.
        CommitUnknown
            It may or may not have been committed. Close this writer, take a new one, go back to the committed point.
        Retry
            It was not committed; the same may succeed later.
        """

    def close(self) -> None:
        """Give back what the writer holds. Twice is allowed."""


class Log(Protocol):
    """Topics of records, with consumer groups and transactions."""

    @property
    def session_s(self) -> float:
        """How long a member that was killed still counts as one."""
        ...

    def create(self, topics: Sequence[Topic]) -> None:
        """Make the topics that do not exist yet; set the retention of those that do.

        Raises
        ------
        SettingsError
            One exists with another number of partitions.
        """

    def partitions(self, topic: str) -> int:
        """Number of partitions; `SettingsError` for an unknown topic."""

    def identity(self, topic: str) -> str:
        """What tells this topic from one that is made anew under the same name: letters, digits, ``-`` and ``_``.

        The same for as long as the topic is there, for every process; `SettingsError` for an unknown topic.
        """

    def start(self, tp: TopicPartition) -> int:
        """An offset at or before the first record that is kept, and after all that retention dropped."""

    def starts(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """`start` of many partitions, asked at once."""

    def end(self, tp: TopicPartition) -> int:
        """The offset after all that is committed: a record committed later has this one or a greater."""

    def offset_at(self, tp: TopicPartition, time: datetime) -> int:
        """The offset from which on all records were appended at or after that time; the end where there are none."""

    def reader(self, positions: Mapping[TopicPartition, int]) -> Reader:
        """A reader of these partitions, from these offsets (inclusive) on. It belongs to no group."""

    def member(
        self,
        group: str,
        topics: Sequence[str],
        on_revoke: Callable[[tuple[TopicPartition, ...]], None] | None = None,
    ) -> Member:
        """Join a group that shares the partitions of these topics.

        ``on_revoke`` is called, from within `Member.poll` or `Member.close`, with partitions that are about to be
        given away: the last moment to commit for them. It is not called where they were lost already.
        """

    def members(self, group: str) -> int:
        """How many members a group has now, in whatever process; where nobody can tell, 1 for some.

        One that was killed counts until its session has timed out.
        """

    def committed(self, group: str, tp: TopicPartition) -> Committed | None:
        """How far the group has come, without waiting for a transaction under way; None where it never committed."""

    def all_committed(self, group: str, tps: Iterable[TopicPartition]) -> dict[TopicPartition, Committed | None]:
        """`committed` of many partitions, asked at once."""

    def writer(self, slot: str) -> Writer:
        """The writer of a slot, a stable name such as ``nuncius-match-3``; an older writer of the slot is fenced."""

    def probe(self) -> str:
        """What is so where the log answers now, in words: as far as can be told without writing a record.

        The embedded log tells for certain: it writes and syncs as a record would be. Of Kafka only that it answers.
        """

    def expire(self, now: datetime) -> None:
        """Drop what is past its topic's retention, and compact. A backend that does so by itself does nothing."""

    def close(self) -> None:
        """Close readers, members, writers and the log. Twice is allowed."""
