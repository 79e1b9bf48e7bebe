"""One transaction on a cluster, written and read back: whether it works, how long it takes, and what the clock says."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Consumer, KafkaException
from confluent_kafka import TopicPartition as KafkaPartition

from nuncius.broker.transport.kafka.client import SILENT
from nuncius.broker.transport.kafka.errors import Refused, explain
from nuncius.broker.transport.kafka.log import KafkaLog
from nuncius.broker.transport.kafka.reader import GROUP
from nuncius.broker.transport.kafka.writer import KafkaWriter
from nuncius.broker.transport.port import Fenced
from nuncius.broker.transport.topics import Topic
from nuncius.schemas.errors import NunciusError, Retry

READ_S: Final = 15.0
"""How long a committed record may take until it is read."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of one record.

    Parameters
    ----------
    commit_s
        From the begin of its transaction to the word that it is committed, seconds.
    ahead_s
        How far the broker's clock is ahead of ours, seconds; None where the record has not the broker's time.
    within_s
        Half the time between sending and acknowledgement: ``ahead_s`` is known so well, seconds.
    """

    commit_s: float
    ahead_s: float | None
    within_s: float


def try_transaction(log: KafkaLog, topic: Topic, slot: str, clock: Callable[[], datetime]) -> Trial:
    """Commit one record and read it back as everybody does: only what is committed.

    Parameters
    ----------
    log
        Of the cluster.
    topic
        One whose records nobody misses or minds.
    slot
        Of the writer.
    clock
        Aware UTC.

    Raises
    ------
    Retry
        If it was not committed, or cannot be read.
    Refused
        If a right is missing.
    Fenced
        If somebody took the slot at the same time.
    """
    try:
        writer = log.writer(slot)
    except KafkaException as error:  # a missing right on the slot ends a producer for good, and it says so at once
        raise explain(error, f"{log.client.where}: slot {slot!r}") from error
    try:
        began = time.monotonic()
        with writer.transaction() as transaction:
            sent = clock()
            transaction.send(topic.name, b"nuncius doctor", partition=0)
            (offset,) = transaction.flush()
            acknowledged = clock()
        commit_s = time.monotonic() - began
    except (Fenced, Refused):
        raise
    except NunciusError:
        writer.close()
        _tell_reason(log.writer(slot), topic)
        raise
    finally:
        writer.close()
    kind, append_ms = _read(log, log.client.cluster.outside(topic.name), offset)
    within_s = (acknowledged - sent).total_seconds() / 2
    ahead_s = None
    if kind == TIMESTAMP_LOG_APPEND_TIME:
        ahead_s = append_ms / 1000 - (sent.timestamp() + within_s)
    return Trial(commit_s, ahead_s, within_s)


def _tell_reason(writer: KafkaWriter, topic: Topic) -> None:
    """Raise why a record was not taken: that its transaction failed is all its delivery says, the commit says why."""
    try:
        with writer.transaction() as transaction:
            transaction.send(topic.name, b"nuncius doctor", partition=0)
    finally:
        writer.close()


def _read(log: KafkaLog, topic: str, offset: int) -> tuple[int, int]:
    """Kind and value (ms) of a committed record's time."""
    client = log.client
    config = {
        **client.cluster.common(_nothing),
        "group.id": client.cluster.outside(GROUP),
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
    }
    consumer = Consumer(config, logger=SILENT)
    try:
        consumer.assign([KafkaPartition(topic, 0, offset)])
        deadline = time.monotonic() + READ_S
        while time.monotonic() < deadline:
            message = consumer.poll(0.1)
            if message is None:
                continue
            error: Any = message.error()
            if error is not None:
                raise explain(error, f"{client.where}: reading {topic}")
            if message.offset() == offset:
                return message.timestamp()
    except KafkaException as error:
        raise explain(error, f"{client.where}: reading {topic}") from error
    finally:
        consumer.close()
    raise Retry(f"{client.where}: {topic}: a record was committed, and was not to be read in {READ_S:.0f} s")


def _nothing(error: Any) -> None:
    """What matters comes as errors of the call."""
