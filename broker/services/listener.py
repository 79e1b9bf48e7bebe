"""One of several processes that decides from its group's topic and from others beside it, once all of them are read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from nuncius.broker.services.seat import Seat
from nuncius.broker.services.worker import Send, send_all
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Batch, Log, Reader, Record, TopicPartition

_MOST = 500

_STATUS: Final = TopicPartition(topics.TOO_STATUS.name, 0)
"""What every listener writes."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What one step of `Listener.hear` read.

    Parameters
    ----------
    anew
        Whether the topics came to this process, or went: what was known is void, and all is read from the start.
    count
        How much was done, for `nuncius.broker.services.runner`.
    records
        Of the group's topic, then of those beside it.
    """

    anew: bool
    count: int
    records: tuple[Record, ...] = ()


class Listener:
    """A seat in a group, which reads one partition, and a reader of others beside it. One at a time is active.

    Parameters
    ----------
    log, group, slot
        Where, as which group's member, and the name of its writer.
    own
        What the group reads.
    beside
        What is read beside it.
    """

    def __init__(self, log: Log, group: str, slot: str, own: TopicPartition, beside: Sequence[TopicPartition]) -> None:
        self._log = log
        self._group = group
        self._slot = slot
        self._own = own
        self._others = tuple(beside)
        self._beside: Reader | None = None
        self._open()

    def hear(self, timeout_s: float) -> Heard:
        """Read what is new on all of them; after a change of hands from their starts."""
        batch = self.poll(timeout_s)
        if batch.assigned or batch.revoked:
            self.stop_listening()
            if self.seat.member.assignment():
                self.seat.member.seek(self._own, self._log.start(self._own))
                self.listen(self._log.starts(self._others))
            return Heard(anew=True, count=len(batch.assigned))
        records = (*batch.records, *self.beside(0.0)) if self.active else ()
        return Heard(anew=False, count=len(records), records=records)

    def poll(self, timeout_s: float) -> Batch:
        """What is new on the group's own partition."""
        return self.seat.poll(_MOST, timeout_s)

    def listen(self, places: Mapping[TopicPartition, int]) -> None:
        """Read the others from these offsets (inclusive)."""
        self.stop_listening()
        self._beside = self._log.reader(places)

    def stop_listening(self) -> None:
        """Read nothing beside the group's own until `listen`."""
        if self._beside is not None:
            self._beside.close()
            self._beside = None

    def beside(self, timeout_s: float) -> tuple[Record, ...]:
        """What is new on the others."""
        return () if self._beside is None else tuple(self._beside.poll(_MOST, timeout_s))

    @property
    def active(self) -> bool:
        """Whether the partition is ours, and may be written for."""
        return self.seat.writer is not None and self._beside is not None and bool(self.seat.member.assignment())

    @property
    def position(self) -> int:
        """How far the group's own has been read."""
        return self.seat.member.position(self._own)

    def caught_up(self) -> bool:
        """Whether every record of the group's own has been read."""
        return self.seat.member.caught_up()

    def has_read_all(self) -> bool:
        """Whether every record of all of them has been read."""
        return self.seat.member.caught_up() and self._beside is not None and self._beside.caught_up()

    def write(self, sends: Iterable[Send]) -> None:
        """Make records durable; nothing where the partition is not ours any more."""
        if self.seat.writer is not None:
            with self.seat.writer.transaction() as tx:
                send_all(tx, tuple(sends))

    def commit(self, sends: Iterable[Send] = (), note: str = "") -> None:
        """The same, with how far the group has come, and a note to that."""
        if self.seat.writer is not None:
            with self.seat.writer.transaction() as tx:
                send_all(tx, tuple(sends))
                tx.commit_offset(self._group, self._own, self.position, note)

    def reopen(self) -> None:
        """Leave, and join anew."""
        self.close()
        self._open()

    def close(self) -> None:
        """Leave the group and give the slot back."""
        self.seat.close()
        self.stop_listening()

    def _open(self) -> None:
        self.seat = Seat(self._log, self._group, [self._own.topic], self._slot, [_STATUS])
