"""Values of sqlglot's tree to ours: fields, literals, arithmetic, angles."""

import math
from datetime import UTC, datetime
from typing import Final

from sqlglot import exp

from nuncius.filters.errors import FilterError
from nuncius.filters.fields import microseconds
from nuncius.filters.scan import nearest
from nuncius.filters.scope import Scope, column_of, refuse
from nuncius.filters.translate_sky import point
from nuncius.filters.tree import (
    Arithmetic,
    Field,
    Flag,
    ItemKind,
    Kind,
    MapItem,
    Moment,
    Negative,
    Number,
    Separation,
    Sign,
    Text,
    Value,
)

_SIGNS: Final[dict[type[exp.Expr], Sign]] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/"}


def value(node: exp.Expr, scope: Scope, wanted: ItemKind | None = None) -> Value:
    """A value; ``wanted`` is the kind that an entry of a mixed map shall have."""
    if isinstance(node, exp.Paren):
        return value(node.this, scope, wanted)
    if isinstance(node, exp.Column):
        return _field(node, scope)
    if isinstance(node, exp.Bracket):
        return _item(node, scope, wanted)
    if isinstance(node, exp.Neg):
        part = number(node.this, scope)
        return Number(-part.value) if isinstance(part, Number) else Negative(part)
    if type(node) in _SIGNS:
        return Arithmetic(_SIGNS[type(node)], number(node.this, scope), number(node.expression, scope))
    if isinstance(node, exp.Anonymous | exp.Contains):
        return _distance(node, scope)
    return _constant(node)


def _constant(node: exp.Expr) -> Value:
    if isinstance(node, exp.Literal):
        return _literal(node)
    if isinstance(node, exp.Boolean):
        return Flag(bool(node.this))
    if isinstance(node, exp.Cast) and isinstance(node.this, exp.Literal) and node.this.is_string:
        return _timestamp(node)
    if isinstance(node, exp.Null):
        raise FilterError("nothing equals NULL: write IS NULL or IS NOT NULL", column_of(node))
    return refuse(node)


def _distance(node: exp.Anonymous | exp.Contains, scope: Scope) -> Separation:
    name = node.name.upper() if isinstance(node, exp.Anonymous) else "CONTAINS"
    if name in ("POINT", "CIRCLE", "POLYGON"):
        raise FilterError(f"{name} stands in CONTAINS or DISTANCE only", column_of(node))
    if name != "DISTANCE":
        raise FilterError(f"{name} is a condition, not a value", column_of(node))
    if len(node.expressions) != 2:
        raise FilterError("DISTANCE needs two points: DISTANCE(POINT(ra, dec), POINT(10, 20))", column_of(node))
    one, two = node.expressions
    return Separation(point(one, scope), point(two, scope))


def number(node: exp.Expr, scope: Scope) -> Value:
    """A value that must be a number."""
    found = value(node, scope, "number")
    if kind(found) != "number":
        raise FilterError(f"{described(found)}; expected a number", column_of(node))
    return found


def kind(found: Value) -> Kind | ItemKind:
    """What kind a value is of."""
    if isinstance(found, Field | MapItem):
        return found.kind
    if isinstance(found, Text):
        return "text"
    if isinstance(found, Flag):
        return "flag"
    return "time" if isinstance(found, Moment) else "number"


def described(found: Value) -> str:
    """A value in the words of a message."""
    if isinstance(found, Field):
        return f"{found.name} is a {found.kind}"
    if isinstance(found, MapItem):
        return f"{found.name}['{found.key}'] is a {found.kind}"
    return f"this is a {kind(found)}"


def check_word(text: Text, other: Value, scope: Scope, column: int) -> None:
    """FilterError where a field of a closed vocabulary is held against a word that is not in it."""
    words = scope.fields[other.name].words if isinstance(other, Field) else ()
    if isinstance(other, Field) and words and text.value not in words:
        hint = nearest(text.value, words)
        expected = "" if hint else f"; expected one of {', '.join(words)}"
        raise FilterError(f"{other.name} is never {text.value[:40]!r}{hint}{expected}", column)


def moment(text: str, column: int) -> Moment:
    """A time from ISO 8601; without an offset it is UTC."""
    try:
        found = datetime.fromisoformat(text.strip())
        aware = found.replace(tzinfo=UTC) if found.tzinfo is None else found
        return Moment(microseconds(aware))
    except (ValueError, OverflowError):
        raise FilterError(
            f"{text[:40]!r} is no time; expected ISO 8601 such as '2026-11-01' or '2026-11-01T12:00:00Z'", column
        ) from None


def _literal(node: exp.Literal) -> Number | Text:
    if node.is_string:
        return Text(str(node.this))
    try:
        found = float(node.this) if "_" not in node.this else math.nan
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise FilterError(f"{str(node.this)[:40]!r} is no finite number", column_of(node))
    return Number(found)


def _name(node: exp.Column) -> str:
    if node.args.get("table") is not None or not isinstance(node.this, exp.Identifier):
        raise FilterError("a name with a dot; fields stand alone, the table is given apart", column_of(node))
    return str(node.this.this)


def _field(node: exp.Column, scope: Scope) -> Field:
    info = scope.field(_name(node), column_of(node))
    if info.kind in ("numbers", "mixed"):
        raise FilterError(f"{info.name} is a map: write {info.name}['NAME']", column_of(node))
    return Field(info.name, info.kind)  # type: ignore[arg-type]  # the two map kinds were refused above


def _item(node: exp.Bracket, scope: Scope, wanted: ItemKind | None) -> MapItem:
    if not isinstance(node.this, exp.Column):
        refuse(node)
    info = scope.field(_name(node.this), column_of(node))
    if info.kind not in ("numbers", "mixed"):
        raise FilterError(f"{info.name} is a {info.kind}, not a map", column_of(node))
    keys = node.expressions
    if len(keys) != 1 or not isinstance(keys[0], exp.Literal) or not keys[0].is_string:
        raise FilterError(f"expected one quoted name in {info.name}['NAME']", column_of(node))
    return MapItem(info.name, str(keys[0].this), "number" if info.kind == "numbers" else wanted or "any")


def _timestamp(node: exp.Cast) -> Moment:
    if node.to.this != exp.DType.TIMESTAMP:
        refuse(node)
    return moment(str(node.this.this), column_of(node))
