"""What all parts of a Kafka log share: questions to the cluster, and what its background complains of."""

import logging
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, Final

from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    KafkaException,
)
from confluent_kafka import TopicPartition as KafkaPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # it is exported

from nuncius.broker.transport.kafka.cluster import RPC_S, Cluster
from nuncius.broker.transport.kafka.errors import LEADERLESS, Refused, explain
from nuncius.broker.transport.port import Committed, TopicPartition
from nuncius.schemas.errors import NunciusError, Retry, SettingsError

SILENT: Final = logging.getLogger("nuncius.kafka")
"""Takes what librdkafka would print; what matters of it comes as errors."""
SILENT.addHandler(logging.NullHandler())
SILENT.propagate = False

ENDING_S: Final = 0.5
"""How long an acknowledged transaction may take until its offsets are shown; some milliseconds as a rule."""

UNSTABLE_S: Final = 30.0
"""How long a new owner waits for the transaction of the one before: three times the longest it may stay open."""

_STARTING: Final = ("COORDINATOR_LOAD_IN_PROGRESS", "COORDINATOR_NOT_AVAILABLE", "NOT_COORDINATOR")
"""A group is just getting its coordinator, as in the first moments of a cluster."""

_AGAIN_S: Final = 0.05
"""Between two questions to a cluster that is starting: nothing tells when it is ready. Each loop has a deadline."""

_FIRST_S: Final = 1.0
"""After so long it is looked for the first time whether we are refused; then after twice as long."""

_EARLIEST: Final = OffsetSpec.earliest()  # type: ignore[no-untyped-call]  # its stubs say so
_LATEST: Final = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # as above
_DOWN: Final = KafkaError._ALL_BROKERS_DOWN


class Leaderless(Retry):
    """A partition has no leader for the moment."""


class Complaints:
    """What the background of a client complained of last; the connection may have come back since."""

    def __init__(self) -> None:
        self._last: KafkaError | None = None

    def __call__(self, error: KafkaError) -> None:
        """Take one; who was refused stays refused, whatever follows from it."""
        refused = self._last is not None and self._last.code() in _FOR_GOOD
        if not refused:
            self._last = error

    def take(self) -> KafkaError | None:
        """The last one, once, where it says that nothing answers or that we are not let in."""
        last, self._last = self._last, None
        return last if last is not None and last.code() in (_DOWN, *_FOR_GOOD) else None


_FOR_GOOD: Final = (
    KafkaError._AUTHENTICATION,
    KafkaError._SSL,
    KafkaError._RESOLVE,
)


class Client:
    """One connection for questions; from any thread.

    Parameters
    ----------
    cluster
        Which.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._complaints = Complaints()
        self._lock = threading.Lock()
        self._partitions: dict[str, int] = {}
        self._entered = False
        self.admin = self._connected()

    @property
    def where(self) -> str:
        """The cluster, for messages."""
        return f"kafka://{self.cluster.servers}"

    def topics(self, timeout_s: float = RPC_S) -> dict[str, int]:
        """Number of partitions of every topic of ours, by our name."""
        deadline = time.monotonic() + timeout_s
        step_s = _FIRST_S
        while True:
            left_s = deadline - time.monotonic()
            try:
                found = self.admin.list_topics(timeout=max(_AGAIN_S, min(step_s, left_s))).topics
                break
            except KafkaException as error:
                away = self._away(error, "topics")
                if isinstance(away, SettingsError) or left_s <= step_s:
                    raise away from error
            step_s *= 2
        self._entered = True
        inside, outside = self.cluster.inside, self.cluster.outside
        return {inside(name): len(topic.partitions) for name, topic in found.items() if outside(inside(name)) == name}

    def partitions(self, topic: str) -> int:
        """Number of partitions; `SettingsError` for an unknown topic."""
        with self._lock:
            if topic not in self._partitions:
                self._partitions = self.topics()
            if topic not in self._partitions:
                raise SettingsError(f"{self.where} has no topic {self.cluster.outside(topic)!r}; create it first")
            return self._partitions[topic]

    def check(self, tp: TopicPartition) -> TopicPartition:
        """The partition, which exists; `SettingsError` otherwise."""
        count = self.partitions(tp.topic)
        if not 0 <= tp.partition < count:
            raise SettingsError(f"{tp.topic} has no partition {tp.partition}: it has {count}, counted from 0")
        return tp

    def starts(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The first offset that is kept."""
        return self._offsets(tps, _EARLIEST, IsolationLevel.READ_UNCOMMITTED)

    def ends(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The offset after all that is committed: the last stable offset."""
        return self._offsets(tps, _LATEST, IsolationLevel.READ_COMMITTED)

    def goals(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The offset after all that was written, decided or not: the high watermark."""
        return self._offsets(tps, _LATEST, IsolationLevel.READ_UNCOMMITTED)

    def offset_at(self, tp: TopicPartition, time_ms: int) -> int | None:
        """The first record appended at or after that Unix time, ms; None where there is none."""
        found = self._offsets([tp], OffsetSpec.for_timestamp(time_ms), IsolationLevel.READ_COMMITTED)[tp]
        return found if found >= 0 else None

    def committed(self, group: str, tps: Iterable[TopicPartition]) -> dict[TopicPartition, Committed | None]:
        """How far a group has come; one that is just ending is waited for, `ENDING_S` at most, others are left out."""
        wanted = sorted(tps)
        if not wanted:
            return {}
        # A broker that does not coordinate the group, or not yet, makes the next call end the process (librdkafka issue
        # 5040, open in 2.14): the coordinator is found, and waited for, by a call that survives it.
        self.members(group)
        request = ConsumerGroupTopicPartitions(
            self.cluster.outside(group), [KafkaPartition(self.cluster.outside(tp.topic), tp.partition) for tp in wanted]
        )
        futures = self.admin.list_consumer_group_offsets([request], require_stable=True, request_timeout=ENDING_S)
        try:
            answer = next(iter(futures.values())).result(RPC_S)
            undecided = any(part.error is not None for part in answer.topic_partitions)
        except KafkaException:
            undecided = True
        if undecided:
            futures = self.admin.list_consumer_group_offsets([request], require_stable=False, request_timeout=RPC_S)
            answer = self._wait(next(iter(futures.values())), f"offsets of {group}")
        for part in answer.topic_partitions:
            if part.error is not None:
                raise self.explain(part.error, f"offsets of {group}")
        found: dict[TopicPartition, Committed | None] = dict.fromkeys(wanted)
        for part in answer.topic_partitions:
            if part.offset >= 0:
                tp = TopicPartition(self.cluster.inside(part.topic), part.partition)
                found[tp] = Committed(part.offset, part.metadata or "")
        return found

    def members(self, group: str) -> int:
        """How many members a group has now; a cluster that has just started is waited for, `RPC_S` at most."""
        deadline = time.monotonic() + RPC_S
        while True:
            futures = self.admin.describe_consumer_groups([self.cluster.outside(group)], request_timeout=RPC_S)
            try:
                return len(self._wait(next(iter(futures.values())), f"members of {group}").members)
            except Retry as error:
                if "GROUP_ID_NOT_FOUND" in str(error):
                    return 0
                if not any(word in str(error) for word in _STARTING) or time.monotonic() > deadline:
                    raise
            time.sleep(_AGAIN_S)

    def explain(self, error: KafkaException | KafkaError, doing: str) -> NunciusError:
        """What an error means; one who was let in with a token before is only out of tokens for now."""
        found = explain(error, f"{self.where}: {doing}")
        by_token = self.cluster.connection.security.oauth is not None
        return Retry(*found.args) if isinstance(found, Refused) and by_token and self._entered else found

    def answers(self, complaint: KafkaError, doing: str) -> None:
        """Return where the cluster answers after all; raise what the complaint stands for where it does not."""
        if complaint.code() in _FOR_GOOD:
            raise self.explain(complaint, doing)
        self.topics(timeout_s=2.0)

    def _offsets(
        self, tps: Iterable[TopicPartition], spec: OffsetSpec, isolation: IsolationLevel
    ) -> dict[TopicPartition, int]:
        wanted = {
            KafkaPartition(self.cluster.outside(tp.topic), tp.partition): self.check(tp) for tp in sorted(set(tps))
        }
        if not wanted:
            return {}
        deadline = time.monotonic() + RPC_S
        while True:
            futures = self.admin.list_offsets(
                dict.fromkeys(wanted, spec), isolation_level=isolation, request_timeout=RPC_S
            )
            try:
                found = {wanted[part]: self._wait(future, "offsets").offset for part, future in futures.items()}
            except Leaderless:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_AGAIN_S)
                self.topics()  # librdkafka asks with the leaders it knew until it is told the new ones
            else:
                return {tp: found[tp] for tp in wanted.values()}

    def _connected(self) -> AdminClient:
        try:
            return AdminClient(self.cluster.common(self._complaints), logger=SILENT)
        except KafkaException as error:
            raise SettingsError(f"{self.where}: {error.args[0].str()}; look at [kafka] in the settings") from error

    def _wait(self, future: "Future[Any]", what: str) -> Any:
        try:
            return future.result(RPC_S + 5.0)
        except KafkaException as error:
            if error.args[0].code() in LEADERLESS:
                raise Leaderless(f"{self.where}: {what}: {error.args[0].str()}") from error
            raise self._away(error, what) from error
        except FutureTimeout as error:
            raise Retry(f"{self.where}: {what}: no answer in {RPC_S:.0f} s") from error

    def _away(self, error: KafkaException, what: str) -> NunciusError:
        """The error; where the background knows the reason of a time-out, the reason."""
        self.admin.poll(0)
        complaint = self._complaints.take()
        # One that has lived through a broker's restart may wait for ever on the connection to its coordinator.
        self.admin = self._connected()
        return self.explain(complaint or error, what)
