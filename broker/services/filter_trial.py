"""``nuncius filters try``: what a filter says of each record of some files or of a broker, and why."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from nuncius.broker.services.facility_reader import read_packet
from nuncius.broker.services.packets import from_paths
from nuncius.broker.services.reading import read
from nuncius.broker.services.streams.places import EventPlaces
from nuncius.broker.services.supplies import Supplies
from nuncius.broker.sky import SkyMap
from nuncius.filters import FIELDS, Area, Filter, FilterError, Hit, Names, Places, parse_filter, rows_of, targets_near
from nuncius.filters.explain import Verdict, explain
from nuncius.filters.ready import ready_filters
from nuncius.producers import parse_all
from nuncius.schemas import Alert, SettingsError, SkyMapRef
from nuncius.schemas.candidate_row import rows

FROM_FILES: Final = ("alerts", "candidates")
"""Tables whose records packets become."""

_IDS: Final = ("thread_id", "event_thread", "coincidence_id", "request_id", "source")


class Held(NamedTuple):
    """A record, when the log took it (of a file: when it was issued), and where it comes from."""

    record: Any
    taken: datetime | None
    source: str


class Tried(NamedTuple):
    """A record against the filter.

    Parameters
    ----------
    source, name
        File, or empty; and the record's own identifier.
    verdict
        Whether it is selected, and why not.
    hits
        Targets of the filter's watchlists that it is near.
    """

    source: str
    name: str
    verdict: Verdict
    hits: tuple[Hit, ...]


def table_for(text: str, names: Names) -> str:
    """The table that a filter is meant for where nobody says: a ready-made one's own, else the first it fits.

    Raises
    ------
    FilterError
        If it fits none: what is wrong with it on the table that most of it fits.
    """
    ready = {one.name: one.table for one in ready_filters() if one.name not in names.filters}
    if text.strip().lower() in ready:
        return ready[text.strip().lower()]
    faults = []
    for table in FIELDS:
        try:
            parse_filter(text, table, names)
        except FilterError as error:
            faults.append(error)
        else:
            return table
    raise max(faults, key=lambda fault: fault.column)


def held_in(paths: Sequence[Path], table: str, supplies: Supplies, say: Callable[[str], object]) -> Iterator[Held]:
    """The records of files, folders and archives; ``say`` is told of packets that are none, or cannot be read.

    They are read as they would be if they came now: their run mode is ``live``.

    Raises
    ------
    SettingsError
        If packets do not become records of the table.
    """
    if table not in FROM_FILES:
        raise SettingsError(f"files hold alerts and candidates, not {table}; try it on a broker: --last 20")
    parse = parse_all if table == "alerts" else read_packet
    for packet in from_paths(paths):
        reading = read(packet, supplies.context(packet, "live"), parse)
        if reading.fault is not None:
            say(f"{packet.source}: cannot be read: {reading.fault.detail}")
        for other in reading.non_alerts:
            say(f"{packet.source}: no alert ({other.reason})")
        if table == "alerts":
            yield from (Held(alert, alert.issued_time, packet.source) for alert in reading.alerts)
        elif reading.rows is not None:
            yield from (Held(row, None, packet.source) for row in rows(reading.rows, "live"))
        elif reading.alerts:
            say(f"{packet.source}: no candidate of a survey")


def places_of(held: Iterable[Held], areas: Mapping[str, Area]) -> EventPlaces:
    """What is known of the sky from the alerts among these records alone, told in their order."""
    maps = _CarriedMaps()
    places = EventPlaces(maps, areas)
    for one in held:
        if isinstance(one.record, Alert):
            maps.take(one.record)
            places.take(one.record)
    return places


def tried(checked: Filter, held: Sequence[Held], places: Places) -> Iterator[Tried]:
    """Each record against a filter."""
    table = rows_of(checked.table, [one.record for one in held], [one.taken for one in held])
    for one, near in zip(held, targets_near(checked, table, places), strict=True):
        yield Tried(one.source, _name(one.record), explain(checked, one.record, one.taken, places), near)


def _name(record: Any) -> str:
    return next((str(found) for name in _IDS if (found := getattr(record, name, None))), "?")


class _CarriedMaps(Mapping[str, SkyMap]):
    """Sky maps that alerts carry, built when first asked for."""

    def __init__(self) -> None:
        self._data: dict[str, bytes] = {}
        self._built: dict[str, SkyMap] = {}

    def take(self, alert: Alert) -> None:
        """Keep the maps of an alert."""
        for item in alert.localizations:
            if isinstance(item.shape, SkyMapRef) and item.shape.data:
                self._data[item.shape.sha256] = item.shape.data

    def __getitem__(self, sha256: str) -> SkyMap:
        if sha256 not in self._built:
            self._built[sha256] = SkyMap.read(self._data[sha256])
        return self._built[sha256]

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)
