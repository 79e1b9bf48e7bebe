"""Delivery: requests to the adapters, what became of them to the log. At least once outside, with idempotency keys."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from nuncius.broker.services.fold import fold
from nuncius.broker.services.seat import Seat
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, TopicPartition
from nuncius.broker.transport.reading import read_all
from nuncius.consumers.adapter import Adapter
from nuncius.consumers.delivery import Outbox
from nuncius.schemas import ToORequest, ToOStatus
from nuncius.schemas.codec import decode, encode

GROUP: Final = "nuncius-deliver"
_REQUESTS: Final = TopicPartition(topics.TOO_REQUESTS.name, 0)
_AGAIN: Final = timedelta(seconds=5)
"""How long a facility that could not answer is left alone."""


class Delivering:
    """Hands every request to every adapter; what counts as done is read from the statuses on the log.

    Parameters
    ----------
    log
        Read and written.
    adapters
        Who is asked.
    clock
        UTC now: a request that has expired is not delivered.
    """

    name = "nuncius-deliver"

    def __init__(self, log: Log, adapters: Sequence[Adapter], clock: Callable[[], datetime]) -> None:
        self._log = log
        self._adapters = tuple(adapters)
        self._clock = clock
        self._next = clock()
        self._done = -1
        self._open()

    def work(self, timeout_s: float) -> int:
        """Deliver what is new or due again; returns how many requests were read."""
        batch = self._seat.poll(500, timeout_s)
        if batch.assigned or batch.revoked:
            self._restore()
            return len(batch.assigned)
        writer = self._seat.writer
        if writer is None or not self._seat.member.assignment():
            return 0
        requests = [decode(ToORequest, r.value) for r in batch.records if r.value is not None]
        if not self._seat.member.caught_up():
            for outbox in self._outboxes:
                outbox.take(requests)
            return len(requests)
        now, position = self._clock(), self._seat.member.position(_REQUESTS)
        if position == self._done and now < self._next:
            return 0
        self._next = now + _AGAIN
        for outbox in self._outboxes:
            outbox.take(requests)
            for status in outbox.deliver(now=now):
                with writer.transaction() as tx:
                    tx.send(topics.TOO_STATUS.name, encode(status), key=status.request_id.encode())
        if position != self._done:
            with writer.transaction() as tx:
                tx.commit_offset(GROUP, _REQUESTS, position)
            self._done = position
        return len(batch.records)

    def caught_up(self) -> bool:
        """Whether every request on the log has been taken."""
        return self._seat.member.caught_up()

    def reopen(self) -> None:
        """Drop everything and go back to the committed point."""
        self.close()
        self._open()

    def close(self) -> None:
        """Leave the group and give the slot back."""
        self._seat.close()

    def _open(self) -> None:
        self._outboxes = tuple(Outbox(adapter) for adapter in self._adapters)
        self._done = -1
        self._seat = Seat(self._log, GROUP, [topics.TOO_REQUESTS.name], self.name)

    def _restore(self) -> None:
        self._outboxes = tuple(Outbox(adapter) for adapter in self._adapters)
        committed = self._seat.committed().get(_REQUESTS)
        if committed is None:
            return
        until = committed.offset
        told = (record.value for record in read_all(self._log, topics.TOO_STATUS.name))
        statuses = [decode(ToOStatus, data) for data in told if data is not None]
        spans = {_REQUESTS: (self._log.start(_REQUESTS), until)}
        records = [record for batch in fold(self._log, spans) for record in batch]
        requests = [decode(ToORequest, record.value) for record in records if record.value is not None]
        for outbox in self._outboxes:
            outbox.learn(statuses)
            outbox.take(requests)
        self._seat.member.seek(_REQUESTS, until)
        self._done = until
