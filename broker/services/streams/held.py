"""Records of one table as they are held against filters: decoded once, candidates as columns."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from nuncius.broker.services.alerts import decode_alert
from nuncius.broker.sky.healpix import BoolArray
from nuncius.broker.transport.port import Record
from nuncius.filters import AnyRows, Hit, rows_of, rows_of_batch
from nuncius.schemas import CandidateList, Coincidence, Quarantine
from nuncius.schemas.candidate_columns import decode_columns
from nuncius.schemas.candidate_row import rows
from nuncius.schemas.codec import decode, kind_of
from nuncius.schemas.vocabulary import StreamTable


class Taken(NamedTuple):
    """A record with its value, and the targets of a filter's watchlists that it is near."""

    record: Record
    value: Any
    near: tuple[Hit, ...] = ()


class HeldValues:
    """Alerts, coincidences and candidate lists.

    Parameters
    ----------
    table
        Which of them.
    every
        Records with their values.
    """

    def __init__(self, table: StreamTable, every: Sequence[Taken]) -> None:
        self._table = table
        self.every = every

    def __len__(self) -> int:
        return len(self.every)

    def rows(self) -> Iterator[tuple[Any, AnyRows]]:
        """What filters are asked of, with the numbers of the records."""
        records, values = [one.record for one in self.every], [one.value for one in self.every]
        yield slice(None), rows_of(self._table, values, [record.time for record in records])

    def real(self) -> BoolArray:
        """Which records are of the real sky."""
        return np.array([one.value.reality == "real" for one in self.every], np.bool_)

    def taken(self, numbers: Sequence[int]) -> Mapping[int, Taken]:
        """Some of the records with their values, by number."""
        return {number: self.every[number] for number in numbers}


class HeldCandidates:
    """Candidates, as columns.

    Parameters
    ----------
    records
        Of `nuncius.candidates`; one that cannot be read is left out.
    """

    def __init__(self, records: Sequence[Record]) -> None:
        found = decode_columns([record.value for record in records])
        self._batch, self._mode = found.batch, found.run_mode
        self._records = [records[number] for number in found.place.tolist()]

    def __len__(self) -> int:
        return len(self._records)

    def rows(self) -> Iterator[tuple[Any, AnyRows]]:
        """What filters are asked of, with the numbers of the records; those of one run mode together."""
        for mode in dict.fromkeys(self._mode.tolist()):
            index = np.flatnonzero(self._mode == mode)
            times = [self._records[number].time for number in index.tolist()]
            yield index, rows_of_batch(self._batch.take(index), mode, times)

    def real(self) -> BoolArray:
        """Which records are of the real sky."""
        return np.asarray(self._batch.reality == "real", np.bool_)

    def taken(self, numbers: Sequence[int]) -> Mapping[int, Taken]:
        """Some of the records with their values, by number."""
        found: dict[int, Taken] = {}
        chosen = np.array(numbers, np.int64)
        for mode in dict.fromkeys(self._mode[chosen].tolist()):
            index = chosen[self._mode[chosen] == mode]
            for number, row in zip(index.tolist(), rows(self._batch.take(index), mode), strict=True):
                found[number] = Taken(self._records[number], row)
        return found


Held = HeldValues | HeldCandidates


def held(table: StreamTable, records: Sequence[Record]) -> Held:
    """What can be read of one table's records; a record that cannot is in no table."""
    return HeldCandidates(records) if table == "candidates" else HeldValues(table, decoded(table, records))


def decoded(table: StreamTable, records: Sequence[Record]) -> tuple[Taken, ...]:
    """Records of a table other than candidates, with their values."""
    found = []
    for record in records:
        if record.value is None:
            continue
        try:
            found.append(Taken(record, _value(table, record.value)))
        except Quarantine:
            continue
    return tuple(found)


def _value(table: StreamTable, data: bytes) -> Any:
    if table == "alerts":
        return decode_alert(data)
    return decode(CandidateList if kind_of(data) is CandidateList else Coincidence, data)
