"""Everybody who follows a stream over HTTP: one feed a topic, each reader from where it wants, none held up."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Final, NamedTuple

import orjson

from nuncius.broker.services.web.feed import Feed
from nuncius.broker.services.web.frames import Source, event, standing
from nuncius.broker.services.web.pool import Pool
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

JOIN_S: Final = 10.0
"""How long the end of all reading is waited for: a slice takes a second, a poll less, unless the log hangs."""

_AWAY_S: Final = 0.5
_ENDING: Final = "the broker ends; go on later from the last id"


class Counts(NamedTuple):
    """For ``GET /health``: readers now, those of them that read the past; since the start, how many were cut, and how
    often a record that cannot be read was told.
    """

    subscribers: int
    catching_up: int
    cut: int
    skipped: int
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
        self._pool = Pool(AT_ONCE, "nuncius-past")
        self._subscribers = self._catching_up = self._cut = self._skipped = 0
        self._ending = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def full(self) -> bool:
        """Whether there are as many readers as are served."""
        return self._subscribers >= MOST_FOLLOWERS

    def counts(self) -> Counts:
        """How many read, and how much is held for them."""
        held = sum(feed.ring.nbytes for feed in tuple(self._feeds.values()) if feed.ring is not None)
        return Counts(self._subscribers, self._catching_up, self._cut, self._skipped, held)

    def cut(self, who: str, why: str) -> None:
        """Count a reader that was cut, and say so."""
        self._cut += 1
        self._say(f"web: cut {who}: {why}")

    def end(self) -> None:
        """Every stream ends soon, with an event that says why. From any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._end)

    def join(self, patience_s: float = JOIN_S) -> bool:
        """End all reading and wait for its end; before the log is closed, when no request is served any more.

        A reader of Kafka that is closed while another thread polls it aborts the process: where this is False, somebody
        still reads after ``patience_s``, and the log must be left open. What reads does not hold up the process's end.
        """
        self._ending.set()
        for feed in self._threads:
            feed.stop()
        until = time.monotonic() + patience_s
        still = self._pool.join(patience_s)
        for feed in self._threads:
            feed.join(max(0.0, until - time.monotonic()))
        still += sum(feed.alive() for feed in self._threads)
        if still:
            self._say(f"web: {still} threads still read the log after {patience_s:g} s; it is left open")
        return not still

    def _end(self) -> None:
        self._ending.set()
        for feed in self._feeds.values():
            feed.stop()
            feed.wake()

    def _count_skipped(self, count: int) -> None:
        self._skipped += count

    async def begin(self, source: Source, wish: Wish, wanted: Filter | None) -> Begin:
        """Where a reader begins; see `nuncius.broker.services.web.start.begin`.

        Who begins now joins those who follow already, where there are any, without a question to the log: a tick early
        at most.
        """
        self._loop = loop = asyncio.get_running_loop()
        feed = self._feeds.get(source.topic)
        if wish == Wish() and feed is not None and feed.error is None and feed.ring is not None:
            head = from_token(feed.ring.head)
            return Begin(head, head, reset=False)
        work = self._pool.submit(begin, self._log, source, wish, wanted, self.regions, self._ending)
        return await asyncio.wrap_future(work, loop=loop)

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
            while any(at < goal[number] for number, at in position.items()) and not self._ending.is_set():
                work = self._pool.submit(slice_of, self._log, source, position.copy(), goal, wanted, self.regions)
                try:
                    part = await asyncio.wrap_future(work, loop=loop)
                except Retry:  # it goes on from there when the log is back
                    await asyncio.sleep(_AWAY_S)
                    continue
                position.update(part.after)
                self._skipped += part.skipped
                for piece in pieces(part.frames):
                    yield piece
                if not part.frames:
                    yield standing(to_token(position))
        finally:
            self._catching_up -= 1

    def _over(self, feed: Feed) -> str | None:
        if self._ending.is_set():
            return _ENDING
        return None if feed.error is None else f"{feed.error}; go on later from the last id"

    def _feed(self, source: Source) -> Feed:
        feed = self._feeds.get(source.topic)
        if feed is None or feed.error is not None:
            feed = self._feeds[source.topic] = Feed(self._log, source, self.regions, self._count_skipped)
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
