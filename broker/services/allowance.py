"""How often something may be asked of this broker: at most so many calls within so many seconds."""

from collections import deque
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Allowance:
    """At most so many calls within so many seconds."""

    calls: int
    within_s: float


@dataclass(slots=True)
class Counter:
    """Calls against an allowance; from one thread at a time.

    Parameters
    ----------
    allowance
        What is allowed.
    """

    allowance: Allowance
    _made: deque[float] = field(default_factory=deque)

    def take(self, now_s: float) -> bool:
        """Whether a call may be made now; it is counted if so. ``now_s`` never goes back."""
        while self._made and self._made[0] <= now_s - self.allowance.within_s:
            self._made.popleft()
        if len(self._made) >= self.allowance.calls:
            return False
        self._made.append(now_s)
        return True
