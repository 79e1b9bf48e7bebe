"""What a user gave a name: filters, and regions of the sky."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Names:
    """Filters and regions by name.

    Parameters
    ----------
    filters
        Text of the filters that may stand as bare words.
    regions
        Names that IN_REGION may use; None where they are not known here, and any may stand.
    """

    filters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    regions: frozenset[str] | None = None


NO_NAMES: Final = Names(regions=frozenset())
