"""Notices of the GCN unified schema, by mission."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from nuncius.producers import parse_all
from nuncius.producers.facility import Context
from nuncius.schemas import Alert, Citation, Cone, Ellipse, MalformedAlert, NotAnAlert, Region, SkyMapRef

SCHEMA = "https://gcn.nasa.gov/schema/v9.9.9/gcn/notices/{}.schema.json"
FITS = b"SIMPLE  =                    T".ljust(2880)
CORE: dict[str, Any] = {
    "alert_datetime": "2026-02-03T04:06:00Z",
    "alert_tense": "current",
    "alert_type": "initial",
    "trigger_time": "2026-02-03T04:05:06.5Z",
    "id": "77",
}


def read(path: str, stream: str = "", **fields: Any) -> Alert:
    notice = {"$schema": SCHEMA.format(path), **CORE, **fields}
    (alert,) = parse_all(orjson.dumps({k: v for k, v in notice.items() if v is not None}), Context(stream=stream))
    assert isinstance(alert, Alert)
    return alert


@pytest.mark.parametrize(
    ("tense", "reality"),
    [
        ("current", "real"),
        ("archival", "archival"),
        ("planned", "planned"),
        ("injection", "injection"),
        ("commanded", "commanded"),
        ("test", "test"),
        ("someday", "test"),
        (None, "test"),
        (5, "test"),
        (["current"], "test"),
    ],
)
def test_tense_becomes_reality_and_what_is_unknown_is_never_real(tense: object, reality: str) -> None:
    assert read("glowbug/Alert", alert_tense=tense).reality == reality


def test_a_schema_without_a_tense_is_real_without_one_but_obeys_one() -> None:
    assert read("einstein_probe/wxt/alert", alert_tense=None, alert_type=None).reality == "real"
    assert read("einstein_probe/wxt/alert", alert_tense="test").reality == "test"


def test_a_schema_named_test_is_a_test_whatever_it_says() -> None:
    assert read("burstcube/test").reality == "test"
    assert read("burstcube/alert").reality == "real"


@pytest.mark.parametrize("kind", ["initial", "subsequent", "update", "retraction"])
def test_types_are_kinds(kind: str) -> None:
    assert read("svom/trigger", alert_type=kind).kind == kind


def test_a_type_that_is_unknown_is_refused_since_it_may_retract() -> None:
    with pytest.raises(MalformedAlert, match="alert_type"):
        read("svom/trigger", alert_type="withdrawn")


def test_without_a_type_the_record_number_tells() -> None:
    assert read("svom/trigger", alert_type=None, record_number=1).kind == "initial"
    later = read("svom/trigger", alert_type=None, record_number=3)
    assert (later.kind, later.sequence) == ("update", 3)


def test_a_circle() -> None:
    alert = read("svom/trigger", ra=360.0, dec=-5, ra_dec_error=0.2, systematic_included=True)
    assert alert.localizations[0].shape == Cone(0.0, -5.0, 0.2, 0.9)
    assert alert.localizations[0].systematic_included is True
    assert read("svom/trigger", ra=1, dec=2, ra_dec_error=0.2, containment_probability=0.5).localizations[0].shape == (
        Cone(1.0, 2.0, 0.2, 0.5)
    )


@pytest.mark.parametrize(
    ("error", "shape"),
    [
        # semi-major, semi-minor, position angle from north through east
        ([0.5, 0.25, 0], Ellipse(10, 20, 0.25, 0.25, 0.5, 0.5, 0.0, 0.9)),
        ([0.5, 0.25, 90], Ellipse(10, 20, 0.5, 0.5, 0.25, 0.25, 0.0, 0.9)),
        ([0.5, 0.25, 30], Ellipse(10, 20, 0.5, 0.5, 0.25, 0.25, 60.0, 0.9)),
        ([0.5, 0.25], Ellipse(10, 20, 0.25, 0.25, 0.5, 0.5, 0.0, 0.9)),
        ([0.5, 0.5, 10], Cone(10, 20, 0.5, 0.9)),
        ([0.5], Cone(10, 20, 0.5, 0.9)),
    ],
)
def test_an_array_of_errors_is_an_ellipse(error: list[float], shape: object) -> None:
    assert read("svom/trigger", ra=10, dec=20, ra_dec_error=error).localizations[0].shape == shape


def test_corners_are_a_region_that_holds_the_middle_and_has_the_rectangles_area() -> None:
    corners = [[100.0, 0.0], [102.0, 0.0], [102.0, 1.0], [100.0, 1.0]]
    alert = read("maxi/gsc.unknown", ra=101.0, dec=0.5, rectangular_error_corners=corners)
    shape = alert.localizations[0].shape
    assert isinstance(shape, Region)
    area, order = 0.0, 0
    for part in shape.moc.split(" "):
        if "/" in part:
            order = int(part.partition("/")[0])
        area += 41252.96 / (12 * 4**order)
    assert 2.0 < area < 2.6


def test_a_map_by_url_takes_its_bytes_from_the_context_and_nowhere_else() -> None:
    url = "https://example.org/maps/burst.fits.gz"
    (place,) = read("svom/trigger", healpix_url=url).localizations
    assert place.shape == SkyMapRef("", 0, url)
    notice = orjson.dumps({"$schema": SCHEMA.format("svom/trigger"), **CORE, "healpix_url": url})
    (alert,) = parse_all(notice, Context(skymaps={"burst.fits.gz": FITS}))
    assert isinstance(alert, Alert)
    shape = alert.localizations[0].shape
    assert isinstance(shape, SkyMapRef)
    assert (shape.data, shape.nbytes) == (FITS, 2880)
    assert read("svom/trigger", healpix_url="https://example.org/").localizations == ()


def test_a_map_within_the_notice_and_one_that_is_none() -> None:
    alert = read("svom/trigger", ra=1, dec=2, ra_dec_error=3, healpix_file=base64.b64encode(FITS).decode())
    shape = alert.localizations[1].shape
    assert isinstance(shape, SkyMapRef)
    assert shape.data == FITS
    broken = read("svom/trigger", ra=1, dec=2, ra_dec_error=3, healpix_file="stuff")
    assert len(broken.localizations) == 1
    assert "base64" in str(broken.properties["healpix_file_unread"])


def test_fermi_gbm_threads_by_its_trigger_number_and_names_its_error_model() -> None:
    fields: dict[str, Any] = {
        "id": ["bn260203171", "791784311"],
        "ra": 1,
        "dec": 2,
        "ra_dec_error": 3,
        "containment_probability": 0.68,
    }
    alert = read("fermi/gbm/trigger", **fields, systematic_included=False, subtype="GROUND_POSITION", record_number=5)
    assert (alert.thread_id, alert.facility, alert.instrument) == ("fermi-gbm:791784311", "Fermi", "GBM")
    assert (alert.event_class, alert.band, alert.sequence) == ("grb", "gamma", 5)
    assert alert.localizations[0].systematic_model == "fermi-gbm-ground"
    complete = read("fermi/gbm/trigger", **fields, systematic_included=True, subtype="FLIGHT_POSITION")
    assert complete.localizations[0].systematic_model is None


@pytest.mark.parametrize(
    ("classification", "event_class"),
    [
        (None, "grb"),
        ({"GRB": 0.85, "GENERIC_SGR": 0.14}, "grb"),
        ({"UNRELIABLE_LOCATION": 1}, "grb"),
        ({"LOCAL_PARTICLES": 0.6, "GRB": 0.4}, "not_astrophysical"),
        ({"SOLAR_FLARE": 0.9}, "solar"),
    ],
)
def test_fermi_gbm_says_itself_what_is_no_burst(classification: object, event_class: str) -> None:
    assert read("fermi/gbm/trigger", classification=classification).event_class == event_class


def test_a_topic_stands_in_for_a_missing_schema() -> None:
    notice = {**CORE, "id": ["791784311"]}
    (alert,) = parse_all(orjson.dumps(notice), Context(stream="gcn.notices.fermi.gbm.trigger"))
    assert isinstance(alert, Alert)
    assert (alert.thread_id, alert.stream) == ("fermi-gbm:791784311", "gcn.notices.fermi.gbm.trigger")


def test_icecube_gold_track() -> None:
    alert = read(
        "icecube/single_neutrino_alerts",
        id=["140000_12345678"],
        event_name=["IceCube-260203A"],
        messenger="Neutrino",
        instrument="IC86",
        pipeline="Gold Track Alert",
        alert_topology="Track",
        ra=5,
        dec=6,
        ra_dec_error=0.5,
        containment_probability=0.9,
        systematic_included=False,
        far=1e-8,
        p_astro=0.5,
        nu_energy=200.0,
    )
    assert (alert.thread_id, alert.messenger, alert.band) == ("icecube:140000_12345678", "neutrino", None)
    assert (alert.event_class, alert.far_hz, alert.p_astro) == ("neutrino_track", 1e-8, 0.5)
    assert alert.localizations[0].systematic_model == "icecube-track"
    assert alert.energy is not None
    assert (alert.energy.value, alert.energy.unit) == (200.0, "TeV")


def test_icecube_cascade() -> None:
    alert = read("icecube/single_neutrino_alerts", alert_topology="Cascade", ra=5, dec=6, ra_dec_error=8)
    assert alert.event_class == "neutrino_cascade"
    assert alert.localizations[0].systematic_model is None


def test_icecubes_search_around_a_gw_is_a_follow_up_and_its_p_values_are_no_rates() -> None:
    best = {"ra": 5, "dec": 6, "ra_dec_error": 2, "containment_probability": 0.9}
    alert = read(
        "icecube/lvk_nu_track_search", id=None, ref_ID="S260203ab", pval_generic=0.01, most_probable_direction=best
    )
    assert (alert.thread_id, alert.kind, alert.far_hz) == ("icecube-lvk:S260203ab", "followup", None)
    assert alert.cites == (Citation("followup", "S260203ab"),)
    assert alert.localizations[0].shape == Cone(5.0, 6.0, 2.0, 0.9)


def test_chimes_time_is_the_one_at_infinite_frequency() -> None:
    alert = read("chime/frb", trigger_time_inf_freq="2026-02-03 04:05:00.25+00:00", dm=300.0, snr=12.0)
    assert alert.time_start == datetime(2026, 2, 3, 4, 5, 0, 250000, tzinfo=UTC)
    assert (alert.band, alert.event_class, alert.dispersion_measure_pc_cm3) == ("radio", "frb", 300.0)
    assert alert.properties["time_reference"] == "at infinite frequency, as stated"
    assert alert.properties["trigger_time_as_stated"] == CORE["trigger_time"]


def test_chimes_time_is_dedispersed_where_only_the_dm_is_stated() -> None:
    alert = read("chime/frb", dm=300.0, spectral_band=[400, 800], spectral_band_units="MHz")
    # 4.148808 ms x 300 / 0.4^2 = 7.779015 s
    assert alert.time_start is not None
    assert datetime(2026, 2, 3, 4, 5, 6, 500000, tzinfo=UTC) - alert.time_start == pytest.approx(
        timedelta(seconds=7.779015), abs=timedelta(microseconds=1)
    )


@pytest.mark.parametrize("dm", [1e300, -300.0])
def test_a_dm_that_no_burst_has_moves_no_time(dm: float) -> None:
    alert = read("chime/frb", dm=dm, spectral_band=[400, 800], spectral_band_units="MHz")
    assert alert.time_start == datetime(2026, 2, 3, 4, 5, 6, 500000, tzinfo=UTC)
    assert "is none" in str(alert.properties["time_reference"])


@pytest.mark.parametrize("path", ["chime/frb", "dsa110/frb"])
def test_a_burst_time_that_cannot_be_dedispersed_is_flagged(path: str) -> None:
    alert = read(path)
    assert alert.time_start == datetime(2026, 2, 3, 4, 5, 6, 500000, tzinfo=UTC)
    assert "not removed" in str(alert.properties["time_reference"])


def test_super_k_threads_by_the_number_that_its_voevents_carry() -> None:
    alert = read("superk/sn_alert", id="SN.1", trigger_number=10070, messenger="Neutrino", luminosity_distance=0.01)
    assert (alert.thread_id, alert.event_class, alert.distance_mpc) == ("super-k:10070", "supernova_neutrino", 0.01)


def test_guano_is_a_targeted_search_of_swift() -> None:
    alert = read(
        "swift/bat/Guano", mission="Swift", instrument="BAT-GUANO", far=1e-5, follow_up_event="Fermi 7", rate_snr=9.5
    )
    assert (alert.event_class, alert.facility, alert.far_hz) == ("sub_grb_targeted", "Swift", 1e-5)
    assert (alert.cites, alert.significance) == ((Citation("followup", "Fermi 7"),), 9.5)


def test_maxi_knows_its_known_sources() -> None:
    assert read("maxi/gsc.known").event_class == "known_source"
    assert read("maxi/gsc.unknown").event_class == "x_ray_transient"


def test_boom_makes_one_alert_a_target() -> None:
    notice = {
        "$schema": SCHEMA.format("boom/alert"),
        "alert_datetime": "2026-02-03T04:06:00Z",
        "alert_tense": "current",
        "data": {
            "targets": [
                {"event_name": "ZTF26aaaaaaa", "ra": 1, "dec": 2, "gcn_crossmatch": [{"ref_ID": "S260203ab"}]},
                {"event_name": "ZTF26aaaaaab", "ra": 3, "dec": 4},
            ],
            "photometry": [
                {
                    "event_name": "ZTF26aaaaaaa",
                    "observation_start": "2026-02-02T01:00:00Z",
                    "filter": "r",
                    "limiting_mag": 20.5,
                },
                {"event_name": "ZTF26aaaaaaa", "observation_start": "2026-02-03T01:00:00Z", "filter": "r", "mag": 18.0},
            ],
        },
    }
    first, second = parse_all(orjson.dumps(notice))
    assert isinstance(first, Alert)
    assert isinstance(second, Alert)
    assert (first.thread_id, second.thread_id) == ("boom:ZTF26aaaaaaa", "boom:ZTF26aaaaaab")
    assert first.alert_id != second.alert_id
    assert first.time_start == datetime(2026, 2, 3, 1, tzinfo=UTC)
    assert [point.limit for point in first.photometry] == [False, True]
    assert first.cites == (Citation("followup", "S260203ab"),)


def test_a_mission_not_known_here_is_read_by_the_core_fields_alone() -> None:
    alert = read("newmission/alert", mission="New Mission", messenger="EM", spectral_band=[0.5, 10])
    assert (alert.facility, alert.thread_id, alert.event_class) == ("New Mission", "new-mission:77", "unknown")
    assert (alert.band, alert.reality) == ("x-ray", "real")


def test_an_impossible_time_is_kept_as_text() -> None:
    alert = read("svom/trigger", trigger_time="2026-02-00T04:05:06")
    assert alert.time_start is None
    assert alert.properties["trigger_time_as_stated"] == "2026-02-00T04:05:06"


def test_plain_facts_are_kept_by_their_own_names() -> None:
    alert = read("svom/trigger", slew_status="accepted", image_duration=0, image_energy_range=[4, 20])
    assert alert.properties["slew_status"] == "accepted"
    assert alert.properties["image_duration"] == 0.0
    assert alert.properties["image_energy_range"] == "4, 20"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"circularId": 1, "subject": "s", "body": "b", "submitter": "x", "createdOn": 1}, "circular"),
        ({"uid": "S1", "alert_type": "label_added", "data": {}}, "gracedb_message"),
        ({"title": "t", "authors": "a", "topic": "hermes.test", "message_text": "m"}, "hermes_message"),
        ({"$schema": SCHEMA.format("core/Pointing"), "ra_pointing": 1, "dec_pointing": 2}, "pointing"),
    ],
)
def test_messages_that_are_no_alerts_are_named(message: dict[str, Any], reason: str) -> None:
    (found,) = parse_all(orjson.dumps(message))
    assert isinstance(found, NotAnAlert)
    assert found.reason == reason


def test_a_heartbeat_is_named_by_its_topic() -> None:
    (found,) = parse_all(b'{"sent": 1}', Context(stream="gcn.heartbeat"))
    assert isinstance(found, NotAnAlert)
    assert found.reason == "heartbeat"


@pytest.mark.parametrize(
    "message",
    [
        {"foo": "bar"},
        {"superevent_id": "S1", "preferred_event": "G1"},
        {"$schema": SCHEMA.format("core/Statistics"), "far": 1.0},
        {"$schema": SCHEMA.format("svom/trigger"), "id": "x" * 1000},
    ],
)
def test_what_is_no_notice_is_named_in_the_error(message: dict[str, Any]) -> None:
    with pytest.raises(MalformedAlert):
        parse_all(orjson.dumps(message))


@pytest.mark.parametrize(
    ("message", "reality"),
    [
        ({"is_test": False}, "real"),
        ({"is_test": "True"}, "test"),
        ({}, "test"),
        ({"is_test": False, "is_firedrill": True}, "test"),
    ],
)
def test_snews_is_real_only_where_it_says_that_it_is_no_test(message: dict[str, Any], reality: str) -> None:
    body = {"detector_name": "SomeDetector", "neutrino_time_utc": "2026-02-03T04:05:06.5", "p_val": 0.01, **message}
    (alert,) = parse_all(orjson.dumps(body))
    assert isinstance(alert, Alert)
    assert (alert.reality, alert.event_class, alert.far_kind) == (reality, "supernova_neutrino", "p_value")


@pytest.mark.alerts
def test_real_notices_say_what_was_found_in_them(alerts_dir: Path) -> None:
    expected = json.loads((alerts_dir / "EXPECTED.json").read_text())
    found = 0
    for name, facts in expected.items():
        if "/notices/" not in str(facts.get("$schema")) or "/core/" in name or name.startswith("schemas"):
            continue
        (alert,) = parse_all((alerts_dir / name).read_bytes())
        assert isinstance(alert, Alert), name
        if "alert_type" in facts:
            assert alert.kind == facts["alert_type"], name
        if "alert_datetime" in facts:
            issued = datetime.fromisoformat(facts["alert_datetime"])
            assert alert.issued_time == (issued if issued.tzinfo else issued.replace(tzinfo=UTC)), name
        if "alert_tense" in facts and "test.example" not in name:
            assert alert.reality == {"current": "real"}.get(facts["alert_tense"], facts["alert_tense"]), name
        if "ra" in facts and isinstance(facts.get("ra_dec_error"), float | int):
            shape = alert.localizations[0].shape
            assert isinstance(shape, Cone), name
            assert (shape.ra, shape.dec, shape.radius) == (facts["ra"], facts["dec"], facts["ra_dec_error"]), name
            assert shape.containment == facts.get("containment_probability", 0.9), name
        assert alert.far_hz == facts.get("far"), name
        found += 1
    assert found >= 25
