"""Calls that may come late: a cancellation soon after a call without an answer is made once more, pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from nuncius.schemas.too import ToOStatus

LATE: Final = timedelta(minutes=5)
"""So late a facility may still take what it was asked, although nobody waits for its answer any more (ours)."""
_FORGOTTEN: Final = timedelta(days=1)
_SILENT: Final = frozenset({"proposed", "recorded"})


def to_repeat(told: Sequence[ToOStatus], revision: int, now: datetime) -> datetime | None:
    """When a cancellation is to be made once more; None where it need not be.

    A call that got no answer may be on its way still: in a process that stood still and goes on, or in a queue of the
    facility's. What was dropped there before it arrived would stand. A day later nothing is repeated any more (ours).

    Parameters
    ----------
    told
        Statuses of one adapter about one request, in the order of the log.
    revision
        The latest; nothing is repeated where another one was taken back.
    now
        UTC.
    """
    said = [one for one in told if one.state not in _SILENT]
    gone = [one.time for one in said if one.state == "cancelled" and one.revision == revision and one.time is not None]
    lost = [
        one.time
        for one, after in pairwise(said)
        if one.state == "sent" and after.state in {"sent", "cancelled"} and one.time is not None
    ]
    if said and said[-1].state == "sent" and said[-1].time is not None:
        lost.append(said[-1].time)
    if not gone or not lost:
        return None
    due = max(lost) + LATE
    return due if gone[-1] < due and now < due + _FORGOTTEN else None
