"""Telescopes' desks over HTTP: one a facility, each a `Desk` on the log while somebody comes for its tasks."""

import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from nuncius.broker.planning.restraint import Restraint
from nuncius.broker.services.allowance import Allowance, Counter
from nuncius.broker.transport.port import Fenced, Log
from nuncius.consumers.desk.answers import Answer
from nuncius.consumers.desk.desk import Desk, desk_name
from nuncius.consumers.desk.seat import Run, Seat, seat_of, taken
from nuncius.consumers.desk.task import Task
from nuncius.consumers.desk.wire import receipt_of
from nuncius.schemas import Retry, ToOStatus

MOST_DESKS: Final = 100
"""At a time (ours): each holds the requests of the log in memory."""

CALLS: Final = Allowance(200, 1.0)
"""Of one facility (ours): several times what a loop on this machine makes."""

OPENINGS: Final = Allowance(10, 30.0)
"""Of one facility (ours): each reads the topics of requests from their start."""

JOIN_S: Final = 10.0
"""How long the end of what desks are doing is waited for (ours)."""


class TooOftenError(Exception):
    """A facility asks more often than it may; the message says what of."""


class OvertakenError(Exception):
    """A later call of the same facility waits for the next task."""


@dataclass(frozen=True, slots=True, eq=False)
class DeskRules:
    """What holds at every desk.

    Parameters
    ----------
    public
        Facilities that show others what they are asked.
    restraints
        Quotas and quiet hours by policy.
    calls, openings
        How often one facility may ask, and how often another process of it may take the desk.
    """

    public: frozenset[str] = frozenset()
    restraints: Mapping[str, Restraint] = field(default_factory=dict)
    calls: Allowance = CALLS
    openings: Allowance = OPENINGS


@dataclass(frozen=True, slots=True)
class Answered:
    """What now stands on the log, and the name of the target it is about."""

    status: ToOStatus
    target_name: str


@dataclass(frozen=True, slots=True)
class Step:
    """What one look brought.

    Parameters
    ----------
    task
        What is to be done; None where nothing is due now.
    asked
        Whether anything was ever asked of this facility.
    """

    task: Task | None
    asked: bool


class Station:
    """One facility's desk over HTTP; from any number of threads.

    Parameters
    ----------
    log
        Read and written; not closed with this.
    facility
        As policies name it.
    rules
        What holds at every desk.
    clock
        UTC now.
    say
        Told of records that cannot be read here.
    """

    def __init__(
        self, log: Log, facility: str, rules: DeskRules, clock: Callable[[], datetime], say: Callable[[str], object]
    ) -> None:
        self.facility = facility
        self._log = log
        self._rules = rules
        self._clock = clock
        self._say = say
        self._handing: Desk | None = None
        self._answering: Desk | None = None
        self._run = ""
        self._last: Task | None = None
        self._visit = 0
        self._away = self._closed = False
        self._hands, self._answers, self._counts = threading.Lock(), threading.Lock(), threading.Lock()
        self._calls, self._openings = Counter(rules.calls), Counter(rules.openings)

    def count(self) -> None:
        """Count a call.

        Raises
        ------
        TooOftenError
            If it is one too many.
        """
        with self._counts:
            if not self._calls.take(time.monotonic()):
                raise TooOftenError(f"{self.facility} asks more than {self._rules.calls.calls} times a second")

    def arrive(self, run: str, receipt: str) -> int:
        """Somebody comes for the next task: the number of the visit. One that still waits is over.

        Parameters
        ----------
        run
            Name of the process that takes the tasks; one that is new ends the one before.
        receipt
            Of the last task that reached it; what was handed out since is handed out again.

        Raises
        ------
        Fenced
            If a newer process came after this one, which is not disturbed.
        TooOftenError
            If processes follow each other too fast.
        Retry
            While the log is away.
        """
        with self._hands:
            self._check_open()
            desk = self._seated(run)
            if self._last is not None and receipt_of(self._last) != receipt:
                desk.hand_again(self._last)
            self._last = None
            self._visit += 1
            return self._visit

    def next_task(self, visit: int) -> Step:
        """The next thing to do, if one is due now.

        Parameters
        ----------
        visit
            As `arrive` gave it.

        Raises
        ------
        OvertakenError
            If a later one came.
        Retry
            While the log is away.
        """
        with self._hands:
            self._check_open()
            desk = self._handing
            if desk is None or visit != self._visit:
                raise OvertakenError(f"a later call of {self.facility} waits for the next task")
            try:
                if self._away:
                    desk.reopen()
                    self._away = False
                task = desk.next_task()
            except Fenced as error:
                self._leave()
                raise Retry(f"another desk of {self.facility} was opened just now; ask again") from error
            except Retry:
                self._away = True
                raise
            self._last = task
            return Step(task, not desk.doubt())

    def answer(
        self, request_id: str, said: Answer, *, revision: int | None, reference: str = "", note: str = ""
    ) -> Answered:
        """Write what the telescope says of a request; the beginning of its id is enough.

        Raises
        ------
        AnswerError
            If the answer cannot be.
        Retry
            While the log is away.
        """
        return self._with_answering(
            lambda desk: desk.answer(request_id, said, revision=revision, reference=reference, note=note)
        )

    def answer_by_key(self, key: str, said: Answer, *, reference: str = "", note: str = "") -> Answered:
        """As `answer`, of the revision that has an idempotency key."""
        return self._with_answering(lambda desk: desk.answer_by_key(key, said, reference=reference, note=note))

    def close(self, patience_s: float) -> bool:
        """End it, for good; whether all that was under way ended in time. Twice is allowed."""
        until = time.monotonic() + patience_s
        ended = True
        for lock, leave in ((self._hands, self._leave), (self._answers, self._forget)):
            if not lock.acquire(timeout=max(0.0, until - time.monotonic())):
                ended = False
                continue
            try:
                self._closed = True
                leave()
            finally:
                lock.release()
        return ended

    def _seated(self, run: str) -> Desk:
        if self._handing is not None and self._run == run:
            return self._handing
        here = Run(run, "http")
        taken(seat_of(self._log, self.facility), here, self.facility, self._clock())  # one that is over costs nothing
        with self._counts:
            may_open = self._openings.take(time.monotonic())
        if not may_open:
            raise TooOftenError(f"desks of {self.facility} are opened too often; is its loop started again and again?")
        made = self._desk(f"nuncius-{desk_name(self.facility)}", here)
        self._leave()
        self._handing, self._run = made, run
        return made

    def _with_answering(self, call: Callable[[Desk], ToOStatus]) -> Answered:
        with self._answers:
            self._check_open()
            if self._answering is None:
                slot = f"nuncius-answer-web-{socket.gethostname()}-{os.getpid()}-{self.facility}"
                self._answering = self._desk(slot, None)
            desk = self._answering
            try:
                status = call(desk)
            except (Retry, Fenced) as error:
                self._forget()
                raise Retry(f"it may or may not be written, send it again: {error}") from error
            return Answered(status, desk.latest(status.request_id).target_name)

    def _desk(self, slot: str, run: Run | None) -> Desk:
        return Desk(
            self._log,
            self.facility,
            slot=slot,
            run=run,
            public=self.facility in self._rules.public,
            restraints=self._rules.restraints,
            clock=self._clock,
            say=self._say,
        )

    def _check_open(self) -> None:
        if self._closed:
            raise Retry("the broker ends; ask again when it is back")

    def _leave(self) -> None:
        if self._handing is not None:
            self._handing.close()
        self._handing, self._run, self._last, self._away = None, "", None, False

    def _forget(self) -> None:
        if self._answering is not None:
            self._answering.close()
        self._answering = None


class HttpDesks:
    """Every facility's `Station`, made when it is first asked for.

    Parameters
    ----------
    log
        Read and written; its lifetime is the caller's.
    rules
        What holds at every desk.
    clock
        UTC now.
    say
        Takes one line for the operator.
    """

    def __init__(self, log: Log, rules: DeskRules, clock: Callable[[], datetime], say: Callable[[str], object]) -> None:
        self._log = log
        self._rules = rules
        self._clock = clock
        self._say = say
        self._lock = threading.Lock()
        self._stations: dict[str, Station] = {}
        self.ending = threading.Event()

    def of(self, facility: str) -> Station:
        """The facility's own.

        Raises
        ------
        Retry
            If there are as many as this broker serves, or it ends.
        """
        with self._lock:
            if self.ending.is_set():
                raise Retry("the broker ends; ask again when it is back")
            found = self._stations.get(facility)
            if found is None:
                if len(self._stations) >= MOST_DESKS:
                    raise Retry(f"{MOST_DESKS} desks are served here, and no more; take the log, or another broker")
                found = self._stations[facility] = Station(
                    self._log, facility, self._rules, self._clock, lambda line: self._say(f"desk: {line}")
                )
            return found

    def seat(self, facility: str) -> Seat | None:
        """Who sits at a facility's desk, as the log has it."""
        return seat_of(self._log, facility)

    def end(self) -> None:
        """Whoever waits for a task is sent away soon. From any thread, also within a signal's handler."""
        self.ending.set()

    def join(self, patience_s: float = JOIN_S) -> bool:
        """End all desks and wait; before the log is closed. Where this is False, the log must be left open."""
        self.end()
        with self._lock:
            stations = tuple(self._stations.values())
        until = time.monotonic() + patience_s
        ended = [station.close(max(0.0, until - time.monotonic())) for station in stations]
        if not all(ended):
            self._say(f"web: desks still read the log after {patience_s:g} s; it is left open")
        return all(ended)
