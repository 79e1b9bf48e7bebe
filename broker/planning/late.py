"""Calls that may come late: a cancellation soon after a call without an answer is made once more, pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from nuncius.schemas.too import ToOStatus

LATE: Final = timedelta(minutes=5)
"""So late a facility may still take what it was asked, although nobody waits for its answer any more (ours)."""
_FORGOTTEN: Final = timedelta(days=1)
_SILENT: Final = frozenset({"proposed", "recorded"})
_NO_ANSWER: Final = frozenset({"sent", "cancelled"})


def to_repeat(told: Sequence[ToOStatus], revision: int, now: datetime) -> datetime | None:
    """When a cancellation is to be made once more; None where it need not be.

    A call that got no answer may be on its way still: in a process that stood still and goes on, or in a queue of the
    facility's. What was dropped there before it arrived would stand; where its answer came after that, it does stand.
    A day later nothing is repeated any more (ours).

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
    back = next((i for i in reversed(range(len(said))) if _is_back(said[i], revision)), None)
    if back is None:
        return None
    if any(one.state == "accepted" for one in said[back:]):
        return now
    last = next((i for i in reversed(range(len(said))) if _is_lost(said, i)), None)
    if last is None:
        return None
    since = [one.time for one in said[last:] if _is_back(one, revision) and one.time is not None]
    lost = said[last].time
    if lost is None or len(since) > 1 or lost + LATE + _FORGOTTEN < now:
        return None
    due = lost + LATE
    if since and since[0] >= due:
        return None
    return due if due <= now + LATE else now  # a clock that was set back makes no wait longer


def _is_back(one: ToOStatus, revision: int) -> bool:
    return one.state == "cancelled" and one.revision == revision


def _is_lost(said: Sequence[ToOStatus], number: int) -> bool:
    """Whether a call got no answer before the next was made, or what it may have done was dropped."""
    return said[number].state == "sent" and all(one.state in _NO_ANSWER for one in said[number + 1 : number + 2])
