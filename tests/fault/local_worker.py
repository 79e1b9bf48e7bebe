"""A process that uses a local log until it is killed; run by the fault tests.

``local_worker.py FOLDER write SLOT``: transactions of three records and an offset, ever on; the number of each on
standard output once it is acknowledged. ``local_worker.py FOLDER member GROUP``: joins, tells what it was given, and
what it reads.
"""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from nuncius.broker.transport.local import LocalLog, open_local
from nuncius.broker.transport.port import TopicPartition
from nuncius.broker.transport.topics import Topic

ONE: Final = Topic(name="one", partitions=4)
TWO: Final = Topic(name="two")


def open_log(folder: Path) -> LocalLog:
    log = open_local(folder, lambda: datetime(2026, 11, 23, tzinfo=UTC) + timedelta(seconds=1))
    log.create([ONE, TWO])
    return log


def write(log: LocalLog, slot: str) -> None:
    at = log.committed(slot, TopicPartition("two", 0))
    number = int(at.metadata) + 1 if at is not None else 0
    writer = log.writer(slot)
    say("ready")
    while True:
        with writer.transaction() as transaction:
            name = f"{slot} {number}".encode()
            transaction.send("one", name, key=name)
            transaction.send("two", name)
            transaction.send("one", name + bytes(20_000), partition=number % 4)
            if number % 3 == 0:
                transaction.flush()
            transaction.commit_offset(slot, TopicPartition("two", 0), number, str(number))
        say(str(number))
        number += 1


def follow(log: LocalLog, group: str) -> None:
    member = log.member(group, ["two"])
    say("ready")
    while True:
        batch = member.poll(100, 1.0)
        if batch.assigned:
            say("assigned")
        for record in batch.records:
            say(f"read {record.offset}")


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    (write if sys.argv[2] == "write" else follow)(open_log(Path(sys.argv[1])), sys.argv[3])
