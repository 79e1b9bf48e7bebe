"""The pointings of an event on the Treasure Map, in pieces where there are too many for one answer.

The map lists all pointings of an event at once and knows no pages, but it can be asked for those of a span of time
(gwtm, ``server/routes/pointing/get_pointings.py``: ``completed_after`` and ``completed_before``, ends included).
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from nuncius.consumers.too.door import Door, TooLong
from nuncius.consumers.too.treasure_map_rows import Pointing
from nuncius.schemas.errors import Retry

_DATED: Final = re.compile(r"M?S(\d{6})[a-z]+")
_FIRST: Final = datetime(2015, 1, 1, tzinfo=UTC)
"""No event is older: the first observing run."""
_LAST: Final = datetime(2100, 1, 1, tzinfo=UTC)
_DAYS: Final = (0, 1, 3, 10, 40)
"""Days after the event that part the first pieces: most is observed in the first nights (ours)."""
_SHORTEST: Final = timedelta(minutes=1)
"""A piece of that length is not parted again (ours)."""


def listing(door: Door, name: str, event: str) -> Iterator[Pointing | str]:
    """Every pointing of an event; where that is too long an answer, the completed ones, span by span.

    Parameters
    ----------
    door, name
        To the map, and its adapter's name for messages.
    event
        As LVK names it.

    Yields
    ------
    Pointing or str
        A pointing, some twice; or in words which of them cannot be read.

    Raises
    ------
    Retry
        If the map does not answer, or not in its own words.
    """
    try:
        yield from _ask(door, name, {"graceid": event})
    except TooLong:
        edges = _edges(event)
        for start, stop in pairwise(edges):
            yield from _between(door, name, event, start, stop)


def _between(door: Door, name: str, event: str, start: datetime, stop: datetime) -> Iterator[Pointing | str]:
    span = {"completed_after": _bare(start), "completed_before": _bare(stop)}
    try:
        yield from _ask(door, name, {"graceid": event, "status": "completed", **span})
    except TooLong:
        if stop - start <= _SHORTEST:
            yield f"too many pointings from {span['completed_after']} on to be read: they do not count"
            return
        middle = start + (stop - start) / 2
        yield from _between(door, name, event, start, middle)
        yield from _between(door, name, event, middle, stop)


def _ask(door: Door, name: str, query: dict[str, str]) -> tuple[Pointing, ...]:
    listed = door.ask("GET", "/pointings", query=query)
    if not listed.good:
        raise Retry(f"{name}: pointings of {query['graceid']}: {listed.code}: {listed.words}")
    return listed.read(tuple[Pointing, ...])


def _edges(event: str) -> tuple[datetime, ...]:
    found = _DATED.fullmatch(event)
    if found is None:
        return _FIRST, _LAST
    try:
        day = datetime.strptime(f"{found[1]}+0000", "%y%m%d%z")
    except ValueError:
        return _FIRST, _LAST
    return _FIRST, *(day + timedelta(days=days) for days in _DAYS), _LAST


def _bare(moment: datetime) -> str:
    """UTC without a zone, as the map keeps times."""
    return moment.replace(tzinfo=None).isoformat(timespec="seconds")
