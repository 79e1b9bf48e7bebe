"""The filters of policies: checked once, asked of each cause."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from nuncius.broker.planning.policy import Policies
from nuncius.broker.sky.skymap import SkyMap
from nuncius.filters import ActiveEvent, Area, Filter, FilterError, Names, parse_filter
from nuncius.filters.explain import explain, readable
from nuncius.filters.tree import ActiveRegions, EventRegion, Field, walk
from nuncius.schemas import Alert, CandidateList, Coincidence, SettingsError

_TABLE: Final = {"coincidence": "coincidences", "candidate_list": "coincidences", "alert": "alerts"}
_ALERTS: Final = "alerts"


class MapsAndAreas:
    """Meets `nuncius.filters.Places` with sky maps and the user's own regions; it knows no events."""

    def __init__(self, maps: Mapping[str, SkyMap], areas: Mapping[str, Area]) -> None:
        self._maps = maps
        self._areas = areas

    def region(self, name: str) -> Area | None:
        """A watchlist or watchmap."""
        return self._areas.get(name)

    def event_region(self, thread_id: str, level: float) -> None:
        """None: see `PolicyFilters`."""

    def events(self, messenger: str, level: float) -> tuple[ActiveEvent, ...]:
        """None: see `PolicyFilters`."""
        del messenger, level
        return ()

    def sky_map(self, sha256: str) -> SkyMap | None:
        """A map by the sha256 of its file."""
        return self._maps.get(sha256)


class PolicyFilters:
    """Meets `nuncius.broker.planning.fitting.Fits`.

    What a policy makes of a cause is a function of the cause alone, so that a replay plans as the live run did: regions
    of other events (``IN_EVENTS``, ``IN_SKYMAP``) and ``age_s`` are refused.

    Parameters
    ----------
    policies
        All of a file, those that are off too: a filter is wrong whether it acts or not.
    names
        The user's own filters and regions.
    maps, areas
        Sky maps by their sha256, and the user's regions by name.

    Raises
    ------
    SettingsError
        If a filter cannot be read; the message names line, policy, key and column.
    """

    def __init__(self, policies: Policies, names: Names, maps: Mapping[str, SkyMap], areas: Mapping[str, Area]) -> None:
        self._places = MapsAndAreas(maps, areas)
        self._where: dict[str, Filter] = {}
        self._anchor: dict[str, Filter] = {}
        for policy in policies.policies:
            wrong = partial(policies.wrong, policy.name)
            if policy.where:
                self._where[policy.name] = _checked(policy.where, _TABLE[policy.cause], names, partial(wrong, "where"))
            if policy.anchor_where:
                self._anchor[policy.name] = _checked(
                    policy.anchor_where, _ALERTS, names, partial(wrong, "anchor_where")
                )

    def where(self, policy: str, record: Coincidence | CandidateList | Alert) -> str | None:
        """Why a policy's ``where`` does not select a record; None where it does."""
        return self._misfit(self._where, policy, record)

    def anchor(self, policy: str, alert: Alert) -> str | None:
        """As `where`, of ``anchor_where`` and an alert."""
        return self._misfit(self._anchor, policy, alert)

    def _misfit(self, filters: Mapping[str, Filter], policy: str, record: object) -> str | None:
        wanted = filters.get(policy)
        if wanted is None:
            return None
        verdict = explain(wanted, record, places=self._places)
        return None if verdict.truth else f"the policy's filter: {readable(verdict.causes)}"


def _checked(text: str, table: str, names: Names, wrong: Callable[[str], SettingsError]) -> Filter:
    try:
        checked = parse_filter(text, table, names)
    except FilterError as error:
        raise wrong(str(error)) from error
    for node in walk(checked.tree):
        if isinstance(node, ActiveRegions | EventRegion) or (isinstance(node, Field) and node.name == "age_s"):
            what = "age_s" if isinstance(node, Field) else "IN_EVENTS or IN_SKYMAP"
            raise wrong(f"{what} depends on more than the cause and cannot stand in a policy")
    return checked
