"""How the workers of a process are: when each last ended a step, and what keeps it from its work."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Final

STILL_S: Final = 600.0
"""A step that takes longer stands still: as long as Kafka lets a member of a group work on one batch (`BUSY_MS`)."""


@dataclass(frozen=True, slots=True)
class Ailing:
    """A worker that does not do its work.

    Parameters
    ----------
    name
        Of the worker.
    why
        For people.
    for_s
        How long it has been so, in seconds.
    """

    name: str
    why: str
    for_s: float


class Pulse:
    """Told by the workers' threads, asked by any.

    Parameters
    ----------
    clock
        Seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._last: dict[str, float] = {}
        self._trouble: dict[str, tuple[float, str]] = {}

    def began(self, name: str) -> None:
        """A worker's next step begins."""
        self._last[name] = self._clock()

    def ended(self, name: str) -> None:
        """The step ended well."""
        self._last.pop(name, None)
        self._trouble.pop(name, None)

    def failed(self, name: str, why: str) -> None:
        """The step came to nothing and is tried again."""
        self._last.pop(name, None)
        since, _ = self._trouble.get(name, (self._clock(), ""))
        self._trouble[name] = (since, why)

    def ailing(self) -> Iterator[Ailing]:
        """Workers whose last step failed, or that are in one for longer than `STILL_S`."""
        now = self._clock()
        for name, (since, why) in tuple(self._trouble.items()):
            yield Ailing(name, why, now - since)
        for name, since in tuple(self._last.items()):
            if now - since > STILL_S:
                yield Ailing(name, "its step does not end", now - since)
