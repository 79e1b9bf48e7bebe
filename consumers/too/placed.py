"""What a facility that must be told where answers while nobody knows where."""

from dataclasses import replace
from typing import Final

from nuncius.consumers.adapter import Adapter, answer
from nuncius.schemas.too import Position, ToORequest, ToOStatus

NEEDS_A_POSITION: Final = (
    "needs a position, and no notice has brought one yet: nothing is asked here until a revision brings one; "
    "if it can make ready without, call it"
)


def unplaced(adapter: Adapter, request: ToORequest, standing: str) -> ToOStatus | None:
    """The answer to a request without a position; None where it has one.

    What an earlier revision put there is taken back first: its position no longer holds.

    Parameters
    ----------
    adapter
        Who answers; its ``cancel`` takes back.
    request, standing
        As in ``submit``.

    Returns
    -------
    ToOStatus or None
        ``rejected`` where nothing stands; else ``cancelled`` or ``not_cancelled``.

    Raises
    ------
    Retry
        As ``cancel``.
    """
    if request.position is not None:
        return None
    if request.revision > 1:
        gone = adapter.cancel(request, standing)
        if standing or gone.state == "not_cancelled":
            why = f"what stood there had a position that no longer holds: {gone.detail}"
            return replace(gone, detail=f"{why}; it {NEEDS_A_POSITION}")
    return answer(request, "rejected", adapter.name, NEEDS_A_POSITION)


def position_of(request: ToORequest) -> Position:
    """Where to look.

    Raises
    ------
    ValueError
        If the request has no position: `unplaced` answers those.
    """
    if request.position is None:
        raise ValueError(f"{request.idempotency_key} has no position")
    return request.position
