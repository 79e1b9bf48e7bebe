"""Transactions on the log on Kafka."""

import contextlib
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka import TopicPartition as KafkaPartition

from nuncius.broker.transport.kafka.client import SILENT, Client, Complaints
from nuncius.broker.transport.kafka.errors import explain
from nuncius.broker.transport.port import (
    MAX_MESSAGE_BYTES,
    MAX_METADATA_BYTES,
    Fenced,
    Headers,
    TopicPartition,
)
from nuncius.schemas.errors import CommitUnknown, LimitExceeded, NunciusError, Retry, Stop

OPEN_S: Final = 10.0
"""Longest that a transaction may stay open (``transaction.timeout.ms``): so long readers wait after a crash. Kafka's
default is a minute."""

COMMIT_S: Final = 30.0
"""How long a commit is tried before it is unknown."""

Frame = Callable[[str, bytes], bytes]
Metadata = Callable[[str, TopicPartition], Any]


class KafkaTransaction:
    """See `nuncius.broker.transport.port.Transaction`.

    Parameters
    ----------
    begin
        Begins the transaction at the broker, with the first thing that belongs to it.
    frame
        The value on the wire of a value of ours.
    """

    def __init__(self, client: Client, producer: Producer, begin: Callable[[], None], frame: Frame) -> None:
        self._client = client
        self._producer = producer
        self._begin = begin
        self._frame = frame
        self._landed: list[int] = []
        self._failed: KafkaError | None = None
        self.offsets: dict[str, dict[TopicPartition, tuple[int, str]]] = {}

    def send(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Headers = (),
        partition: int | None = None,
    ) -> None:
        """Add a record."""
        if partition is None:
            self._client.partitions(topic)
        else:
            self._client.check(TopicPartition(topic, partition))
        size = len(value or b"") + len(key or b"") + sum(len(name.encode()) + len(data) for name, data in headers)
        if size > MAX_MESSAGE_BYTES:
            raise LimitExceeded(f"record of {size} bytes for {topic} is over the limit of {MAX_MESSAGE_BYTES} bytes")
        framed = None if value is None else self._frame(topic, value)
        self._begin()
        number = len(self._landed)
        self._landed.append(-1)
        place: dict[str, Any] = {} if partition is None else {"partition": partition}
        while True:
            try:
                self._producer.produce(
                    self._client.cluster.outside(topic),
                    framed,
                    key=key,
                    headers=list(headers),
                    on_delivery=partial(self._delivered, number),
                    **place,
                )
            except BufferError:
                self._producer.poll(0.1)
            else:
                return

    def flush(self) -> tuple[int, ...]:
        """Wait until the broker has given every record its offset."""
        if -1 in self._landed:
            self._producer.flush(OPEN_S)
        if self._failed is not None:
            raise explain(self._failed, f"{self._client.where}: writing")
        if -1 in self._landed:
            raise Retry(f"{self._client.where}: writing: no answer in {OPEN_S:.0f} s")
        return tuple(self._landed)

    def commit_offset(self, group: str, tp: TopicPartition, offset: int, metadata: str = "") -> None:
        """Add an offset."""
        if len(metadata.encode()) > MAX_METADATA_BYTES:
            raise ValueError(f"note of group {group} at {tp} is over {MAX_METADATA_BYTES} bytes")
        self._begin()
        self.offsets.setdefault(group, {})[self._client.check(tp)] = (offset, metadata)

    def _delivered(self, number: int, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failed = self._failed or error
        else:
            offset = message.offset()
            self._landed[number] = -1 if offset is None else offset


class KafkaWriter:
    """See `nuncius.broker.transport.port.Writer`: an idempotent producer, its slot the ``transactional.id``.

    Parameters
    ----------
    metadata
        Who commits an offset of that group and partition.
    """

    def __init__(
        self,
        client: Client,
        slot: str,
        frame: Frame,
        metadata: Metadata,
        forget: Callable[["KafkaWriter"], None],
    ) -> None:
        self._client = client
        self._slot = slot
        self._frame = frame
        self._metadata = metadata
        self._forget = forget
        self._busy = False
        self._began: float | None = None
        self._complaints = Complaints()
        self._producer: Producer | None = self._open()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[KafkaTransaction]:
        """A transaction; one at a time."""
        if self._busy:
            raise RuntimeError(f"the writer of slot {self._slot!r} has a transaction open; one at a time")
        if self._producer is None:
            raise Retry(f"slot {self._slot!r}: this writer's last transaction ended badly; take a new writer")
        self._busy, self._began = True, None
        try:
            transaction = KafkaTransaction(
                self._client, self._producer, partial(self._begin, self._producer), self._frame
            )
            try:
                yield transaction
            except KafkaException as error:  # the producer takes no more records; the abort tells why
                raise self._explain(self._abort(self._producer) or error, undecided=False) from error
            except BaseException:
                self._abort(self._producer)
                raise
            self._commit(self._producer, transaction)
        except (
            SystemError
        ) as error:  # the client called back while it had an error of its own to tell: seen as brokers died
            self._producer = None
            raise CommitUnknown(f"slot {self._slot!r}: {error}; read the committed point again") from error
        finally:
            self._busy = False

    def close(self) -> None:
        """Give the producer back; what it has open is aborted."""
        producer, self._producer = self._producer, None
        if producer is not None and self._busy and self._began is not None:
            with contextlib.suppress(KafkaException):
                producer.abort_transaction(1.0)
        self._forget(self)

    def _open(self) -> Producer:
        config = {
            **self._client.cluster.common(self._complaints),
            "transactional.id": self._client.cluster.outside(self._slot),
            "transaction.timeout.ms": int(OPEN_S * 1000),
            "partitioner": "murmur2_random",
            "compression.type": "lz4",
            "linger.ms": 2,
            "queue.buffering.max.messages": 1_000_000,
        }
        deadline = time.monotonic() + COMMIT_S
        producer = Producer(config, logger=SILENT)
        while True:
            try:
                producer.init_transactions(5.0)
            except KafkaException as error:
                with contextlib.suppress(KafkaException):
                    producer.poll(0)
                complaint = self._complaints.take()
                if complaint is not None:
                    self._client.answers(complaint, f"slot {self._slot}")
                if not error.args[0].retriable() or time.monotonic() > deadline:
                    raise explain(error, f"{self._client.where}: slot {self._slot!r}") from error
            else:
                return producer

    def _begin(self, producer: Producer) -> None:
        if self._began is not None:
            return
        try:
            producer.begin_transaction()
        except KafkaException as error:
            self._producer = None
            raise self._explain(error) from error
        self._began = time.monotonic()

    def _commit(self, producer: Producer, transaction: KafkaTransaction) -> None:
        if self._began is None:
            return
        deadline = time.monotonic() + COMMIT_S
        sent = False
        while True:
            try:
                if not sent:
                    self._send_offsets(producer, transaction)
                    sent = True
                producer.commit_transaction(max(1.0, deadline - time.monotonic()))
            except KafkaException as error:
                known = error.args[0]
                if known.txn_requires_abort() or not sent:
                    self._abort(producer)
                    raise self._explain(error, undecided=False) from error
                if known.retriable() and time.monotonic() < deadline:
                    continue
                self._producer = None
                raise self._explain(error) from error
            else:
                return

    def _send_offsets(self, producer: Producer, transaction: KafkaTransaction) -> None:
        outside = self._client.cluster.outside
        for group, offsets in transaction.offsets.items():
            by_member: dict[int, tuple[Any, list[KafkaPartition]]] = {}
            for tp, (offset, note) in offsets.items():
                who = self._metadata(group, tp)
                _, parts = by_member.setdefault(id(who), (who, []))
                parts.append(KafkaPartition(outside(tp.topic), tp.partition, offset, note))
            for who, parts in by_member.values():
                producer.send_offsets_to_transaction(parts, who, OPEN_S)

    def _abort(self, producer: Producer) -> KafkaException | None:
        """Abort what is open; why that cannot be, if the producer is of no more use."""
        if self._began is None:
            return None
        try:
            producer.abort_transaction(OPEN_S)
        except KafkaException as error:
            self._producer = None
            return error
        return None

    def _explain(self, error: KafkaException, *, undecided: bool = True) -> NunciusError:
        """What it means for the caller; ``undecided`` where the commit may have been asked for."""
        found = explain(error, f"{self._client.where}: slot {self._slot!r}")
        if isinstance(found, Fenced):
            # A transaction that outlived its time is aborted by the coordinator, in the words of a fenced one.
            if self._began is None or time.monotonic() - self._began < OPEN_S:
                return Fenced(f"slot {self._slot!r} has a newer writer: end this worker, nothing of this was committed")
            return CommitUnknown(f"{found}, after more than {OPEN_S:.0f} s; read the committed point again")
        if not undecided:
            return found if isinstance(found, Stop | LimitExceeded) else Retry(*found.args)
        return CommitUnknown(f"{found}; read the committed point again")
