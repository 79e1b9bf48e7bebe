"""Users' regions by name: each read when it is first asked for, and again when its file has changed."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Final, NamedTuple

from nuncius.broker.services.watching import read_region
from nuncius.broker.settings import RegionSettings
from nuncius.broker.transport.clock import utc_now
from nuncius.filters import Area
from nuncius.filters.watch import Watchlist, Watchmap
from nuncius.schemas import SettingsError

LOOK_S: Final = 1.0
"""How often a file is looked at, at the most, and how old a change must be to count: the file is then written whole."""

Stamp = tuple[int, int, int] | None
"""Time of change in nanoseconds, size and number of a file; None where there is none."""


class RegionState(NamedTuple):
    """A region as it is now.

    Parameters
    ----------
    file
        Where it comes from.
    area
        What filters ask; None where it was never read.
    fault
        Why the file as it is now cannot be read; empty where it can.
    note
        What a person should know of how it was read; empty for nothing.
    changed_s
        When the file was changed, seconds since 1970 UTC; None where there is none.
    """

    file: Path
    area: Area | None
    fault: str
    note: str
    changed_s: float | None


@dataclass
class _Held:
    state: RegionState
    stamp: Stamp
    seen: Stamp
    looked_s: float


class Areas(Mapping[str, Area]):
    """Areas by name; one that cannot be read is not there, and `faults` says why. Safe for several threads.

    A broken new version of a file leaves the area as it was read before.

    Parameters
    ----------
    regions
        Of the settings.
    say
        Takes one line for the operator: what was read again, what cannot be read.
    clock
        The time now, UTC.
    """

    def __init__(
        self,
        regions: Mapping[str, RegionSettings],
        say: Callable[[str], object],
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._regions = regions
        self._say = say
        self._clock = clock
        self._held: dict[str, _Held] = {}
        self._lock = Lock()

    def __getitem__(self, name: str) -> Area:
        area = self.state(name).area
        if area is None:
            raise KeyError(name)
        return area

    def __iter__(self) -> Iterator[str]:
        return iter(self._regions)

    def __len__(self) -> int:
        return len(self._regions)

    def state(self, name: str) -> RegionState:
        """How a region is now; KeyError where the settings have none of that name."""
        region = self._regions[name]
        with self._lock:
            held = self._held.get(name)
            now = self._clock().timestamp()
            if held is None:
                stamp = _stamp(region.file)
                held = self._held[name] = _Held(_read(region, None), stamp, stamp, now)
                if held.state.fault:
                    self._say(f"region {name}: {held.state.fault}; it holds nothing until that is mended")
            elif not 0 <= now - held.looked_s < LOOK_S:
                held.looked_s = now
                self._look(name, region, held)
            return held.state

    def why_not(self, name: str) -> str:
        """Why a filter cannot ask for a region; empty where it can."""
        state = self.state(name)
        return state.fault if state.area is None else ""

    def _look(self, name: str, region: RegionSettings, held: _Held) -> None:
        before, held.seen = held.seen, _stamp(region.file)
        is_old = held.seen is not None and held.looked_s - held.seen[0] / 1e9 >= LOOK_S
        if held.seen == held.stamp or not (is_old or held.seen == before):
            return
        held.stamp = held.seen
        held.state = _read(region, held.state.area)
        if not held.state.fault:
            self._say(f"region {name}: {region.file} has changed and was read again: {described(held.state)}")
        elif held.state.area is None:
            self._say(f"region {name}: {held.state.fault}; it holds nothing until that is mended")
        else:
            self._say(f"region {name}: {held.state.fault}; what was read before stays until that is mended")


def described(state: RegionState) -> str:
    """What it holds, in a few words."""
    match state.area:
        case Watchlist() as area:
            low, high = area.radii_deg
            radius = f"{low:.3g} deg" if low == high else f"{low:.3g} to {high:.3g} deg"
            return f"{len(area)} targets, radius {radius}"
        case Watchmap(area_deg2=area):
            return f"{area:.4g} deg2"
        case _:
            return "cannot be read"


def _read(region: RegionSettings, before: Area | None) -> RegionState:
    stamp = _stamp(region.file)
    changed_s = None if stamp is None else stamp[0] / 1e9
    try:
        area, note = read_region(region.file, region.radius_deg)
    except SettingsError as error:
        return RegionState(region.file, before, str(error), "", changed_s)
    return RegionState(region.file, area, "", note, changed_s)


def _stamp(file: Path) -> Stamp:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
