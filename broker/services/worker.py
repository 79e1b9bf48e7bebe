"""A service loop: records in, a pure step, outputs and offsets out in one transaction, then the state moves on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from nuncius.broker.services.seat import Seat
from nuncius.broker.transport.port import Log, Record, TopicPartition, Transaction

D = TypeVar("D")


@dataclass(frozen=True, slots=True)
class Send:
    """One record to be written."""

    topic: str
    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Step(Generic[D]):
    """What one step wants: records written, and the change of state once they are durable."""

    delta: D
    sends: tuple[Send, ...]


class Stepper(Protocol[D]):
    """The pure part of a service, with its codec. Nothing changes in `step`; all change is in `apply`."""

    @property
    def name(self) -> str:
        """Of the service and of its writer's slot."""
        ...

    @property
    def group(self) -> str:
        """The consumer group."""
        ...

    @property
    def topics(self) -> tuple[str, ...]:
        """What it reads."""
        ...

    def restore(self, log: Log, committed: "dict[TopicPartition, int]") -> None:
        """Build the state that held when the group had come so far; writes nothing."""

    def amends(self) -> "Step[D] | None":
        """After `restore`: what must be said although no record came; None for nothing."""

    def step(self, records: Sequence[Record], now: datetime) -> "Step[D]":
        """What these records lead to. ``now`` is the append time of the last of them."""

    def apply(self, delta: D) -> None:
        """Take the change over: its outputs are durable."""


class Worker(Generic[D]):
    """Runs one stepper on a log. One at a time is active in a group; others stand by.

    Parameters
    ----------
    log
        Read and written.
    stepper
        What to do.
    most
        Records a step at the most.
    heir_of
        A group that did this work in an earlier version: its place is taken over once.
    writes
        As in `Seat`.
    """

    def __init__(
        self,
        log: Log,
        stepper: Stepper[D],
        most: int = 2000,
        *,
        heir_of: str | None = None,
        writes: Sequence[TopicPartition] = (),
    ) -> None:
        self.name = stepper.name
        self._log = log
        self._stepper = stepper
        self._most = most
        self._heir_of = heir_of
        self._writes = tuple(writes)
        self._open()

    def work(self, timeout_s: float) -> int:
        """One step; returns how many records it took. Waits up to ``timeout_s`` for the first.

        Raises
        ------
        Retry
            The step was not committed, or it is unknown: call `reopen` and go on.
        """
        batch = self._seat.poll(self._most, timeout_s)
        if batch.assigned or batch.revoked:
            self._restore()
            return len(batch.assigned)
        if not batch.records or self._seat.writer is None:
            return 0
        step = self._stepper.step(batch.records, batch.records[-1].time)
        with self._seat.writer.transaction() as tx:
            send_all(tx, step.sends)
            for tp in sorted({TopicPartition(r.topic, r.partition) for r in batch.records}):
                tx.commit_offset(self._stepper.group, tp, self._seat.member.position(tp))
        self._stepper.apply(step.delta)
        return len(batch.records)

    def caught_up(self) -> bool:
        """Whether everything on the log has been worked on."""
        return self._seat.member.caught_up()

    def reopen(self) -> None:
        """Drop everything and go back to the committed point."""
        self.close()
        self._open()

    def close(self) -> None:
        """Leave the group and give the slot back."""
        self._seat.close()

    def _open(self) -> None:
        self._seat = Seat(self._log, self._stepper.group, self._stepper.topics, self._stepper.name, self._writes)

    def _restore(self) -> None:
        if self._heir_of is not None:
            self._seat.take_over(self._heir_of)
        committed = {tp: at.offset for tp, at in self._seat.committed().items()}
        for tp, offset in committed.items():
            self._seat.member.seek(tp, offset)
        if not committed:
            return
        self._stepper.restore(self._log, committed)
        step = self._stepper.amends()
        if step is not None and step.sends and self._seat.writer is not None:
            with self._seat.writer.transaction() as tx:
                send_all(tx, step.sends)
            self._stepper.apply(step.delta)


def send_all(tx: Transaction, sends: Sequence[Send]) -> None:
    """Add every record to the transaction, in order."""
    for send in sends:
        tx.send(send.topic, send.value, key=send.key)
