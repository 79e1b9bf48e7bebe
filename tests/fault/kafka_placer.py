"""``kafka_placer.py SERVERS NAMESPACE TOPIC COUNT``: reads from other places in quick succession, and says so."""

import sys

from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Cluster
from nuncius.broker.transport.kafka.log import KafkaLog
from nuncius.broker.transport.port import TopicPartition


def main(servers: str, namespace: str, topic: str, count: int) -> None:
    log = KafkaLog(Cluster(servers, namespace), utc_now)
    place = TopicPartition(topic, 0)
    reader = log.reader({place: 0})
    for _ in range(count):
        while not reader.poll(1, 1.0):
            pass
        for _ in range(4):
            reader.seek(place, 0)
            reader.poll(1, 0.0)
    reader.close()
    log.close()
    print("read")


if __name__ == "__main__":
    _, servers_, namespace_, topic_, count_ = sys.argv
    main(servers_, namespace_, topic_, int(count_))
