"""What a filter's words may mean while it is checked."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from nuncius.filters.errors import FilterError
from nuncius.filters.fields import FieldInfo
from nuncius.filters.scan import nearest
from nuncius.filters.tables import FIELDS
from nuncius.filters.tree import Condition

if TYPE_CHECKING:
    from sqlglot import exp


_CONDITIONS = ("EQ", "NEQ", "LT", "LTE", "GT", "GTE", "And", "Or", "Not", "In", "Is", "Like", "ILike", "Between")


class Scope(NamedTuple):
    """The table, its fields, the named filters (lower case), the regions (None: any) and why one cannot be used.

    ``named`` reads the filter of a name.
    """

    table: str
    fields: Mapping[str, FieldInfo]
    filters: frozenset[str]
    regions: frozenset[str] | None
    why_not: Callable[[str], str]
    named: Callable[[str, int], Condition]

    def field(self, name: str, column: int) -> FieldInfo:
        """The field of a name; FilterError with the nearest name, or the table that has it."""
        info = self.fields.get(name.lower())
        if info is not None:
            return info
        if name.lower() in self.filters:
            raise FilterError(f"{name} is a named filter: a condition, not a value", column)
        elsewhere = [table for table, fields in FIELDS.items() if name.lower() in fields]
        hint = f"; the table {elsewhere[0]} has it" if elsewhere else ""
        hint = hint or nearest(name.lower(), frozenset(self.fields) | self.filters)
        raise FilterError(f"{self.table} have no field {name!r}{hint}", column)


def column_of(node: "exp.Expr") -> int:
    """Of the first character of a part of the filter, counted from 1."""
    places = [part.meta["start"] for part in node.walk() if "start" in part.meta]
    return min(places, default=0) + 1


def refuse(node: "exp.Expr") -> NoReturn:
    """A part that the language does not have."""
    kind = type(node).__name__
    if kind in ("Alias", "Concat"):
        raise FilterError("two values without an operator between them", column_of(node))
    if kind in _CONDITIONS:
        raise FilterError("a condition where a value is expected", column_of(node))
    raise FilterError(f"{kind.upper()} is no part of the filter language", column_of(node))
