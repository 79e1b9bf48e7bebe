"""A list of galaxies from a CSV file."""

import csv
import math
from dataclasses import dataclass
from pathlib import Path

from nuncius.schemas import SettingsError

MAX_ROWS = 5_000_000
_NEEDED = ("ra", "dec", "distance_mpc")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Columns of a catalogue: ICRS degrees, Mpc, names (empty where missing), weights (None without a column)."""

    ra: list[float]
    dec: list[float]
    distance_mpc: list[float]
    name: list[str]
    weight: list[float] | None


def read_catalogue(file: Path) -> Catalogue:
    """Columns ra, dec, distance_mpc, and name and weight where they are, by the names in the first line.

    Raises
    ------
    SettingsError
        No such file, a column is missing, or a row is wrong: which, and why.
    """
    if not file.is_file():
        raise SettingsError(f"no such file: {file}")
    try:
        with file.open(newline="", encoding="utf-8-sig") as text:
            return _rows(csv.DictReader(text, skipinitialspace=True), file)
    except (UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(f"{file}: no CSV file in UTF-8: {error}") from error


def _rows(reader: "csv.DictReader[str]", file: Path) -> Catalogue:
    columns = [column.strip() for column in reader.fieldnames or ()]
    missing = [column for column in _NEEDED if column not in columns]
    if missing:
        raise SettingsError(f"{file}: no column {', '.join(missing)} in its first line; it needs {', '.join(_NEEDED)}")
    reader.fieldnames = columns
    out = Catalogue([], [], [], [], [] if "weight" in columns else None)
    for row in reader:
        where = f"{file}, line {reader.line_num}"
        if len(out.ra) >= MAX_ROWS:
            raise SettingsError(f"{file}: more than {MAX_ROWS} rows; cut it to the part of the sky of the map")
        out.ra.append(_number(row, "ra", -360, 360, where))
        out.dec.append(_number(row, "dec", -90, 90, where))
        out.distance_mpc.append(_number(row, "distance_mpc", 0, math.inf, where))
        out.name.append(row.get("name") or "")
        if out.weight is not None:
            out.weight.append(_number(row, "weight", 0, math.inf, where))
    if not out.ra:
        raise SettingsError(f"{file}: no rows below the first line")
    return out


def _number(row: dict[str, str], column: str, low: float, high: float, where: str) -> float:
    stated = row[column]
    try:
        value = float(stated)
    except (TypeError, ValueError) as error:
        raise SettingsError(f"{where}: {column} is {stated!r}, expected a number") from error
    if not (math.isfinite(value) and low <= value <= high):
        bounds = "a finite number >= 0" if high == math.inf else f"{low:g} to {high:g}"
        raise SettingsError(f"{where}: {column} is {stated}, expected {bounds}")
    return value
