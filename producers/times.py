"""Lenient times: what a packet prints, as aware UTC; None for a moment that cannot be."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_LOOSE: Final = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]+(\d{1,2}):(\d{1,2})(?::(\d{1,2}(?:\.\d*)?))?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?",
    re.IGNORECASE | re.ASCII,
)
_LONGEST: Final = 80
_FIRST: Final = datetime(1900, 1, 1, tzinfo=UTC)
_END: Final = datetime(2200, 1, 1, tzinfo=UTC)
"""No alert is of another age (`nuncius.producers.julian` draws the same line); windows around it could not be told."""

_TAI_MINUS_UTC: Final = (
    (datetime(2017, 1, 1, tzinfo=UTC), 37),
    (datetime(2015, 7, 1, tzinfo=UTC), 36),
    (datetime(2012, 7, 1, tzinfo=UTC), 35),
    (datetime(2009, 1, 1, tzinfo=UTC), 34),
    (datetime(2006, 1, 1, tzinfo=UTC), 33),
    (datetime(1999, 1, 1, tzinfo=UTC), 32),
    (datetime(1997, 7, 1, tzinfo=UTC), 31),
    (datetime(1996, 1, 1, tzinfo=UTC), 30),
)
"""From which day UTC lags TAI by how many seconds (IERS Bulletin C); none announced after 2017."""

_TT_MINUS_TAI_S: Final = 32.184
_GPS_MINUS_TAI_S: Final = -19.0
_AHEAD_OF_TAI_S: Final = {
    "TAI": 0.0,
    "TT": _TT_MINUS_TAI_S,
    "TDB": _TT_MINUS_TAI_S,
    "GPS": _GPS_MINUS_TAI_S,
}


def utc(text: str | None) -> datetime | None:
    """A UTC moment from ISO 8601 and what senders make of it; never raises.

    Without a zone it is UTC. One-digit months and days, a blank for the T and a leap second (counted into the next
    minute) are read; digits beyond the microsecond are cut off. None for text that
    states no possible moment, such as day 00, or one outside the years 1900 to 2199.
    """
    if not text or len(text) > _LONGEST:
        return None
    moment = _read(text)
    return moment if moment is not None and of_this_age(moment) else None


def of_this_age(moment: datetime) -> bool:
    """Whether an alert can be of that time: in the years 1900 to 2199."""
    return _FIRST <= moment < _END


def _read(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            return moment.replace(tzinfo=UTC)
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return _loose(text.strip())


def _loose(text: str) -> datetime | None:
    found = _LOOSE.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute = (int(part or 0) for part in found.groups()[:5])
    whole, _, fraction = (found[6] or "0").partition(".")
    if int(whole) > 60:
        return None
    micros = int(fraction[:6].ljust(6, "0"))
    try:
        moment = datetime(year, month, day, hour, minute, tzinfo=UTC)
        return moment + timedelta(seconds=int(whole), microseconds=micros) - _offset(found[7])
    except (ValueError, OverflowError):
        return None


def _offset(zone: str | None) -> timedelta:
    if zone is None or zone[0] not in "+-":
        return timedelta(0)
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    if hours > 23 or minutes > 59:
        raise ValueError(zone)
    size = timedelta(hours=hours, minutes=minutes)
    return -size if zone[0] == "-" else size


def from_scale(moment: datetime, scale: str) -> datetime:
    """UTC of a moment that was read as if UTC but counts in another time scale.

    Parameters
    ----------
    moment
        The printed moment, aware.
    scale
        ``UTC`` (unchanged), ``TAI``, ``GPS``, ``TT`` or ``TDB`` (taken as TT: they differ by less than 2 ms); anything
        else is unchanged. Right to a microsecond from 1996 on but within one second of a leap second.
    """
    ahead = _AHEAD_OF_TAI_S.get(scale.upper())
    if ahead is None:
        return moment
    for start, seconds in _TAI_MINUS_UTC:
        shifted = moment - timedelta(seconds=seconds + ahead)
        if shifted >= start:
            return shifted
    return moment - timedelta(seconds=_TAI_MINUS_UTC[-1][1] + ahead)
