"""A consumer of chosen partitions that knows how far it has come, past what was aborted."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as KafkaPartition

from nuncius.broker.transport.kafka.client import SILENT, Client, Complaints
from nuncius.broker.transport.kafka.cluster import BATCH_BYTES
from nuncius.broker.transport.port import Headers, Record, TopicPartition
from nuncius.schemas.errors import LogDamaged, NunciusError, UnknownSchema

POLL_BYTES: Final = 32 * 2**20
"""A poll ends when its values have so many bytes; about as much lies ready in memory."""

EMPTY_FETCH_MS: Final = 20
"""How long the broker holds a request for records that are not there. The word that a partition's end is reached comes
with an empty answer, so this is how late it comes."""

_CHUNK: Final = 500
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EOF: Final = KafkaError._PARTITION_EOF
_OUT_OF_RANGE: Final = KafkaError._AUTO_OFFSET_RESET

Unframe = Callable[[str, bytes], bytes]


class Feed:
    """Records of the partitions placed last, from the positions placed.

    Parameters
    ----------
    client
        Of the cluster.
    group
        The consumer group; readers belong to none, but librdkafka wants a name.
    unframe
        Gives back the value that was sent, from the one on the wire. A value whose schema is unknown is handed on as
        it is: who decodes it can keep it apart. At any other error the record comes again.
    more
        Further settings of the consumer.
    """

    def __init__(self, client: Client, group: str, unframe: Unframe, more: Mapping[str, Any]) -> None:
        self._client = client
        self._unframe = unframe
        self._complaints = Complaints()
        self._moved = False
        self._placings = self._ends = 0
        self._failed: NunciusError | None = None
        self.positions: dict[TopicPartition, int] = {}
        config = {
            **client.cluster.common(self._complaints),
            "group.id": client.cluster.outside(group),
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "fetch.wait.max.ms": EMPTY_FETCH_MS,
            "fetch.message.max.bytes": 2**20,
            "fetch.max.bytes": BATCH_BYTES,
            "receive.message.max.bytes": BATCH_BYTES + 2**20,
            "queued.max.messages.kbytes": POLL_BYTES // 1024,
            "queued.min.messages": 20_000,
            "topic.metadata.refresh.interval.ms": 30_000,
            **more,
        }
        self.consumer = Consumer(config, logger=SILENT)
        self._closing = False

    def place(self, positions: Mapping[TopicPartition, int]) -> None:
        """Read these partitions, and no others, from these offsets (inclusive) on."""
        self.positions = dict(positions)
        self._moved = True
        self._placings += 1

    def drop(self) -> None:
        """Read nothing more, until partitions are placed again."""
        self.consumer.unassign()
        self._let_it_stop()
        self.positions = {}
        self._moved = False
        self._placings += 1

    def seek(self, tp: TopicPartition, offset: int) -> None:
        """Read on from there (inclusive)."""
        self.place({**self.positions, tp: offset})

    def poll(self, most: int, timeout_s: float) -> tuple[Record, ...]:
        """The next records, waiting up to ``timeout_s`` for the first, or for the word that an end is reached."""
        self.settle()
        deadline = time.monotonic() + timeout_s
        records: list[Record] = []
        budget = POLL_BYTES
        wait_s = timeout_s
        placings, ends = self._placings, self._ends
        while True:
            taken = self._take(min(most - len(records), _CHUNK), budget, wait_s)
            records += taken
            budget -= sum(len(record.value or b"") for record in taken)
            if len(records) >= most or budget < 0 or (self._placings, self._ends) != (placings, ends):
                break
            wait_s = 0.0 if records else deadline - time.monotonic()
            if not taken and (records or wait_s <= 0):
                break
        failed, self._failed = self._failed, None
        if not records and failed is not None:
            raise failed
        if not records and (complaint := self._complaints.take()) is not None:
            self._client.answers(complaint, "reading")
        return tuple(records)

    def settle(self) -> None:
        """Tell the consumer where the partitions were placed."""
        if self._moved:
            outside = self._client.cluster.outside
            self.consumer.assign(
                [KafkaPartition(outside(tp.topic), tp.partition, at) for tp, at in sorted(self.positions.items())]
            )
            self._let_it_stop()
            self._moved = False

    def behind(self) -> bool:
        """Whether a position is before the end of all that was written when this was called."""
        goals = self._client.goals(self.positions)
        return any(self.positions[tp] < goal for tp, goal in goals.items())

    def close(self) -> None:
        """Give the consumer back."""
        self._closing = True
        self.consumer.close()

    def _let_it_stop(self) -> None:
        """Wait until what was read before has stopped, by a question that the library's own thread answers after it.

        Partitions that change hands twice before that are stopped twice, and then librdkafka (2.14.2) ends the process:
        ``rd_kafka_assignment_partition_stopped: Assertion `rktp->rktp_started' failed``. A consumer that is
        being closed reads nothing any more, and its thread may give no answer.
        """
        if not self._closing:
            self.consumer.assignment()

    def _take(self, most: int, budget: int, wait_s: float) -> list[Record]:
        try:
            first = self.consumer.poll(max(0.0, wait_s))
            messages = [] if first is None else [first]
            if first is not None:
                others = min(most - 1, budget // (len(first.value() or b"") + 1))  # about as large as the first one
                messages += self.consumer.consume(others, 0.0) if others > 0 else []
        except KafkaException as error:
            raise self._client.explain(error, "reading") from error
        return [record for message in messages if (record := self._record(message)) is not None]

    def _record(self, message: Message) -> Record | None:
        tp = TopicPartition(self._client.cluster.inside(message.topic() or ""), message.partition() or 0)
        error, offset = message.error(), message.offset()
        if error is not None and error.code() not in (_EOF, _OUT_OF_RANGE):
            raise self._client.explain(error, f"reading {tp.topic}/{tp.partition}")
        if self._moved or tp not in self.positions or offset is None:
            return None
        if error is not None:
            if error.code() == _OUT_OF_RANGE:
                self._skip_to_what_is_kept(tp)
            else:
                self.positions[tp] = max(self.positions[tp], offset)
                self._ends += 1
            return None
        if offset < self.positions[tp]:
            return None
        try:
            value = self._inside(tp.topic, message.value())
        except NunciusError as failed:
            self._failed = failed
            self.place(self.positions)
            return None
        self.positions[tp] = offset + 1
        return Record(
            tp.topic,
            tp.partition,
            offset,
            message.key(),
            value,
            _headers(message),
            _EPOCH + timedelta(milliseconds=message.timestamp()[1]),
        )

    def _inside(self, topic: str, value: bytes | None) -> bytes | None:
        try:
            return None if value is None else self._unframe(topic, value)
        except UnknownSchema:
            return value

    def _skip_to_what_is_kept(self, tp: TopicPartition) -> None:
        position, start, goal = self.positions[tp], self._client.starts([tp])[tp], self._client.goals([tp])[tp]
        if position > goal:
            raise LogDamaged(
                f"{self._client.where}: position {position} of {tp.topic}/{tp.partition} is beyond its end {goal}:"
                " records were lost, or this is another log"
            )
        self.seek(tp, max(position, start))


def _headers(message: Message) -> Headers:
    """Headers as sent; a foreign one without a value has an empty one.

    None at all where the name of one is not UTF-8: confluent_kafka gives no others then, and its exception may come up
    only with what is called next.
    """
    try:
        found: Any = message.headers()
        return tuple((name, value or b"") for name, value in found or ())
    except (UnicodeDecodeError, SystemError):
        return ()
