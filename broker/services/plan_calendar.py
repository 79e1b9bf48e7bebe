"""A plan as iCalendar: the entry that notifications send, with the fields in its text."""

from icalendar import Calendar

from nuncius.broker.services.plan_found import Plan, told
from nuncius.broker.services.plan_tables import lines
from nuncius.broker.services.plan_together import Together
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


def calendar_together(plans: Together) -> bytes:
    """An entry for each plan, in one calendar."""
    whole, *others = (Calendar.from_ical(calendar(plan)) for plan in plans.plans)
    for other in others:
        for event in other.walk("VEVENT"):
            whole.add_component(event)
    return bytes(whole.to_ical())
