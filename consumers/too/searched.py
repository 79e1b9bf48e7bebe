"""What a facility without idempotency keys says when it is asked, page by page, what stands there of ours."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from nuncius.schemas.too import ToORequest

PAGES: Final = 20
"""Most pages that are read for one request: what is not found by then is not known (ours)."""
_BEFORE: Final = timedelta(days=1)
"""So far may another clock, or the time of the event in a later notice, be from ours (ours)."""

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class Searched(Generic[Entry]):
    """What was found of a request.

    Parameters
    ----------
    found
        By revision.
    whole
        Whether everything there was looked through, so that what was not found is not there.
    """

    found: Mapping[int, Entry]
    whole: bool


def not_known(entries: int, whom: str) -> str:
    """Why nobody is asked: it may stand there already, and to ask twice is worse than to ask late."""
    return f"not known whether it stands there: {entries} entries were looked through, and there are more; {whom}"


def since(request: ToORequest) -> datetime | None:
    """Nothing of a request was made there before, UTC; None where that is not known."""
    known = [moment for moment in (request.event_time, request.issued_time) if moment is not None]
    return min(known) - _BEFORE if known else None
