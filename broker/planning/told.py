"""What stands on the log of who was told what."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from nuncius.schemas.too import ToOStatus

TELL: Final = "tell-"
"""With a receiver's name behind it, the adapter in a status that says that it was told."""

REQUEST: Final = "request"
WORD: Final = "word"
SEEN: Final = "seen-"
"""With an adapter's name behind it, the adapter in a status by which a person sees to what it would not cancel; the
subject, too, of what was told of that."""
AT: Final = "@"
"""With an adapter's name behind it, the subject of what was told of it."""


@dataclass(frozen=True, slots=True)
class Told:
    """One receiver was told one thing: of which revision, as what number among the request's statuses, when (UTC)."""

    receiver: str
    revision: int
    subject: str
    state: str
    index: int
    time: datetime


def told_in(statuses: Sequence[ToOStatus]) -> tuple[Told, ...]:
    """What of these statuses says that somebody was told, in their order."""
    return tuple(
        Told(
            one.adapter.removeprefix(TELL),
            one.revision,
            one.reference.rpartition("/")[0],
            one.reference.rpartition("/")[2],
            index,
            one.time or datetime.min.replace(tzinfo=UTC),
        )
        for index, one in enumerate(statuses)
        if one.state == "recorded" and one.adapter.startswith(TELL) and "/" in one.reference
    )


def seen_to(statuses: Sequence[ToOStatus], adapter: str) -> ToOStatus | None:
    """By which status a person sees to what an adapter would not cancel; void once that has taken something anew."""
    since = max((i for i, one in enumerate(statuses) if (one.adapter, one.state) == (adapter, "accepted")), default=-1)
    return next((one for one in reversed(statuses[since + 1 :]) if one.adapter == f"{SEEN}{adapter}"), None)
