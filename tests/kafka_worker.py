"""A process that has a transaction open on Kafka until it is killed; run by the fault tests.

``kafka_worker.py SERVERS NAMESPACE SLOT``: commits one record and an offset, sends another of each, waits until the
broker has it, says so, and then does nothing.
"""

import sys
import time
from typing import Final

from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Cluster
from nuncius.broker.transport.kafka.log import KafkaLog
from nuncius.broker.transport.port import TopicPartition
from nuncius.broker.transport.topics import Topic

ONE: Final = Topic(name="one")
TP: Final = TopicPartition("one", 0)
GROUP: Final = "group"


def main(servers: str, namespace: str, slot: str) -> None:
    log = KafkaLog(Cluster(servers, namespace), utc_now)
    log.create([ONE])
    writer = log.writer(slot)
    with writer.transaction() as transaction:
        transaction.send("one", b"committed")
        transaction.commit_offset(GROUP, TP, 1, "committed")
    with writer.transaction() as transaction:
        transaction.send("one", b"left open")
        transaction.commit_offset(GROUP, TP, 2, "left open")
        sys.stdout.write(f"open at {transaction.flush()[0]}\n")
        sys.stdout.flush()
        time.sleep(600)


if __name__ == "__main__":
    main(*sys.argv[1:4])
