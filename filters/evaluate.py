"""A filter on one record, in plain Python: slow, obvious, and what the vectorised one is held against."""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, assert_never

import numpy as np

from nuncius.broker.sky.healpix import FloatArray
from nuncius.filters import sky
from nuncius.filters.fields import Known, Seen, known, possible_moment
from nuncius.filters.like import like
from nuncius.filters.operators import COMPARE, COMPUTE
from nuncius.filters.parse import Filter
from nuncius.filters.places import NO_PLACES, Places
from nuncius.filters.tables import FIELDS
from nuncius.filters.tree import (
    All,
    Among,
    AnyOf,
    Arithmetic,
    Comparison,
    Condition,
    Field,
    Flag,
    IsNull,
    ItemKind,
    Like,
    MapItem,
    Moment,
    Negative,
    Not,
    Number,
    Separation,
    Text,
    Truth,
    Value,
    Within,
)


def matches(checked: Filter, record: Any, taken: datetime | None = None, places: Places = NO_PLACES) -> bool | None:
    """Whether a record fits: True, False, or None where that is unknown.

    Parameters
    ----------
    checked
        From `parse_filter`.
    record
        A typed record of the filter's table.
    taken
        When the log took it, UTC; without it ``age_s`` is NULL.
    places
        Regions and events; `NO_PLACES` leaves what depends on them unknown.
    """
    return _truth(checked.tree, _Row(checked.table, Seen(record, taken, places)))


def values(
    table: str,
    record: Any,
    taken: datetime | None = None,
    places: Places = NO_PLACES,
    fields: Iterable[str] | None = None,
) -> dict[str, str | float | bool]:
    """The named fields of a record that have a value; all of the table where none are named.

    Times are ISO 8601 text with microseconds and Z. Of a map every entry is given, as ``classification.BNS``.

    Raises
    ------
    ValueError
        A field that the table does not have.
    """
    row = _Row(table, Seen(record, taken, places))
    found: dict[str, str | float | bool] = {}
    for name in FIELDS[table] if fields is None else fields:
        info = FIELDS[table].get(name)
        if info is None:
            raise ValueError(f"{table} have no field {name!r}; expected some of {', '.join(FIELDS[table])}")
        value = row.field(name)
        if value is None:
            continue
        if isinstance(value, Mapping):
            found.update({f"{name}.{key}": entry for key, entry in value.items() if _plain(entry)})
        elif info.kind == "time":
            time = possible_moment(int(value))
            if time is not None:
                found[name] = f"{time.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
        else:
            found[name] = value
    return found


def _plain(entry: Any) -> bool:
    return isinstance(entry, str | bool) or (isinstance(entry, int | float) and math.isfinite(entry))


def item(entries: Known, key: str, kind: ItemKind) -> str | float | bool | None:
    """An entry of a map, where it is of the kind; None for NULL."""
    entry = entries.get(key) if isinstance(entries, Mapping) else None
    if entry is None or isinstance(entry, bool):
        return entry if kind in ("flag", "any") else None
    if isinstance(entry, str):
        return entry if kind in ("text", "any") else None
    number = float(entry)
    return number if kind in ("number", "any") and math.isfinite(number) else None


class _Row:
    """A record whose fields are read when asked for."""

    def __init__(self, table: str, seen: Seen) -> None:
        self._fields = FIELDS[table]
        self.seen = seen

    def field(self, name: str) -> Known:
        return known(self._fields[name], self.seen)


def _truth(node: Condition, row: _Row) -> bool | None:
    match node:
        case All(parts):
            found = [_truth(part, row) for part in parts]
            return False if False in found else None if None in found else True
        case AnyOf(parts):
            found = [_truth(part, row) for part in parts]
            return True if True in found else None if None in found else False
        case Not(part):
            truth = _truth(part, row)
            return None if truth is None else not truth
        case Comparison(sign, left, right):
            one, two = _value(left, row), _value(right, row)
            return None if one is None or two is None else COMPARE[sign](one, two)
        case Among(value, choices):
            one = _value(value, row)
            return None if one is None else any(one == _value(choice, row) for choice in choices)
        case Like(value, pattern, escape, ignore_case):
            one = _value(value, row)
            return None if one is None else like(str(one), pattern, escape, ignore_case=ignore_case)
        case IsNull(of):
            return (_truth(of, row) if isinstance(of, Condition) else _value(of, row)) is None
        case Truth(flag):
            one = _value(flag, row)
            return None if one is None else bool(one)
        case Within():
            return _within(node, row)
        case _:
            assert_never(node)


def _value(node: Value, row: _Row) -> Any:
    match node:
        case Field(name):
            return row.field(name)
        case MapItem(name, key, kind):
            return item(row.field(name), key, kind)
        case Number(value) | Text(value) | Flag(value) | Moment(value):
            return value
        case Negative(of):
            one = _value(of, row)
            return None if one is None else -one
        case Arithmetic(sign, left, right):
            one, two = _value(left, row), _value(right, row)
            if one is None or two is None or (sign == "/" and two == 0):
                return None
            result = COMPUTE[sign](one, two)
            return result if math.isfinite(result) else None
        case Separation(one, two):
            angle = sky.separations(*(_degrees(part, row) for part in (one.ra, one.dec, two.ra, two.dec)))[0]
            return None if math.isnan(angle) else float(angle)
        case _:
            assert_never(node)


def _degrees(node: Field | Number, row: _Row) -> FloatArray:
    value = _value(node, row)
    return np.array([math.nan if value is None else value], np.float64)


def _within(node: Within, row: _Row) -> bool | None:
    time = None if node.time is None else row.field(node.time.name)
    found, is_known = sky.inside(
        node.place,
        _degrees(node.position.ra, row),
        _degrees(node.position.dec, row),
        np.array([0 if time is None else time], np.int64),
        np.array([time is not None]),
        row.seen.places,
    )
    return bool(found[0]) if is_known[0] else None
