"""Reads the files of users' regions: coverage maps, and lists of targets in CSV or VOTable."""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple
from xml.parsers.expat import ExpatError

import numpy as np

from nuncius.broker.sky import read_moc
from nuncius.filters import Area
from nuncius.filters.watch import Watchlist, Watchmap
from nuncius.schemas import Quarantine, SettingsError

MAX_TARGETS: Final = 1_000_000
"""More is a catalogue, not a watchlist."""

_RA: Final = ("ra", "ra_deg", "_raj2000", "raj2000", "ra_icrs")
_DEC: Final = ("dec", "dec_deg", "_dej2000", "dej2000", "decj2000", "de_icrs")
_NAME: Final = ("name", "target", "id", "source", "main_id", "designation")
_RADIUS: Final = ("radius_deg",)
_LISTS: Final = (".csv", ".vot", ".votable", ".xml")


class _Row(NamedTuple):
    where: str
    name: str
    ra: str
    dec: str
    radius: str


def read_region(file: Path, radius_deg: float | None) -> Area:
    """A watchlist from ``.csv``, ``.vot``, ``.votable`` or ``.xml``; a coverage map from anything else.

    Parameters
    ----------
    file
        A list has columns ``ra`` and ``dec`` in degrees (ICRS), maybe ``name`` and ``radius_deg``.
    radius_deg
        Of the circles of a list without a column of its own.

    Raises
    ------
    SettingsError
        Names file and row.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror or error}") from error
    if file.suffix.lower() not in _LISTS:
        try:
            return Watchmap(read_moc(data))
        except Quarantine as error:
            raise SettingsError(f"{file}: {error}; a list of targets ends in {', '.join(_LISTS)}") from error
    rows = _csv_rows(file, data) if file.suffix.lower() == ".csv" else _votable_rows(file, data)
    return _watchlist(file, list(rows), radius_deg)


def _watchlist(file: Path, rows: Sequence[_Row], radius_deg: float | None) -> Watchlist:
    if not 0 < len(rows) <= MAX_TARGETS:
        raise SettingsError(f"{file}: {len(rows)} targets; a watchlist has 1 to {MAX_TARGETS}")
    bare = next((row for row in rows if not row.radius), None)
    if radius_deg is None and bare is not None:
        raise SettingsError(
            f"{file}, row {bare.where}: no radius_deg; fill that column, or give radius_deg for the file in [regions]"
        )
    names, numbers = [], []
    for row in rows:
        names.append(row.name or f"row {row.where}")
        numbers.append(
            (
                _number(file, row, "ra", row.ra, 0.0, 360.0),
                _number(file, row, "dec", row.dec, -90.0, 90.0),
                _number(file, row, "radius_deg", row.radius or str(radius_deg), 0.0, 180.0),
            )
        )
    ra, dec, radius = np.array(numbers, np.float64).T
    return Watchlist(tuple(names), ra % 360.0, dec, radius)


def _number(file: Path, row: _Row, column: str, text: str, low: float, high: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not low <= number <= high:
        hint = "; write degrees, not hours" if ":" in text or "h" in text else ""
        raise SettingsError(
            f"{file}, row {row.where}: {column} {text[:40]!r} is no number in [{low:g}, {high:g}]{hint}"
        )
    return number


def _csv_rows(file: Path, data: bytes) -> Iterator[_Row]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file}: not UTF-8 text") from error
    lines = csv.reader(io.StringIO(text), skipinitialspace=True)
    try:
        header = [name.strip().lower() for name in next(lines, [])]
        place = _places(file, header)
        for cells in lines:
            if any(cell.strip() for cell in cells):
                taken = [cells[at].strip() if at is not None and at < len(cells) else "" for at in place]
                yield _Row(f"{lines.line_num}", *taken)
    except csv.Error as error:
        raise SettingsError(f"{file}, row {lines.line_num}: {error}") from error


def _votable_rows(file: Path, data: bytes) -> Iterator[_Row]:
    from astropy.io.votable import parse_single_table  # noqa: PLC0415  half a second of every command that reads settings, for the few who have a VOTable
    from astropy.units import UnitConversionError  # noqa: PLC0415  loaded with the VOTable reader above

    try:
        table = parse_single_table(io.BytesIO(data)).to_table(use_names_over_ids=True)
    except (OSError, ValueError, LookupError, TypeError, ExpatError) as error:
        raise SettingsError(f"{file}: no VOTable that can be read: {str(error)[:100]}") from error
    names = list(table.colnames)
    place = [None if at is None else names[at] for at in _places(file, [name.lower() for name in names])]
    for name in place[1:]:
        if name is not None and table[name].unit is not None:
            try:
                table[name] = table[name].to("deg")
            except (UnitConversionError, TypeError) as error:
                raise SettingsError(f"{file}: column {name} is in {table[name].unit}, not an angle") from error
    for number in range(len(table)):
        cells = [None if name is None else table[name][number] for name in place]
        yield _Row(f"{number + 1}", *("" if cell is None or np.ma.is_masked(cell) else str(cell) for cell in cells))


def _places(file: Path, header: Sequence[str]) -> tuple[int | None, ...]:
    """Columns of name, ra, dec and radius."""
    found = [
        next((header.index(name) for name in names if name in header), None) for names in (_NAME, _RA, _DEC, _RADIUS)
    ]
    if found[1] is None or found[2] is None:
        raise SettingsError(f"{file}: no columns ra and dec (degrees, ICRS); there are {', '.join(header)[:80]}")
    return tuple(found)
