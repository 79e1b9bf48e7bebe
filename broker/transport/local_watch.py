"""Word of new records for readers that wait: at once of this process's commits, soon of others'.

All readers of a process share one look at the file; each alone would cost a thread's waking every time.
"""

import threading
import time
from pathlib import Path
from typing import Final

from nuncius.broker.transport.local_file import ReadConnection
from nuncius.schemas.errors import NunciusError

TICK_S: Final = 0.015
"""How often it is looked, while somebody waits, for commits of other processes."""

_AWAY_S: Final = 1.0
"""How long after a look that failed (ours); who waits finds out why by itself."""


class LocalWatch:
    """Counts commits to one file, as far as is needed to wait for the next.

    SQLite is asked, and the file never opened beside it: closing any descriptor of a file ends every lock that the
    process holds on it (sqlite.org/howtocorrupt.html, 2.2).

    Parameters
    ----------
    path
        The file; it exists.
    """

    def __init__(self, path: Path) -> None:
        self._connection = ReadConnection(path)
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
        self._connection.close()

    def _look(self) -> None:
        known = -1
        while self._wanted.wait() and not self._closed.is_set():
            time.sleep(TICK_S)
            try:
                found = self._connection.version()
            except NunciusError:
                self.tell()
                self._closed.wait(_AWAY_S)
                continue
            if found != known:
                known = found
                self.tell()
            with self._changed:
                if not self._waiting and not self._closed.is_set():
                    self._wanted.clear()
