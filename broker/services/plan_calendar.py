"""A plan as iCalendar: the entry that notifications send, with the fields in its text."""

from nuncius.broker.services.plan_found import Plan, told
from nuncius.broker.services.plan_tables import lines
from nuncius.broker.services.too_words import headline
from nuncius.consumers.notify.calendar import window_calendar

_FIRM = frozenset({"accepted", "scheduled", "observed"})


def calendar(plan: Plan) -> bytes:
    """One entry from the first field to the last, or the window of a pointing; a later revision replaces it."""
    made = window_calendar(
        plan.request,
        title=headline(plan.request),
        text="\n".join([plan.request.reason, *lines(plan)]),
        firm=plan.entry.state in _FIRM,
        now=told(plan),
    )
    return b"" if made is None else made
