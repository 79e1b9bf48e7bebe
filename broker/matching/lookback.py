"""The candidates of the last weeks as columns, so that an event finds what was seen before it was known."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

from nuncius.schemas.candidate import CandidateBatch
from nuncius.schemas.vocabulary import RunMode

_WHOLE: Final = 50_000
"""Chunks of so many rows are left as they are."""


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Rows of one run mode, and the ends of their first detections, inclusive."""

    run_mode: RunMode
    batch: CandidateBatch
    first_low_us: int
    first_high_us: int

    @classmethod
    def of(cls, run_mode: RunMode, batch: CandidateBatch) -> Self:
        """A chunk of at least one row."""
        return cls(run_mode, batch, int(batch.first_us.min()), int(batch.first_us.max()))


class LookBack:
    """Chunks, merged as they come so that there are few of them."""

    def __init__(self) -> None:
        self._chunks: dict[RunMode, list[Chunk]] = {}

    def __len__(self) -> int:
        return sum(len(chunk.batch) for chunks in self._chunks.values() for chunk in chunks)

    def add(self, chunk: Chunk) -> None:
        """Keep a chunk; neighbours of like size become one."""
        chunks = self._chunks.setdefault(chunk.run_mode, [])
        chunks.append(chunk)
        while len(chunks) > 1 and len(chunks[-2].batch) < min(2 * len(chunks[-1].batch), _WHOLE):
            joint = CandidateBatch.concat((chunks[-2].batch, chunks[-1].batch))
            chunks[-2:] = [Chunk.of(chunk.run_mode, joint)]

    def touching(self, run_mode: RunMode, low_us: int, high_us: int) -> Iterator[CandidateBatch]:
        """Batches that may hold objects first seen in [low_us, high_us]."""
        for chunk in self._chunks.get(run_mode, ()):
            if chunk.first_low_us <= high_us and chunk.first_high_us >= low_us:
                yield chunk.batch

    def drop_before(self, run_mode: RunMode, cutoff_us: int) -> None:
        """Forget objects first seen before the cut-off."""
        kept: list[Chunk] = []
        for chunk in self._chunks.get(run_mode, ()):
            if chunk.first_low_us >= cutoff_us:
                kept.append(chunk)
            elif chunk.first_high_us >= cutoff_us:
                kept.append(Chunk.of(run_mode, chunk.batch.take(chunk.batch.first_us >= cutoff_us)))
        self._chunks[run_mode] = kept
