"""Logs to test, and what tests of the transport do with them."""

import contextlib
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Cluster
from nuncius.broker.transport.kafka.log import KafkaLog
from nuncius.broker.transport.local import open_local
from nuncius.broker.transport.port import Batch, Log, Member, Reader, Record, TopicPartition, Writer
from nuncius.broker.transport.topics import Topic


@dataclass
class Logs:
    """One log under test; `open` gives one more handle to it, as another process would have."""

    open: Callable[[], Log]

    def topic(self, log: Log, partitions: int = 1) -> str:
        """A new topic."""
        name = f"test.{uuid4()}"
        log.create([Topic(name=name, partitions=partitions)])
        return name


def ticking() -> Callable[[], datetime]:
    """A clock that goes 7 ms a look, and now and then back."""
    start = datetime(2026, 11, 23, 12, tzinfo=UTC)
    steps = itertools.count()
    return lambda: start + timedelta(milliseconds=(7, 21, 14)[(n := next(steps)) % 3] + 21 * (n // 3))


def gaps() -> Callable[[], int]:
    """Leaves out none to three offsets."""
    pattern = itertools.cycle((0, 3, 1, 0, 0, 2))
    return lambda: next(pattern)


def local_file(folder: Path) -> Logs:
    return Logs(lambda: open_local(folder, ticking()))


def local_file_with_gaps(folder: Path) -> Logs:
    return Logs(lambda: open_local(folder, ticking(), gap=gaps()))


def local_memory(_: Path) -> Logs:
    log = open_local(None, ticking(), gap=gaps())
    return Logs(lambda: log)


LOCAL_BACKENDS = (local_file, local_file_with_gaps, local_memory)


def kafka_logs(servers: str) -> Logs:
    """A namespace of its own on a running Kafka."""
    cluster = Cluster(servers, namespace=f"t{uuid4().hex[:12]}")
    return Logs(lambda: KafkaLog(cluster, utc_now))


def write(
    writer: Writer,
    topic: str,
    values: Sequence[bytes],
    *,
    partition: int | None = None,
    offset: tuple[TopicPartition, int] | None = None,
) -> None:
    """One transaction with these records, and this offset of the group ``group``."""
    with writer.transaction() as transaction:
        if offset is not None:
            transaction.commit_offset("group", *offset)
        for value in values:
            transaction.send(topic, value, partition=partition)


def everything(log: Log, topic: str) -> list[Record]:
    """All that is committed in a topic."""
    parts = [TopicPartition(topic, number) for number in range(log.partitions(topic))]
    reader = log.reader({tp: log.start(tp) for tp in parts})
    records: list[Record] = []
    while not reader.caught_up():
        records += reader.poll(1000, 1.0)
    assert all(reader.position(tp) >= log.end(tp) for tp in parts)
    reader.close()
    return records


def values(records: Sequence[Record]) -> list[bytes | None]:
    return [record.value for record in records]


def assigned(member: Member) -> tuple[TopicPartition, ...]:
    """Poll until the member has partitions."""
    for _ in range(100):
        batch = member.poll(10, 0.2)
        if batch.assigned:
            assert batch.records == ()
            return batch.assigned
    raise AssertionError("the member never got a partition")


def next_records(source: Reader | Member) -> tuple[Record, ...]:
    """What comes next, waiting for it."""
    for _ in range(100):
        found = source.poll(10, 1.0)
        records = found.records if isinstance(found, Batch) else found
        if records:
            return records
    raise AssertionError("nothing came")


def to_the_end(member: Member) -> list[Record]:
    """All that is left for a member with partitions."""
    records: list[Record] = []
    while not member.caught_up():
        records += member.poll(10, 1.0).records
    return records


class Abort(Exception):  # noqa: N818 - no error
    """Leaves a transaction."""


def abort(
    writer: Writer,
    topic: str,
    values: Sequence[bytes],
    tp: TopicPartition | None = None,
    *,
    flush: bool = False,
) -> None:
    """Send records, and an offset of the group ``group`` where a partition is given; then abort."""

    def leave() -> None:
        raise Abort

    with contextlib.suppress(Abort), writer.transaction() as transaction:
        for value in values:
            transaction.send(topic, value)
        if tp is not None:
            transaction.commit_offset("group", tp, 1, "aborted")
        if flush:
            transaction.flush()
            transaction.send(topic, b"sent after the flush")
        leave()
