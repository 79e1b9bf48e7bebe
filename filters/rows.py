"""Records held as columns, each made when a filter first asks for it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nuncius.filters.candidate_fields import batch_column
from nuncius.filters.evaluate import item
from nuncius.filters.fields import Known, Seen, known, microseconds
from nuncius.filters.places import Places
from nuncius.filters.tables import FIELDS
from nuncius.filters.tree import ItemKind
from nuncius.schemas.candidate import NO_TIME, CandidateBatch


class Column(NamedTuple):
    """Values of one kind, and where they are known; what stands elsewhere means nothing."""

    values: NDArray[Any]
    known: NDArray[np.bool_]


class Rows:
    """Typed records of one table.

    Parameters
    ----------
    table
        One of `FIELDS`.
    records
        In order.
    taken
        When the log took each, UTC; None where not known.
    """

    def __init__(self, table: str, records: Sequence[Any], taken: Sequence[datetime | None]) -> None:
        if len(records) != len(taken):
            raise ValueError(f"{len(records)} records with {len(taken)} times")
        self.table = table
        self._records = records
        self._taken = taken

    def __len__(self) -> int:
        return len(self._records)

    def column(self, name: str, places: Places) -> Column:
        """A field of all rows."""
        info = FIELDS[self.table][name]
        return _column(info.kind, self._known(name, places))

    def items(self, name: str, key: str, kind: ItemKind, places: Places) -> Column:
        """An entry of a map, of all rows; of any kind only whether it is known."""
        return _column(kind, [item(entries, key, kind) for entries in self._known(name, places)])

    def _known(self, name: str, places: Places) -> list[Known]:
        info = FIELDS[self.table][name]
        return [
            known(info, Seen(record, taken, places)) for record, taken in zip(self._records, self._taken, strict=True)
        ]


class BatchRows:
    """Candidates of one run mode, as columns already.

    Parameters
    ----------
    batch
        The candidates.
    run_mode
        Of all of them.
    taken
        When the log took each, UTC; None where not known.
    """

    table = "candidates"

    def __init__(self, batch: CandidateBatch, run_mode: str, taken: Sequence[datetime | None]) -> None:
        if len(batch) != len(taken):
            raise ValueError(f"{len(batch)} candidates with {len(taken)} times")
        self._batch = batch
        self._run_mode = run_mode
        self._taken = taken

    def __len__(self) -> int:
        return len(self._batch)

    def column(self, name: str, places: Places) -> Column:
        """A field of all rows."""
        del places
        if name == "run_mode":
            return _full(np.full(len(self), self._run_mode, dtype=object))
        values = batch_column(self._batch, name, self._taken_us() if name == "age_s" else np.empty(0, np.int64))
        kind = FIELDS[self.table][name].kind
        if kind == "number":
            numbers = values.astype(np.float64)
            return Column(numbers, np.isfinite(numbers))
        if kind == "time":
            return Column(values, values != NO_TIME)
        return _full(values)

    def items(self, name: str, key: str, kind: ItemKind, places: Places) -> Column:
        """Candidates have no maps."""
        raise ValueError(f"candidates have no map {name!r}, asked for {key!r} as {kind} of {places}")

    def _taken_us(self) -> NDArray[np.int64]:
        return np.array([NO_TIME if time is None else microseconds(time) for time in self._taken], np.int64)


AnyRows = Rows | BatchRows


def rows_of(table: str, records: Sequence[Any], taken: Sequence[datetime | None]) -> Rows:
    """Typed records as rows; see `Rows`."""
    return Rows(table, records, taken)


def rows_of_batch(batch: CandidateBatch, run_mode: str, taken: Sequence[datetime | None]) -> BatchRows:
    """A batch as rows; see `BatchRows`."""
    return BatchRows(batch, run_mode, taken)


def _full(values: NDArray[Any]) -> Column:
    return Column(values, np.ones(len(values), np.bool_))


def _column(kind: str, every: Sequence[Known]) -> Column:
    is_known = np.array([value is not None for value in every], np.bool_)
    if kind in ("text", "any"):
        values = np.empty(len(every), object)
        values[:] = every
        return Column(values, is_known)
    empty, dtype = {"number": (np.nan, np.float64), "time": (NO_TIME, np.int64), "flag": (False, np.bool_)}[kind]
    return Column(np.array([empty if value is None else value for value in every], dtype), is_known)
