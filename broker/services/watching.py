"""Reads the files of users' regions: coverage maps, and lists of targets in CSV or VOTable."""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from nuncius.broker.services.target_rows import TargetRow, columns_of
from nuncius.broker.sky import read_moc
from nuncius.filters import Area
from nuncius.filters.watch import Watchlist, Watchmap
from nuncius.schemas import Quarantine, SettingsError

MAX_TARGETS: Final = 1_000_000
"""More is a catalogue, not a watchlist."""

_LISTS: Final = (".csv", ".vot", ".votable", ".xml")


class RegionRead(NamedTuple):
    """A region, and what a person should know of how it was read; empty for nothing."""

    area: Area
    note: str


def read_region(file: Path, radius_deg: float | None) -> RegionRead:
    """A watchlist from ``.csv``, ``.vot``, ``.votable`` or ``.xml``; a coverage map from anything else.

    Parameters
    ----------
    file
        A list has columns ``ra`` and ``dec``, maybe ``name`` and ``radius_deg``; `nuncius.broker.services.target_rows`
        has the other names that are known. In CSV positions are ICRS degrees; a VOTable may state another system, see
        `target_votable.votable_rows`. Proper motions are not applied.
    radius_deg
        Of the circles of a list without a column of its own.

    Raises
    ------
    SettingsError
        Names file and line or row.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror or error}") from error
    if file.suffix.lower() not in _LISTS:
        try:
            return RegionRead(Watchmap(read_moc(data)), "")
        except Quarantine as error:
            raise SettingsError(f"{file}: {error}; a list of targets ends in {', '.join(_LISTS)}") from error
    rows, note = (list(_csv_rows(file, data)), "") if file.suffix.lower() == ".csv" else _votable_rows(file, data)
    return RegionRead(_watchlist(file, rows, radius_deg), note)


def _watchlist(file: Path, rows: Sequence[TargetRow], radius_deg: float | None) -> Watchlist:
    if not 0 < len(rows) <= MAX_TARGETS:
        raise SettingsError(f"{file}: {len(rows)} targets; a watchlist has 1 to {MAX_TARGETS}")
    bare = next((row for row in rows if not row.radius), None)
    if radius_deg is None and bare is not None:
        raise SettingsError(
            f"{file}, {bare.where}: no radius_deg; fill that column, or give radius_deg for the file in [regions]"
        )
    names, numbers = [], []
    for row in rows:
        names.append(row.name or row.where)
        numbers.append(
            (
                _number(file, row, "ra", row.ra, 0.0, 360.0),
                _number(file, row, "dec", row.dec, -90.0, 90.0),
                _number(file, row, "radius_deg", row.radius or str(radius_deg), 0.0, 180.0),
            )
        )
    ra, dec, radius = np.array(numbers, np.float64).T
    return Watchlist(tuple(names), ra % 360.0, dec, radius)


def _number(file: Path, row: TargetRow, column: str, text: str, low: float, high: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not low <= number <= high:
        hint = _hint(column, text)
        raise SettingsError(f"{file}, {row.where}: {column} {text[:40]!r} is no number in [{low:g}, {high:g}]{hint}")
    return number


def _votable_rows(file: Path, data: bytes) -> tuple[list[TargetRow], str]:
    from nuncius.broker.services.target_votable import votable_rows  # noqa: PLC0415  astropy's reader loads for half a second, in every service otherwise

    return votable_rows(file, data)


def _hint(column: str, text: str) -> str:
    """What to write instead of hours, minutes and seconds."""
    from astropy.coordinates import Angle  # noqa: PLC0415  a second to load, for a message that is seldom seen

    if not text or text.lstrip("+-")[0] not in "0123456789" or not any(sign in text for sign in ":hd° "):
        return ""
    try:
        degrees = Angle(text, unit="hourangle" if column == "ra" and "d" not in text else "deg").deg
    except ValueError:
        return "; write degrees, not hours"
    return f"; write degrees, not hours: {degrees:.6f}"


def _csv_rows(file: Path, data: bytes) -> Iterator[TargetRow]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file}: not UTF-8 text") from error
    lines = csv.reader(io.StringIO(text), skipinitialspace=True)
    try:
        header = [name.strip().lower() for name in next(lines, [])]
        place = columns_of(file, header)
        for cells in lines:
            if any(cell.strip() for cell in cells):
                taken = [cells[at].strip() if at is not None and at < len(cells) else "" for at in place]
                yield TargetRow(f"line {lines.line_num}", *taken)
    except csv.Error as error:
        raise SettingsError(f"{file}, line {lines.line_num}: {error}") from error
