"""Runs several workers in one thread: each in turn while any has work, then waits."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from nuncius.broker.services.pulse import Pulse
from nuncius.schemas import Retry

RETRY_WAIT_S: Final = 1.0
IDLE_WAIT_S: Final = 0.05
_TICK_S: Final = 0.005


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


def drain(workers: Sequence[Work]) -> None:
    """Step workers until nothing is left, in the order of the road: what one writes only those after it read."""
    for worker in workers:
        while worker.work(0.0) or not worker.caught_up():
            worker.work(_TICK_S)


def drain_patiently(
    workers: Sequence[Work], wait: Callable[[float], object], say: Callable[[str], object], patience_s: float
) -> None:
    """As `drain`; where the log is away for now, go back to the committed point and try again, for so long a worker."""
    for worker in workers:
        waited_s = 0.0
        while True:
            try:
                if waited_s:
                    worker.reopen()
                drain((worker,))
            except Retry as error:
                if waited_s >= patience_s:
                    raise
                say(f"{worker.name}: {error}; trying again")
                wait(RETRY_WAIT_S)
                waited_s += RETRY_WAIT_S
            else:
                break


def run(
    workers: Sequence[Work],
    stop: Callable[[], bool],
    wait: Callable[[float], object],
    say: Callable[[str], None],
    alone_s: float = 0.0,
    pulse: Pulse | None = None,
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
    alone_s
        How long a step may wait for the log where there is only one worker: what comes then is taken at once.
    pulse
        Told how each step ends.
    """
    broken: set[str] = set()
    pulse = Pulse() if pulse is None else pulse
    try:
        while not stop():
            done = 0
            for worker in workers:
                done += _step(worker, broken, wait, say, pulse, alone_s if len(workers) == 1 else 0.0)
            if not done and (alone_s == 0.0 or len(workers) > 1):
                wait(IDLE_WAIT_S)
    finally:
        for worker in reversed(workers):
            worker.close()


def _step(
    worker: Work,
    broken: set[str],
    wait: Callable[[float], object],
    say: Callable[[str], None],
    pulse: Pulse,
    timeout_s: float,
) -> int:
    """One step of a worker, after going back to the committed point where its last step failed."""
    pulse.began(worker.name)
    try:
        if worker.name in broken:
            worker.reopen()
            broken.discard(worker.name)
        done = worker.work(timeout_s)
    except Retry as error:
        pulse.failed(worker.name, str(error))
        broken.add(worker.name)
        say(f"{worker.name}: {error}; trying again")
        wait(RETRY_WAIT_S)
        return 0
    pulse.ended(worker.name)
    return done
