"""Where a request may stand beside the adapter that is asked now: it was moved, or the other adapter is gone."""

from collections.abc import Iterator, Mapping
from typing import Final

from nuncius.broker.planning.lifecycle import Life
from nuncius.schemas.too import ToOStatus

_SAID: Final = frozenset({"proposed", "recorded"})
"""States that do not tell whether anything stands."""


class Elsewhere:
    """What other adapters said, folded from the log in its order.

    Parameters
    ----------
    neighbours
        The other real adapters of this broker, each with the facilities that it serves; None for all.
    """

    def __init__(self, neighbours: Mapping[str, frozenset[str] | None]) -> None:
        self._neighbours = neighbours
        self._told: dict[str, dict[str, list[ToOStatus]]] = {}

    def learn(self, status: ToOStatus) -> None:
        """A status of another adapter."""
        if status.state not in _SAID:
            self._told.setdefault(status.request_id, {}).setdefault(status.adapter, []).append(status)

    def heeds(self, status: ToOStatus) -> bool:
        """Whether a status may end what another adapter waits for."""
        return status.adapter in self._neighbours and status.state not in _SAID

    def leaving(self, life: Life) -> tuple[str, ...]:
        """Adapters that have the request and do not serve its facility any more, until it is gone there or refused."""
        return tuple(name for name, there in self._standing(life) if self._takes_back(name, there))

    def words(self, life: Life) -> str:
        """What ``sent`` says: also where the request may stand although nobody can take it back there."""
        names = [name for name, there in self._standing(life) if not self._takes_back(name, there)]
        return f"asking, although it may still stand at {' and '.join(names)}" if names else "asking"

    def _takes_back(self, name: str, there: Life) -> bool:
        return name in self._neighbours and not there.refused(there.latest.revision)

    def _standing(self, life: Life) -> Iterator[tuple[str, Life]]:
        for name, told in self._told.get(life.latest.request_id, {}).items():
            serves = self._neighbours.get(name, frozenset())
            there = Life(revisions=life.revisions, told=tuple(told))
            if serves is not None and life.latest.facility not in serves and there.outstanding:
                yield name, there
