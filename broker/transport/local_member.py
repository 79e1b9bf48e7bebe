"""Consumer groups of the local log: one active member, which has all partitions; the others stand by."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from nuncius.broker.transport.file_lock import FileLock
from nuncius.broker.transport.local_reader import LocalReader
from nuncius.broker.transport.port import Batch, Committed, TopicPartition
from nuncius.schemas.errors import SettingsError, Stop

STANDBY_TICK_S: Final = 0.05
"""How often a member that stands by looks whether the active one is gone."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


class LocalMember:
    """See `nuncius.broker.transport.port.Member`. The group is a file lock, which ends with its holder.

    Parameters
    ----------
    folder
        Where the lock files of groups lie.
    partitions
        All of the group's.
    open_reader
        Makes the reader of these partitions at the committed offsets, once this member is the active one.
    committed
        How far the group has come in a partition.
    on_revoke, forget
        Called before the partitions are given away, and when the member has left.
    """

    def __init__(
        self,
        folder: Path,
        group: str,
        partitions: Sequence[TopicPartition],
        *,
        open_reader: Callable[[], LocalReader],
        committed: Callable[[TopicPartition], Committed | None],
        on_revoke: Callable[[tuple[TopicPartition, ...]], None] | None,
        forget: Callable[["LocalMember"], None],
    ) -> None:
        if _NAME.fullmatch(group) is None:
            raise SettingsError(f"group {group!r}: a name has letters, digits, '.', '_' and '-', 200 at most")
        self._lock = FileLock(folder / f"{group}.lock")
        self._partitions = tuple(sorted(partitions))
        self._open_reader = open_reader
        self._committed = committed
        self._on_revoke = on_revoke
        self._forget = forget
        self._reader: LocalReader | None = None
        self._closed = False

    def poll(self, max_records: int, timeout_s: float) -> Batch:
        """The next records, or the partitions when the member before has gone."""
        if self._closed:
            raise Stop("this member has left its group")
        if self._reader is not None:
            return Batch(self._reader.poll(max_records, timeout_s))
        deadline = time.monotonic() + timeout_s
        while not self._lock.try_acquire():
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return Batch()
            time.sleep(min(left_s, STANDBY_TICK_S))
        self._reader = self._open_reader()
        return Batch(assigned=self._partitions)

    def assignment(self) -> tuple[TopicPartition, ...]:
        """All partitions, or none."""
        return self._partitions if self._reader is not None else ()

    def committed(self) -> dict[TopicPartition, Committed | None]:
        """How far the group has come in each of them."""
        return {tp: self._committed(tp) for tp in self.assignment()}

    def position(self, tp: TopicPartition) -> int:
        """Next offset to read."""
        return self._active().position(tp)

    def seek(self, tp: TopicPartition, offset: int) -> None:
        """Read on from there."""
        self._active().seek(tp, offset)

    def caught_up(self) -> bool:
        """Whether all is read that is committed now."""
        return self._reader is not None and self._reader.caught_up()

    def close(self) -> None:
        """Leave the group."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._reader is not None and self._on_revoke is not None:
                self._on_revoke(self._partitions)
        finally:
            reader, self._reader = self._reader, None
            if reader is not None:
                reader.close()
            self._lock.close()
            self._forget(self)

    def _active(self) -> LocalReader:
        if self._reader is None:
            raise RuntimeError("this member has no partitions: it stands by")
        return self._reader


def all_partitions(counts: Mapping[str, int]) -> tuple[TopicPartition, ...]:
    """All partitions of topics, given how many each has."""
    return tuple(TopicPartition(topic, number) for topic in sorted(counts) for number in range(counts[topic]))
