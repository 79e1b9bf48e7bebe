"""A lock between processes of one machine that dies with its holder."""

import fcntl
import os
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
