"""The guard of a Kafka node ends its program, however its own starter ends; here the program is a short Python."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from commands import waiting

from nuncius.broker.transport.file_lock import FileLock
from nuncius.broker.transport.kafka_node.storage import NodeLock

GUARD = [sys.executable, "-P", "-m", "nuncius.broker.transport.kafka_node.guard"]
SLEEPS = "import time; time.sleep(600)"


@contextmanager
def guarded(folder: Path, program: str) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """The guard of a program, and the program's process id; it holds the lock of the folder."""
    lock = NodeLock(folder / "node.lock")
    assert lock.try_acquire()
    with subprocess.Popen(
        [*GUARD, str(lock.descriptor), sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=(lock.descriptor,),
        start_new_session=True,
    ) as guard:
        lock.close()
        assert guard.stdout is not None
        try:
            yield guard, int(guard.stdout.readline())
        finally:
            guard.kill()


def wait_for_the_end(pid: int) -> None:
    for _ in waiting(f"process {pid} to end"):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return


def held(folder: Path) -> bool:
    lock = FileLock(folder / "node.lock")
    try:
        return not lock.try_acquire()
    finally:
        lock.close()


@pytest.mark.parametrize("how", ["end of standard input", "SIGTERM"])
def test_the_program_is_asked_to_end_and_the_lock_is_free_after_it(tmp_path: Path, how: str) -> None:
    asked = tmp_path / "asked"
    program = f"""
import pathlib, signal, sys
signal.signal(signal.SIGTERM, lambda *_: (pathlib.Path({str(asked)!r}).touch(), sys.exit(3)))
pathlib.Path({str(tmp_path / "ready")!r}).touch()
signal.pause()
"""
    with guarded(tmp_path, program) as (guard, pid):
        for _ in waiting("the program"):
            if (tmp_path / "ready").exists():
                break
        guard.send_signal(signal.SIGINT)
        assert held(tmp_path)
        if how == "SIGTERM":
            guard.terminate()
        elif guard.stdin is not None:
            guard.stdin.close()
        assert guard.wait(60) == 3
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        assert asked.exists()
        assert not held(tmp_path)


@pytest.mark.parametrize(("program", "code"), [("raise SystemExit(7)", 7), ("import os; os.kill(os.getpid(), 9)", 137)])
def test_the_guard_ends_as_its_program_does(tmp_path: Path, program: str, code: int) -> None:
    with guarded(tmp_path, program) as (guard, _):
        assert guard.wait(60) == code


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_killed_guard_takes_its_program_along(tmp_path: Path) -> None:
    with guarded(tmp_path, SLEEPS) as (guard, pid):
        guard.kill()
        wait_for_the_end(pid)
        assert not held(tmp_path)
