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

    def holding(self, run_mode: RunMode, reality: str, low_us: int, high_us: int) -> Iterator[CandidateBatch]:
        """Batches that may hold objects of that reality first seen in [low_us, high_us]."""
        for chunk in self._chunks.get(run_mode, ()):
            if chunk.may_hold(reality, low_us, high_us):
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
