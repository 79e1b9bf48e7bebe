"""The log on Kafka."""

import math
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from confluent_kafka import Consumer

from nuncius.broker.transport.kafka.client import SILENT, Client
from nuncius.broker.transport.kafka.cluster import Cluster
from nuncius.broker.transport.kafka.looking import topic_id
from nuncius.broker.transport.kafka.making import make_topics
from nuncius.broker.transport.kafka.member import SESSION_MS, KafkaMember, OnRevoke
from nuncius.broker.transport.kafka.reader import KafkaReader
from nuncius.broker.transport.kafka.wire import Framing, no_framing
from nuncius.broker.transport.kafka.writer import KafkaWriter
from nuncius.broker.transport.port import Committed, TopicPartition
from nuncius.broker.transport.topics import Topic

Part = TypeVar("Part", KafkaReader, KafkaMember, KafkaWriter)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_PROBE_S: Final = 5.0
"""How long a cluster may take to answer before it counts as away (ours)."""


class KafkaLog:
    """See `nuncius.broker.transport.port.Log`.

    Kafka acknowledges before it syncs: durability is the replicas' (three, of which two must have a record).

    Parameters
    ----------
    cluster
        Where it lies.
    clock
        For the order in which members join.
    framing
        How values of ours stand on the wire.
    """

    def __init__(self, cluster: Cluster, clock: Callable[[], datetime], framing: Framing | None = None) -> None:
        self._client = Client(cluster)
        self._clock = clock
        self._framing = framing or no_framing()
        self._lock = threading.Lock()
        self._open: list[KafkaReader | KafkaMember | KafkaWriter] = []
        self._strangers: dict[str, Consumer] = {}
        self._client.topics()

    @property
    def client(self) -> Client:
        """For who asks about the cluster itself."""
        return self._client

    @property
    def session_s(self) -> float:
        """The session time-out, and what the broker takes to act on it."""
        return SESSION_MS / 1000.0 + 4.0

    def create(self, topics: Sequence[Topic]) -> None:
        """Make topics."""
        make_topics(self._client, topics)

    def partitions(self, topic: str) -> int:
        """Number of partitions."""
        return self._client.partitions(topic)

    def identity(self, topic: str) -> str:
        """The id that the cluster gave the topic when it was made."""
        return topic_id(self._client, topic)

    def start(self, tp: TopicPartition) -> int:
        """The offset at which what is kept begins."""
        return self._client.starts([tp])[tp]

    def starts(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The offsets at which what is kept begins."""
        return self._client.starts(tps)

    def end(self, tp: TopicPartition) -> int:
        """The offset after all that is committed."""
        return self._client.ends([tp])[tp]

    def offset_at(self, tp: TopicPartition, time: datetime) -> int:
        """The offset from which on all was appended at or after that time."""
        found = self._client.offset_at(self._client.check(tp), math.ceil((time - _EPOCH) / _MILLISECOND))
        return self.end(tp) if found is None else found

    def reader(self, positions: Mapping[TopicPartition, int]) -> KafkaReader:
        """A reader of these partitions."""
        for tp in positions:
            self._client.check(tp)
        return self._keep(KafkaReader(self._client, positions, self._framing.unframe, self._forget))

    def member(self, group: str, topics: Sequence[str], on_revoke: OnRevoke | None = None) -> KafkaMember:
        """Join a group."""
        return self._keep(
            KafkaMember(
                self._client,
                group,
                topics,
                self._framing.unframe,
                on_revoke=on_revoke,
                forget=self._forget,
                joined=self._clock(),
            )
        )

    def members(self, group: str) -> int:
        """How many members a group has now, wherever they are."""
        return self._client.members(group)

    def committed(self, group: str, tp: TopicPartition) -> Committed | None:
        """How far the group has come."""
        return self._client.committed(group, [self._client.check(tp)])[tp]

    def all_committed(self, group: str, tps: Iterable[TopicPartition]) -> dict[TopicPartition, Committed | None]:
        """How far the group has come in each of them."""
        return self._client.committed(group, tps)

    def writer(self, slot: str) -> KafkaWriter:
        """The writer of a slot."""
        return self._keep(KafkaWriter(self._client, slot, self._framing.frame, self._metadata, self._forget))

    def probe(self) -> str:
        """Whether the cluster answers."""
        self._client.topics(timeout_s=_PROBE_S)
        return "answers"

    def expire(self, now: datetime) -> None:
        """Kafka does so by itself."""

    def close(self) -> None:
        """Close all."""
        with self._lock:
            found = tuple(self._open)
        for each in found:
            each.close()
        with self._lock:
            strangers, self._strangers = tuple(self._strangers.values()), {}
        for consumer in strangers:
            consumer.close()

    def _keep(self, made: Part) -> Part:
        with self._lock:
            self._open.append(made)
        return made

    def _forget(self, closed: KafkaReader | KafkaMember | KafkaWriter) -> None:
        with self._lock:
            if closed in self._open:
                self._open.remove(closed)

    def _metadata(self, group: str, tp: TopicPartition) -> Any:
        """Who commits: the member that has the partition, else nobody in particular, as a tool would."""
        with self._lock:
            members = [each for each in self._open if isinstance(each, KafkaMember) and each.group == group]
        for member in members:
            if tp in member.assignment():
                return member.metadata()
        with self._lock:
            if group not in self._strangers:
                config = {**self._client.cluster.common(_nothing), "group.id": self._client.cluster.outside(group)}
                self._strangers[group] = Consumer(config, logger=SILENT)
            return self._strangers[group].consumer_group_metadata()


def _nothing(error: Any) -> None:
    """A consumer that reads nothing has nothing to complain of."""
