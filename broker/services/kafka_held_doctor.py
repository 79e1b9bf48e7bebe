"""What holds readers of a Kafka cluster up: transactions that do not end."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from nuncius.broker.services.doctor import Finding
from nuncius.broker.transport.kafka.log import KafkaLog
from nuncius.broker.transport.kafka.writer import OPEN_S
from nuncius.broker.transport.port import TopicPartition

ENDS_S: Final = OPEN_S + 15.0
"""So long a transaction may be open: its own time, the broker's look-round of 10 s, and some more (ours)."""
_LOOK_S: Final = 0.5

Ends = Mapping[TopicPartition, int]


def examine_held(log: KafkaLog, partitions: list[TopicPartition]) -> Iterator[Finding]:
    """A finding for each partition whose readers do not get on; it is waited for `ENDS_S` where one is held up now."""
    client = log.client
    servers, outside = client.cluster.servers, client.cluster.outside

    def look() -> tuple[Ends, Ends]:
        return client.ends(partitions), client.goals(partitions)

    for tp, at in held(look, time.monotonic, time.sleep).items():
        yield Finding(tp.topic, "wrong", words(outside(tp.topic), tp.partition, at, servers))


def held(
    look: Callable[[], tuple[Ends, Ends]], clock: Callable[[], float], wait: Callable[[float], object]
) -> dict[TopicPartition, int]:
    """Where readers stand still although more lies there.

    Parameters
    ----------
    look
        For each partition where readers of committed records end, and where all ends that was written.
    clock, wait
        Seconds, and waiting for so many.
    """
    ends, written = look()
    stands = {tp: end for tp, end in ends.items() if end < written[tp]}
    until = clock() + ENDS_S
    while stands and clock() < until:
        wait(_LOOK_S)
        ends, _ = look()
        stands = {tp: end for tp, end in stands.items() if ends[tp] == end}
    return stands


def words(topic: str, partition: int, offset: int, servers: str) -> str:
    """What to do about it."""
    place = f"--topic {topic} --partition {partition} --start-offset {offset}"
    return (
        f"a transaction that began at offset {offset} of partition {partition} never ended, and nobody reads past it:"
        " a broker that was killed can leave one; end it:"
        f" kafka-transactions.sh --bootstrap-server {servers} abort {place}"
    )
