"""Julian dates as aware UTC moments, and moments as the microseconds that columns hold."""

from datetime import UTC, datetime, timedelta
from typing import Final

from nuncius.producers.build import number
from nuncius.producers.times import from_scale
from nuncius.schemas.candidate import NO_TIME

_MJD_ZERO: Final = datetime(1858, 11, 17, tzinfo=UTC)
_UNIX_ZERO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_JD_MINUS_MJD: Final = 2_400_000.5
_DAY_S: Final = 86400.0
_UNIX_MJD: Final = 40587.0
_MICROSECOND: Final = timedelta(microseconds=1)
_FROM_1900, _TO_2200 = 15020.0, 124594.0
UNIX_FROM: Final = 1e6
"""Larger than any MJD of this age (the year 4596), smaller than any Unix time since 1970-01-12."""


def from_mjd(mjd: object, scale: str = "UTC") -> datetime | None:
    """UTC of a Modified Julian Date in days; None for what is no number or lies outside the years 1900 to 2200.

    Parameters
    ----------
    mjd
        Days. A double resolves about a microsecond.
    scale
        The scale it counts in, as `nuncius.producers.times.from_scale`.
    """
    days = number(mjd)
    if days is None or not _FROM_1900 <= days <= _TO_2200:
        return None
    return from_scale(_MJD_ZERO + timedelta(days=days), scale)


def from_jd(jd: object) -> datetime | None:
    """UTC of a Julian Date that counts UTC days; a double resolves 40 microseconds."""
    days = number(jd)
    return None if days is None else from_mjd(days - _JD_MINUS_MJD)


def from_mjd_tai(value: object) -> datetime | None:
    """UTC of an MJD in TAI; a value too large to be one is taken as Unix seconds.

    Rubin's sample packets of schemas 3 to 7 print Unix seconds where the schema says MJD.
    """
    days = number(value)
    if days is None or abs(days) < UNIX_FROM:
        return from_mjd(days, "TAI")
    return from_mjd(days / _DAY_S + _UNIX_MJD)


def micros(moment: datetime | None) -> int:
    """Microseconds since 1970-01-01 UTC; `NO_TIME` for None."""
    return NO_TIME if moment is None else (moment - _UNIX_ZERO) // _MICROSECOND
