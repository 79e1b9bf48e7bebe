"""``kafka_closer.py SERVERS NAMESPACE TOPIC``: joins a group; when told to it looks once more and leaves. Says both."""

import sys
from contextlib import suppress

from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Cluster
from nuncius.broker.transport.kafka.log import KafkaLog
from nuncius.schemas import Retry


def main(servers: str, namespace: str, topic: str) -> None:
    log = KafkaLog(Cluster(servers, namespace), utc_now)
    member = log.member("group", [topic])
    while not member.assignment():
        member.poll(1, 0.1)
    print("joined", flush=True)
    sys.stdin.readline()
    with suppress(Retry):
        member.poll(1, 1.0)
    member.close()
    print("left", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
