"""What breaks a naive reader of VOEvents, one trap a test; packets are made up."""

from datetime import UTC, datetime

import pytest
from voevents import GCN, cone, packet, where

from nuncius.producers import parse, parse_all
from nuncius.schemas.alert import NotAnAlert

# --- positions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ra", "dec", "radius"),
    [(0, 0, 0), ("0.0000", "0.0000", "0.0000"), (-1, -1, -1), (0, 0, 360), (None, None, None), ("x", 1, 1), (1, 91, 1)],
)
def test_a_null_position_is_none(ra: object, dec: object, radius: object) -> None:
    assert parse(packet(sky=where(ra=ra, dec=dec, radius=radius))).localizations == ()


@pytest.mark.parametrize(("ra", "dec", "radius"), [(0, 0, 1), (0, 5, 0), (360, -90, 0.1), (359.9, 0, 50)])
def test_a_position_near_the_null_one_is_a_position(ra: float, dec: float, radius: float) -> None:
    found = cone(parse(packet(sky=where(ra=ra, dec=dec, radius=radius))))
    assert (found.ra, found.dec, found.radius) == (ra % 360, dec, radius)


def test_no_where_when_at_all() -> None:
    alert = parse(packet(sky="<Why/>"))
    assert (alert.localizations, alert.time_start) == ((), None)


@pytest.mark.parametrize(("coords_type", "stated"), [("0", False), ("1", True), ("2", False)])
def test_the_position_an_instrument_pointed_at_is_not_the_sources(coords_type: str, *, stated: bool) -> None:
    ivorn = GCN + "CALET#GBM_Flight_Lightcurve_made_1-1"
    alert = parse(packet(ivorn, values={"TrigID": "1", "Coords_Type": coords_type}, sky=where(radius=0)))
    assert bool(alert.localizations) is stated
    assert (alert.properties.get("pointing_ra_deg") == 123.25) is (coords_type == "2")
    assert alert.event_class == "grb"


# --- times ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["2022-01-00T23:16:14", "2016-01--3T11:00:00", "2022-01--4918T01:02:03", "T1532:07"])
def test_an_impossible_time_gives_an_alert_without_one(text: str) -> None:
    alert = parse(packet(sky=where(time=text)))
    assert alert.time_start is None
    assert alert.properties["time_as_stated"] == f"{text} UTC-FK5-GEO"
    assert alert.issued_time == datetime(2021, 3, 4, 5, 7, tzinfo=UTC)


def test_barycentric_dynamical_time_is_flagged_and_its_scale_converted() -> None:
    alert = parse(packet(sky=where(frame="TDB-ICRS-BARY")))
    assert alert.time_frame == "barycentric"
    assert alert.time_start == datetime(2021, 3, 4, 5, 4, 58, 706_000, tzinfo=UTC)
    assert alert.properties["time_as_stated"] == "2021-03-04T05:06:07.89 TDB-ICRS-BARY"


@pytest.mark.parametrize(
    ("frame", "place"), [("UTC-FK5-GEO", "geocentric"), ("UTC-ICRS-TOPO", "topocentric"), ("", "topocentric")]
)
def test_where_the_clock_stood(frame: str, place: str) -> None:
    assert parse(packet(sky=where(frame=frame))).time_frame == place


# --- reality and kind -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "reality"),
    [
        ("observation", "real"),
        (None, "real"),
        ("test", "test"),
        ("prediction", "prediction"),
        ("observe", "test"),
        ("", "test"),
    ],
)
def test_role(role: str | None, reality: str) -> None:
    assert parse(packet(role=role)).reality == reality


@pytest.mark.parametrize("mark", ["Test_Submission", "Test_Notice", "InternalTest"])
def test_the_senders_own_test_marks(mark: str) -> None:
    assert parse(packet(values={mark: "true"})).reality == "test"
    assert parse(packet(values={mark: "false"})).reality == "real"


def test_a_utility_is_no_alert() -> None:
    found = parse_all(packet("ivo://example.org/other#1", role="utility"))
    assert found == (NotAnAlert("utility", "example.org/other", datetime(2021, 3, 4, 5, 7, tzinfo=UTC)),)


@pytest.mark.parametrize(
    ("ivorn", "reason"),
    [
        ("SWIFT#Point_Dir_1", "pointing"),
        ("SWIFT#Actual_Point_Dir_1", "pointing"),
        ("Fermi#Point_Dir_1", "pointing"),
        ("INTEGRAL#Point_Dir_1", "pointing"),
        ("SWIFT#SC_Slew_1", "slew"),
        ("SWIFT#FOM_Obs_1", "observing_plan"),
        ("SWIFT#BAT_GRB_Test_Pos_1", "test_stream"),
        ("Fermi#GBM_Test_Pos_1", "test_stream"),
        ("Fermi#LAT_Test_Pos_1", "test_stream"),
        ("AGILE#SA_Test_Pos_1", "test_stream"),
        ("MAXI#Test_Pos_1", "test_stream"),
        ("GRO#Test_Pos_1", "test_stream"),
        ("HETE#Test_Pos_1", "test_stream"),
        ("AMON#TEST_Event1", "test_stream"),
    ],
)
def test_streams_that_say_nothing_about_the_sky(ivorn: str, reason: str) -> None:
    assert parse_all(packet(GCN + ivorn, role="test"))[0] == NotAnAlert(
        reason, "nasa.gsfc.gcn/" + ivorn.partition("#")[0], datetime(2021, 3, 4, 5, 7, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    ("cites", "kind"),
    [
        ([], "initial"),
        ([("followup", "ivo://other.org/x#1")], "followup"),
        ([("followup", "ivo://example.org/made#up-0")], "update"),
        ([("followup", "ivo://a/b#1"), ("supersedes", "ivo://a/b#2")], "update"),
        ([("supersedes", "ivo://a/b#2"), ("retraction", "ivo://a/b#2")], "retraction"),
    ],
)
def test_kind_by_citation(cites: list[tuple[str, str]], kind: str) -> None:
    alert = parse(packet(cites=cites))
    assert alert.kind == kind
    assert [(cite.cite, cite.identifier) for cite in alert.cites] == cites


def test_same_ivorn_and_other_content_are_two_alerts_of_one_thread() -> None:
    one, two = (
        parse(packet(values={"TrigID": "5"}, date=date)) for date in ("2021-01-01T00:00:00", "2021-01-02T00:00:00")
    )
    assert one.native_id == two.native_id
    assert one.alert_id != two.alert_id
    assert one.thread_id == two.thread_id


# --- others ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ivorn", "facility", "messenger", "event_class"),
    [
        (GCN + "INTEGRAL#SPIACS_000009-0-1", "INTEGRAL", "photon", "grb"),
        (GCN + "INTEGRAL#Weak_Pos_000009-0-1", "INTEGRAL", "photon", "sub_grb"),
        (GCN + "KONUS#Lightcurve_x-1", "Konus-Wind", "photon", "grb"),
        (GCN + "AGILE#A_MCAL_Alert_x-1", "AGILE", "photon", "grb"),
        (GCN + "IPN#Raw_x-1", "IPN", "photon", "grb"),
        (GCN + "Fermi#LAT_Monitor_x-1", "Fermi", "photon", "flare"),
        (GCN + "MAXI#Known_source_Pos_x-1", "MAXI", "photon", "known_source"),
        (GCN + "MOA#Lensing_Event_x-1", "MOA", "photon", "microlensing"),
        (GCN + "SNEWS#Event_x-1", "SNEWS", "neutrino", "supernova_neutrino"),
        (GCN + "SK_SN#Event_x-1", "Super-Kamiokande", "neutrino", "supernova_neutrino"),
        (GCN + "AMON#NU_EM_Event_x-1", "AMON", "neutrino", "neutrino_em"),
        (GCN + "AMON#HAWC_BURST_MONITOR_Event_x-1", "HAWC", "photon", "sub_grb"),
        ("ivo://au.edu.swin/utmost#FRB1", "UTMOST", "photon", "frb"),
        ("ivo://gaia.cam.uk/alerts#Gaia21x", "Gaia", "photon", "optical_transient"),
        ("ivo://never.seen/stream#1", "never.seen/stream", "photon", "unknown"),
    ],
)
def test_streams_are_known_by_their_ivorn(ivorn: str, facility: str, messenger: str, event_class: str) -> None:
    alert = parse(packet(ivorn, values={"TrigID": "7"}))
    assert (alert.facility, alert.messenger, alert.event_class) == (facility, messenger, event_class)


@pytest.mark.parametrize(
    ("concept", "messenger", "band"),
    [
        ("process.variation.burst;phys.particle.neutrino", "neutrino", None),
        ("process.variation.burst;em.gamma", "photon", "gamma"),
        ("em.radio", "photon", "radio"),
        ("", "photon", None),
    ],
)
def test_an_unknown_sender_is_read_by_its_concept(concept: str, messenger: str, band: str | None) -> None:
    alert = parse(packet("ivo://never.seen/stream#1", concept=concept))
    assert (alert.messenger, alert.band) == (messenger, band)


def test_threads_by_trigger_number_and_without_one() -> None:
    spiacs = GCN + "INTEGRAL#SPIACS_000123-0-456"
    assert parse(packet(spiacs, values={"TrigID": "123"})).thread_id == "integral:123"
    assert parse(packet(spiacs, values={"TrigID": "0"})).thread_id == "integral:SPIACS_000123-0"
    assert parse(packet(GCN + "IPN#Raw_t_-1-29", values={"TrigID": "-1"})).thread_id == "ipn:Raw_t_-1"
    assert parse(packet("ivo://Some.Where/Here#A-1")).thread_id == "some.where/here:A-1"


def test_super_kamiokande_radius_stands_in_a_parameter() -> None:
    values = {"Src_Error68": "3.0", "Src_Error90": "4.5", "Src_Error95": "6.0"}
    alert = parse(packet(GCN + "SK_SN#Event_x-1", values=values, sky=where(radius=0)))
    assert (cone(alert).radius, cone(alert).containment) == (4.5, 0.9)


def test_gecam_solar_flares_are_no_bursts() -> None:
    solar, burst = (parse(packet(GCN + "GECAM#FLT_Event_x-1", values={"SRC_CLASS": c})) for c in ("SFLARE", "GRB"))
    assert (solar.event_class, burst.event_class) == ("solar", "grb")


def test_a_radio_bursts_time_is_flagged() -> None:
    alert = parse(packet("ivo://au.edu.swin/utmost#FRB1", groups={"event parameters": {"dm": "500.5", "snr": "11"}}))
    assert (alert.dispersion_measure_pc_cm3, alert.significance, alert.significance_unit) == (500.5, 11.0, "snr")
    assert "infinite frequency" in str(alert.properties["time_reference"])


def test_amon_errors_and_rates() -> None:
    alert = parse(
        packet(GCN + "AMON#NU_EM_Event_x-1", values={"FAR": "4.0", "retraction": "1"}, sky=where(radius=0.14))
    )
    assert alert.kind == "retraction"
    assert alert.far_hz == pytest.approx(4.0 / 31_557_600, rel=1e-12)
    assert cone(alert).containment == 0.5
