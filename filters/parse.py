"""From a filter's text to the checked tree."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nuncius.filters.errors import FilterError
from nuncius.filters.names import NO_NAMES, Names
from nuncius.filters.ready import ready_filters
from nuncius.filters.scan import MAX_NODES, tokens
from nuncius.filters.scope import Scope
from nuncius.filters.tables import FIELDS
from nuncius.filters.tree import (
    ActiveRegions,
    Condition,
    EventRegion,
    Field,
    MapItem,
    NamedRegion,
    walk,
)

if TYPE_CHECKING:
    from sqlglot import exp


@dataclass(frozen=True)
class Filter:
    """A checked filter.

    Parameters
    ----------
    text
        As written.
    table
        What it selects from.
    tree
        What is evaluated.
    """

    text: str
    table: str
    tree: Condition

    @cached_property
    def fields(self) -> frozenset[str]:
        """Names of the fields it reads."""
        return frozenset(node.name for node in walk(self.tree) if isinstance(node, Field | MapItem))

    @cached_property
    def places(self) -> frozenset[NamedRegion | EventRegion | ActiveRegions]:
        """The regions it asks `Places` for."""
        return frozenset(
            node for node in walk(self.tree) if isinstance(node, NamedRegion | EventRegion | ActiveRegions)
        )


def parse_filter(text: str, table: str, names: Names = NO_NAMES) -> Filter:
    """Reads and checks a filter.

    Parameters
    ----------
    text
        The condition, as after WHERE; see `nuncius.filters`.
    table
        One of `FIELDS`.
    names
        Named filters and regions it may use, beside the ready-made filters.

    Raises
    ------
    FilterError
        Anything that is no part of the language, or does not fit the table; its ``column`` says where.
    """
    if table not in FIELDS:
        raise FilterError(f"there is no table {table!r}; expected one of {', '.join(FIELDS)}")
    shipped = {one.name: one.text for one in ready_filters()}
    known = replace(names, filters={**shipped, **names.filters})
    return Filter(text, table, _read(text, table, known, (), {}))


def _read(text: str, table: str, names: Names, within: tuple[str, ...], read: dict[str, Condition]) -> Condition:
    """The tree of a text that stands in the named filters ``within``; each named filter is read once."""
    from nuncius.filters.translate import condition  # noqa: PLC0415  it needs sqlglot, an extra

    words = {name.lower(): name for name in names.filters}

    def named(name: str, column: int) -> Condition:
        if name in within:
            raise FilterError(f"the filter {name!r} uses itself: {' -> '.join((*within, name))}", column)
        if len(within) >= 8:  # deeper than anybody composes filters by hand
            raise FilterError(f"the filter {name!r} stands in filters more than 8 deep", column)
        if name in read:
            return read[name]
        try:
            read[name] = _read(names.filters[words[name]], table, names, (*within, name), read)
        except FilterError as error:
            where = f"{name!r}{_origin(names, words[name])}, at its column {error.column}"
            raise FilterError(f"in the filter {where}: {error.message}", column) from error
        return read[name]

    fields: Mapping[str, Any] = FIELDS[table]
    scope = Scope(table, fields, frozenset(words) - frozenset(fields), names.regions, names.why_not, named)
    tree = condition(_parsed(text), scope)
    if sum(1 for _ in walk(tree)) > 2 * MAX_NODES:  # a position and a place are nodes of ours, not of the text
        raise FilterError(f"with the filters it names, more than {MAX_NODES} words, numbers and operators")
    return tree


def _origin(names: Names, name: str) -> str:
    return f" ({names.origins[name]})" if name in names.origins else ""


def _parsed(text: str) -> "exp.Expr":
    from sqlglot.errors import ParseError  # noqa: PLC0415  an extra: loaded with the first filter
    from sqlglot.parser import Parser  # noqa: PLC0415  the same

    found = tokens(text)
    try:
        statements = Parser().parse(found, text)
    except ParseError as error:
        where = error.errors[0] if error.errors else {}
        near = where.get("highlight") or ""
        column = max(int(where.get("col") or 1) - max(len(near), 1) + 1, 1)
        raise FilterError(f"the filter cannot be understood near {near!r}", column) from error
    tree = statements[0] if len(statements) == 1 else None
    if tree is None:
        raise FilterError("a filter is one condition")
    return tree
