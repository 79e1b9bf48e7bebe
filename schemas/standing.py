"""Whether an event stands, by all notices of its thread: one rule for matching and for planning.

Notices are put in the order of their issue, so the answer is a function of their set; arrival plays no part. A clock
may be off, and a facility may reinstate what it took back: where the owner's retraction is followed by the owner's own
notice of the event, the event stands, and is in doubt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from nuncius.schemas.alert import Alert

EVENT_KINDS: Final = frozenset({"initial", "update"})
"""Of notices of the event itself; no other takes a retraction back."""

_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)

IssueOrder = tuple[datetime, int, bool, str]
"""Issue time, UTC; the facility's own count; whether it is a retraction; alert id."""


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """What the notices of a thread say of its event's standing.

    Parameters
    ----------
    owner
        The facility of the earliest notice that is no retraction; None where there is none.
    retraction
        The owner's last retraction, where none of its notices of the event comes later; of a thread without an owner,
        anybody's.
    doubt
        Where the owner took the event back and a notice of the event that it issued later says that it stands: both
        notices with their times, in words. Each retraction more makes other words, an update more does not.
    """

    owner: str | None
    retraction: Alert | None
    doubt: str


def issue_order(alert: Alert) -> IssueOrder:
    """Sorts the notices of a thread as the facility made them.

    At one moment a retraction comes behind the others. Without an issue time it comes last and anything else first: in
    doubt the event is taken back.
    """
    gone = alert.kind == "retraction"
    return alert.issued_time or (_LAST if gone else _FIRST), _count(alert), gone, alert.alert_id


def standing(notices: Sequence[Alert]) -> Standing:
    """Whether the event stands.

    Parameters
    ----------
    notices
        Of one thread, each once, sorted by `issue_order`.
    """
    owner = next((alert.facility for alert in notices if alert.kind != "retraction"), None)
    own = [alert for alert in notices if owner in {None, alert.facility}]
    places = [place for place, alert in enumerate(own) if alert.kind == "retraction"]
    if not places:
        return Standing(owner, None, "")
    last = own[places[-1]]
    again = next((alert for alert in own[places[-1] :] if alert.kind in EVENT_KINDS), None)
    if again is None:
        return Standing(owner, last, "")
    times = f" {len(places)} times, the last" if len(places) > 1 else ""
    doubt = f"{owner} took it back{times} in {_named(last)}, and says in {_named(again)} it stands"
    return Standing(owner, None, doubt)


def _named(alert: Alert) -> str:
    when = "" if alert.issued_time is None else f" of {alert.issued_time:%Y-%m-%d %H:%M:%S} UTC"
    return f"{alert.native_id or alert.alert_id}{when}"


def _count(alert: Alert) -> int:
    return -1 if alert.sequence is None else alert.sequence
