"""Whether compiled loops are at hand: numba, the extra ``fast``. Without it numpy gives the same numbers, later."""

from functools import cache
from types import ModuleType

FEW = 512
"""Up to so many points numpy answers: loading numba would take longer."""


@cache
def kernels() -> ModuleType | None:
    """The compiled loops; None where numba is not installed."""
    try:
        from nuncius.broker.sky import kernels as loops  # noqa: PLC0415  loads numba: half a second, and an extra
    except ImportError:
        return None
    return loops
