"""An alert as planning keeps it: packed, since most are never looked at again, and all are kept for a late word."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from nuncius.broker.planning.place import Place, place, region
from nuncius.broker.sky.skymap import SkyMap
from nuncius.schemas.alert import Alert
from nuncius.schemas.codec import decode, encode

_AT_HAND: Final = 256
"""Alerts of the last moments: both lanes read them at about the same time, and several policies look at one; ours."""


class Kept:
    """One alert, and where it points once that was asked.

    Parameters
    ----------
    alert
        The alert.
    maps
        Sky maps by their sha256.
    """

    __slots__ = ("_maps", "_packed", "_place")

    def __init__(self, alert: Alert, maps: Mapping[str, SkyMap]) -> None:
        self._packed = _packed(alert)
        self._maps = maps
        self._place: tuple[Place | None] | None = None

    @property
    def alert(self) -> Alert:
        """The alert itself."""
        return _unpacked(self._packed)

    @property
    def place(self) -> Place | None:
        """Where to point, as `nuncius.broker.planning.place.place` finds it; worked out once."""
        if self._place is None:
            self._place = (place(self.alert, self._maps),)
        return self._place[0]

    def region(self) -> SkyMap | None:
        """The map around it."""
        return region(self.alert, self._maps)


@lru_cache(maxsize=_AT_HAND)
def _packed(alert: Alert) -> bytes:
    return encode(alert)


@lru_cache(maxsize=_AT_HAND)
def _unpacked(data: bytes) -> Alert:
    return decode(Alert, data)
