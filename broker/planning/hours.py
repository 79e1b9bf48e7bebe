"""Hours of the day."""

import re
from datetime import time
from typing import Final

_SPAN: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


def span_of_day(text: str) -> tuple[time, time]:
    """From (inclusive) and to (exclusive), UTC, as in ``22:00-06:30``; it may pass midnight.

    Raises
    ------
    ValueError
        If it is not written so, or has no length.
    """
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no span of a day; write it as '22:00-06:30', UTC")
    hour, minute, to_hour, to_minute = map(int, found.groups())
    start, stop = time(hour, minute), time(to_hour, to_minute)
    if start == stop:
        raise ValueError(f"{text!r} has no length; leave it out")
    return start, stop
