"""The window of a request as iCalendar (RFC 5545): an entry that moves and goes with the request.

What has no position yet has no window: it stands from the notice to its end.
"""

from datetime import datetime

from icalendar import Calendar, Event

from nuncius.schemas.too import ToORequest

MEDIA_TYPE = "text/calendar"


def window_calendar(request: ToORequest, *, title: str, text: str, firm: bool, now: datetime) -> bytes | None:
    """A calendar with the request's window, or the span in which a position may come; None where it has neither.

    What is taken back has no window either, and still cancels the entry.

    The entry's identity is the request's and its sequence the revision, so a calendar program replaces the earlier one.

    Parameters
    ----------
    request
        The latest revision; one that is not ``proposed`` cancels the entry.
    title, text
        Of the entry.
    firm
        Whether a facility has it; else the entry is tentative.
    now
        UTC, the entry's time stamp.
    """
    start, stop = _span(request)
    gone = request.state != "proposed"
    if not gone and (start is None or stop is None):
        return None
    event = Event()
    event.add("uid", f"{request.request_id}@nuncius")
    event.add("sequence", request.revision)
    event.add("dtstamp", now)
    if start is not None and stop is not None:
        event.add("dtstart", start)
        event.add("dtend", stop)
    event.add("summary", title)
    event.add("description", text)
    if request.site:
        event.add("location", request.site)
    event.add("status", "CANCELLED" if gone else "CONFIRMED" if firm else "TENTATIVE")
    calendar = Calendar()
    calendar.add("prodid", "-//Nuncius//ToO windows//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "CANCEL" if gone else "PUBLISH")
    calendar.add_component(event)
    return bytes(calendar.to_ical())


def _span(request: ToORequest) -> tuple[datetime | None, datetime | None]:
    if request.position is None:
        return request.issued_time or request.event_time, request.expires
    return request.window_start, request.window_stop
