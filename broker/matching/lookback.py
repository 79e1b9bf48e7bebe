"""The candidates of the last weeks, so that an event finds what was seen before it was known."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from nuncius.broker.matching.segment import Keep, Segment, in_memory
from nuncius.broker.sky.healpix import IntArray
from nuncius.schemas.candidate import CandidateBatch
from nuncius.schemas.vocabulary import RunMode

SEGMENT_ROWS: Final = 131_072
"""So many rows make a segment; fewer stay as they came."""


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Rows of one run mode, the ends of their first detections (inclusive), and the realities among them."""

    run_mode: RunMode
    batch: CandidateBatch
    first_low_us: int
    first_high_us: int
    realities: frozenset[str]

    @classmethod
    def of(cls, run_mode: RunMode, batch: CandidateBatch) -> Self:
        """A chunk of at least one row."""
        first = batch.first_us
        return cls(run_mode, batch, int(first.min()), int(first.max()), frozenset(batch.reality.tolist()))

    def may_hold(self, reality: str, low_us: int, high_us: int) -> bool:
        """Whether objects of that reality, first seen in [low_us, high_us], may be among the rows."""
        return self.first_low_us <= high_us and self.first_high_us >= low_us and reality in self.realities


class LookBack:
    """Rows in the order they came: full segments packed and sorted by pixel, the newest rows as they are.

    Parameters
    ----------
    keep
        Where the columns of a full segment go: memory, or a file they are mapped from.
    segment_rows
        Rows from which on a chunk becomes a segment.
    """

    def __init__(self, keep: Keep = in_memory, segment_rows: int = SEGMENT_ROWS) -> None:
        self._keep = keep
        self._segment_rows = segment_rows
        self._segments: dict[RunMode, list[Segment]] = {}
        self._chunks: dict[RunMode, list[Chunk]] = {}
        self._cutoffs: dict[RunMode, int] = {}

    def __len__(self) -> int:
        packed = sum(len(segment) for segments in self._segments.values() for segment in segments)
        return packed + sum(len(chunk.batch) for chunks in self._chunks.values() for chunk in chunks)

    @property
    def nbytes(self) -> int:
        """Bytes of the full segments, mapped ones included."""
        return sum(segment.nbytes for segments in self._segments.values() for segment in segments)

    def add(self, chunk: Chunk) -> None:
        """Keep a chunk; neighbours of like size become one, a large one becomes a segment."""
        chunks = self._chunks.setdefault(chunk.run_mode, [])
        chunks.append(chunk)
        while len(chunks) > 1 and len(chunks[-2].batch) < 2 * len(chunks[-1].batch):
            joint = CandidateBatch.concat((chunks[-2].batch, chunks[-1].batch))
            chunks[-2:] = [Chunk.of(chunk.run_mode, joint)]
        if len(chunks[0].batch) >= self._segment_rows:
            # packed before it leaves the chunks: where the columns cannot be put away, no row is lost
            self._segments.setdefault(chunk.run_mode, []).append(Segment.of(chunks[0].batch, self._keep))
            del chunks[0]

    def holding(
        self, run_mode: RunMode, reality: str, window_us: tuple[int, int], start: IntArray, stop: IntArray
    ) -> Iterator[CandidateBatch]:
        """Batches that together hold every row of that reality, first seen in the window, within a region.

        They may hold others. Of the segments only those are touched whose first detections reach into the window, and
        of these only the rows in the region.

        Parameters
        ----------
        run_mode, reality
            Of the rows.
        window_us
            First detections, microseconds, both ends inclusive.
        start, stop
            The region, as sorted and disjoint order-29 ranges [start, stop).
        """
        low, high = max(window_us[0], self._cutoffs.get(run_mode, window_us[0])), window_us[1]
        for segment in self._segments.get(run_mode, ()):
            if segment.first_low_us <= high and segment.first_high_us >= low:
                rows = segment.inside(start, stop)
                first = segment.columns.first_us[rows]
                rows = rows[(first >= low) & (first <= high)]
                if len(rows):
                    yield segment.batch(np.sort(rows))
        for chunk in self._chunks.get(run_mode, ()):
            if chunk.may_hold(reality, low, high):
                yield chunk.batch

    def drop_before(self, run_mode: RunMode, cutoff_us: int) -> None:
        """Forget objects first seen before the cut-off."""
        self._cutoffs[run_mode] = cutoff_us
        segments = self._segments.get(run_mode, [])
        self._segments[run_mode] = [segment for segment in segments if segment.first_high_us >= cutoff_us]
        kept: list[Chunk] = []
        for chunk in self._chunks.get(run_mode, ()):
            if chunk.first_low_us >= cutoff_us:
                kept.append(chunk)
            elif chunk.first_high_us >= cutoff_us:
                kept.append(Chunk.of(run_mode, chunk.batch.take(chunk.batch.first_us >= cutoff_us)))
        self._chunks[run_mode] = kept
