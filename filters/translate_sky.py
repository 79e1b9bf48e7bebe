"""Places of sqlglot's tree to ours: points, circles, polygons and the conditions on them."""

from collections.abc import Sequence
from typing import Final, get_args

from sqlglot import exp

from nuncius.broker.sky.cover import check_position
from nuncius.broker.sky.polygon import Polygon
from nuncius.broker.sky.region import moc_ranges
from nuncius.filters.errors import FilterError
from nuncius.filters.scan import nearest
from nuncius.filters.scope import Scope, column_of
from nuncius.filters.tree import (
    ActiveRegions,
    Circle,
    Coverage,
    EventRegion,
    Field,
    NamedRegion,
    Number,
    Outline,
    Position,
    Within,
)
from nuncius.schemas.errors import Quarantine
from nuncius.schemas.vocabulary import Messenger

LEVEL: Final = 0.9
"""Credible level where none is given: what facilities state."""
MESSENGERS: Final[tuple[str, ...]] = get_args(Messenger)
FRAME: Final = "ICRS"
"""ADQL 2.0 asks for a coordinate system first; every position here is ICRS."""


def is_spatial(node: exp.Expr) -> bool:
    """Whether it is one of the conditions on the sky."""
    return isinstance(node, exp.Contains) or (isinstance(node, exp.Anonymous) and node.name.upper() in _CONDITIONS)


def within(node: exp.Expr, scope: Scope) -> Within:
    """A condition on the sky."""
    try:
        if isinstance(node, exp.Contains):
            return _contains(node, scope)
        return _CONDITIONS[node.name.upper()](node, scope)
    except (ValueError, Quarantine) as error:
        raise FilterError(str(error), column_of(node)) from error


def point(node: exp.Expr, scope: Scope) -> Position:
    """POINT(ra, dec), each a field or a number."""
    ra, dec = _arguments(node, "POINT", 2)
    found = Position(_coordinate(ra, scope), _coordinate(dec, scope))
    if isinstance(found.ra, Number) and isinstance(found.dec, Number):
        try:
            check_position(found.ra.value, found.dec.value)
        except ValueError as error:
            raise FilterError(str(error), column_of(node)) from error
    return found


def _contains(node: exp.Contains, scope: Scope) -> Within:
    where = point(node.this, scope)
    shape = node.expression
    name = shape.name.upper() if isinstance(shape, exp.Anonymous) else ""
    if name == "CIRCLE":
        given = _after_frame(shape.expressions)
        if len(given) == 2:  # ADQL 2.1: a point and a radius
            given = [*_arguments(given[0], "POINT", 2), given[1]]
        if len(given) != 3:
            raise FilterError("CIRCLE needs ra, dec and radius in degrees", column_of(shape))
        ra, dec, radius = (_literal(part) for part in given)
        check_position(ra, dec)
        if not 0 <= radius <= 180:
            raise FilterError(f"radius {radius} degrees; expected 0 to 180", column_of(given[2]))
        return Within(where, Circle(ra, dec, radius))
    if name == "POLYGON":
        flat = [_literal(part) for part in _after_frame(shape.expressions)]
        if len(flat) % 2:
            raise FilterError("POLYGON needs pairs of ra and dec", column_of(shape))
        vertices = tuple(zip(flat[::2], flat[1::2], strict=True))
        Polygon.of(vertices)
        return Within(where, Outline(vertices))
    raise FilterError("CONTAINS needs a point and then a CIRCLE or a POLYGON", column_of(shape))


def _in_skymap(node: exp.Expr, scope: Scope) -> Within:
    thread, *rest = _some(node, 1, 2, "IN_SKYMAP('thread', 0.9)")
    return Within(_own(node, scope), EventRegion(_text(thread), _level(rest)))


def _in_moc(node: exp.Expr, scope: Scope) -> Within:
    moc = _text(_some(node, 1, 1, "IN_MOC('4/12 13 5/60')")[0])
    moc_ranges(moc)
    return Within(_own(node, scope), Coverage(moc))


def _in_region(node: exp.Expr, scope: Scope) -> Within:
    given = _some(node, 1, 1, "IN_REGION('name')")[0]
    name = _text(given)
    if scope.regions is not None and name not in scope.regions:
        hint = nearest(name, scope.regions) or "; regions stand under [regions] in nuncius.toml"
        raise FilterError(f"there is no region {name[:40]!r}{hint}", column_of(given))
    if scope.regions is not None and (why := scope.why_not(name)):
        raise FilterError(f"the region {name!r} cannot be read: {why}", column_of(given))
    return Within(_own(node, scope), NamedRegion(name))


def _in_events(node: exp.Expr, scope: Scope) -> Within:
    given = _some(node, 3, 3, "IN_EVENTS('gravitational_wave', 0.9, 14)")
    messenger, days = _text(given[0]), _literal(given[2])
    if messenger not in MESSENGERS:
        hint = nearest(messenger, MESSENGERS) or f"; expected one of {', '.join(MESSENGERS)}"
        raise FilterError(f"there is no messenger {messenger[:40]!r}{hint}", column_of(given[0]))
    if not 0 <= days <= 36525:
        raise FilterError(f"{days:g} days; expected 0 to 36525", column_of(given[2]))
    if "time" not in scope.fields:
        raise FilterError(f"{scope.table} have no time", column_of(node))
    return Within(_own(node, scope), ActiveRegions(messenger, _level(given[1:2]), days), Field("time", "time"))


_CONDITIONS: Final = {
    "IN_SKYMAP": _in_skymap,
    "IN_MOC": _in_moc,
    "IN_REGION": _in_region,
    "IN_EVENTS": _in_events,
}


def _own(node: exp.Expr, scope: Scope) -> Position:
    if "ra" not in scope.fields:
        raise FilterError(f"{scope.table} have no position", column_of(node))
    return Position(Field("ra", "number"), Field("dec", "number"))


def _arguments(node: exp.Expr, name: str, count: int) -> list[exp.Expr]:
    if not isinstance(node, exp.Anonymous) or node.name.upper() != name:
        raise FilterError(f"expected {name}(...)", column_of(node))
    given = _after_frame(node.expressions)
    if len(given) != count:
        raise FilterError(f"{name} needs {count} values, {len(given)} are given", column_of(node))
    return given


def _after_frame(given: Sequence[exp.Expr]) -> list[exp.Expr]:
    if given and isinstance(given[0], exp.Literal) and given[0].is_string:
        if str(given[0].this).upper() != FRAME:
            raise FilterError(f"coordinates are ICRS, not {str(given[0].this)[:40]!r}", column_of(given[0]))
        return list(given[1:])
    return list(given)


def _some(node: exp.Expr, least: int, most: int, example: str) -> list[exp.Expr]:
    given = list(node.expressions)
    if not least <= len(given) <= most:
        raise FilterError(f"expected {example}", column_of(node))
    return given


def _level(given: Sequence[exp.Expr]) -> float:
    level = _literal(given[0]) if given else LEVEL
    if not 0 < level <= 1:
        raise FilterError(f"credible level {level:g}; expected more than 0, at most 1", column_of(given[0]))
    return level


def _coordinate(node: exp.Expr, scope: Scope) -> Field | Number:
    if isinstance(node, exp.Column) and isinstance(node.this, exp.Identifier) and node.args.get("table") is None:
        info = scope.field(str(node.this.this), column_of(node))
        if info.kind != "number":
            raise FilterError(f"{info.name} is a {info.kind}; expected degrees", column_of(node))
        return Field(info.name, "number")
    return Number(_literal(node))


def _literal(node: exp.Expr) -> float:
    if isinstance(node, exp.Paren):
        return _literal(node.this)
    if isinstance(node, exp.Neg):
        return -_literal(node.this)
    if not isinstance(node, exp.Literal) or node.is_string:
        raise FilterError("expected a number", column_of(node))
    found = float(node.this)
    if not abs(found) < 1e300:
        raise FilterError("expected a finite number", column_of(node))
    return found


def _text(node: exp.Expr) -> str:
    if not isinstance(node, exp.Literal) or not node.is_string:
        raise FilterError("expected a quoted text", column_of(node))
    return str(node.this)
