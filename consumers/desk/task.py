"""What a telescope is asked to do about one request."""

from dataclasses import dataclass
from typing import Final, Literal

from nuncius.schemas.too import ToORequest

Action = Literal["observe", "take_back"]

HANDED_OVER: Final[dict[Action, str]] = {
    "observe": "handed over to the telescope",
    "take_back": "handed over to the telescope, to be taken back",
}
"""What the status ``sent`` says, which is written before each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing to do, and to answer.

    Parameters
    ----------
    action
        ``observe``: a later revision replaces an earlier one of the same ``request_id``. ``take_back``: whatever was
        begun under this ``request_id``; that nothing was is a success.
    request
        The revision to observe, or the one that takes back.
    reference
        The telescope's own name of what it last accepted of it; empty where it gave none.
    again
        Whether it may have been handed over before and was not answered: look first what became of
        ``request.idempotency_key``.
    """

    action: Action
    request: ToORequest
    reference: str = ""
    again: bool = False
