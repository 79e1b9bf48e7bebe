"""The door of ingest for other threads: readings wait in a queue and are committed together."""

from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Final

from nuncius.broker.services.fates import Fate
from nuncius.broker.services.ingest import Ingest
from nuncius.broker.services.reading import Reading

GROUP: Final = 500
"""Most readings in one transaction."""


class Intake:
    """Accepts readings from any thread; one thread calls `work`. A future is done once its reading is durable."""

    name = "ingest"

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest
        self._queue: SimpleQueue[tuple[Reading, Future[tuple[Fate, ...]]]] = SimpleQueue()

    def put(self, reading: Reading) -> "Future[tuple[Fate, ...]]":
        """Hand in a reading."""
        future: Future[tuple[Fate, ...]] = Future()
        self._queue.put((reading, future))
        return future

    def work(self, timeout_s: float) -> int:
        """Commit what waits, at most `GROUP` readings; waits up to ``timeout_s`` for the first. Returns how many."""
        waiting = [(reading, future) for reading, future in self._take(timeout_s) if _still_wanted(future)]
        if not waiting:
            return 0
        try:
            fates = self._ingest.accept([reading for reading, _ in waiting])
        except BaseException as error:
            for _, future in waiting:
                future.set_exception(error)
            raise
        for (_, future), fate in zip(waiting, fates, strict=True):
            future.set_result(fate)
        return len(waiting)

    def caught_up(self) -> bool:
        """Whether nobody waits."""
        return self._queue.empty()

    def reopen(self) -> None:
        """Take a new writer; those whose readings failed were told so."""
        self._ingest.reopen()

    def close(self) -> None:
        """Give the writer back; what still waits is told so."""
        for _, future in self._take(0.0):
            future.cancel()
        self._ingest.close()

    def _take(self, timeout_s: float) -> list[tuple[Reading, "Future[tuple[Fate, ...]]"]]:
        taken = []
        try:
            taken.append(self._queue.get(timeout=timeout_s) if timeout_s > 0 else self._queue.get_nowait())
            while len(taken) < GROUP:
                taken.append(self._queue.get_nowait())
        except Empty:
            pass
        return taken


def _still_wanted(future: "Future[tuple[Fate, ...]]") -> bool:
    """False where the caller gave up waiting; otherwise it can no longer give up."""
    return future.set_running_or_notify_cancel()
