"""The store of past candidates gives back every row of a region and a window, packed or not, mapped or not."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from how_many import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from matching_alerts import candidates

from nuncius.broker.matching.lookback import Chunk, LookBack
from nuncius.broker.matching.segment import Segment
from nuncius.broker.sky import pixel
from nuncius.broker.sky.cover import circle_cover
from nuncius.broker.sky.sphere import separation_deg
from nuncius.schemas.candidate import COLUMNS, CandidateBatch


def made_batch(seed: int, rows: int) -> CandidateBatch:
    rng = np.random.default_rng(seed)
    words = [
        {
            "thread_id": f"ztf:{seed}-{i}",
            "ra": float(rng.uniform(0, 360)),
            "dec": float(np.degrees(np.arcsin(rng.uniform(-1, 1)))),
            "days": float(rng.uniform(0, 30)),
        }
        for i in range(rows)
    ]
    return candidates(*words)


def rows_of(batch: CandidateBatch) -> list[tuple[object, ...]]:
    return sorted(zip(*(np.asarray(getattr(batch, name)).tolist() for name in COLUMNS), strict=True), key=repr)


def test_a_segment_gives_back_what_it_was_given() -> None:
    batch = made_batch(3, 200)
    segment = Segment.of(batch)
    assert repr(rows_of(segment.batch(np.arange(len(segment))))) == repr(rows_of(batch))
    assert np.all(np.diff(segment.columns.pixel) >= 0)


def test_a_word_with_accents_and_an_empty_one_survive() -> None:
    batch = candidates({"thread_id": "ztf:é"}, {"thread_id": "ztf:x"})
    segment = Segment.of(batch)
    assert sorted(segment.batch(np.arange(2)).thread_id) == ["ztf:x", "ztf:é"]


@pytest.mark.parametrize("segment_rows", [1, 7, 10_000])
@settings(max_examples=examples(25))
@given(
    batches=st.lists(st.tuples(st.integers(0, 99), st.integers(1, 12)), min_size=1, max_size=8),
    circle=st.tuples(st.floats(0, 360), st.floats(-90, 90), st.floats(5, 120)),
    days=st.tuples(st.floats(0, 30), st.floats(0, 30)),
    drop=st.booleans(),
)
def test_region_and_window(
    *,
    segment_rows: int,
    batches: list[tuple[int, int]],
    circle: tuple[float, float, float],
    days: tuple[float, float],
    drop: bool,
) -> None:
    made = [made_batch(seed * 100 + n, rows) for n, (seed, rows) in enumerate(batches)]
    store = LookBack(segment_rows=segment_rows)
    for batch in made:
        store.add(Chunk.of("replay", batch))
    everything = CandidateBatch.concat(tuple(made))
    assert len(store) == len(everything)
    base, day = int(made_batch(0, 1).first_us.min()), 86_400_000_000
    low, high = sorted(base + round(d * day) for d in days)
    cutoff = (low + high) // 2 if drop else low
    if drop:
        store.drop_before("replay", cutoff)
    cover = circle_cover(*circle)
    found = list(store.holding("replay", "real", (low, high), cover.start, cover.stop))
    names = [name for batch in found for name in batch.thread_id.tolist()]
    assert len(names) == len(set(names))
    near = np.asarray(separation_deg(circle[0], circle[1], everything.ra, everything.dec)) <= circle[2]
    wanted = near & (everything.first_us >= max(low, cutoff)) & (everything.first_us <= high)
    assert set(everything.thread_id[wanted].tolist()) <= set(names)
    assert not list(store.holding("live", "real", (low, high), cover.start, cover.stop))
    if segment_rows == 1:
        start, stop = pixel(everything.ra, everything.dec), cover.stop
        held = (np.searchsorted(cover.start, start, side="right") - np.searchsorted(stop, start, side="right")) > 0
        assert set(names) == set(
            everything.thread_id[held & (everything.first_us >= max(low, cutoff)) & (everything.first_us <= high)]
        )


def test_more_words_than_two_bytes_can_number() -> None:
    rows = 65_540
    one = made_batch(5, 1)
    many = one.take(np.zeros(rows, np.int64))
    batch = dataclasses.replace(many, filter=np.array([f"f{i}" for i in range(rows)], object))
    segment = Segment.of(batch)
    found = segment.batch(np.arange(rows))
    assert sorted(found.filter) == sorted(batch.filter)
    assert set(found.survey) == set(one.survey)


def test_a_full_disk_loses_no_row() -> None:
    def full(_: object) -> Any:
        raise OSError(28, "No space left on device")

    store = LookBack(full, segment_rows=5)
    with pytest.raises(OSError, match="No space left"):
        store.add(Chunk.of("live", made_batch(1, 6)))
    assert len(store) == 6
