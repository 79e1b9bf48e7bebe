"""Batches as tables: one column a field, with kinds, units, and gaps where nothing is known."""

from datetime import UTC, datetime

import astropy.units as u
import numpy as np
import polars as pl
import pytest
from matching_alerts import candidates, cone, gw
from streams_here import MADE

from nuncius.consumers.batch import Batch
from nuncius.filters import FIELDS
from nuncius.schemas import SettingsError, StreamRow, ToOStatus
from nuncius.schemas.candidate_row import rows

ALERTS = Batch(
    "alerts",
    (
        gw("lvk:S1", far_hz=3e-12, localizations=cone(197.45, -23.38, 5.0), classification={"BNS": 0.9}),
        gw("lvk:S2", far_hz=None, localizations=()),
    ),
    "0:2",
)


def test_alerts_in_polars() -> None:
    frame = ALERTS.to_polars()
    assert frame.height == len(ALERTS) == 2
    assert frame["ra"].to_list() == [197.45, None]
    assert frame["far_hz"].to_list() == [3e-12, None]
    assert frame["classification.BNS"].to_list() == [0.9, None]
    assert frame.schema["time"] == pl.Datetime("us", "UTC")
    assert frame["time"][0] == ALERTS.records[0].time_start
    flat = {name for name, info in FIELDS["alerts"].items() if info.kind in ("number", "text", "flag", "time")}
    assert flat <= set(frame.columns)


def test_alerts_in_pandas() -> None:
    frame = ALERTS.to_pandas()
    assert frame["ra"].isna().tolist() == [False, True]
    assert frame["time"][0].to_pydatetime() == ALERTS.records[0].time_start
    assert frame["thread_id"].tolist() == ["lvk:S1", "lvk:S2"]


def test_alerts_in_astropy() -> None:
    table = ALERTS.to_astropy()
    assert (table["ra"].unit, table["far_hz"].unit) == (u.deg, u.Hz)
    assert table["ra"].mask.tolist() == [False, True]
    assert table["time"].scale == "utc"
    assert table["time"].isot[0] == "2017-08-17T12:41:04.430"


def test_candidates_keep_what_is_unknown_apart() -> None:
    batch = candidates({"thread_id": "ztf:1", "mag": 18.5}, {"thread_id": "ztf:2", "mag": np.nan})
    frame = Batch("candidates", rows(batch, "replay"), "0:2").to_polars()
    assert frame["mag"].to_list() == [18.5, None]


def test_rows_of_a_named_stream_have_what_it_includes() -> None:
    row = StreamRow(
        stream="mine", revision=1, sequence=4, thread_id="ztf:1", ra=1.0, dec=2.0, time=MADE, fields={"mag": 18.5}
    )
    table = Batch("mine", (row,), "0:5").to_astropy()
    assert (table["thread_id"][0], table["mag"][0], table["dec"].unit) == ("ztf:1", 18.5, u.deg)
    assert table["time"].to_datetime(timezone=UTC)[0] == MADE == datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_what_is_no_table_says_so() -> None:
    status = ToOStatus(
        request_id="r", revision=1, state="recorded", facility="f", adapter="a", detail="", idempotency_key="k"
    )
    with pytest.raises(SettingsError, match="no table"):
        Batch("too-status", (status,), "0:1").to_polars()
