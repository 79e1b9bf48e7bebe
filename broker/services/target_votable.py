"""A list of targets in a VOTable: its coordinate system is read, and positions are turned into ICRS."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from xml.parsers.expat import ExpatError

import numpy as np
from astropy import coordinates
from astropy.coordinates import BaseCoordinateFrame, SkyCoord
from astropy.io.votable import parse
from astropy.io.votable.tree import CooSys, TableElement, VOTableFile
from astropy.table import Table
from astropy.units import UnitConversionError

from nuncius.broker.services.target_rows import NAME, RADIUS, Columns, TargetRow, columns_of, first_of
from nuncius.schemas import SettingsError

_OTHER: Final = (("glon", "glat", "GALACTIC"), ("l", "b", "GALACTIC"), ("elon", "elat", "ECLIPTIC"))
"""Longitude, latitude and what they are of, where a table has no ra and dec."""

_MOTIONS: Final = frozenset({"pmra", "pmdec", "pmde", "pm_ra", "pm_dec", "pm"})
_FRAMES: Final = "ICRS, FK5, FK4, galactic, supergalactic, ecliptic"


def votable_rows(file: Path, data: bytes) -> tuple[list[TargetRow], str]:
    """Targets of the first table, ICRS degrees, and what a person should know of them.

    The system is that of the COOSYS to which the columns refer, else the only one of the file, else ICRS; astropy turns
    FK4, FK5, galactic, supergalactic and ecliptic positions into ICRS. Proper motions are not applied: a position
    counts as it stands.

    Raises
    ------
    SettingsError
        If it cannot be read, has no position, or is in a system that is not known.
    """
    try:
        whole = parse(io.BytesIO(data))
        first = whole.get_first_table()
        table = first.to_table(use_names_over_ids=True)
    except (OSError, ValueError, LookupError, TypeError, ExpatError) as error:
        raise SettingsError(f"{file}: no VOTable that can be read: {str(error)[:100]}") from error
    names = list(table.colnames)
    place, by_name = _columns(file, [name.lower() for name in names])
    _to_degrees(file, table, [names[at] for at in (place.ra, place.dec, place.radius) if at is not None])
    system = _system(file, whole, first, names[place.ra])
    frame = _frame(file, system.system if system is not None and system.system else by_name, system)
    ra, dec = _icrs(frame, table[names[place.ra]], table[names[place.dec]])
    name, radius = (None if at is None else table[names[at]] for at in (place.name, place.radius))
    rows = [
        TargetRow(
            f"row {number + 1}", _text(name, number), _text(ra, number), _text(dec, number), _text(radius, number)
        )
        for number in range(len(table))
    ]
    return rows, _note(system, {name.lower() for name in names})


def _columns(file: Path, header: Sequence[str]) -> tuple[Columns, str]:
    """Where things stand, and the system that the names of the columns tell."""
    for longitude, latitude, system in _OTHER:
        if longitude in header and latitude in header and not {"ra", "dec"} & set(header):
            at = header.index(longitude), header.index(latitude)
            return Columns(first_of(NAME, header), *at, first_of(RADIUS, header)), system
    return columns_of(file, header), "ICRS"


def _to_degrees(file: Path, table: Table, names: Sequence[str]) -> None:
    for name in names:
        if table[name].dtype.kind not in "fiu":
            raise SettingsError(f"{file}: column {name} holds text; write degrees as numbers, not hours")
        if table[name].unit is not None:
            try:
                table[name] = table[name].to("deg")
            except (UnitConversionError, TypeError) as error:
                raise SettingsError(f"{file}: column {name} is in {table[name].unit}, not an angle") from error


def _system(file: Path, whole: VOTableFile, first: TableElement, column: str) -> CooSys | None:
    """The COOSYS of a column; None where the file has none."""
    systems = list(whole.iter_coosys())
    ref = next((field.ref for field in first.fields if column in (field.name, field.ID)), None)
    named = [system for system in systems if ref is not None and ref == system.ID]
    if named or not systems:
        return named[0] if named else None
    if len({(system.system, system.equinox) for system in systems}) > 1:
        raise SettingsError(f"{file}: {len(systems)} coordinate systems, and column {column} refers to none of them")
    return systems[0]


def _frame(file: Path, name: str, system: CooSys | None) -> BaseCoordinateFrame | None:
    """The frame of astropy; None for ICRS."""
    equinox, epoch = (None, None) if system is None else (system.equinox, system.epoch)
    match name.lower():
        case "icrs":
            return None
        case "fk5" | "eq_fk5":
            return coordinates.FK5(equinox=_year(equinox, "J2000"))
        case "fk4" | "eq_fk4":
            start = _year(equinox, "B1950")
            return coordinates.FK4(equinox=start, obstime=_year(epoch, start))
        case "galactic":
            return coordinates.Galactic()
        case "supergalactic" | "super_galactic":
            return coordinates.Supergalactic()
        case "ecliptic" | "ecl_fk5":
            return coordinates.BarycentricMeanEcliptic(equinox=_year(equinox, "J2000"))
        case _:
            raise SettingsError(f"{file}: coordinate system {name[:40]!r}; give positions in one of {_FRAMES}")


def _year(year: str | None, usual: str) -> str:
    """A Besselian or Julian epoch with its letter."""
    if not year:
        return usual
    return year if year[0] in "BJ" else f"{usual[0]}{year}"


def _icrs(frame: BaseCoordinateFrame | None, longitude: Any, latitude: Any) -> tuple[Any, Any]:
    """Degrees; what is no position is left as it is, and refused with its row."""
    if frame is None:
        return longitude, latitude
    lon, lat = (np.ma.filled(np.ma.asarray(each, np.float64), np.nan) for each in (longitude, latitude))
    good = np.isfinite(lon) & (np.abs(lat) <= 90)
    found = SkyCoord(lon[good], lat[good], unit="deg", frame=frame).icrs
    lon[good], lat[good] = found.ra.deg, found.dec.deg
    return lon, lat


def _text(column: Any, number: int) -> str:
    cell = None if column is None else column[number]
    return "" if cell is None or np.ma.is_masked(cell) else str(cell)


def _note(system: CooSys | None, names: set[str]) -> str:
    epoch = "" if system is None or not system.epoch else f" of epoch {system.epoch}"
    if names & _MOTIONS:
        return f"positions{epoch} as they stand in the file: its proper motions are not applied"
    return f"positions{epoch}" if epoch else ""
