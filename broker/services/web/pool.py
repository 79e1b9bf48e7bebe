"""A few threads that take work in turn; unlike those of `concurrent.futures` they never hold up the process's end."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class _Faults:
    """A fault of the work is its caller's, where the result is waited for; the thread goes on with what comes next."""

    def __init__(self, future: "Future[Any]") -> None:
        self._future = future

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        if error is not None:
            self._future.set_exception(error)
        return True


class Pool:
    """Threads that are started when there is first something to do.

    Parameters
    ----------
    threads
        How many.
    name
        Theirs, with a number behind it.
    """

    def __init__(self, threads: int, name: str) -> None:
        self._names = [f"{name}_{number}" for number in range(threads)]
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._work: SimpleQueue[tuple[Future[Any], Callable[[], None]] | None] = SimpleQueue()
        self._ended = False

    def submit(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Have it done, in its turn; cancelled where the pool has ended."""
        future: Future[T] = Future()

        def run() -> None:
            if future.set_running_or_notify_cancel():
                with _Faults(future):
                    future.set_result(work(*args, **kwargs))

        with self._lock:
            if self._ended:
                future.cancel()
                return future
            self._work.put((future, run))
            if len(self._threads) < len(self._names):
                thread = threading.Thread(target=self._run, name=self._names[len(self._threads)], daemon=True)
                self._threads.append(thread)
                thread.start()
        return future

    def join(self, timeout_s: float) -> int:
        """Cancel what waits, and wait for what is being done; how many threads work after that time."""
        with self._lock:
            self._ended = True
        try:
            while True:
                if (waiting := self._work.get_nowait()) is not None:
                    waiting[0].cancel()
        except Empty:
            pass
        for _ in self._threads:
            self._work.put(None)
        until = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return sum(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        while (waiting := self._work.get()) is not None:
            waiting[1]()
