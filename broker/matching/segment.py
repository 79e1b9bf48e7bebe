"""Survey rows packed as columns sorted by pixel, so that a region reads only the rows that lie in it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nuncius.broker.sky import pixel
from nuncius.broker.sky.healpix import BoolArray, FloatArray, IntArray
from nuncius.schemas.candidate import COLUMNS, CandidateBatch

Arrays = tuple[NDArray[Any], ...]
Keep = Callable[[Arrays], Arrays]
"""Puts columns somewhere and gives them back read-only: itself, or the same numbers mapped from a file."""

_MOST_WORDS: Final = 65_536
"""Numbers of two bytes name so many words; for more they get four."""


def in_memory(arrays: Arrays) -> Arrays:
    """Columns stay where they are."""
    return arrays


class Columns(NamedTuple):
    """Columns of `CandidateBatch` in few bytes: ids as ASCII or UTF-8 bytes, words as numbers into `Segment.words`."""

    pixel: IntArray
    alert_id: NDArray[np.bytes_]
    thread_id: NDArray[np.bytes_]
    survey: NDArray[np.unsignedinteger]
    reality: NDArray[np.unsignedinteger]
    filter: NDArray[np.unsignedinteger]
    ra: FloatArray
    dec: FloatArray
    time_us: IntArray
    first_us: IntArray
    last_limit_us: IntArray
    mag: FloatArray
    mag_err: FloatArray
    score: FloatArray
    star_score: FloatArray
    solar_system: BoolArray
    detections: IntArray
    rate_mag_per_day: NDArray[np.float32]
    rate_err_mag_per_day: NDArray[np.float32]
    peak_mag: NDArray[np.float32]
    host_arcsec: NDArray[np.float32]
    color_g_r_mag: NDArray[np.float32]
    raw_offset: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Packed rows, sorted by order-29 pixel.

    Parameters
    ----------
    columns
        The rows.
    words
        What the numbers of surveys, realities and filters stand for.
    first_low_us, first_high_us
        Earliest and latest first detection among them, microseconds.
    """

    columns: Columns
    words: tuple[str, ...]
    first_low_us: int
    first_high_us: int

    @classmethod
    def of(cls, batch: CandidateBatch, keep: Keep = in_memory) -> "Segment":
        """Packs at least one row with a finite position and a first detection."""
        place = pixel(batch.ra, batch.dec)
        by_place = np.argsort(place, kind="stable")
        words: dict[str, int] = {}
        numbers = [_numbers(getattr(batch, name)[by_place], words) for name in ("survey", "reality", "filter")]
        width = np.uint16 if len(words) <= _MOST_WORDS else np.uint32
        columns = (
            place[by_place],
            _bytes(batch.alert_id[by_place]),
            _bytes(batch.thread_id[by_place]),
            *(column.astype(width) for column in numbers),
            *(np.ascontiguousarray(getattr(batch, name)[by_place]) for name in Columns._fields[6:]),
        )
        first = batch.first_us
        return cls(Columns(*keep(columns)), tuple(words), int(first.min()), int(first.max()))

    def __len__(self) -> int:
        return len(self.columns.pixel)

    @property
    def nbytes(self) -> int:
        """Bytes of all columns."""
        return sum(column.nbytes for column in self.columns)

    def inside(self, start: IntArray, stop: IntArray) -> IntArray:
        """Numbers of the rows whose pixels lie in sorted, disjoint ranges [start, stop)."""
        first = np.searchsorted(self.columns.pixel, start)
        last = np.searchsorted(self.columns.pixel, stop)
        count = last - first
        rows: IntArray = np.arange(int(count.sum())) + np.repeat(first - np.cumsum(count) + count, count)
        return rows

    def batch(self, rows: IntArray) -> CandidateBatch:
        """Unpacks rows, in that order."""
        return CandidateBatch(*(self._unpacked(name, rows) for name in COLUMNS))

    def _unpacked(self, name: str, rows: IntArray) -> NDArray[Any]:
        column = getattr(self.columns, name)[rows]
        if column.dtype.kind == "S":
            return np.array([text.decode() for text in column.tolist()], object)
        return np.array(self.words, object)[column] if column.dtype.kind == "u" else np.array(column)


def _bytes(texts: NDArray[np.object_]) -> NDArray[np.bytes_]:
    return np.array([text.encode() for text in texts.tolist()], np.bytes_)


def _numbers(texts: NDArray[np.object_], words: dict[str, int]) -> IntArray:
    return np.array([words.setdefault(text, len(words)) for text in texts.tolist()], np.int64)
