"""Columns in a file are the same columns, and the file leaves nothing behind."""

import errno
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matching_alerts import candidates
from numpy.typing import NDArray

from nuncius.broker.matching.segment import Segment
from nuncius.broker.services.columns_file import mapped


def test_the_same_numbers_read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    columns: tuple[NDArray[Any], ...] = (
        np.arange(5),
        np.array([b"abc", b"d"]),
        np.array([True, False, True]),
        np.zeros(0),
        np.array([1.5]),
    )
    found = mapped(columns)
    for one, two in zip(columns, found, strict=True):
        assert one.dtype == two.dtype
        assert np.array_equal(one, two)
        assert not two.flags.writeable
    assert list(tmp_path.iterdir()) == []


def test_a_segment_in_a_file() -> None:
    batch = candidates({"thread_id": "ztf:a"}, {"thread_id": "ztf:b"})
    segment = Segment.of(batch, mapped)
    assert not any(column.flags.writeable or column.flags.owndata for column in segment.columns)
    assert sorted(segment.batch(np.arange(2)).thread_id) == ["ztf:a", "ztf:b"]
    assert segment.nbytes == Segment.of(batch).nbytes


def test_a_folder_that_is_full_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> object:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    with pytest.raises(OSError, match="make room, or set TMPDIR") as caught:
        mapped((np.arange(3),))
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename == tempfile.gettempdir()
