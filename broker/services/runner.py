"""Runs several workers in one thread: each in turn while any has work, then waits."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from nuncius.schemas import Retry

RETRY_WAIT_S: Final = 1.0
IDLE_WAIT_S: Final = 0.05


class Work(Protocol):
    """What the runner runs."""

    name: str

    def work(self, timeout_s: float) -> int:
        """Do one step; returns how much was done, 0 for nothing."""

    def caught_up(self) -> bool:
        """Whether nothing is left to do; False while another process has the work."""

    def reopen(self) -> None:
        """Drop everything and go back to the committed point."""

    def close(self) -> None:
        """Give everything back. Twice is allowed."""


def drain(workers: Sequence[Work], *, rounds: int | None = None) -> None:
    """Step every worker in turn until none has anything left to do."""
    idle = 0
    while idle < 2:
        done = sum(worker.work(0.0) for worker in workers)
        idle = 0 if done else idle + 1
        if rounds is not None:
            rounds -= 1
            if rounds <= 0:
                return


def run(
    workers: Sequence[Work],
    stop: Callable[[], bool],
    wait: Callable[[float], object],
    say: Callable[[str], None],
) -> None:
    """Step every worker in turn until told to stop; where the log is away for now, say so, wait and go back.

    Parameters
    ----------
    workers
        Run in this order; closed at the end.
    stop
        Asked between two steps.
    wait
        Waits so many seconds, less if told to stop.
    say
        Takes one line for the operator.
    """
    broken: set[str] = set()
    try:
        while not stop():
            done = 0
            for worker in workers:
                done += _step(worker, broken, wait, say)
            if not done:
                wait(IDLE_WAIT_S)
    finally:
        for worker in reversed(workers):
            worker.close()


def _step(worker: Work, broken: set[str], wait: Callable[[float], object], say: Callable[[str], None]) -> int:
    """One step of a worker, after going back to the committed point where its last step failed."""
    try:
        if worker.name in broken:
            worker.reopen()
            broken.discard(worker.name)
        return worker.work(0.0)
    except Retry as error:
        broken.add(worker.name)
        say(f"{worker.name}: {error}; trying again")
        wait(RETRY_WAIT_S)
        return 0
