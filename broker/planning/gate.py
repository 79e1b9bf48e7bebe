"""Whether a request may reach a telescope: the one decision, pure, for every adapter that is real."""

from datetime import datetime
from typing import Literal

from nuncius.schemas.too import ToORequest

Refusal = Literal[
    "not wanted", "not real", "not live", "for the team only", "expired", "not approved", "already delivered"
]


def refusal(
    request: ToORequest, *, now: datetime, approved: bool = False, delivered: bool = False, public: bool = False
) -> Refusal | None:
    """Why a real adapter must not get this request to submit; None where it may.

    Parameters
    ----------
    request
        The latest revision.
    now
        UTC; a request is expired at its ``expires``, and where it states none.
    approved
        Whether a person approved this very revision; counts only where the request needs it.
    delivered
        Whether this revision already came to its end at the adapter.
    public
        Whether the adapter shows others what is asked.
    """
    if request.state != "proposed":
        return "not wanted"
    if request.reality != "real":
        return "not real"
    if request.run_mode != "live":
        return "not live"
    if public and request.team_only:
        return "for the team only"
    if request.expires is None or request.expires <= now:
        return "expired"
    if delivered:
        return "already delivered"
    if request.needs_approval and not approved:
        return "not approved"
    return None


def must_cancel(request: ToORequest) -> bool:
    """Whether what was asked under this ``request_id`` must be taken back.

    True where the latest revision is no longer wanted, and where its cause turned out not to be real: a telescope must
    not go on with an injection. Only a live record can take back what live records asked.
    """
    return request.run_mode == "live" and (request.state != "proposed" or request.reality != "real")
