"""What users gave a name in their settings: filters and regions, checked and told with their place in the file."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from nuncius.broker.planning.toml_lines import line_of
from nuncius.broker.services.areas import Areas, described
from nuncius.broker.settings import Settings
from nuncius.filters import FIELDS, FilterError, Names, parse_filter
from nuncius.schemas import SettingsError


@dataclass(frozen=True, slots=True)
class OwnFilter:
    """A filter of ``[filters]``.

    Parameters
    ----------
    name, text
        As written.
    origin
        File and line.
    tables
        Those it can select from.
    fault
        Why it cannot select from any; empty where it can.
    """

    name: str
    text: str
    origin: str
    tables: tuple[str, ...]
    fault: str


@dataclass(frozen=True, slots=True)
class OwnRegion:
    """A region of ``[regions]``.

    Parameters
    ----------
    region
        Its name.
    holds
        Number of targets and their radius, or the area; empty where it cannot be read.
    file
        Where it is.
    changed_time
        When the file was changed, UTC; None where there is none.
    note
        What to know of how it was read; empty for nothing.
    fault
        Why the file cannot be read; empty where it can.
    """

    region: str
    holds: str
    file: str
    changed_time: datetime | None
    note: str
    fault: str

    def in_words(self) -> str:
        """One line."""
        if self.fault:
            return f"region       WRONG: {self.fault}"
        changed = "" if self.changed_time is None else f", of {self.changed_time:%Y-%m-%d %H:%M:%S} UTC"
        return f"region       {self.holds}: {self.file}{changed}{f'; {self.note}' if self.note else ''}"


def region_row(name: str, areas: Areas) -> OwnRegion:
    """How a region is now."""
    state = areas.state(name)
    changed = None if state.changed_s is None else datetime.fromtimestamp(state.changed_s, UTC)
    holds = "" if state.area is None else described(state)
    return OwnRegion(name, holds, str(state.file), changed, state.note, state.fault)


def names_in(settings: Settings) -> Names:
    """Filters and regions of the settings; regions are taken to be readable."""
    return Names(settings.filters, frozenset(settings.regions), _origins(settings))


def own_filters(settings: Settings, names: Names) -> tuple[OwnFilter, ...]:
    """Every filter of the settings, checked against all tables."""
    return tuple(_checked(name, text, names) for name, text in settings.filters.items())


def check_at_start(settings: Settings, areas: Areas) -> None:
    """Look at all that has a name before a service starts; regions that cannot be read are told, and no more.

    Raises
    ------
    SettingsError
        For the first filter that cannot be used, with file and line.
    """
    for one in own_filters(settings, names_in(settings)):
        if one.fault:
            raise SettingsError(told(one))
    for name in areas:
        areas.state(name)


def told(one: OwnFilter) -> str:
    """What is wrong with a filter, and where."""
    return f"{one.origin}: the filter {one.name!r}: {one.fault}"


def _checked(name: str, text: str, names: Names) -> OwnFilter:
    tables, faults = [], []
    for table in FIELDS:
        try:
            meant = parse_filter(text, table, names).tree
        except FilterError as error:
            faults.append(error)
            continue
        try:
            if parse_filter(name, table, names).tree == meant:
                tables.append(table)
                continue
            fault = FilterError("another one has this name, written otherwise")
        except FilterError as error:
            fault = error
        words = "cannot stand in a filter by its name, which must be letters, digits and _ and no field's name"
        faults.append(FilterError(f"{words}: {fault.message}"))
    origin = names.origins.get(name, "")
    if tables:
        return OwnFilter(name, text, origin, tuple(tables), "")
    farthest = max(faults, key=lambda fault: fault.column)  # the table that most of it fits
    return OwnFilter(name, text, origin, (), str(farthest))


def _origins(settings: Settings) -> Mapping[str, str]:
    if settings.file is None or not settings.filters:
        return {}
    try:
        text = settings.file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return dict.fromkeys(settings.filters, str(settings.file))
    lines = {name: line_of(text, "filters", 1, name) for name in settings.filters}
    return {name: f"{settings.file}, line {line}" if line else str(settings.file) for name, line in lines.items()}
