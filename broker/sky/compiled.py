"""Whether compiled loops are at hand: numba, the extra ``fast``. Without it numpy gives the same numbers, later."""

from functools import cache
from types import ModuleType
from typing import Final

FEW: Final = 512
"""Up to so many points numpy answers: its calls cost less than getting there."""

WORTH: Final = 2_000_000
"""From so many points on, in one process, loading the loops (half a second, measured) takes less than numpy did."""

_seen = [0]


def kernels(points: int) -> ModuleType | None:
    """The compiled loops, for so many points.

    None for few, where numba is not installed, and as long as this process has looked at fewer than `WORTH`: a
    command that draws one map has no use for them.
    """
    if points <= FEW:
        return None
    if _seen[0] < WORTH:
        _seen[0] += points
        return None
    return load()


def load() -> ModuleType | None:
    """The compiled loops now, for this process from now on; None where numba is not installed."""
    _seen[0] = WORTH
    return _load()


@cache
def _load() -> ModuleType | None:
    try:
        from nuncius.broker.sky import kernels as loops  # noqa: PLC0415  loads numba: half a second, and an extra
    except ImportError:
        return None
    return loops
