"""Threads of workers: what waits for the outside does not hold up what does not."""

import threading
from collections.abc import Callable, Sequence
from typing import Final

from nuncius.broker.services.pulse import Pulse
from nuncius.broker.services.runner import Work, run
from nuncius.schemas import NunciusError, Stop

Say = Callable[[str], None]

ALONE_S: Final = 0.2
"""How long a lone worker waits for the log before it looks whether it is to stop."""


class Crew:
    """Runs each group of workers in a thread of its own. Where one ends, all do: a broker that half works is none.

    Parameters
    ----------
    groups
        Workers that take turns in one thread; empty groups are left out.
    say
        Takes one line for the operator.
    """

    def __init__(self, groups: Sequence[tuple[Work, ...]], say: Say) -> None:
        self._say = say
        self._stop_event = threading.Event()
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=(group,), name=group[0].name, daemon=True)
            for group in groups
            if group
        ]
        self.pulse = Pulse()
        self.error: NunciusError | None = None
        self.at_end: Callable[[], None] = _nothing

    def start(self) -> None:
        """Begin to work."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask every thread to end after the step it is in."""
        self._stop_event.set()

    def wait(self) -> None:
        """Wait until a group has ended."""
        self._ended.wait()

    def join(self) -> None:
        """Stop, and wait until all have ended."""
        self.stop()
        for thread in self._threads:
            thread.join()

    @property
    def works(self) -> bool:
        """Whether every group is at work."""
        return self.error is None and not self._ended.is_set() and all(thread.is_alive() for thread in self._threads)

    def _work(self, workers: tuple[Work, ...]) -> None:
        ended: NunciusError | None = Stop(f"{workers[0].name}: a fault in Nuncius ended it, see above")
        try:
            run(workers, self._stop_event.is_set, self._stop_event.wait, self._say, ALONE_S, self.pulse)
            ended = None
        except NunciusError as error:
            ended = error
        finally:
            self.error = self.error or ended
            self.stop()
            self._ended.set()
            self.at_end()


def _nothing() -> None:
    """What a crew does at its end until it is told otherwise."""
