"""Many filters on many rows: one frame, one `select`.

What filters share (a field, a position in a place, an angle, a pattern) is one column, made once with numpy; the rest
are polars expressions made from the tree, each remembered.
"""

import operator
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, assert_never

import numpy as np
import polars as pl

from nuncius.broker.sky.healpix import BoolArray, FloatArray
from nuncius.filters import sky
from nuncius.filters.like import like
from nuncius.filters.operators import COMPARE, COMPUTE
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
    walk,
)

Leaf = Field | MapItem | Separation | Like | Within
"""What becomes a column of the frame."""


def select_rows(filters: Sequence[Filter], rows: AnyRows, places: Places) -> BoolArray:
    """See `nuncius.filters.select`."""
    if not filters or not len(rows):
        return np.zeros((len(filters), len(rows)), np.bool_)
    leaves = dict.fromkeys(leaf for item in filters for leaf in _leaves(item.tree))
    made = _Columns(rows, places)
    frame = pl.DataFrame([made.series(leaf) for leaf in leaves] or [pl.Series("", np.zeros(len(rows)))])
    distinct = list(dict.fromkeys(item.tree for item in filters))
    found = frame.select([_expression(tree).alias(str(index)) for index, tree in enumerate(distinct)])
    at = {tree: index for index, tree in enumerate(distinct)}
    columns = found.get_columns()
    answers = np.zeros((len(distinct), len(rows)), np.bool_)
    for index, column in enumerate(columns):
        answers[index] = column.fill_null(value=False).to_numpy()
    return answers[[at[item.tree] for item in filters]]


@lru_cache(maxsize=8192)
def _leaves(tree: Condition) -> tuple[Leaf, ...]:
    return tuple(node for node in walk(tree) if isinstance(node, Leaf))


@lru_cache(maxsize=8192)
def _expression(tree: Condition) -> pl.Expr:
    return _truth(tree)


@lru_cache(maxsize=8192)
def _name(leaf: Leaf) -> str:
    return repr(leaf)


class _Columns:
    """The columns of one frame."""

    def __init__(self, rows: AnyRows, places: Places) -> None:
        self._rows = rows
        self._places = places
        self._fields: dict[Field | MapItem, Column] = {}

    def series(self, leaf: Leaf) -> pl.Series:
        """A leaf as a column under its name."""
        values, known = self._column(leaf)
        if values.dtype == object:
            return pl.Series(
                _name(leaf), [str(v) if k else None for v, k in zip(values, known, strict=True)], pl.String
            )
        series = pl.Series(_name(leaf), values)
        return series if known.all() else series.set(pl.Series(~known), None)

    def _column(self, leaf: Leaf) -> Column:
        if isinstance(leaf, Field | MapItem):
            if leaf not in self._fields:
                self._fields[leaf] = self._read(leaf)
            return self._fields[leaf]
        if isinstance(leaf, Separation):
            one, two = leaf.one, leaf.two
            angles = sky.separations(*(self._degrees(part) for part in (one.ra, one.dec, two.ra, two.dec)))
            return Column(angles, ~np.isnan(angles))
        if isinstance(leaf, Like):
            return self._like(leaf)
        time = Column(np.zeros(len(self._rows), np.int64), np.zeros(len(self._rows), np.bool_))
        if leaf.time is not None:
            time = self._column(leaf.time)
        position = leaf.position
        return Column(
            *sky.inside(
                leaf.place,
                self._degrees(position.ra),
                self._degrees(position.dec),
                time.values,
                time.known,
                self._places,
            )
        )

    def _read(self, leaf: Field | MapItem) -> Column:
        if isinstance(leaf, Field):
            return self._rows.column(leaf.name, self._places)
        return self._rows.items(leaf.name, leaf.key, leaf.kind, self._places)

    def _degrees(self, node: Field | Number) -> FloatArray:
        if isinstance(node, Number):
            return np.full(len(self._rows), node.value)
        values, known = self._column(node)
        return np.where(known, values, np.nan)

    def _like(self, leaf: Like) -> Column:
        values, known = self._column(leaf.value)
        fits = {
            text: like(str(text), leaf.pattern, leaf.escape, ignore_case=leaf.ignore_case)
            for text in set(values[known])
        }
        return Column(np.array([fits.get(text, False) for text in values], np.bool_), known)


def _truth(node: Condition) -> pl.Expr:
    match node:
        case All(parts):
            return _joined(operator.and_, parts)
        case AnyOf(parts):
            return _joined(operator.or_, parts)
        case Not(part):
            return ~_truth(part)
        case Comparison(sign, left, right):
            found: pl.Expr = COMPARE[sign](_value(left), _value(right))
            return found
        case Among(value, choices):
            return _among(value, choices)
        case IsNull(of):
            return (_truth(of) if isinstance(of, Condition) else _value(of)).is_null()
        case Truth(flag):
            return _value(flag)
        case Like() | Within():
            return pl.col(_name(node))
        case _:
            assert_never(node)


def _joined(join: Any, parts: tuple[Condition, ...]) -> pl.Expr:
    found = _truth(parts[0])
    for part in parts[1:]:
        found = join(found, _truth(part))
    return found


def _among(value: Value, choices: tuple[Number | Text | Moment, ...]) -> pl.Expr:
    one = _value(value)
    found = one == _value(choices[0])
    for choice in choices[1:]:
        found = found | (one == _value(choice))
    return found


def _value(node: Value) -> pl.Expr:
    match node:
        case Field() | MapItem() | Separation():
            return pl.col(_name(node))
        case Number(value):
            return pl.lit(value, pl.Float64)
        case Text(value):
            return pl.lit(value, pl.String)
        case Flag(value):
            return pl.lit(value, pl.Boolean)
        case Moment(value):
            return pl.lit(value, pl.Int64)
        case Negative(of):
            return -_value(of)
        case Arithmetic(sign, left, right):
            found: pl.Expr = COMPUTE[sign](_value(left), _value(right))
            return pl.when(found.is_finite()).then(found)
        case _:
            assert_never(node)
