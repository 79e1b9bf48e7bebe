"""A checked filter, or a part of it, written in the filter language again."""

from typing import assert_never

from nuncius.filters.fields import moment
from nuncius.filters.tree import (
    ActiveRegions,
    All,
    Among,
    AnyOf,
    Arithmetic,
    Circle,
    Comparison,
    Condition,
    Coverage,
    EventRegion,
    Field,
    Flag,
    IsNull,
    Like,
    MapItem,
    Moment,
    NamedRegion,
    Negative,
    Not,
    Number,
    Outline,
    Position,
    Separation,
    Text,
    Truth,
    Value,
    Within,
)


def in_words(node: Condition | Value) -> str:
    """As a user would write it; `nuncius.filters.parse_filter` reads it to the same tree."""
    match node:
        case All(parts):
            return " AND ".join(map(_bracketed, parts))
        case AnyOf(parts):
            return " OR ".join(map(_bracketed, parts))
        case Not(part):
            return f"NOT {_bracketed(part)}"
        case Comparison(sign, left, right):
            return f"{in_words(left)} {sign} {in_words(right)}"
        case Among(value, choices):
            return f"{in_words(value)} IN ({', '.join(map(in_words, choices))})"
        case Like(value, pattern, escape, ignore_case):
            end = f" ESCAPE {_quoted(escape)}" if escape else ""
            return f"{in_words(value)} {'ILIKE' if ignore_case else 'LIKE'} {_quoted(pattern)}{end}"
        case IsNull(of):
            return f"({in_words(of)}) IS NULL" if isinstance(of, Condition) else f"{in_words(of)} IS NULL"
        case Truth(flag):
            return in_words(flag)
        case Within():
            return _within(node)
        case _:
            return _value(node)


def _value(node: Value) -> str:
    match node:
        case Field(name):
            return name
        case MapItem(name, key):
            return f"{name}[{_quoted(key)}]"
        case Number(value):
            return _number(value)
        case Text(value):
            return _quoted(value)
        case Flag(value):
            return "TRUE" if value else "FALSE"
        case Moment(value):
            return f"'{moment(value):%Y-%m-%dT%H:%M:%S.%fZ}'"
        case Negative(of):
            return f"-({in_words(of)})"
        case Arithmetic(sign, left, right):
            return f"({in_words(left)} {sign} {in_words(right)})"
        case Separation(one, two):
            return f"DISTANCE({_point(one)}, {_point(two)})"
        case _:
            assert_never(node)


def _within(node: Within) -> str:
    match node.place:
        case Circle(ra, dec, radius):
            shape = f"CIRCLE({_number(ra)}, {_number(dec)}, {_number(radius)})"
            return f"CONTAINS({_point(node.position)}, {shape}) = 1"
        case Outline(vertices):
            corners = ", ".join(f"{_number(ra)}, {_number(dec)}" for ra, dec in vertices)
            return f"CONTAINS({_point(node.position)}, POLYGON({corners})) = 1"
        case Coverage(moc):
            return f"IN_MOC({_quoted(moc)})"
        case NamedRegion(name):
            return f"IN_REGION({_quoted(name)})"
        case EventRegion(thread_id, level):
            return f"IN_SKYMAP({_quoted(thread_id)}, {_number(level)})"
        case ActiveRegions(messenger, level, days):
            return f"IN_EVENTS({_quoted(messenger)}, {_number(level)}, {_number(days)})"
        case _:
            assert_never(node.place)


def _bracketed(node: Condition) -> str:
    return f"({in_words(node)})" if isinstance(node, All | AnyOf | Not | IsNull | Like | Among) else in_words(node)


def _point(node: Position) -> str:
    return f"POINT({in_words(node.ra)}, {in_words(node.dec)})"


def _number(value: float) -> str:
    return f"{value:.17g}" if float(f"{value:g}") != value else f"{value:g}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
