"""Reports of observations, exchanged with a public map of them: what others saw comes in, what we saw goes out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Final, Protocol

from nuncius.broker.services.exchange_book import ExchangeBook
from nuncius.broker.services.listener import Listener
from nuncius.broker.services.worker import Send
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, TopicPartition
from nuncius.consumers.outside import outside
from nuncius.schemas import ObservationReport, Retry
from nuncius.schemas.codec import encode
from nuncius.schemas.vocabulary import RunMode

GROUP: Final = "nuncius-exchange"
_REPORTS: Final = TopicPartition(topics.OBSERVATIONS.name, 0)
_BESIDE: Final = tuple(TopicPartition(one.name, 0) for one in (topics.EVENTS, topics.TOO_REQUESTS, topics.TOO_STATUS))
_LOOK: Final = timedelta(seconds=1)
"""How often it is looked whether a time has come."""
_SLICE: Final = 50
"""Reports a step: so many mosaics are some seconds of work (ours)."""
_AGAIN_MAX: Final = timedelta(hours=1)
"""A map that does not answer is asked again after its usual pause, then after twice as long each time, up to this."""


class Reads(Protocol):
    """Where others say where they looked."""

    def reports(self, event: str, run_mode: RunMode, /) -> Iterator[ObservationReport | str]:
        """What others say of an event, and in words what cannot be read of it; may raise `Retry` anywhere."""
        ...

    def close(self) -> None:
        """Close the connection; the next call opens another."""


class Tells(Protocol):
    """Where we say where we looked."""

    @property
    def name(self) -> str:
        """Of the adapter."""
        ...

    def publish(self, report: ObservationReport, /) -> str:
        """Say it, once however often it is called; why it was not taken, or empty. `Retry`: not now."""
        ...

    def close(self) -> None:
        """As of `Reads`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A public map, for one of our instruments.

    Parameters
    ----------
    tells, facilities
        Where the completed reports of these facilities go.
    reads
        Where others' come from; None where another board reads the same map.
    others
        How the names of reports begin that came from there.
    every, span
        Pause between two looks at an event; how long after a real event it is looked at although nothing is asked.
    formerly
        Names that ``tells`` had before: what was told under them is told.
    """

    tells: Tells
    facilities: frozenset[str]
    reads: Reads | None
    others: str
    every: timedelta
    span: timedelta
    formerly: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Reading:
    """An event that is being read."""

    board: Board
    thread: str
    rest: Iterator[ObservationReport | str]


class Exchanging:
    """Exchanges reports, one call to the outside a step. One at a time is active; others stand by.

    Only real and live events count. What others say is written where it is new or changed; what a map was told, or
    did not take, stands on the log as a status of ``shared-NAME`` with the report's name as its reference.

    Parameters
    ----------
    log
        Read and written.
    boards
        With whom.
    clock
        UTC now.
    say
        Takes one line for the operator.
    """

    name = GROUP

    def __init__(
        self, log: Log, boards: tuple[Board, ...], clock: Callable[[], datetime], say: Callable[[str], object]
    ) -> None:
        self._boards = boards
        self._clock = clock
        self._say = say
        self._due: dict[tuple[str, str, str], datetime] = {}
        self._failed: dict[tuple[str, str, str], int] = {}
        self._said: set[str] = set()
        self._looked = clock() - 2 * _LOOK
        self._reading: _Reading | None = None
        self._listener = Listener(log, GROUP, self.name, _REPORTS, _BESIDE)
        self._forget()

    def work(self, timeout_s: float) -> int:
        """Read what is new, then tell one report or read a slice of one event; returns how much was read or done."""
        heard = self._listener.hear(timeout_s)
        if heard.anew:
            self._forget()
            return heard.count
        self._book.take(heard.records)
        now = self._clock()
        if not self._listener.active or (not heard.records and self._looked - _LOOK < now < self._looked + _LOOK):
            return 0
        if not self._listener.has_read_all():
            return heard.count + 1
        done = self._tell(now) or self._read(now)
        self._looked = now - _LOOK if done else now  # what else is due is done at once
        return heard.count + done

    def caught_up(self) -> bool:
        """Whether every report on the log has been taken."""
        return self._listener.caught_up()

    def reopen(self) -> None:
        """Drop everything and read the log again."""
        self._hang_up()
        self._listener.reopen()
        self._forget()

    def close(self) -> None:
        """Leave the group, give the slot back, close connections."""
        self._listener.close()
        self._hang_up()

    def _hang_up(self) -> None:
        for board in self._boards:
            board.tells.close()
            if board.reads is not None:
                board.reads.close()

    def _tell(self, now: datetime) -> int:
        for board in self._boards:
            for report in self._book.to_tell({board.tells.name, *board.formerly}, board.facilities, board.others):
                task = ("tell", board.tells.name, report.thread_id)
                if self._waits(task, now):
                    continue
                try:
                    refused = outside(partial(board.tells.publish, report))
                except Retry as error:
                    self._later(task, board.every, error)
                    return 1
                self._done(task, timedelta())
                status = self._book.status(board.tells.name, report, refused, self._clock())
                self._write(topics.TOO_STATUS.name, ((report.report_id, encode(status)),))
                self._book.learn(status)
                return 1
        return 0

    def _read(self, now: datetime) -> int:
        reading = self._reading or self._next(now)
        if reading is None:
            return 0
        task = ("read", reading.board.tells.name, reading.thread)
        try:
            found = outside(lambda: tuple(islice(reading.rest, _SLICE)))
        except Retry as error:
            self._reading = None
            self._later(task, reading.board.every, error)
            return 1
        self._reading = reading if len(found) == _SLICE else None
        if self._reading is None:
            self._done(task, reading.board.every)
        reports = [one for one in found if isinstance(one, ObservationReport) and self._book.is_news(one)]
        dated = [replace(one, issued_time=one.issued_time or now) for one in reports]
        if dated:
            self._write(topics.OBSERVATIONS.name, tuple((one.thread_id, encode(one)) for one in dated))
        for one in dated:
            self._book.note(one)
        for words in found:
            if isinstance(words, str):
                self._once(f"{reading.board.tells.name}: {reading.thread}: {words}")
        return 1

    def _next(self, now: datetime) -> _Reading | None:
        for board in self._boards:
            if board.reads is None:
                continue
            for thread in self._book.watched(now, board.span):
                if not self._waits(("read", board.tells.name, thread), now):
                    return _Reading(board, thread, _reports(board.reads, thread.partition(":")[2]))
        return None

    def _write(self, topic: str, values: tuple[tuple[str, bytes], ...]) -> None:
        self._listener.commit(Send(topic, key.encode(), value) for key, value in values)

    def _waits(self, task: tuple[str, str, str], now: datetime) -> bool:
        due = self._due.get(task)
        return due is not None and now < due

    def _done(self, task: tuple[str, str, str], pause: timedelta) -> None:
        self._failed.pop(task, None)
        self._due[task] = self._clock() + pause

    def _later(self, task: tuple[str, str, str], pause: timedelta, error: Retry) -> None:
        times = self._failed.get(task, 0)
        self._failed[task] = times + 1
        self._due[task] = self._clock() + min(_AGAIN_MAX, pause * 2 ** min(times, 10))
        if not times:
            self._say(f"{error}; trying again, less and less often")

    def _once(self, words: str) -> None:
        if words not in self._said:
            self._said.add(words)
            self._say(words)

    def _forget(self) -> None:
        """All that lies on the log is read by `work`, before anything is done."""
        self._book = ExchangeBook()
        self._reading = None
        self._looked = self._clock() - 2 * _LOOK


def _reports(reads: Reads, event: str) -> Iterator[ObservationReport | str]:
    """Asks only when the first is wanted."""
    yield from reads.reports(event, "live")
