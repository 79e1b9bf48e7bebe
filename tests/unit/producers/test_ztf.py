"""ZTF packets: what a detection and its history say, as an alert and as a row."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import avro_packets as packets
import numpy as np
import pytest

from nuncius.producers import ztf
from nuncius.producers.facility import Context
from nuncius.schemas import Alert, CandidateBatch, Cone, MalformedAlert
from nuncius.schemas.candidate import NO_TIME

HERE = Context()
T0 = datetime(2023, 2, 25, 6, 0, tzinfo=UTC)  # JD 2460000.75
LIMIT = packets.filled(packets.CANDIDATE, jd=2459998.75, fid=1, diffmaglim=20.5)


def seen(jd: float, **values: Any) -> dict[str, Any]:
    return packets.filled(
        packets.CANDIDATE, **{"jd": jd, "fid": 1, "candid": 5, "magpsf": 18.0, "sigmapsf": 0.1, **values}
    )


def read(prv: list[dict[str, Any]] | None = None, **values: Any) -> tuple[Alert, CandidateBatch]:
    payload = packets.container(packets.ZTF, packets.ztf_record(prv, **values))
    (alert,) = ztf.FACILITY.parse(payload, HERE)
    assert isinstance(alert, Alert)
    assert ztf.FACILITY.decode_batch is not None
    return alert, ztf.FACILITY.decode_batch([payload], HERE)


def micros(time: datetime) -> int:
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def test_a_detection_becomes_an_alert_and_a_row() -> None:
    alert, batch = read()
    assert (alert.thread_id, alert.native_id) == ("ztf:ZTF23abcdefg", "2250001234515010002")
    assert (alert.messenger, alert.band, alert.reality) == ("photon", "optical", "real")
    assert (alert.event_class, alert.kind) == ("optical_transient", "initial")
    assert alert.time_start == T0
    assert alert.localizations[0].shape == Cone(197.45, -23.38, 0.0, 1.0)
    row = {
        name: getattr(batch, name)[0] for name in ("alert_id", "thread_id", "survey", "reality", "ra", "dec", "filter")
    }
    assert row == {
        "alert_id": alert.alert_id,
        "thread_id": alert.thread_id,
        "survey": "ztf",
        "reality": "real",
        "ra": 197.45,
        "dec": -23.38,
        "filter": "r",
    }
    assert batch.time_us[0] == batch.first_us[0] == micros(T0)
    assert (batch.last_limit_us[0], batch.detections[0], batch.raw_offset[0]) == (NO_TIME, 1, -1)
    assert batch.mag[0] == pytest.approx(17.5)


#            -4 limit   -3 seen   -2 limit   -1 seen    0 this
def test_the_last_limit_is_the_one_before_the_first_detection() -> None:
    history = [
        packets.filled(packets.CANDIDATE, jd=2459996.75, fid=1, diffmaglim=20.0),
        seen(2459997.75),
        LIMIT,
        seen(2459999.75),
    ]
    alert, batch = read(history)
    assert batch.first_us[0] == micros(T0 - timedelta(days=3))
    assert batch.last_limit_us[0] == micros(T0 - timedelta(days=4))
    assert (batch.detections[0], alert.kind) == (3, "subsequent")
    assert [p.limit for p in alert.photometry] == [False, False, True, False, True]
    newest = alert.photometry[0]
    assert (newest.time, newest.filter) == (T0 + timedelta(seconds=15), "r")


def test_the_survey_wide_first_detection_counts() -> None:
    _, batch = read([LIMIT], jdstarthist=2459000.75, ndethist=40)
    assert batch.first_us[0] == micros(T0 - timedelta(days=1000))
    assert (batch.last_limit_us[0], batch.detections[0]) == (NO_TIME, 40)


@pytest.mark.parametrize(("rb", "drb", "score"), [(0.25, 0.75, 0.75), (0.25, None, 0.25), (None, None, np.nan)])
def test_the_score_is_the_deep_one_where_there_is_one(rb: float | None, drb: float | None, score: float) -> None:
    _, batch = read(rb=rb, drb=drb)
    np.testing.assert_equal(batch.score[0], score)


@pytest.mark.parametrize(
    ("distance", "score", "expected"),
    [
        (2.0, 0.75, 0.75),
        (2.25, 0.75, np.nan),
        (-999.0, 0.75, np.nan),
        (None, 0.75, np.nan),
        (1.0, -999.0, np.nan),
        (1.0, None, np.nan),
    ],
)
def test_the_star_score_needs_a_source_within_two_arcsec(
    distance: float | None, score: float | None, expected: float
) -> None:
    _, batch = read(distpsnr1=distance, sgscore1=score)
    np.testing.assert_equal(batch.star_score[0], expected)


@pytest.mark.parametrize(
    ("distance", "known"), [(0.0, True), (5.0, True), (5.5, False), (29.0, False), (-999.0, False), (None, False)]
)
def test_a_known_object_within_five_arcsec_is_the_detection(distance: float | None, known: object) -> None:
    alert, batch = read(ssdistnr=distance)
    assert bool(batch.solar_system[0]) is known
    assert alert.event_class == ("solar_system" if known else "optical_transient")


def test_a_batch_agrees_with_parse_row_by_row() -> None:
    records = [packets.ztf_record([seen(2459990.0 + i)], jd=2460000.75 + i, ra=10.0 * i, rb=i / 10) for i in range(5)]
    payloads = [packets.container(packets.ZTF, *records[:2]), *(packets.container(packets.ZTF, r) for r in records[2:])]
    assert ztf.FACILITY.decode_batch is not None
    batch = ztf.FACILITY.decode_batch(payloads, HERE)
    alerts = [alert for payload in payloads for alert in ztf.FACILITY.parse(payload, HERE)]
    assert len(batch) == len(alerts) == 5
    for row, alert in enumerate(alerts):
        assert isinstance(alert, Alert)
        assert alert.time_start is not None
        assert alert.alert_id == batch.alert_id[row]
        assert micros(alert.time_start) == batch.time_us[row]
        shape = alert.localizations[0].shape
        assert isinstance(shape, Cone)
        assert (shape.ra, shape.dec) == (batch.ra[row], batch.dec[row])
        assert alert.properties["score"] == pytest.approx(batch.score[row])


@pytest.mark.parametrize("bad", [{"ra": None}, {"dec": 91.0}, {"ra": float("nan")}, {"ra": -1.0}, {"jd": float("inf")}])
def test_a_detection_without_place_or_time_is_malformed(bad: Mapping[str, Any]) -> None:
    with pytest.raises(MalformedAlert):
        read(**bad)


def test_no_packets_make_an_empty_batch() -> None:
    assert ztf.FACILITY.decode_batch is not None
    assert len(ztf.FACILITY.decode_batch([], HERE)) == 0


@pytest.mark.alerts
def test_real_packets_say_what_was_found_in_them(alerts_dir: Path) -> None:
    expected = json.loads((alerts_dir / "EXPECTED.json").read_text())
    found = 0
    for name, facts in expected.items():
        if not str(facts.get("objectId", "")).startswith("ZTF") or not name.endswith(".avro"):
            continue
        payload = (alerts_dir / name).read_bytes()
        (alert,) = ztf.FACILITY.parse(payload, HERE)
        assert isinstance(alert, Alert)
        assert alert.thread_id == f"ztf:{facts['objectId']}"
        assert alert.native_id == str(facts["candid"])
        shape = alert.localizations[0].shape
        assert isinstance(shape, Cone)
        assert (shape.ra, shape.dec) == (facts["ra"], facts["dec"])
        assert alert.time_start is not None
        assert abs(alert.time_start - datetime.fromisoformat(facts["utc"] + "+00:00")) <= timedelta(milliseconds=1)
        assert any(point.mag == facts["magpsf"] for point in alert.photometry)
        found += 1
    assert found >= 15
