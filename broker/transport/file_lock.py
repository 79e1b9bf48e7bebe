"""Locks between processes of one machine that die with their holder."""

import fcntl
import os
import time
from pathlib import Path


class FileLock:
    """An exclusive ``flock`` on a file. Two of them exclude each other within one process too.

    The kernel frees it when the process ends, however it ends; the file stays.

    Parameters
    ----------
    path
        Made where absent.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor: int | None = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def try_acquire(self) -> bool:
        """Take it if nobody else has it; never waits."""
        if self._descriptor is None:
            return False
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Let the next one have it."""
        if self._descriptor is not None:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Release it for good. Twice is allowed."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


class Turnstile:
    """A lock for which processes queue: one that takes it again and again lets a waiting one in between.

    Whoever wants it first takes its place at the gate, and leaves the gate when it is through.

    Parameters
    ----------
    folder
        The two lock files lie in it.
    """

    def __init__(self, folder: Path) -> None:
        self._gate = FileLock(folder / "gate.lock")
        self._inner = FileLock(folder / "write.lock")

    def acquire(self, timeout_s: float) -> bool:
        """Wait for it, at most so long; whether it was got."""
        deadline = time.monotonic() + timeout_s
        if not _wait_for(self._gate, deadline):
            return False
        try:
            return _wait_for(self._inner, deadline)
        finally:
            self._gate.release()

    def release(self) -> None:
        """Let the next one have it."""
        self._inner.release()

    def close(self) -> None:
        """Release it for good. Twice is allowed."""
        self._gate.close()
        self._inner.close()


def _wait_for(lock: FileLock, deadline: float) -> bool:
    pause_s = 0.0002
    while not lock.try_acquire():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, 0.002)
    return True
