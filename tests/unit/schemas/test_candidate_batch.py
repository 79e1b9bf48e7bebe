"""Columns of equal length, read-only, selected and joined in order."""

import numpy as np
import pytest

from nuncius.schemas import CandidateBatch, CandidateRow
from nuncius.schemas.candidate import COLUMNS, NO_TIME
from nuncius.schemas.candidate_row import columns, rows


def row(number: int) -> CandidateRow:
    return CandidateRow(
        alert_id=f"a{number}",
        thread_id=f"ztf:{number}",
        survey="ztf",
        reality="real",
        ra=10.0 * number,
        dec=-number,
        time_us=number,
        first_us=NO_TIME,
        last_limit_us=-number,
        mag=float("nan"),
        mag_err=0.5,
        filter="r",
        score=0.25,
        star_score=1.0,
        solar_system=number % 2 == 1,
        detections=number,
        raw_offset=number + 100,
    )


def test_every_column_keeps_its_meaning() -> None:
    batch = columns([row(1), row(2)])
    assert len(batch) == 2
    assert batch.ra.tolist() == [10.0, 20.0]
    assert batch.first_us.tolist() == [NO_TIME, NO_TIME]
    assert batch.solar_system.tolist() == [True, False]
    assert batch.raw_offset.tolist() == [101, 102]
    assert [r.thread_id for r in rows(batch, "replay")] == ["ztf:1", "ztf:2"]
    assert {r.run_mode for r in rows(batch, "replay")} == {"replay"}


def test_columns_cannot_be_written() -> None:
    batch = columns([row(1)])
    for name in COLUMNS:
        with pytest.raises(ValueError, match="read-only"):
            getattr(batch, name)[0] = getattr(batch, name)[0]


def test_unequal_lengths_are_refused() -> None:
    whole = {name: getattr(columns([row(1), row(2)]), name) for name in COLUMNS}
    with pytest.raises(ValueError, match="unequal length"):
        CandidateBatch(**{**whole, "ra": np.zeros(3)})


def test_take_by_position_and_by_mask() -> None:
    batch = columns([row(n) for n in range(4)])
    assert batch.take(np.array([3, 0])).detections.tolist() == [3, 0]
    assert batch.take(batch.solar_system).detections.tolist() == [1, 3]


def test_concat_keeps_order_and_takes_nothing() -> None:
    parts = (columns([row(5), row(1)]), CandidateBatch.empty(), columns([row(3)]))
    assert CandidateBatch.concat(parts).detections.tolist() == [5, 1, 3]
    assert len(CandidateBatch.concat(())) == 0
    assert len(columns([])) == 0
