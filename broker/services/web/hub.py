"""Everybody who follows a stream over HTTP: one feed a topic, each reader from where it wants, none held up."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Final, NamedTuple

import orjson

from nuncius.broker.services.web.feed import Feed
from nuncius.broker.services.web.frames import Source, event, standing
from nuncius.broker.services.web.regions import Regions
from nuncius.broker.services.web.start import Begin, Wish, begin, slice_of
from nuncius.broker.transport.port import Log
from nuncius.broker.transport.position import from_token, to_token
from nuncius.filters import Area, Filter
from nuncius.schemas import Retry

PING_S: Final = 15.0
"""A silent stream says so often that it is alive: proxies cut what is silent for 30 to 60 s."""

AT_ONCE: Final = 4
"""Slices of the past that are read at the same time."""

WRITE_BYTES: Final = 64 * 2**10
"""Most bytes of one write, one event at least; with the time a write may take this is how slow a reader may be."""

IDLE_S: Final = 30.0
"""How long a feed that nobody follows is kept."""

STALLED_S: Final = 30.0
"""How long one write may take: readers slower than 2 kB a second are cut. They go on from their last id."""

MOST_FOLLOWERS: Final = 1000
"""Each may hold 0.3 MB of what it has not read: at most 0.3 GB."""

_AWAY_S: Final = 0.5
_ENDING: Final = "the broker ends; go on later from the last id"


class Counts(NamedTuple):
    """For ``GET /health``: readers now, those of them that read the past, and how many were cut since the start."""

    subscribers: int
    catching_up: int
    cut: int
    events_held_bytes: int


class Hub:
    """Feeds by topic.

    Parameters
    ----------
    log
        Where from; its lifetime is the caller's.
    named
        Watchlists and watchmaps that filters may use.
    say
        Takes one line for the operator.
    stalled_s
        How long one write may take; whoever takes nothing for so long is cut.
    """

    def __init__(
        self, log: Log, named: Mapping[str, Area], say: Callable[[str], object], stalled_s: float = STALLED_S
    ) -> None:
        self.stalled_s = stalled_s
        self.regions = Regions(log, named)
        self._log = log
        self._say = say
        self._feeds: dict[str, Feed] = {}
        self._threads: list[Feed] = []
        self._pool = ThreadPoolExecutor(AT_ONCE, "nuncius-past")
        self._subscribers = self._catching_up = self._cut = 0
        self._ending = False
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def full(self) -> bool:
        """Whether there are as many readers as are served."""
        return self._subscribers >= MOST_FOLLOWERS

    def counts(self) -> Counts:
        """How many read, and how much is held for them."""
        held = sum(feed.ring.nbytes for feed in tuple(self._feeds.values()) if feed.ring is not None)
        return Counts(self._subscribers, self._catching_up, self._cut, held)

    def cut(self, who: str, why: str) -> None:
        """Count a reader that was cut, and say so."""
        self._cut += 1
        self._say(f"web: cut {who}: {why}")

    def end(self) -> None:
        """Every stream ends soon, with an event that says why. From any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._end)

    def join(self) -> None:
        """End all reading and wait for its end; before the log is closed, when no request is served any more.

        A reader of Kafka that is closed while another thread polls it aborts the process.
        """
        self._ending = True
        for feed in self._threads:
            feed.stop()
        self._pool.shutdown(cancel_futures=True)
        for feed in self._threads:
            feed.join()

    def _end(self) -> None:
        self._ending = True
        for feed in self._feeds.values():
            feed.stop()
            feed.wake()

    async def begin(self, source: Source, wish: Wish, wanted: Filter | None) -> Begin:
        """Where a reader begins; see `nuncius.broker.services.web.start.begin`."""
        self._loop = loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, begin, self._log, source, wish, wanted, self.regions)

    async def events(
        self, source: Source, start: Begin, wanted: Filter | None, *, until_end: bool
    ) -> AsyncGenerator[bytes]:
        """Events from there on, in pieces of one write each; without end unless ``until_end``."""
        self._subscribers += 1
        try:
            token = to_token(start.position)
            said = {"reason": "the position you gave is beyond the end of this log: all that is kept comes"}
            yield event("reset", orjson.dumps(said), token) if start.reset else standing(token)
            position = dict(start.position)
            if until_end:
                async with aclosing(self._past(source, position, start.ends, wanted)) as past:
                    async for piece in past:
                        yield piece
                if any(at < start.ends[number] for number, at in position.items()):
                    yield event("cut", orjson.dumps({"reason": _ENDING}))
                else:
                    yield event("end", orjson.dumps({"position": to_token(position)}), to_token(position))
                return
            async with aclosing(self._follow(source, position, wanted)) as past:
                async for piece in past:
                    yield piece
        finally:
            self._subscribers -= 1

    async def _follow(self, source: Source, position: dict[int, int], wanted: Filter | None) -> AsyncGenerator[bytes]:
        feed = self._feed(source)
        feed.follow(wanted)
        text = "" if wanted is None else wanted.text
        try:
            while True:
                if (words := self._over(feed)) is not None:
                    yield event("cut", orjson.dumps({"reason": words}))
                    return
                number = None if feed.ring is None else feed.ring.joined_at(to_token(position), text)
                if number is not None:
                    async with aclosing(self._live(feed, number, text, position)) as past:
                        async for piece in past:
                            yield piece
                elif feed.ring is None or any(at > from_token(feed.ring.head)[n] for n, at in position.items()):
                    if (ping := await _news(feed)) is not None:
                        yield ping
                else:
                    async with aclosing(self._past(source, position, from_token(feed.ring.head), wanted)) as past:
                        async for piece in past:
                            yield piece
        finally:
            feed.leave(wanted)
            if not feed.followers:
                asyncio.get_running_loop().call_later(IDLE_S, self._let_go, feed)

    async def _live(self, feed: Feed, number: int, text: str, position: dict[int, int]) -> AsyncGenerator[bytes]:
        """From a batch of the ring on, until it has gone or was not held against this filter."""
        stands = said = to_token(position)
        while self._over(feed) is None and feed.ring is not None:
            frames: list[bytes] = []
            nbytes, here = 0, ""
            while nbytes < WRITE_BYTES and (batch := feed.ring.get(number)) is not None:
                if text and text not in batch.hits:
                    break
                found = batch.chosen(text)
                frames += found
                nbytes += sum(map(len, found))
                here, number = batch.after, number + 1
            if here:
                stands = here
                position.update(from_token(here))
                for piece in pieces(frames):
                    yield piece
                if frames and not text:
                    said = here
                continue
            if number < feed.ring.next:
                return
            if (ping := await _news(feed)) is not None:
                yield ping if said == stands else ping + standing(stands)
                said = stands

    async def _past(
        self, source: Source, position: dict[int, int], goal: Mapping[int, int], wanted: Filter | None
    ) -> AsyncGenerator[bytes]:
        """Up to ``goal``, off the event loop, a few readers at a time."""
        self._catching_up += 1
        loop = asyncio.get_running_loop()
        try:
            while any(at < goal[number] for number, at in position.items()) and not self._ending:
                work = loop.run_in_executor(
                    self._pool, slice_of, self._log, source, position.copy(), goal, wanted, self.regions
                )
                try:
                    frames, after = await work
                except Retry:  # it goes on from there when the log is back
                    await asyncio.sleep(_AWAY_S)
                    continue
                position.update(after)
                for piece in pieces(frames):
                    yield piece
                if not frames:
                    yield standing(to_token(position))
        finally:
            self._catching_up -= 1

    def _over(self, feed: Feed) -> str | None:
        if self._ending:
            return _ENDING
        return None if feed.error is None else f"{feed.error}; go on later from the last id"

    def _feed(self, source: Source) -> Feed:
        feed = self._feeds.get(source.topic)
        if feed is None or feed.error is not None:
            feed = self._feeds[source.topic] = Feed(self._log, source, self.regions)
            self._threads = [*(one for one in self._threads if one.alive()), feed]
        return feed

    def _let_go(self, feed: Feed) -> None:
        if not feed.followers and self._feeds.get(feed.source.topic) is feed:
            feed.stop()
            del self._feeds[feed.source.topic]


def pieces(frames: list[bytes]) -> list[bytes]:
    """Events joined into writes of at most `WRITE_BYTES`, one event at least."""
    joined: list[bytes] = []
    part: list[bytes] = []
    nbytes = 0
    for frame in frames:
        if part and nbytes + len(frame) > WRITE_BYTES:
            joined.append(b"".join(part))
            part, nbytes = [], 0
        part.append(frame)
        nbytes += len(frame)
    return [*joined, b"".join(part)] if part else joined


async def _news(feed: Feed) -> bytes | None:
    """Wait until something happens to the feed; the words that say one is alive where nothing does for long."""
    try:
        await asyncio.wait_for(feed.news.wait(), PING_S)
    except TimeoutError:
        return b": ping\n\n"
    return None
