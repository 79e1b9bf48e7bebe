"""``bare_kafka.py SERVERS SOURCE TARGET GROUP COUNT``: what no service can be faster than.

Consumes committed records and produces the same bytes elsewhere, records and offsets in one transaction. With a COUNT
it prints the seconds from its first partition to the commit of its last record and ends; with 0 it goes on until it is
killed.
"""

import sys
import time

from confluent_kafka import Consumer, Producer

_MOST = 10_000


def main(servers: str, source: str, target: str, group: str, count: int) -> None:
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "fetch.wait.max.ms": 20,
        }
    )
    producer = Producer(
        {"bootstrap.servers": servers, "transactional.id": group, "compression.type": "lz4", "linger.ms": 2}
    )
    producer.init_transactions(30.0)
    consumer.subscribe([source])
    began = 0.0
    done = 0
    while not count or done < count:
        first = consumer.poll(0.2)
        if not consumer.assignment():
            continue
        if began == 0.0:
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            began = time.perf_counter()
        if first is None:
            continue
        messages = [first, *consumer.consume(_MOST - 1, 0.0)]
        producer.begin_transaction()
        for message in messages:
            producer.produce(target, message.value(), key=message.key())
            producer.poll(0)
        places = consumer.position(consumer.assignment())
        producer.send_offsets_to_transaction(
            [place for place in places if place.offset >= 0], consumer.consumer_group_metadata(), 30.0
        )
        producer.commit_transaction(30.0)
        done += len(messages)
    sys.stdout.write(f"{time.perf_counter() - began}\n")
    consumer.close()


if __name__ == "__main__":
    _, servers_, source_, target_, group_, count_ = sys.argv
    main(servers_, source_, target_, group_, int(count_))
