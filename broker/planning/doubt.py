"""What is wanted although its cause's owner once took it back: a clock that is off, or an event that was reinstated."""

from collections.abc import Iterator

from nuncius.broker.planning.notice import Thread
from nuncius.broker.planning.verdict import Cause
from nuncius.schemas.coincidence import CandidateList, Coincidence


def doubt_of(cause: Cause) -> str:
    """Each event of a cause that its owner took back and that stands by a later notice, in words; empty for none."""
    return "; ".join(sorted({f"{thread}: {words}" for thread, words in _doubts(cause) if words}))


def _doubts(cause: Cause) -> Iterator[tuple[str, str]]:
    match cause:
        case Coincidence():
            members = (cause.anchor, cause.partner, *(pair.partner for pair in cause.others))
            yield from ((one.event_id, one.doubt) for one in members if not one.retracted)
        case CandidateList():
            yield cause.event_thread, cause.doubt
        case Thread():
            yield cause.last.thread_id, cause.doubt
