"""Who waits for records of another process gets them when they come; who leaves takes nobody else's locks along."""

import time
from pathlib import Path
from subprocess import PIPE, Popen, run
from sys import executable

from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.local import open_local
from nuncius.broker.transport.port import TopicPartition
from nuncius.broker.transport.topics import Topic

OTHER = """
import sys
from pathlib import Path
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.local import open_local
log = open_local(Path(sys.argv[1]), utc_now)
writer = log.writer("other")
for line in sys.stdin:
    with writer.transaction() as tx:
        tx.send("t", line.strip().encode())
    print("written", flush=True)
"""

LOCKS = """
import fcntl
import sys
with open(sys.argv[1], "r+b") as index:
    try:
        fcntl.lockf(index, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 128)
    except OSError:
        print("held")
"""
"""Tries SQLite's lock on the WAL index, its byte 128 (``UNIX_SHM_DMS`` in os_unix.c): who gets it may truncate it."""


def test_records_of_another_process_end_the_waiting(tmp_path: Path) -> None:
    log = open_local(tmp_path, utc_now)
    log.create([Topic(name="t")])
    reader = log.reader({TopicPartition("t", 0): 0})
    with Popen([executable, "-c", OTHER, str(tmp_path)], stdin=PIPE, stdout=PIPE, text=True) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        for number in range(20):
            other.stdin.write(f"{number}\n")
            other.stdin.flush()
            began = time.monotonic()
            (record,) = reader.poll(10, 60.0)
            assert (record.value, time.monotonic() - began < 30.0) == (str(number).encode(), True)
            assert other.stdout.readline() == "written\n"
        other.stdin.close()
    log.close()


def test_a_log_that_is_closed_leaves_the_locks_of_another_on_the_same_file(tmp_path: Path) -> None:
    stays, goes = open_local(tmp_path, utc_now), open_local(tmp_path, utc_now)
    goes.close()
    (index,) = tmp_path.glob("*-shm")
    said = run([executable, "-c", LOCKS, str(index)], capture_output=True, text=True, check=True)
    assert said.stdout == "held\n"
    stays.close()
