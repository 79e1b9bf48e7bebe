"""Why a filter does not select a record: the first condition that is not true, and what it saw."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from nuncius.broker.sky.sphere import separation_deg
from nuncius.filters.evaluate import matches, values
from nuncius.filters.parse import Filter
from nuncius.filters.places import NO_PLACES, Places
from nuncius.filters.tree import (
    All,
    AnyOf,
    Circle,
    Condition,
    EventRegion,
    Field,
    MapItem,
    NamedRegion,
    Not,
    Within,
    walk,
)
from nuncius.filters.words import in_words


class Cause(NamedTuple):
    """A condition that is not true.

    Parameters
    ----------
    condition
        In the filter language.
    truth
        False where it does not hold, None where it is unknown.
    saw
        What the record has in its place.
    """

    condition: str
    truth: bool | None
    saw: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a filter says of a record.

    Parameters
    ----------
    truth
        True where it selects the record, None where that is unknown.
    causes
        Of AND the first part that is not true, of OR every part; empty where it selects the record.
    """

    truth: bool | None
    causes: tuple[Cause, ...]


def explain(checked: Filter, record: Any, taken: datetime | None = None, places: Places = NO_PLACES) -> Verdict:
    """What the filter says of a record, and why.

    Parameters
    ----------
    checked, record, taken, places
        As for `nuncius.filters.matches`.
    """
    asked = _Asked(checked.table, record, taken, places)
    truth = asked.truth(checked.tree)
    return Verdict(truth, () if truth else tuple(asked.causes(checked.tree)))


class _Asked(NamedTuple):
    table: str
    record: Any
    taken: datetime | None
    places: Places

    def truth(self, node: Condition) -> bool | None:
        return matches(Filter("", self.table, node), self.record, self.taken, self.places)

    def causes(self, node: Condition) -> list[Cause]:
        """Of a condition that is not true."""
        match node:
            case All(parts):
                return self.causes(next(part for part in parts if not self.truth(part)))
            case AnyOf(parts):
                return [cause for part in parts for cause in self.causes(part)]
            case Not(part) if self.truth(part) is None:
                return self.unknown(part)
            case _:
                return [Cause(in_words(node), self.truth(node), self.saw(node))]

    def unknown(self, node: Condition) -> list[Cause]:
        """Of a condition that is unknown, so that its opposite is, too: the first part that is."""
        match node:
            case All(parts) | AnyOf(parts):
                return self.unknown(next(part for part in parts if self.truth(part) is None))
            case Not(part):
                return self.unknown(part)
            case _:
                return [Cause(in_words(node), None, self.saw(node))]

    def saw(self, node: Condition) -> str:
        """The values that a condition reads, and for a place what is known of it."""
        parts = [self.value(part) for part in walk(node) if isinstance(part, Field | MapItem)]
        parts += [self.place(part) for part in walk(node) if isinstance(part, Within)]
        return ", ".join(dict.fromkeys(part for part in parts if part))

    def value(self, node: Field | MapItem) -> str:
        found = values(self.table, self.record, self.taken, self.places, [node.name])
        name = node.name if isinstance(node, Field) else f"{node.name}.{node.key}"
        if name not in found:
            return f"{name} is NULL"
        value = found[name]
        return f"{name} is {value:.10g}" if isinstance(value, float) else f"{name} is {value}"

    def place(self, node: Within) -> str:
        match node.place:
            case NamedRegion(name) if self.places.region(name) is None:
                return f"the region {name!r} is not known here"
            case EventRegion(thread_id, level) if self.places.event_region(thread_id, level) is None:
                return f"no region of {thread_id!r} is known here"
            case Circle(ra, dec, _):
                at = values(self.table, self.record, self.taken, self.places, ("ra", "dec"))
                if {"ra", "dec"} <= at.keys():
                    apart = float(separation_deg(float(at["ra"]), float(at["dec"]), ra, dec))
                    return f"{apart:.4g} deg from its centre"
        return ""


def readable(causes: tuple[Cause, ...]) -> str:
    """One line; the parts of an OR side by side."""
    return "; and ".join(
        f"{cause.condition}: {'unknown' if cause.truth is None else 'no'}{f' ({cause.saw})' if cause.saw else ''}"
        for cause in causes
    )
