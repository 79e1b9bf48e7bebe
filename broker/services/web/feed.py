"""One reader of a topic for all who follow it: its thread reads, selects and encodes, once for everybody."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from nuncius.broker.services.web.frames import Source, frames_of
from nuncius.broker.services.web.regions import Regions
from nuncius.broker.services.web.ring import Batch, Ring
from nuncius.broker.transport.port import Log, Reader, TopicPartition
from nuncius.broker.transport.position import to_token
from nuncius.filters import Filter
from nuncius.schemas import NunciusError, Retry, Stop

TICK_S: Final = 0.1
"""What comes within this time goes out in one write."""

MOST: Final = 2000
"""Records a tick; more come with the next ones."""

AWAY_S: Final = 0.5
"""How long a log that is away is left alone."""


class Feed:
    """What is new in a topic, from the moment it was opened. The event loop owns all but the thread's own reader.

    Parameters
    ----------
    log, source
        Where from.
    regions
        For the filters of those who follow.
    skipped
        Told on the event loop how many records of a batch cannot be read.
    """

    def __init__(self, log: Log, source: Source, regions: Regions, skipped: Callable[[int], object]) -> None:
        self.source = source
        self.followers = 0
        self.ring: Ring | None = None
        self.error: NunciusError | None = None
        self.news = asyncio.Event()
        self._log = log
        self._regions = regions
        self._skipped = skipped
        self._loop = asyncio.get_running_loop()
        self._wanted: dict[str, list[Filter]] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nuncius-feed", daemon=True)
        self._thread.start()

    def follow(self, wanted: Filter | None) -> None:
        """One more follower; batches that begin after this call are held against its filter."""
        self.followers += 1
        if wanted is not None:
            with self._lock:
                self._wanted.setdefault(wanted.text, []).append(wanted)

    def leave(self, wanted: Filter | None) -> None:
        """One follower less."""
        self.followers -= 1
        if wanted is not None:
            with self._lock:
                self._wanted[wanted.text].pop()
                if not self._wanted[wanted.text]:
                    del self._wanted[wanted.text]

    def stop(self) -> None:
        """Let the thread end by itself."""
        self._stop.set()

    def join(self, timeout_s: float) -> None:
        """Wait for the thread's end, so long at most: a log must not be closed while it reads."""
        self._thread.join(timeout_s)

    def alive(self) -> bool:
        """Whether the thread may still read."""
        return self._thread.is_alive()

    def wake(self) -> None:
        """Let every follower look again."""
        waiting, self.news = self.news, asyncio.Event()
        waiting.set()

    def _run(self) -> None:
        reader: Reader | None = None
        position: dict[int, int] = {}
        ended: NunciusError | None = Stop(f"{self.source.topic}: a fault in Nuncius ended the stream, see above")
        try:
            while not self._stop.is_set():
                try:
                    if reader is None:
                        position, reader = self._open()
                        self._tell(self._opened, to_token(position))
                    if self._batch(reader, position):
                        self._stop.wait(TICK_S)
                except Retry:  # what was read and not told is read again when the log is back
                    self._stop.wait(AWAY_S)
                    if reader is not None:
                        self._go_back(reader, position)
            ended = None
        except NunciusError as error:
            ended = error
        finally:
            if reader is not None:
                reader.close()
            if ended is not None:
                self._tell(self._failed, ended)

    def _open(self) -> tuple[dict[int, int], Reader]:
        topic = self.source.topic
        ends = {(tp := TopicPartition(topic, n)): self._log.end(tp) for n in range(self._log.partitions(topic))}
        return {tp.partition: end for tp, end in ends.items()}, self._log.reader(ends)

    def _go_back(self, reader: Reader, position: dict[int, int]) -> None:
        for number, offset in position.items():
            reader.seek(TopicPartition(self.source.topic, number), offset)

    def _batch(self, reader: Reader, position: dict[int, int]) -> bool:
        """Whether the reader moved on; also partitions without a record do, past what is no record of theirs."""
        records = reader.poll(MOST, TICK_S)
        after = {number: reader.position(TopicPartition(self.source.topic, number)) for number in position}
        if after == position:
            return False
        before = to_token(position)
        with self._lock:
            filters = [same[0] for same in self._wanted.values()]
        with self._regions.lent(*filters) as places:
            found = frames_of(self.source, records, position, filters, places)
        position.update(after)
        self._tell(self._publish, Batch(before, to_token(after), found.frames, found.hits))
        if found.skipped:
            self._tell(self._skipped, found.skipped)
        return True

    def _tell(self, act: Callable[[Any], object], what: object) -> None:
        with suppress(RuntimeError):  # the event loop has ended, nobody listens
            self._loop.call_soon_threadsafe(act, what)

    def _opened(self, head: str) -> None:
        self.ring = Ring(head)
        self.wake()

    def _publish(self, batch: Batch) -> None:
        if self.ring is not None:
            self.ring.add(batch)
        self.wake()

    def _failed(self, error: NunciusError) -> None:
        self.error = error
        self.wake()
