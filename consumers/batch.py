"""Records together, and as the tables of polars, pandas and astropy."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from nuncius.filters import FIELDS, Hit, values
from nuncius.schemas import SettingsError, StreamRow

if TYPE_CHECKING:
    import astropy.table
    import pandas as pd
    import polars as pl

_ROW_COLUMNS: Final = {
    "record_id": ("text", ""),
    "thread_id": ("text", ""),
    "ra": ("number", "deg"),
    "dec": ("number", "deg"),
    "time": ("time", "UTC"),
    "taken_time": ("time", "UTC"),
    "stream": ("text", ""),
    "revision": ("number", ""),
    "sequence": ("number", ""),
    "backfill": ("flag", ""),
}
"""Columns of a named stream's rows before the included fields: kind and unit."""

_NO_UNIT: Final = frozenset({"", "UTC", "energy_unit", "flux_unit"})


class Column(NamedTuple):
    """A column: its kind as in `nuncius.filters.FieldInfo`, its unit, and its items; None where there is none."""

    kind: str
    unit: str
    items: list[Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """Records together.

    Parameters
    ----------
    stream
        Of which they are.
    records
        Typed.
    position
        Where to go on after them.
    taken
        When the log took each, UTC; None where the source does not tell, and empty where it tells of none.
    hits
        Targets of the filter's watchlists that each is near, the nearest first; empty over HTTP, where the broker does
        not tell them.
    """

    stream: str
    records: tuple[Any, ...]
    position: str
    taken: tuple[datetime | None, ...] = ()
    hits: tuple[tuple[Hit, ...], ...] = ()

    def __len__(self) -> int:
        return len(self.records)

    def columns(self) -> dict[str, Column]:
        """The fields of `nuncius.filters.FIELDS` by name, and each entry of a map as ``classification.BNS``.

        ``age_s`` has no value where `taken` tells none. Rows of a named stream have id, thread,
        position and time, and the fields that the stream includes. Where a filter asked for watchlists there are
        ``target`` and ``target_arcsec``, the nearest target and how far it is. Times are aware UTC.

        Raises
        ------
        SettingsError
            For a stream that is no table.
        """
        if all(isinstance(record, StreamRow) for record in self.records):
            return _of_rows(self.records)
        if self.stream not in FIELDS:
            raise SettingsError(f"{self.stream}: no table of columns; its records are in .records")
        found = {
            name: Column(info.kind, info.unit, []) for name, info in FIELDS[self.stream].items() if _is_flat(info.kind)
        }
        return _filled(found, [values(self.stream, *one) for one in zip_longest(self.records, self.taken)]) | _near(
            self.hits
        )

    def to_polars(self) -> "pl.DataFrame":
        """A frame; times are ``Datetime('us', 'UTC')``, what is missing is null."""
        import polars as pl  # noqa: PLC0415  in the extra `client`, and 0.3 s to load

        kinds: dict[str, Any] = {
            "number": pl.Float64,
            "text": pl.String,
            "flag": pl.Boolean,
            "time": pl.Datetime("us", "UTC"),
        }
        return pl.DataFrame(
            [pl.Series(name, column.items, kinds[column.kind]) for name, column in self.columns().items()]
        )

    def to_pandas(self) -> "pd.DataFrame":
        """A frame; times are aware, what is missing is NaN, NaT or None."""
        import pandas as pd  # noqa: PLC0415  in no extra of ours: who asks for it has it

        kinds = {"number": "float64", "text": "object", "flag": "boolean", "time": "datetime64[us, UTC]"}
        return pd.DataFrame(
            {name: pd.Series(column.items, dtype=kinds[column.kind]) for name, column in self.columns().items()}
        )

    def to_astropy(self) -> "astropy.table.Table":
        """A masked table with units; times are `astropy.time.Time`, UTC."""
        from astropy.table import MaskedColumn, Table  # noqa: PLC0415  a second to load, and only this method wants it

        table = Table(masked=True)
        for name, column in self.columns().items():
            if column.kind == "time":
                table[name] = _times(column.items)
                continue
            missing = [value is None for value in column.items]
            empty: Any = {"number": math.nan, "text": "", "flag": False}[column.kind]
            filled = [empty if value is None else value for value in column.items]
            dtype = {"number": float, "text": str, "flag": bool}[column.kind]
            unit = None if column.unit in _NO_UNIT else column.unit
            table[name] = MaskedColumn(filled, mask=missing, dtype=dtype, unit=unit)
        return table


def _near(hits: Sequence[tuple[Hit, ...]]) -> dict[str, Column]:
    """The nearest target of each record, where any has one."""
    if not any(hits):
        return {}
    nearest = [each[0] if each else None for each in hits]
    return {
        "target": Column("text", "", [None if one is None else one.target for one in nearest]),
        "target_arcsec": Column(
            "number", "arcsec", [None if one is None else one.separation_arcsec for one in nearest]
        ),
    }


def _of_rows(records: Sequence[StreamRow]) -> dict[str, Column]:
    found = {name: Column(kind, unit, []) for name, (kind, unit) in _ROW_COLUMNS.items()}
    own = [{name: getattr(row, name) for name in _ROW_COLUMNS} for row in records]
    return _filled(found, [dict(row.fields) | mine for row, mine in zip(records, own, strict=True)])


def _filled(found: dict[str, Column], rows: Sequence[Mapping[str, Any]]) -> dict[str, Column]:
    """The columns with the rows' values, and further ones for the names that no column has, in order of name."""
    for name in sorted({name for row in rows for name in row} - found.keys()):
        found[name] = Column(_kind([row[name] for row in rows if name in row]), "", [])
    for row in rows:
        for name, column in found.items():
            column.items.append(_value(column.kind, row.get(name)))
    return found


def _is_flat(kind: str) -> bool:
    return kind in ("number", "text", "flag", "time")


def _kind(every: Sequence[Any]) -> str:
    """What all values of a map's entry are; text where they differ."""
    if all(isinstance(value, bool) for value in every):
        return "flag"
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in every):
        return "number"
    return "text"


def _value(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind == "number":
        return float(value)
    if kind == "time":
        return value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return str(value) if kind == "text" else value


def _times(every: Sequence[datetime | None]) -> Any:
    from astropy.time import Time  # noqa: PLC0415  as `to_astropy`, its only caller

    missing = np.array([time is None for time in every])
    texts = ["2000-01-01" if time is None else time.replace(tzinfo=None).isoformat() for time in every]
    times = Time(np.array(texts, "datetime64[us]"), format="datetime64", scale="utc")
    if missing.any():
        times[missing] = np.ma.masked
    return times
