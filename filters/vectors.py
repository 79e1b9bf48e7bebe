"""Many filters on many rows, in numpy.

What filters share (a field, a position in a place, an angle, a pattern) is one column, made once. A condition is asked
only where it is TRUE, or, under NOT, only where it is FALSE: so three values need no third column, and a filter of two
comparisons is three operations.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, assert_never

import numpy as np

from nuncius.broker.sky.healpix import BoolArray, FloatArray
from nuncius.filters import sky
from nuncius.filters.columns import OPPOSITE, Numbers, Operand, Plain, Texts, any_of, compare, operand
from nuncius.filters.like import like
from nuncius.filters.operators import COMPUTE
from nuncius.filters.parse import Filter
from nuncius.filters.places import Places
from nuncius.filters.rows import AnyRows, Column
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


def select_rows(filters: Sequence[Filter], rows: AnyRows, places: Places) -> BoolArray:
    """See `nuncius.filters.select`."""
    answers = np.zeros((len(filters), len(rows)), np.bool_)
    if not len(rows):
        return answers
    asked = _Asked(rows, places)
    with np.errstate(all="ignore"):  # what is not finite is NULL
        for index, item in enumerate(filters):
            answers[index] = asked.is_true(item.tree)
    return answers


class _Asked:
    """Filters on one set of rows."""

    def __init__(self, rows: AnyRows, places: Places) -> None:
        self._rows = rows
        self._places = places
        self._columns: dict[Field | MapItem, Column] = {}
        self._operands: dict[Field | MapItem | Separation, Operand] = {}
        self._found: dict[Like | Within, tuple[BoolArray, BoolArray]] = {}

    def is_true(self, node: Condition) -> Any:
        """Where the condition is TRUE: of all rows, or one answer for all."""
        match node:
            case Comparison(sign, left, right):
                return compare(sign, self._operand(left), self._operand(right))
            case All(parts):
                return _all_of([self.is_true(part) for part in parts])
            case AnyOf(parts):
                return any_of([self.is_true(part) for part in parts])
            case Not(part):
                return self._is_false(part)
            case Among(value, choices):
                one = self._operand(value)
                return any_of([compare("=", one, self._operand(choice)) for choice in choices])
            case IsNull(of):
                return np.logical_not(self._is_known(of))
            case Truth(flag):
                one = self._flag(flag)
                return one.values & one.known
            case Like() | Within():
                return self._leaf(node)[0]
            case _:
                assert_never(node)

    def _is_false(self, node: Condition) -> Any:
        match node:
            case Comparison(sign, left, right):
                return compare(OPPOSITE[sign], self._operand(left), self._operand(right))
            case All(parts):
                return any_of([self._is_false(part) for part in parts])
            case AnyOf(parts):
                return _all_of([self._is_false(part) for part in parts])
            case Not(part):
                return self.is_true(part)
            case Among(value, choices):
                one = self._operand(value)
                return _all_of([compare("!=", one, self._operand(choice)) for choice in choices])
            case IsNull(of):
                return self._is_known(of)
            case Truth(flag):
                one = self._flag(flag)
                return np.logical_not(one.values) & one.known
            case Like() | Within():
                return self._leaf(node)[1]
            case _:
                assert_never(node)

    def _is_known(self, node: Value | Condition) -> Any:
        if isinstance(node, Condition):
            return self.is_true(node) | self._is_false(node)
        one = self._operand(node)
        return True if isinstance(one, str) else one.known

    def _operand(self, node: Value) -> Operand:
        match node:
            case Field() | MapItem() | Separation():
                found = self._operands.get(node)
                if found is None:
                    found = self._operands[node] = self._made(node)
                return found
            case Number(value):
                return Numbers(np.float64(value))
            case Text(value):
                return value
            case Moment(value):
                return Plain(np.int64(value), np.True_)
            case Flag(value):
                return Plain(np.bool_(value), np.True_)
            case Negative(of):
                return Numbers(-self._numbers(of))
            case Arithmetic(sign, left, right):
                result = COMPUTE[sign](self._numbers(left), self._numbers(right))
                return Numbers(np.where(np.isfinite(result), result, np.nan))
            case _:
                assert_never(node)

    def _numbers(self, node: Value) -> Any:
        one = self._operand(node)
        if not isinstance(one, Numbers):
            raise TypeError(f"{node} is no number: the parser lets only numbers through")
        return one.values

    def _flag(self, node: Value) -> Plain:
        one = self._operand(node)
        if not isinstance(one, Plain):
            raise TypeError(f"{node} is no flag: the parser lets only flags through")
        return one

    def _made(self, leaf: Field | MapItem | Separation) -> Operand:
        if isinstance(leaf, Separation):
            one, two = leaf.one, leaf.two
            return Numbers(sky.separations(*(self._degrees(part) for part in (one.ra, one.dec, two.ra, two.dec))))
        return operand(leaf.kind, self._column(leaf))

    def _leaf(self, leaf: Like | Within) -> tuple[BoolArray, BoolArray]:
        """Where it is TRUE, and where it is FALSE."""
        found = self._found.get(leaf)
        if found is None:
            true, known = self._like(leaf) if isinstance(leaf, Like) else self._within(leaf)
            found = self._found[leaf] = true & known, ~true & known
        return found

    def _like(self, leaf: Like) -> tuple[BoolArray, BoolArray]:
        one = self._operand(leaf.value)
        if not isinstance(one, Texts):
            raise TypeError(f"{leaf.value} is no text: the parser lets only text through")
        fits = partial(like, pattern=leaf.pattern, escape=leaf.escape, ignore_case=leaf.ignore_case)
        return one.fits(fits), one.known

    def _within(self, leaf: Within) -> tuple[BoolArray, BoolArray]:
        time = Column(np.zeros(len(self._rows), np.int64), np.zeros(len(self._rows), np.bool_))
        if leaf.time is not None:
            time = self._column(leaf.time)
        position = self._degrees(leaf.position.ra), self._degrees(leaf.position.dec)
        return sky.inside(leaf.place, *position, time.values, time.known, self._places)

    def _column(self, leaf: Field | MapItem) -> Column:
        found = self._columns.get(leaf)
        if found is None:
            found = self._columns[leaf] = self._read(leaf)
        return found

    def _read(self, leaf: Field | MapItem) -> Column:
        if isinstance(leaf, Field):
            return self._rows.column(leaf.name, self._places)
        return self._rows.items(leaf.name, leaf.key, leaf.kind, self._places)

    def _degrees(self, node: Field | Number) -> FloatArray:
        return np.broadcast_to(self._numbers(node), len(self._rows))


def _all_of(found: Sequence[Any]) -> Any:
    joined = found[0]
    for each in found[1:]:
        joined = joined & each
    return joined
