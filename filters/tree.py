"""The checked filter: a small typed tree, and nothing else is ever evaluated.

Values are numbers, text, flags or times; conditions are TRUE, FALSE or unknown (NULL), with the logic of SQL.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Literal

Kind = Literal["number", "text", "flag", "time"]
ItemKind = Literal["number", "text", "flag", "any"]
Operator = Literal["=", "!=", "<", "<=", ">", ">="]
Sign = Literal["+", "-", "*", "/"]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the table, by its name."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class MapItem:
    """One entry of a map, such as ``classification['BNS']``; NULL where it is absent or of another kind."""

    name: str
    key: str
    kind: ItemKind


@dataclass(frozen=True, slots=True)
class Number:
    """A finite number."""

    value: float


@dataclass(frozen=True, slots=True)
class Text:
    """A text."""

    value: str


@dataclass(frozen=True, slots=True)
class Flag:
    """TRUE or FALSE."""

    value: bool


@dataclass(frozen=True, slots=True)
class Moment:
    """A time: microseconds since 1970-01-01 UTC."""

    time_us: int


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two numbers to one; NULL where the result is not finite."""

    sign: Sign
    left: "Value"
    right: "Value"


@dataclass(frozen=True, slots=True)
class Negative:
    """Minus a number."""

    of: "Value"


@dataclass(frozen=True, slots=True)
class Position:
    """A place, ICRS degrees, each a field or a number; NULL where it is not on the sky."""

    ra: Field | Number
    dec: Field | Number


@dataclass(frozen=True, slots=True)
class Separation:
    """Angle between two places, degrees."""

    one: Position
    two: Position


@dataclass(frozen=True, slots=True)
class Circle:
    """All places within a radius, the border inside; ICRS degrees."""

    ra: float
    dec: float
    radius_deg: float


@dataclass(frozen=True, slots=True)
class Outline:
    """The smaller side of a polygon whose sides are great circles; (ra, dec) in ICRS degrees."""

    vertices: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """A coverage map, MOC 2.0 ASCII."""

    moc: str


@dataclass(frozen=True, slots=True)
class NamedRegion:
    """A watchlist or watchmap of the settings."""

    name: str


@dataclass(frozen=True, slots=True)
class EventRegion:
    """The latest localization of a thread, up to a credible level in (0, 1]."""

    thread_id: str
    level: float


@dataclass(frozen=True, slots=True)
class ActiveRegions:
    """The regions of all events of a messenger, each for so many days before and after the event, ends included."""

    messenger: str
    level: float
    days: float


Place = Circle | Outline | Coverage | NamedRegion | EventRegion | ActiveRegions


@dataclass(frozen=True, slots=True)
class Within:
    """Whether a position lies in a place; ``time`` is the record's, for `ActiveRegions`."""

    position: Position
    place: Place
    time: Field | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two values of one kind; text by code points."""

    operator: Operator
    left: "Value"
    right: "Value"


@dataclass(frozen=True, slots=True)
class Among:
    """Whether a value is one of some literals."""

    value: "Value"
    choices: tuple["Number | Text | Moment", ...]


@dataclass(frozen=True, slots=True)
class Like:
    """Whether a whole text fits a pattern: ``%`` any characters, ``_`` one."""

    value: Field | MapItem
    pattern: str
    escape: str = ""
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class IsNull:
    """Whether a value or a condition is unknown; never unknown itself."""

    of: "Value | Condition"


@dataclass(frozen=True, slots=True)
class Truth:
    """A flag as a condition."""

    flag: "Value"


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite; unknown stays unknown."""

    part: "Condition"


@dataclass(frozen=True, slots=True)
class All:
    """AND."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """OR."""

    parts: tuple["Condition", ...]


Value = Field | MapItem | Number | Text | Flag | Moment | Arithmetic | Negative | Separation
Condition = Comparison | Among | Like | IsNull | Truth | Not | All | AnyOf | Within
Node = Value | Condition | Position | Place


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it."""
    yield node
    for item in fields(node):
        child = getattr(node, item.name)
        for part in child if isinstance(child, tuple) else (child,):
            if isinstance(part, Node):
                yield from walk(part)
