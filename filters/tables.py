"""The tables a filter may select from, and their fields."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from nuncius.filters.alert_fields import ALERT_FIELDS
from nuncius.filters.candidate_fields import CANDIDATE_FIELDS
from nuncius.filters.coincidence_fields import COINCIDENCE_FIELDS
from nuncius.filters.fields import FieldInfo
from nuncius.filters.other_fields import COUNTERPART_FIELDS, QUARANTINE_FIELDS, TOO_FIELDS


def _named(every: tuple[FieldInfo, ...]) -> Mapping[str, FieldInfo]:
    return MappingProxyType({info.name: info for info in every})


MAP_FIELDS: Final = frozenset({"area90_deg2", "distance_mpc", "distance_err_mpc"})
"""Fields of alerts that may need the alert's sky map: unknown where `Places` does not have it."""

FIELDS: Final[Mapping[str, Mapping[str, FieldInfo]]] = MappingProxyType(
    {
        "alerts": _named(ALERT_FIELDS),
        "candidates": _named(CANDIDATE_FIELDS),
        "coincidences": _named(COINCIDENCE_FIELDS),
        "too": _named(TOO_FIELDS),
        "quarantine": _named(QUARANTINE_FIELDS),
        "counterparts": _named(COUNTERPART_FIELDS),
    }
)
"""By table, then by field, in the order of the documentation."""
