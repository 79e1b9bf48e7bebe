"""Rubin packets: wire and container, times in TAI, injected sources, history."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import avro_packets as packets
import numpy as np
import pytest

from nuncius.producers import avro_schema, rubin
from nuncius.producers.envelope import envelope
from nuncius.producers.facility import Context
from nuncius.schemas import Alert, CandidateBatch, Cone, MalformedAlert, UnknownSchema
from nuncius.schemas.candidate import NO_TIME

SCHEMAS = {1100: avro_schema.prepared(packets.rubin())}
HERE = Context(writer_schemas=SCHEMAS)
T0 = datetime(2025, 11, 21, 5, 59, 23, tzinfo=UTC)  # MJD 61000.25 TAI, 37 s ahead of UTC


def read(*args: Any, **values: Any) -> tuple[Alert, CandidateBatch]:
    payload = packets.wire(1100, packets.rubin(), packets.rubin_record(*args, **values))
    (alert,) = rubin.FACILITY.parse(payload, HERE)
    assert isinstance(alert, Alert)
    assert rubin.FACILITY.decode_batch is not None
    return alert, rubin.FACILITY.decode_batch([payload], HERE)


def earlier(mjd: float) -> dict[str, Any]:
    return packets.filled(
        packets.DIA_SOURCE, diaSourceId=1, midpointMjdTai=mjd, ra=10.0, dec=-30.0, psfFlux=1000.0, psfFluxErr=50.0
    )


def forced(mjd: float, flux: float) -> dict[str, Any]:
    return {"midpointMjdTai": mjd, "psfFlux": flux, "psfFluxErr": 100.0}


def micros(time: datetime) -> int:
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def test_a_wire_packet_becomes_an_alert_and_a_row() -> None:
    alert, batch = read(raErr=1e-5, decErr=2e-5)
    assert (alert.thread_id, alert.native_id, alert.reality) == ("lsst:9001", "7001", "real")
    assert alert.time_start == T0
    assert (batch.survey[0], batch.filter[0]) == ("lsst", "g")
    assert batch.time_us[0] == micros(T0)
    # 31.4 - 2.5 log10(3630.78) = 22.5, and 1.0857 times the relative error of 1 %
    assert batch.mag[0] == pytest.approx(22.5, abs=1e-4)
    assert batch.mag_err[0] == pytest.approx(0.010857, abs=1e-5)
    assert batch.score[0] == pytest.approx(0.9)
    shape = alert.localizations[0].shape
    assert isinstance(shape, Cone)
    assert shape.radius == pytest.approx(2e-5)
    assert shape.containment == 0.3935


def test_container_and_wire_agree_but_for_the_packets_bytes() -> None:
    record = packets.rubin_record()
    (boxed,) = rubin.FACILITY.parse(packets.container(packets.rubin(), record), Context())
    wired, _ = read()
    assert isinstance(boxed, Alert)
    assert (boxed.thread_id, boxed.time_start, boxed.native_id) == (wired.thread_id, wired.time_start, wired.native_id)
    assert boxed.alert_id != wired.alert_id


@pytest.mark.parametrize(
    ("ids", "thread"),
    [
        ({}, "lsst:9001"),
        ({"diaObjectId": None, "ssObjectId": 55}, "lsst:55"),
        ({"diaObjectId": 0, "ssObjectId": 0}, "lsst:7001"),
    ],
)
def test_the_thread_is_the_object_else_the_solar_system_object_else_the_source(ids: Any, thread: str) -> None:
    alert, _ = read(**ids)
    assert alert.thread_id == thread


@pytest.mark.parametrize(
    ("flags", "reality"),
    [
        ({}, "real"),
        ({"pixelFlags_injected": True}, "injection"),
        ({"pixelFlags_injectedCenter": True}, "injection"),
        ({"pixelFlags_injected": None, "pixelFlags_injectedCenter": None}, "test"),
    ],
)
def test_only_a_source_said_not_to_be_injected_is_real(flags: Any, reality: str) -> None:
    alert, batch = read(**flags)
    assert (alert.reality, batch.reality[0]) == (reality, reality)


def test_a_known_solar_system_object_is_marked() -> None:
    alert, batch = read(diaObjectId=None, ssObjectId=55)
    assert batch.solar_system[0]
    assert alert.event_class == "solar_system"


def test_a_withdrawn_source_is_a_retraction() -> None:
    alert, _ = read(timeWithdrawnMjdTai=61001.0)
    assert alert.kind == "retraction"


#   -5 forced 1 sigma   -4 forced 7 sigma   -3 seen   -2 forced 0   0 this
def test_a_forced_measurement_below_five_sigma_before_the_first_detection_is_the_limit() -> None:
    limits = [forced(60995.25, 100.0), forced(60996.25, 700.0), forced(60998.25, 0.0)]
    alert, batch = read([earlier(60997.25)], limits)
    assert batch.first_us[0] == micros(T0 - timedelta(days=3))
    assert batch.last_limit_us[0] == micros(T0 - timedelta(days=5))
    assert (batch.detections[0], alert.kind, len(alert.photometry)) == (2, "subsequent", 2)


def test_the_objects_own_first_time_and_count_win_where_they_reach_farther() -> None:
    _, batch = read(dia_object={"diaObjectId": 9001, "firstDiaSourceMjdTai": 60900.25, "nDiaSources": 12})
    assert batch.first_us[0] == micros(T0 - timedelta(days=100))
    assert (batch.detections[0], batch.last_limit_us[0]) == (12, NO_TIME)


def test_a_flux_that_is_not_positive_has_no_magnitude() -> None:
    alert, batch = read(psfFlux=-5.0)
    assert np.isnan(batch.mag[0])
    assert alert.flux is not None
    assert alert.flux.value == -5.0


def test_a_time_too_large_for_an_mjd_is_unix_seconds() -> None:
    alert, _ = read(midpointMjdTai=1480360995.0)
    assert alert.time_start == datetime(2016, 11, 28, 19, 23, 15, tzinfo=UTC)


def test_a_leap_second_later_tai_was_36_ahead() -> None:
    alert, _ = read(midpointMjdTai=57500.0)  # 2016-04-22, before the leap second of 2017
    assert alert.time_start == datetime(2016, 4, 21, 23, 59, 24, tzinfo=UTC)


def test_an_unknown_schema_and_a_wrong_one_are_named() -> None:
    payload = packets.wire(702, packets.rubin(), packets.rubin_record())
    with pytest.raises(UnknownSchema, match="702"):
        rubin.FACILITY.parse(payload, HERE)
    point = avro_schema.prepared(packets.record("sky.point", {"ra": "double"}))
    with pytest.raises(MalformedAlert):
        rubin.FACILITY.parse(payload, Context(writer_schemas={702: point}))
    other = packets.wire(1, point, {"ra": 1.0})
    with pytest.raises(MalformedAlert, match="diaSource"):
        rubin.FACILITY.parse(other, Context(writer_schemas={1: point}))


def test_a_batch_agrees_with_parse_row_by_row() -> None:
    records = [packets.rubin_record([earlier(60990.0 + i)], diaSourceId=i + 1, ra=5.0 * i) for i in range(4)]
    payloads = [packets.wire(1100, packets.rubin(), record) for record in records]
    assert rubin.FACILITY.decode_batch is not None
    batch = rubin.FACILITY.decode_batch(payloads, HERE)
    for row, payload in enumerate(payloads):
        (alert,) = rubin.FACILITY.parse(payload, HERE)
        assert isinstance(alert, Alert)
        assert alert.alert_id == batch.alert_id[row]
        assert (
            alert.properties["first_detection"]
            == (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(batch.first_us[row]))).isoformat()
        )


@pytest.mark.alerts
def test_real_packets_say_what_was_found_in_them(alerts_dir: Path) -> None:
    expected = json.loads((alerts_dir / "EXPECTED.json").read_text())
    found = 0
    for name, facts in expected.items():
        if "diaSourceId" not in facts or not name.endswith(".avro"):
            continue
        payload = (alerts_dir / name).read_bytes()
        assert rubin.owns(envelope(payload, HERE), payload)
        (alert,) = rubin.FACILITY.parse(payload, HERE)
        assert isinstance(alert, Alert)
        assert alert.native_id == str(facts["diaSourceId"])
        assert alert.thread_id.endswith(str(facts["diaObjectId"] or facts["ssObjectId"] or facts["diaSourceId"]))
        assert alert.reality == "test"
        shape = alert.localizations[0].shape
        assert isinstance(shape, Cone)
        assert (shape.ra, shape.dec) == (facts["ra"], facts["dec"])
        if "utc" in facts:
            assert alert.time_start is not None
            assert abs(alert.time_start - datetime.fromisoformat(facts["utc"] + "+00:00")) < timedelta(milliseconds=1)
        found += 1
    assert found >= 8
