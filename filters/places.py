"""What a filter may ask about the sky beyond its own record."""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol, runtime_checkable

from nuncius.broker.sky.healpix import BoolArray, FloatArray, IntArray
from nuncius.broker.sky.skymap import SkyMap


class Area(Protocol):
    """A part of the sky."""

    def contains(self, ra: FloatArray, dec: FloatArray) -> BoolArray:
        """Whether each position, ICRS degrees, lies inside; the border as the area says."""
        ...


class ActiveEvent(NamedTuple):
    """The region of an event that is real and not retracted, and when it was, microseconds since 1970 UTC."""

    thread_id: str
    area: Area
    time_us: int


class EventHits(NamedTuple):
    """Pairs of a position, by its index, and an event whose region holds it; its time as in `ActiveEvent`."""

    row: IntArray
    time_us: IntArray


class Places(Protocol):
    """Regions and events by name, as far as they are known here."""

    def region(self, name: str) -> Area | None:
        """A watchlist or watchmap; None where it is not known."""
        ...

    def event_region(self, thread_id: str, level: float) -> Area | None:
        """The latest localization of a thread up to a credible level; None while unknown or where retracted."""
        ...

    def events(self, messenger: str, level: float) -> Sequence[ActiveEvent]:
        """All events of a messenger that have a region."""
        ...

    def sky_map(self, sha256: str) -> SkyMap | None:
        """A map by the sha256 of its file; None where it is not at hand."""
        ...


@runtime_checkable
class IndexedPlaces(Places, Protocol):
    """Places that find the events of many positions at once, without a look at every event."""

    def holding(self, messenger: str, level: float, ra: FloatArray, dec: FloatArray) -> EventHits:
        """Every pair of a position (ICRS degrees, on the sky) and an event of `events` whose region holds it."""
        ...


class _Nowhere:
    """Knows nothing: what depends on a place is unknown."""

    def region(self, name: str) -> Area | None:
        del name
        return None

    def event_region(self, thread_id: str, level: float) -> Area | None:
        del thread_id, level
        return None

    def events(self, messenger: str, level: float) -> Sequence[ActiveEvent]:
        del messenger, level
        return ()

    def sky_map(self, sha256: str) -> SkyMap | None:
        del sha256
        return None


NO_PLACES: Final[Places] = _Nowhere()
