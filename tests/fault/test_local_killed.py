"""`kill -9` in the middle of work. The page cache survives it: this is no test of a power failure."""

import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from transport_logs import everything, ticking, values, write

from nuncius.broker.transport.local import open_local
from nuncius.broker.transport.port import TopicPartition
from nuncius.broker.transport.topics import Topic

WORKER = Path(__file__).with_name("local_worker.py")
ROUNDS = 8


@contextmanager
def worker(folder: Path, job: str, name: str) -> Iterator[subprocess.Popen[str]]:
    """A starting worker, killed at the end of the block."""
    command = [sys.executable, str(WORKER), str(folder), job, name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    """The next line that the worker says."""
    assert process.stdout is not None
    return process.stdout.readline()


def acknowledged(process: subprocess.Popen[str]) -> list[int]:
    """Numbers of the transactions that a killed worker saw committed."""
    assert process.stdout is not None
    return [int(line) for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]


@pytest.mark.long
def test_what_was_acknowledged_is_there_and_nothing_is_half(tmp_path: Path) -> None:
    dice = random.Random(170922)  # noqa: S311 - the moments of the kills
    acked: set[bytes] = set()
    for _ in range(ROUNDS):
        with worker(tmp_path, "write", "a") as one, worker(tmp_path, "write", "b") as two:
            assert (line(one), line(two)) == ("ready\n", "ready\n")
            for process in (one, two):
                threading.Timer(dice.uniform(0.01, 0.3), process.kill).start()
            for slot, process in (("a", one), ("b", two)):
                process.wait(60)
                acked |= {f"{slot} {number}".encode() for number in acknowledged(process)}
    log = open_local(tmp_path, ticking())
    in_one = Counter((value or b"").rstrip(b"\0") for value in values(everything(log, "one")))
    in_two = Counter(value or b"" for value in values(everything(log, "two")))
    assert len(acked) > ROUNDS
    assert acked <= set(in_two)
    assert set(in_two.values()) == {1}
    assert in_one == Counter(dict.fromkeys(in_two, 2))
    for slot in ("a", "b"):
        numbers = [int(name.split()[1]) for name in in_two if name.startswith(slot.encode())]
        assert sorted(numbers) == list(range(len(numbers)))
        at = log.committed(slot, TopicPartition("two", 0))
        assert at is not None
        assert (at.offset, at.metadata) == (max(numbers), str(max(numbers)))
    assert len(in_two) - len(acked) <= 2 * ROUNDS
    log.close()


def test_a_standby_takes_over_when_the_active_member_is_killed(tmp_path: Path) -> None:
    log = open_local(tmp_path, ticking())
    log.create([Topic(name="one", partitions=4), Topic(name="two")])
    with worker(tmp_path, "member", "group") as active:
        assert (line(active), line(active)) == ("ready\n", "assigned\n")
        standby = log.member("group", ["two"])
        assert standby.poll(10, 0.3).assigned == ()
        writer = log.writer("w")
        write(writer, "two", [b"x"])
        assert line(active) == "read 0\n"
        write(writer, "two", [b"y"], offset=(TopicPartition("two", 0), 1))
        active.kill()
        active.wait(60)
        assert standby.poll(10, 30.0).assigned == (TopicPartition("two", 0),)
        assert values(standby.poll(10, 5.0).records) == [b"y"]
    log.close()


def test_a_reader_sees_what_another_process_writes(tmp_path: Path) -> None:
    log = open_local(tmp_path, ticking())
    log.create([Topic(name="one", partitions=4), Topic(name="two")])
    reader = log.reader({TopicPartition("two", 0): 0})
    with worker(tmp_path, "write", "a"):
        assert reader.poll(1, 30.0)[0].value == b"a 0"
        assert reader.poll(1, 30.0)[0].value == b"a 1"
    log.close()
