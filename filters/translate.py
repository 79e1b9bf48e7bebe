"""Conditions of sqlglot's tree to ours: what is on the list is translated and checked, everything else is refused."""

from collections.abc import Callable
from typing import Final

from sqlglot import exp

from nuncius.filters.errors import FilterError
from nuncius.filters.like import pieces
from nuncius.filters.scan import MAX_PATTERN
from nuncius.filters.scope import Scope, column_of, refuse
from nuncius.filters.translate_sky import is_spatial, within
from nuncius.filters.translate_values import check_word, described, kind, moment, value
from nuncius.filters.tree import (
    All,
    Among,
    AnyOf,
    Comparison,
    Condition,
    Field,
    IsNull,
    Like,
    MapItem,
    Moment,
    Not,
    Number,
    Operator,
    Text,
    Truth,
    Value,
)

_OPERATORS: Final[dict[type[exp.Expr], Operator]] = {
    exp.EQ: "=",
    exp.NEQ: "!=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}


def condition(node: exp.Expr, scope: Scope) -> Condition:
    """A condition; FilterError for anything that is none."""
    translated = _CONDITIONS.get(type(node))
    if translated is not None:
        return translated(node, scope)
    if type(node) in _OPERATORS:
        return _comparison(node, scope)
    if is_spatial(node):
        return within(node, scope)
    if is_named(node, scope):
        return scope.named(node.name.lower(), column_of(node))
    found = value(node, scope, "flag")
    if kind(found) != "flag":
        raise FilterError(f"{described(found)}, not a condition: compare it with something", column_of(node))
    return Truth(found)


def is_named(node: exp.Expr, scope: Scope) -> bool:
    """Whether it is a named filter."""
    return isinstance(node, exp.Column) and node.args.get("table") is None and node.name.lower() in scope.filters


def _parts(node: exp.Expr, scope: Scope) -> tuple[Condition, ...]:
    if not isinstance(node, exp.And | exp.Or):
        refuse(node)
    return tuple(condition(part, scope) for part in node.flatten())


def _between(node: exp.Expr, scope: Scope) -> Condition:
    low, high = node.args["low"], node.args["high"]
    return All((_compared(">=", node.this, low, scope), _compared("<=", node.this, high, scope)))


def _comparison(node: exp.Expr, scope: Scope) -> Condition:
    operator = _OPERATORS[type(node)]
    left, right = _bare(node.this), _bare(node.expression)
    if is_spatial(right):
        left, right = right, left
    if is_spatial(left):
        if operator not in ("=", "!=") or not _is_truth(right):
            raise FilterError("a condition on the sky is compared with 1 or 0 only", column_of(right))
        found = within(left, scope)
        return found if (right.name.upper() in ("1", "TRUE")) == (operator == "=") else Not(found)
    return _compared(operator, left, right, scope)


def _is_truth(node: exp.Expr) -> bool:
    return isinstance(node, exp.Boolean) or (isinstance(node, exp.Literal) and not node.is_string and node.name in "01")


def _compared(operator: Operator, one: exp.Expr, two: exp.Expr, scope: Scope) -> Comparison:
    left, right = _fitting(one, two, scope)
    if kind(left) == "flag" and operator not in ("=", "!="):
        raise FilterError("TRUE and FALSE have no order: only = and !=", column_of(one))
    return Comparison(operator, left, right)


def _fitting(one: exp.Expr, two: exp.Expr, scope: Scope) -> tuple[Value, Value]:
    """Two values of one kind."""
    left, right = value(one, scope), value(two, scope)
    if isinstance(left, MapItem) and left.kind == "any":
        left = _as(left, right, one)
    if isinstance(right, MapItem) and right.kind == "any":
        right = _as(right, left, two)
    if kind(left) == "time" and isinstance(right, Text):
        right = moment(right.value, column_of(two))
    if kind(right) == "time" and isinstance(left, Text):
        left = moment(left.value, column_of(one))
    if kind(left) != kind(right):
        raise FilterError(f"{described(right)}; expected a {kind(left)}, as {described(left)}", column_of(two))
    if isinstance(right, Text):
        check_word(right, left, scope, column_of(two))
    if isinstance(left, Text):
        check_word(left, right, scope, column_of(one))
    return left, right


def _as(item: MapItem, other: Value, node: exp.Expr) -> MapItem:
    match kind(other):
        case "number" | "text" | "flag" as wanted:
            return MapItem(item.name, item.key, wanted)
        case _:
            raise FilterError(f"{item.name}['{item.key}'] needs a number, a text or a flag beside it", column_of(node))


def _among(node: exp.Expr, scope: Scope) -> Among:
    given = node.expressions
    if not given or node.args.get("query") is not None:
        raise FilterError("IN needs a list of values: IN ('a', 'b')", column_of(node))
    choices: list[Number | Text | Moment] = []
    found = value(node.this, scope)
    for part in given:
        left, right = _fitting(node.this, part, scope)
        if not isinstance(right, Number | Text | Moment):
            raise FilterError("IN takes numbers, texts and times only", column_of(part))
        if choices and left != found:
            raise FilterError("IN takes values of one kind", column_of(part))
        found = left
        choices.append(right)
    return Among(found, tuple(choices))


def _like(node: exp.Expr, scope: Scope) -> Condition:
    escape = ""
    if isinstance(node, exp.Escape):
        sign = node.expression
        if not isinstance(sign, exp.Literal) or not sign.is_string or len(str(sign.this)) != 1:
            raise FilterError("ESCAPE needs one quoted character", column_of(sign))
        escape, node = str(sign.this), node.this
    if not isinstance(node, exp.Like | exp.ILike):
        refuse(node)
    found, pattern = value(node.this, scope, "text"), node.expression
    if not isinstance(found, Field | MapItem) or kind(found) != "text":
        raise FilterError(f"{described(found)}; LIKE needs a field of text", column_of(node.this))
    if not isinstance(pattern, exp.Literal) or not pattern.is_string:
        raise FilterError("LIKE needs a quoted pattern", column_of(pattern))
    text = str(pattern.this)
    if len(text) > MAX_PATTERN:
        raise FilterError(f"a pattern of {len(text)} characters; at most {MAX_PATTERN} are read", column_of(pattern))
    try:
        pieces(text, escape)
    except ValueError as error:
        raise FilterError(str(error), column_of(pattern)) from error
    like = Like(found, text, escape, isinstance(node, exp.ILike))
    return Not(like) if node.args.get("negate") else like


def _is(node: exp.Expr, scope: Scope) -> Condition:
    target, negated = node.expression, False
    if isinstance(target, exp.Not):
        target, negated = target.this, True
    if isinstance(target, exp.Null):
        found: Condition = IsNull(_anything(node.this, scope))
    elif isinstance(target, exp.Boolean):
        part = condition(node.this, scope)
        wanted = part if target.this else Not(part)
        found = All((Not(IsNull(wanted)), wanted))
    else:
        refuse(node)
    return Not(found) if negated else found


def _anything(node: exp.Expr, scope: Scope) -> Value | Condition:
    bare = _bare(node)
    if (
        isinstance(bare, exp.Connector | exp.Not | exp.Predicate | exp.Escape)
        or is_spatial(bare)
        or is_named(bare, scope)
    ):
        return condition(bare, scope)
    return value(bare, scope)


def _bare(node: exp.Expr) -> exp.Expr:
    while isinstance(node, exp.Paren):
        node = node.this
    return node


_CONDITIONS: Final[dict[type[exp.Expr], Callable[[exp.Expr, Scope], Condition]]] = {
    exp.Paren: lambda node, scope: condition(node.this, scope),
    exp.And: lambda node, scope: All(_parts(node, scope)),
    exp.Or: lambda node, scope: AnyOf(_parts(node, scope)),
    exp.Not: lambda node, scope: Not(condition(node.this, scope)),
    exp.Between: _between,
    exp.In: _among,
    exp.Like: _like,
    exp.ILike: _like,
    exp.Escape: _like,
    exp.Is: _is,
}
"""What is on the list; comparisons and places apart."""
