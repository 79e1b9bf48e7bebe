"""LIGO/Virgo/KAGRA alerts: the same record in JSON and in Avro."""

import base64
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import avro_packets as packets
import orjson
import pytest

from nuncius.producers import lvk_avro, lvk_json
from nuncius.producers.envelope import envelope
from nuncius.producers.facility import Context
from nuncius.schemas import Alert, MalformedAlert, SkyMapRef, ids

HERE = Context()
CARDS = (
    "SIMPLE  =                    T",
    "DISTMEAN=             123.5 / mean",
    "DISTSTD =              45.25 / spread",
    "END",
)
MAP = "".join(card.ljust(80) for card in CARDS).ljust(2880).encode()
EVENT: dict[str, Any] = {
    "time": "2026-03-04T05:06:07.125Z",
    "far": 1e-9,
    "significant": True,
    "instruments": ["H1", "L1"],
    "group": "CBC",
    "pipeline": "pycbc",
    "search": "AllSky",
    "classification": {"BNS": 0.75, "Terrestrial": 0.25},
    "properties": {"HasNS": 1.0, "HasRemnant": 0.5},
    "duration": None,
    "central_frequency": None,
    "skymap": base64.b64encode(MAP).decode(),
}
COINCIDENCE: dict[str, Any] = {
    "gcn_notice_id": 761234567,
    "ivorn": "ivo://example/burst#1",
    "observatory": "Fermi",
    "search": "GRB",
    "time_difference": 1.75,
    "time_coincidence_far": 2e-8,
    "time_sky_position_coincidence_far": 3e-10,
    "combined_skymap": base64.b64encode(gzip.compress(MAP)).decode(),
}


def notice(stage: str = "PRELIMINARY", name: str = "S260304ab", outside: Any = None, **event: Any) -> dict[str, Any]:
    return {
        "superevent_id": name,
        "alert_type": stage,
        "time_created": "2026-03-04T05:10:00Z",
        "urls": {"gracedb": f"https://example.org/{name}"},
        "event": None if stage == "RETRACTION" else {**EVENT, **event},
        "external_coinc": outside,
    }


def read(record: dict[str, Any]) -> Alert:
    payload = orjson.dumps(record)
    assert lvk_json.owns(envelope(payload, HERE), payload)
    (alert,) = lvk_json.parse(payload, HERE)
    assert isinstance(alert, Alert)
    return alert


def test_a_notice_of_a_binary() -> None:
    alert = read(notice())
    assert (alert.thread_id, alert.facility, alert.instrument) == ("lvk:S260304ab", "LIGO/Virgo/KAGRA", "H1,L1")
    assert (alert.messenger, alert.event_class, alert.reality, alert.sequence) == (
        "gravitational_wave",
        "cbc",
        "real",
        None,
    )
    assert (alert.time_start, alert.time_kind, alert.time_frame) == (
        datetime(2026, 3, 4, 5, 6, 7, 125000, tzinfo=UTC),
        "merger",
        "geocentric",
    )
    assert alert.issued_time == datetime(2026, 3, 4, 5, 10, tzinfo=UTC)
    assert (alert.far_hz, alert.p_astro) == (1e-9, 0.75)
    assert alert.classification == {"BNS": 0.75, "Terrestrial": 0.25}
    assert (alert.distance_mpc, alert.distance_err_mpc) == (123.5, 45.25)
    facts = {
        name: alert.properties[name] for name in ("significant", "group", "pipeline", "search", "HasNS", "HasRemnant")
    }
    assert facts == {
        "significant": True,
        "group": "CBC",
        "pipeline": "pycbc",
        "search": "AllSky",
        "HasNS": 1.0,
        "HasRemnant": 0.5,
    }
    assert alert.references == ("https://example.org/S260304ab",)
    shape = alert.localizations[0].shape
    assert isinstance(shape, SkyMapRef)
    assert (shape.sha256, shape.nbytes, shape.data) == (ids.digest(MAP), len(MAP), MAP)


@pytest.mark.parametrize(
    ("stage", "kind"),
    [("EARLYWARNING", "initial"), ("PRELIMINARY", "initial"), ("INITIAL", "initial"), ("UPDATE", "update")],
)
def test_stages_become_kinds(stage: str, kind: str) -> None:
    assert read(notice(stage)).kind == kind


def test_a_retraction_has_no_event() -> None:
    alert = read(notice("RETRACTION"))
    assert (alert.kind, alert.thread_id, alert.reality) == ("retraction", "lvk:S260304ab", "real")
    assert (alert.time_start, alert.far_hz, alert.localizations) == (None, None, ())


@pytest.mark.parametrize(
    ("name", "search", "reality"),
    [
        ("S190425z", "AllSky", "real"),
        ("S190425z", "MDC", "test"),
        ("MS260605l", "AllSky", "test"),
        ("TS190101a", "AllSky", "test"),
        ("M12345", "AllSky", "test"),
        ("X260605l", "AllSky", "test"),
    ],
)
def test_only_the_ids_of_real_superevents_are_real(name: str, search: str, reality: str) -> None:
    assert read(notice(name=name, search=search)).reality == reality


def test_a_burst_has_no_terrestrial_class() -> None:
    alert = read(notice(group="Burst", classification={}, properties={}, duration=0.25, central_frequency=100.0))
    assert (alert.event_class, alert.time_kind, alert.p_astro) == ("burst", "trigger", None)
    assert alert.properties["duration"] == 0.25


def test_a_false_alarm_rate_of_zero_is_a_value() -> None:
    assert read(notice(far=0.0)).far_hz == 0.0


def test_an_external_coincidence_is_kept_with_its_combined_map() -> None:
    alert = read(notice(outside=COINCIDENCE))
    assert [place.origin for place in alert.localizations] == ["own", "combined"]
    assert alert.properties["external_ivorn"] == "ivo://example/burst#1"
    assert alert.properties["external_time_difference"] == 1.75
    assert alert.properties["external_time_sky_position_coincidence_far"] == 3e-10


@pytest.mark.parametrize(
    "skymap", ["U0lNUExFICA9ICAg...", base64.b64encode(b"<html>").decode(), "", "é", 5, {"a": "b"}]
)
def test_a_map_that_is_none_costs_the_map_only(skymap: object) -> None:
    alert = read(notice(skymap=skymap, outside=COINCIDENCE))
    assert (alert.far_hz, alert.reality) == (read(notice()).far_hz, "real")
    assert [place.origin for place in alert.localizations] == ["combined"]
    assert "skymap" in str(alert.properties["skymap_error"])


def test_an_impossible_time_is_kept_as_text() -> None:
    alert = read(notice(time="9999-12-31T23:59:59Z"))
    assert alert.time_start is None
    assert alert.properties["time_as_stated"] == "9999-12-31T23:59:59Z"


@pytest.mark.parametrize(
    "change", [{"superevent_id": ""}, {"superevent_id": 5}, {"alert_type": "NEW"}, {"alert_type": None}]
)
def test_an_id_and_a_known_type_are_needed(change: dict[str, Any]) -> None:
    with pytest.raises(MalformedAlert):
        read({**notice(), **change})


def test_json_and_avro_say_the_same() -> None:
    text = packets.optional("string")
    schema = packets.record(
        "igwn.alerts.v1_0.Alert",
        {
            "superevent_id": "string",
            "alert_type": "string",
            "time_created": "string",
            "urls": {"type": "map", "values": "string"},
            "event": packets.optional(
                packets.record(
                    "igwn.alerts.v1_0.Event",
                    {
                        **dict.fromkeys(("time", "group", "pipeline", "search"), text),
                        "far": "double",
                        "significant": "boolean",
                        "instruments": {"type": "array", "items": "string"},
                        "classification": {"type": "map", "values": "double"},
                        "properties": {"type": "map", "values": "double"},
                        "duration": packets.optional("double"),
                        "central_frequency": packets.optional("double"),
                        "skymap": packets.optional("bytes"),
                    },
                )
            ),
            "external_coinc": "null",
        },
    )
    payload = packets.container(schema, notice(skymap=MAP))
    assert lvk_avro.owns(envelope(payload, HERE), payload)
    (packed,) = lvk_avro.parse(payload, HERE)
    printed = read(notice())
    assert isinstance(packed, Alert)
    for name in ("thread_id", "kind", "time_start", "far_hz", "p_astro", "properties", "localizations", "distance_mpc"):
        assert getattr(packed, name) == getattr(printed, name), name


def test_a_packet_of_many_records_is_hashed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    schema = {
        "type": "record",
        "name": "alert",
        "namespace": "igwn.alerts.v1_0",
        "fields": [{"name": name, "type": "string"} for name in ("superevent_id", "alert_type", "time_created")],
    }
    head = {"alert_type": "RETRACTION", "time_created": "2026-11-23T12:00:30Z"}
    payload = packets.container(schema, *({"superevent_id": f"S{n}", **head} for n in range(500)))
    digest = Mock(wraps=ids.digest)
    monkeypatch.setattr(ids, "digest", digest)
    assert len(lvk_avro.parse(payload, HERE)) == 500
    digest.assert_called_once_with(payload)


@pytest.mark.alerts
def test_real_notices_say_what_was_found_in_them(alerts_dir: Path) -> None:
    expected = json.loads((alerts_dir / "EXPECTED.json").read_text())
    found = 0
    for name, facts in expected.items():
        if facts.get("kind") not in ("lvk_json", "lvk_avro"):
            continue
        payload = (alerts_dir / name).read_bytes()
        facility = lvk_json if facts["kind"] == "lvk_json" else lvk_avro
        assert facility.owns(envelope(payload, HERE), payload)
        (alert,) = facility.parse(payload, HERE)
        assert isinstance(alert, Alert)
        assert alert.thread_id == f"lvk:{facts['superevent_id']}"
        assert alert.reality == "test"
        assert (alert.kind == "retraction") == (facts["alert_type"] == "RETRACTION")
        assert alert.issued_time == datetime.fromisoformat(facts["time_created"])
        if "far" in facts:
            assert alert.far_hz == facts["far"]
            assert alert.time_start == datetime.fromisoformat(facts["time"])
            assert alert.classification == facts["classification"]
            assert alert.instrument == ",".join(facts["instruments"])
            assert alert.distance_mpc == pytest.approx(facts["skymap"]["DISTMEAN"])
            assert alert.distance_err_mpc == pytest.approx(facts["skymap"]["DISTSTD"])
        found += 1
    assert found >= 5


@pytest.mark.alerts
def test_a_display_example_with_its_map_cut_off_is_an_alert_without_a_map(alerts_dir: Path) -> None:
    payload = (alerts_dir / "gw/userguide/MS181101ab-initial_displayexample.json").read_bytes()
    (alert,) = lvk_json.parse(payload, HERE)
    assert isinstance(alert, Alert)
    assert (alert.thread_id, alert.reality, alert.localizations) == ("lvk:MS181101ab", "test", ())
    assert "base64" in str(alert.properties["skymap_error"])
