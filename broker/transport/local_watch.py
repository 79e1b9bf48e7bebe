"""Word of new records for readers that wait: at once of this process's commits, soon of others'.

All readers of a process share one look at the file; each alone would cost a thread's waking every time.
"""

import os
import threading
import time
from pathlib import Path
from typing import Final

TICK_S: Final = 0.015
"""How often it is looked, while somebody waits, for commits of other processes."""

_HEADER_BYTES: Final = 96
"""Both copies of the header of SQLite's WAL index: each commit writes them anew (sqlite.org/walformat.html, 2.1). They
tell only when to look: what is there is asked of SQLite."""


class LocalWatch:
    """Counts commits to one file, as far as is needed to wait for the next.

    Parameters
    ----------
    index
        The file with the WAL index; it exists as long as a connection is open.
    """

    def __init__(self, index: Path) -> None:
        self._index = os.open(index, os.O_RDONLY | os.O_CLOEXEC)
        self._changed = threading.Condition()
        self._changes = 0
        self._waiting = 0
        self._wanted = threading.Event()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def changes(self) -> int:
        """Another number than before where something was committed; see `wait`."""
        return self._changes

    def tell(self) -> None:
        """Something was committed."""
        with self._changed:
            self._changes += 1
            self._changed.notify_all()

    def wait(self, seen: int, timeout_s: float) -> None:
        """Wait until `changes` differs from ``seen``, at most so long."""
        with self._changed:
            if self._thread is None and not self._closed.is_set():
                self._thread = threading.Thread(target=self._look, name="local log", daemon=True)
                self._thread.start()
            self._waiting += 1
            self._wanted.set()
            try:
                self._changed.wait_for(lambda: self._changes != seen or self._closed.is_set(), timeout_s)
            finally:
                self._waiting -= 1

    def close(self) -> None:
        """Wait for nothing any more. Twice is allowed."""
        self._closed.set()
        self._wanted.set()
        self.tell()
        if self._thread is not None:
            self._thread.join()
        index, self._index = self._index, -1
        if index >= 0:
            os.close(index)

    def _look(self) -> None:
        known = b""
        while self._wanted.wait() and not self._closed.is_set():
            time.sleep(TICK_S)
            found = os.pread(self._index, _HEADER_BYTES, 0)
            if found != known:
                known = found
                self.tell()
            with self._changed:
                if not self._waiting and not self._closed.is_set():
                    self._wanted.clear()
