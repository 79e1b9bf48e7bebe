"""What a user gave a name: filters, and regions of the sky."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final


def _readable(name: str) -> str:
    del name
    return ""


@dataclass(frozen=True, slots=True)
class Names:
    """Filters and regions by name.

    Parameters
    ----------
    filters
        Text of the filters that may stand as bare words.
    regions
        Names that IN_REGION may use; None where they are not known here, and any may stand.
    origins
        Where a filter's text stands, for messages: ``nuncius.toml, line 4``.
    why_not
        Why a region cannot be used now, asked of those that a filter names; empty for one that can.
    """

    filters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    regions: frozenset[str] | None = None
    origins: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    why_not: Callable[[str], str] = _readable


NO_NAMES: Final = Names(regions=frozenset())
