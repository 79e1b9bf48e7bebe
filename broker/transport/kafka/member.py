"""Members of consumer groups on Kafka."""

import os
import socket
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException
from confluent_kafka import TopicPartition as KafkaPartition

from nuncius.broker.transport.kafka.client import UNSTABLE_S, Client
from nuncius.broker.transport.kafka.feed import Feed, Unframe
from nuncius.broker.transport.port import Batch, Committed, TopicPartition
from nuncius.schemas.errors import Stop

SESSION_MS: Final = 6000
"""How long a member may be silent before its partitions go to others: the shortest that a broker takes as shipped
(``group.min.session.timeout.ms``)."""

BUSY_MS: Final = 600_000
"""How long a member may work on one batch, or restore its state, before it counts as stuck."""

GROUP_SETTINGS: Final = {
    # The range assignor gives partition 0 of every topic to one member: who joins events with counterparts has both.
    "partition.assignment.strategy": "range",
    # The classic protocol, because there the client sets the session time-out; with KIP-848 the broker does, 45 s.
    "group.protocol": "classic",
    "session.timeout.ms": SESSION_MS,
    "heartbeat.interval.ms": SESSION_MS // 3,
    "max.poll.interval.ms": BUSY_MS,
}

OnRevoke = Callable[[tuple[TopicPartition, ...]], None]


class KafkaMember:
    """See `nuncius.broker.transport.port.Member`.

    A rebalance takes all partitions away for a moment. Of those that come back, and of which the group has committed
    nothing in between, nothing is said, and their positions stay.

    Parameters
    ----------
    joined
        When, for the order of the members: the range assignor serves the one whose id sorts first, and a standby that
        joins must not take the work of one that has it.
    """

    def __init__(
        self,
        client: Client,
        group: str,
        topics: Sequence[str],
        unframe: Unframe,
        *,
        on_revoke: OnRevoke | None,
        forget: Callable[["KafkaMember"], None],
        joined: datetime,
    ) -> None:
        self.group = group
        self._client = client
        self._on_revoke = on_revoke
        self._forget = forget
        self._closed = False
        self._held: dict[TopicPartition, int] | None = None
        self._noted: dict[TopicPartition, Committed | None] = {}
        self._gained: set[TopicPartition] = set()
        self._lost: set[TopicPartition] = set()
        who = f"nuncius-{joined:%Y%m%dT%H%M%S%f}-{socket.gethostname()}-{os.getpid()}"
        self._feed = Feed(client, group, unframe, {**GROUP_SETTINGS, "client.id": who})
        outside = [client.cluster.outside(topic) for topic in topics if client.partitions(topic)]
        self._feed.consumer.subscribe(
            outside, on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost_all
        )

    def poll(self, max_records: int, timeout_s: float) -> Batch:
        """The next records, or the change of assignment."""
        if self._closed:
            raise Stop("this member has left its group")
        if not self._news():
            before, held = dict(self._feed.positions), self._held
            records = self._feed.poll(max_records, timeout_s)
            if self._held is not None:
                if self._held is not held:  # given back unseen: these offsets can no longer be committed in our name
                    self._held = {tp: before[tp] for tp in self._held}
                return Batch()
            if not self._news():
                return Batch(records)
            for record in reversed(records):  # of what came within the same call: it comes again
                self._feed.seek(TopicPartition(record.topic, record.partition), record.offset)
        batch = Batch(assigned=tuple(sorted(self._gained)), revoked=tuple(sorted(self._lost)))
        self._gained, self._lost = set(), set()
        return batch

    def assignment(self) -> tuple[TopicPartition, ...]:
        """The partitions that are this member's, sorted; none in the middle of a rebalance."""
        return tuple(sorted(self._feed.positions))

    def committed(self) -> dict[TopicPartition, Committed | None]:
        """How far the group has come in each of them."""
        return self._committed(self._feed.positions)

    def position(self, tp: TopicPartition) -> int:
        """Next offset to read."""
        return self._feed.positions[tp]

    def seek(self, tp: TopicPartition, offset: int) -> None:
        """Read on from there."""
        self._feed.seek(tp, offset)

    def caught_up(self) -> bool:
        """Whether all is read that was acknowledged before this call."""
        return bool(self._feed.positions) and not self._feed.behind()

    def metadata(self) -> Any:
        """Who this is in the group now; the broker refuses offsets of one who is no longer."""
        return self._feed.consumer.consumer_group_metadata()

    def close(self) -> None:
        """Leave the group."""
        if self._closed:
            return
        self._closed = True
        try:
            self._feed.close()
        finally:
            self._forget(self)

    def _news(self) -> bool:
        return bool(self._gained or self._lost)

    def _assigned(self, consumer: Consumer, parts: list[KafkaPartition]) -> None:
        inside = self._client.cluster.inside
        now = {TopicPartition(inside(part.topic), part.partition) for part in parts}
        before, self._held = self._held or {}, None
        found = self._committed(now)
        kept = {tp: at for tp, at in before.items() if tp in now and found[tp] == self._noted.get(tp)}
        self._gained |= now - kept.keys()
        self._lost |= before.keys() - kept.keys()
        starts = self._client.starts([tp for tp in now if found[tp] is None])
        places = {tp: at.offset if at is not None else starts[tp] for tp, at in found.items()}
        self._feed.place(places | kept)
        try:
            self._feed.settle()
        except KafkaException as error:
            raise self._client.explain(error, f"joining {self.group}") from error
        del consumer

    def _committed(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, Committed | None]:
        """A consumer of committed records waits for the end of a transaction that commits an offset (KIP-447)."""
        cluster = self._client.cluster
        wanted = [KafkaPartition(cluster.outside(tp.topic), tp.partition) for tp in sorted(tps)]
        try:
            parts = self._feed.consumer.committed(wanted, UNSTABLE_S) if wanted else []
        except KafkaException as error:
            raise self._client.explain(error, f"offsets of {self.group}") from error
        found: dict[TopicPartition, Committed | None] = {}
        for part in parts:
            if part.error is not None:
                raise self._client.explain(part.error, f"offsets of {self.group}")
            at = Committed(part.offset, part.metadata or "") if part.offset >= 0 else None
            found[TopicPartition(cluster.inside(part.topic), part.partition)] = at
        return found

    def _revoked(self, consumer: Consumer, parts: list[KafkaPartition]) -> None:
        held = dict(self._feed.positions)
        try:
            if held and self._on_revoke is not None:
                self._on_revoke(tuple(sorted(held)))
        finally:
            self._held = held
            self._feed.drop()
        if not self._closed:
            self._noted = self._committed(held)
        del consumer, parts

    def _lost_all(self, consumer: Consumer, parts: list[KafkaPartition]) -> None:
        self._lost |= self._feed.positions.keys() | (self._held or {}).keys()
        self._held = None
        self._feed.drop()
        del consumer, parts
