"""What a field of a table is: its kind, unit and meaning, and how it is read from a record."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

from nuncius.filters.places import Places

FieldKind = Literal["number", "text", "flag", "time", "numbers", "mixed"]
"""``numbers`` is a map to numbers, ``mixed`` a map to numbers, text and flags."""

Table = Literal["alerts", "candidates", "coincidences", "too", "quarantine", "counterparts"]

Known = str | float | bool | int | Mapping[str, Any] | None
"""A value as evaluated; times as microseconds since 1970-01-01 UTC, None for NULL."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Seen(NamedTuple):
    """A record, when the log took it, and what is known about places."""

    record: Any
    taken: datetime | None
    places: Places


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """A field.

    Parameters
    ----------
    name, kind, unit, meaning
        For the reader; the unit is empty where there is none.
    of
        Its value; NaN and infinity count as NULL.
    words
        The closed vocabulary of a text; empty where any text may stand.
    """

    name: str
    kind: FieldKind
    unit: str
    meaning: str
    of: Callable[[Seen], Any] = field(repr=False, compare=False)
    words: tuple[str, ...] = ()


def attribute(path: str) -> Callable[[Seen], Any]:
    """Reads ``record.a.b``; None as soon as one of them is."""
    names = path.split(".")

    def read(seen: Seen) -> Any:
        value = seen.record
        for name in names:
            value = getattr(value, name, None)
            if value is None:
                return None
        return value

    return read


def known(info: FieldInfo, seen: Seen) -> Known:
    """The field's value in the form that is evaluated; None for NULL."""
    value = info.of(seen)
    if value is None:
        return None
    if info.kind == "number":
        number = float(value)
        return number if math.isfinite(number) else None
    if info.kind == "time":
        return microseconds(value) if isinstance(value, datetime) else int(value)
    if info.kind == "flag":
        return bool(value)
    return value if info.kind in ("numbers", "mixed") else str(value)


def microseconds(time: datetime) -> int:
    """Since 1970-01-01 UTC."""
    return (time - EPOCH) // _MICROSECOND


def moment(time_us: int) -> datetime:
    """The opposite of `microseconds`."""
    return EPOCH + timedelta(microseconds=time_us)


FIRST_US: Final = microseconds(datetime.min.replace(tzinfo=UTC))
LAST_US: Final = microseconds(datetime.max.replace(tzinfo=UTC))
"""The calendar's bounds, both inside: no more than whoever wrote the record keeps a time within them."""


def possible_moment(time_us: int) -> datetime | None:
    """As `moment`; None outside the calendar, as for a time that is not known."""
    return moment(time_us) if FIRST_US <= time_us <= LAST_US else None


def seconds_between(later: datetime | None, earlier: datetime | None) -> float | None:
    """Later minus earlier; None where one is not known."""
    return None if later is None or earlier is None else (later - earlier).total_seconds()


def age_s(time: Callable[[Seen], datetime | None]) -> FieldInfo:
    """How old an event was when the log took the record: the same live and from the past."""
    return FieldInfo(
        "age_s",
        "number",
        "s",
        "When the log took the record, minus its event time",
        lambda seen: seconds_between(seen.taken, time(seen)),
    )
