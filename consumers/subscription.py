"""A subscription: records one by one or in batches, for ``for`` and ``async for``, with the position to go on from."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Final, Protocol, Self

from nuncius.consumers.batch import Batch
from nuncius.consumers.bookmark import Bookmark
from nuncius.consumers.found import Found
from nuncius.consumers.place import to_place
from nuncius.schemas import Retry

_POLL_S: Final = 0.5
_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 30.0


class Source(Protocol):
    """Where records come from."""

    @property
    def position(self) -> dict[int, int]:
        """Next offset by partition, after all that was polled."""
        ...

    @property
    def identity(self) -> str:
        """Of the log that it reads; empty where nobody told yet."""
        ...

    def poll(self, timeout_s: float) -> Sequence[Found]:
        """The next records; empty where none came in time. Raises `Retry` while the broker is away."""

    def ended(self) -> bool:
        """Whether all that was asked for was polled."""

    def reopen(self) -> None:
        """Be ready to go on, after a `Retry`."""

    def close(self) -> None:
        """Give everything back. Twice is allowed."""


class Subscription:
    """Records of a stream as they come: an iterator, an asynchronous iterator and a context manager.

    While the broker is away it waits, and goes on where it was. One thread or task at a time.

    Parameters
    ----------
    what
        The stream.
    source
        Closed with this.
    bookmark
        Where `ack` writes; None where the user keeps `position`.
    on_wait
        Told why it waits.
    """

    def __init__(
        self, what: str, source: Source, bookmark: Bookmark | None, on_wait: Callable[[str], object] = lambda _: None
    ) -> None:
        self.what = what
        self._source = source
        self._bookmark = bookmark
        self._on_wait = on_wait
        self._waiting: deque[Found] = deque()
        self._position = dict(source.position)
        self._closed = False
        self._ended = threading.Event()

    @property
    def position(self) -> str:
        """The place after the last record that was given out, as one word: keep it with what you made of that record.

        It says of which log it is, so that it is refused at one that was made anew since.
        """
        return to_place(self._position, self._source.identity)

    def ack(self) -> None:
        """What was given out so far is done with: the bookmark moves there.

        Raises
        ------
        ValueError
            There is no bookmark: the subscription was made without ``resume``.
        """
        if self._bookmark is None:
            raise ValueError("nothing to acknowledge to: subscribe with resume='a name', or keep .position yourself")
        if self._position:
            self._bookmark.write(self.position)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        while True:
            taken = self._take(_POLL_S)
            if taken:
                return taken[0].record
            if self._over():
                raise StopIteration

    def batches(self, size: int = 1000, timeout_s: float = 1.0) -> Iterator[Batch]:
        """Records some at a time: at most ``size``, and what came within ``timeout_s`` of the first; never empty."""
        if size < 1:
            raise ValueError(f"batches of {size} records; expected 1 or more")
        while True:
            records: list[Found] = []
            end = time.monotonic() + timeout_s
            while len(records) < size and (not records or time.monotonic() < end):
                taken = self._take(min(_POLL_S, timeout_s) if records else _POLL_S)
                end = end if records else time.monotonic() + timeout_s
                records += taken
                if not taken and self._over():
                    break
            if records:
                every = tuple(found.record for found in records)
                times = tuple(found.taken for found in records)
                yield Batch(self.what, every, self.position, times, tuple(found.hits for found in records))
            elif self._over():
                return

    def __aiter__(self) -> AsyncIterator[Any]:
        return self._async()

    def close(self) -> None:
        """End it; iteration then stops."""
        if not self._closed:
            self._closed = True
            self._ended.set()
            self._waiting.clear()
            self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def _async(self) -> AsyncIterator[Any]:
        try:
            while True:
                taken = self._given() or await asyncio.shield(asyncio.to_thread(self._take, _POLL_S))
                for found in taken:
                    yield found.record
                if not taken and self._over():
                    return
        finally:
            await asyncio.shield(asyncio.to_thread(self.close))

    def _given(self) -> list[Found]:
        """The next record that is here already, as a list of one or none."""
        if not self._waiting:
            return []
        found = self._waiting.popleft()
        self._position.update(found.position)
        return [found]

    def _take(self, timeout_s: float) -> list[Found]:
        """The next record as a list of one; none where it did not come in time, or there will be none."""
        if not self._waiting and not self._closed:
            self._position.update(self._source.position)
            self._waiting.extend(self._polled(timeout_s))
        return self._given()

    def _over(self) -> bool:
        """Whether nothing can come any more; then everything is given back."""
        if not self._closed and not self._waiting and self._source.ended():
            self._position.update(self._source.position)
            self.close()
        return self._closed

    def _polled(self, timeout_s: float) -> Sequence[Found]:
        wait_s, away = _FIRST_WAIT_S, False
        while True:
            try:
                if away:
                    self._source.reopen()
                    away = False
                return self._source.poll(timeout_s)
            except Retry as error:
                self._on_wait(f"{error}; trying again")
                if self._ended.wait(wait_s):  # `close`, from another thread, ends the pause
                    return ()
                wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
                away = True
