"""What breaks a naive reader of VOEvents, one trap a test; packets are made up."""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from voevents import packet, where

from nuncius.producers import Context, parse, parse_all
from nuncius.schemas.alert import Alert, NotAnAlert
from nuncius.schemas.localization import Cone, Localization, SkyMapRef

GCN = "ivo://nasa.gsfc.gcn/"


def own(alert: Alert) -> Localization:
    assert alert.localizations
    return alert.localizations[0]


def cone(alert: Alert) -> Cone:
    shape = own(alert).shape
    assert isinstance(shape, Cone)
    return shape


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


# --- LIGO/Virgo/KAGRA -----------------------------------------------------------------------------------------------


def lvk(name: str = "S210304a", alert_type: str = "Preliminary", role: str = "observation", **values: object) -> bytes:
    said = {"GraceID": name, "AlertType": alert_type, "Pkt_Ser_Num": 2, "FAR": "1e-9", "Group": "CBC", "Pipeline": "p"}
    return packet(
        f"ivo://gwnet/LVC#{name}-2-{alert_type}",
        role=role,
        values=said | values,
        groups={
            "GW_SKYMAP": {"skymap_fits": "https://example.org/files/made.multiorder.fits,0"},
            "Classification": {"BNS": "0.75", "Terrestrial": "0.25"},
            "Properties": {"HasNS": "1.0"},
        },
        sky=where(ra=None),
    )


def test_lvk_notice() -> None:
    alert = parse(lvk())
    assert (alert.thread_id, alert.event_class, alert.kind, alert.sequence) == ("lvk:S210304a", "cbc", "initial", 2)
    assert (alert.far_hz, alert.far_kind, alert.far_as_stated, alert.p_astro) == (1e-9, "noise_only", "1e-9 Hz", 0.75)
    assert alert.classification == {"BNS": 0.75, "Terrestrial": 0.25}
    assert (alert.properties["HasNS"], alert.properties["Pipeline"], alert.time_kind) == (1.0, "p", "merger")
    assert own(alert).shape == SkyMapRef("", 0, "https://example.org/files/made.multiorder.fits,0")


def test_lvk_sky_map_by_the_last_part_of_its_url() -> None:
    (alert,) = parse_all(lvk(), Context(skymaps={"made.multiorder.fits,0": b"FITS"}))
    assert isinstance(alert, Alert)
    shape = own(alert).shape
    assert isinstance(shape, SkyMapRef)
    assert (shape.data, shape.nbytes) == (b"FITS", 4)
    assert shape.sha256 == sha256(b"FITS").hexdigest()


@pytest.mark.parametrize(
    ("name", "role", "search", "reality"),
    [
        ("S210304a", "observation", "AllSky", "real"),
        ("G210304", "observation", "O2VirgoTest", "real"),
        ("S210304a", "test", "AllSky", "test"),
        ("MS210304a", "observation", "MDC", "test"),
        ("M210304", "observation", "AllSky", "test"),
        ("MS210304a", "test", "MDC", "test"),
        ("TS210304a", "observation", "AllSky", "test"),
    ],
)
def test_lvk_mocks_are_known_by_name_and_role(name: str, role: str, search: str, reality: str) -> None:
    assert parse(lvk(name, role=role, Search=search)).reality == reality


def test_lvk_injection_burst_and_retraction() -> None:
    assert parse(lvk(HardwareInj=1)).reality == "injection"
    assert parse(lvk(Group="Burst")).event_class == "burst"
    retraction = packet(
        "ivo://gwnet/LVC#S210304a-3-Retraction",
        values={"GraceID": "S210304a", "AlertType": "Retraction"},
        cites=[("supersedes", "ivo://gwnet/LVC#S210304a-2-Update")],
    )
    assert parse(retraction).kind == "retraction"
    assert parse(lvk(alert_type="Update")).kind == "update"


def test_lvk_zero_far_is_a_value_and_none_is_missing() -> None:
    assert parse(lvk(FAR="0.0")).far_hz == 0.0
    assert parse(packet("ivo://gwnet/LVC#S1a-1-Initial")).far_hz is None


# --- IceCube --------------------------------------------------------------------------------------------------------


def icecube(stream: str, radius: float, values: Mapping[str, object]) -> Alert:
    ivorn = f"{GCN}AMON#ICECUBE_{stream}_Event2021-03-04T05:06:07.89_24_000123_000456_0"
    said = {"run_id": "000123", "event_id": "000456", "Rev": 0} | dict(values)
    return parse(packet(ivorn, values=said, sky=where(radius=radius)))


@pytest.mark.parametrize(
    ("stream", "containment", "event_class", "model"),
    [
        ("GOLD", 0.9, "neutrino_track", "icecube-track"),
        ("BRONZE", 0.9, "neutrino_track", "icecube-track"),
        ("Cascade", 0.9, "neutrino_cascade", None),
        ("HESE", 0.9, "neutrino_track", "icecube-track"),
        ("EHE", 0.5, "neutrino_track", "icecube-ehe"),
    ],
)
def test_icecube_radius(stream: str, containment: float, event_class: str, model: str | None) -> None:
    alert = icecube(stream, 1.5, {})
    assert (cone(alert).radius, cone(alert).containment) == (1.5, containment)
    assert (alert.event_class, own(alert).systematic_model) == (event_class, model)
    assert own(alert).systematic_included is (stream == "Cascade")
    assert alert.thread_id == "icecube:123_456"


@pytest.mark.parametrize(
    ("stream", "radius", "containment"), [("GOLD", 0.5, 0.5), ("GOLD", 2.0, 0.9), ("EHE", 2.0, 0.9), ("EHE", 0.5, 0.5)]
)
def test_icecube_radius_named_in_the_packet(stream: str, radius: float, containment: float) -> None:
    alert = icecube(stream, radius, {"src_error_50": "0.5", "src_error_90": "2.00"})
    assert cone(alert).containment == containment


def test_icecube_rate_is_per_year() -> None:
    alert = icecube("GOLD", 1.0, {"FAR": "2.5", "signalness": "0.6", "energy": "150.5"})
    assert alert.far_hz == pytest.approx(2.5 / 31_557_600, rel=1e-12)
    assert (alert.far_as_stated, alert.p_astro) == ("2.5 per year", 0.6)
    assert alert.energy is not None
    assert (alert.energy.value, alert.energy.unit) == (150.5, "TeV")


def test_icecube_revision_and_retraction() -> None:
    assert (icecube("GOLD", 1, {}).kind, icecube("GOLD", 1, {"Rev": 2}).kind) == ("initial", "update")
    assert icecube("GOLD", 1, {"Rev": 1, "Retraction": "true"}).kind == "retraction"


# --- Fermi GBM ------------------------------------------------------------------------------------------------------


def gbm(kind: str, radius: float = 5.0, **values: object) -> Alert:
    return parse(
        packet(f"{GCN}Fermi#{kind}_made_600000001_1-2", values={"TrigID": 600000001} | values, sky=where(radius=radius))
    )


@pytest.mark.parametrize(
    ("name", "kind", "model"),
    [
        ("GBM_Flt_Pos", "update", "fermi-gbm-flight"),
        ("GBM_Gnd_Pos", "update", "fermi-gbm-ground"),
        ("GBM_Fin_Pos", "update", "fermi-gbm-final"),
    ],
)
def test_gbm_radius_is_one_sigma_and_statistical(name: str, kind: str, model: str) -> None:
    alert = gbm(name)
    assert (alert.thread_id, alert.kind, alert.event_class) == ("fermi-gbm:600000001", kind, "grb")
    assert (cone(alert).radius, cone(alert).containment) == (5.0, 0.683)
    assert (own(alert).systematic_included, own(alert).systematic_model) == (False, model)


@pytest.mark.parametrize(
    ("index", "event_class"),
    [
        (4, "grb"),
        (1, "grb"),
        (8, "solar"),
        (2, "not_astrophysical"),
        (7, "not_astrophysical"),
        (9, "known_source"),
        (99, "grb"),
    ],
)
def test_gbm_flight_classes(index: int, event_class: str) -> None:
    alert = gbm("GBM_Flt_Pos", Most_Likely_Index=index, Most_Likely_Prob=90)
    assert alert.event_class == event_class
    assert list(alert.classification.values()) == ([0.9] if index != 99 else [])


def test_gbm_marked_as_no_burst() -> None:
    assert gbm("GBM_Fin_Pos", Def_NOT_a_GRB="true").event_class == "not_astrophysical"


def test_gbm_sub_threshold_has_its_own_threads() -> None:
    alert = parse(packet(GCN + "Fermi#GBM_SubThresh_made_600000002_0-1", values={"Trans_Num": 600000002}))
    assert (alert.thread_id, alert.event_class) == ("fermi-gbm-sub:600000002", "sub_grb")


# --- Swift ----------------------------------------------------------------------------------------------------------


def swift(name: str, cites: list[tuple[str, str]] | None = None, radius: float = 0.05, **values: object) -> Alert:
    said = {"TrigID": 1000001, "Pkt_Ser_Num": 1} | values
    return parse(packet(f"{GCN}SWIFT#{name}_1000001-2", values=said, cites=cites or [], sky=where(radius=radius)))


CITED = [("followup", GCN + "SWIFT#BAT_GRB_Pos_1000001-1")]


@pytest.mark.parametrize(
    ("name", "event_class", "kind", "instrument", "time_kind"),
    [
        ("BAT_QuickLook_Pos", "grb", "initial", "BAT", "trigger"),
        ("BAT_GRB_Pos", "grb", "initial", "BAT", "trigger"),
        ("BAT_Lightcurve", "grb", "followup", "BAT", "trigger"),
        ("BAT_Trans_Pos", "x_ray_transient", "initial", "BAT", "trigger"),
        ("XRT_Pos", "grb", "followup", "XRT", "detection"),
        ("UVOT_Pos", "grb", "followup", "UVOT", "detection"),
    ],
)
def test_swift_threads(name: str, event_class: str, kind: str, instrument: str, time_kind: str) -> None:
    alert = swift(name)
    assert (alert.thread_id, alert.facility, alert.instrument) == ("swift-bat:1000001", "Swift", instrument)
    assert (alert.event_class, alert.kind, alert.time_kind) == (event_class, kind, time_kind)
    assert (cone(alert).radius, cone(alert).containment) == (0.05, 0.9)


def test_swift_positions_cited_are_updates() -> None:
    assert swift("BAT_Trans_Pos", CITED).kind == "update"
    assert swift("XRT_Pos", CITED).kind == "followup"


def test_swift_sources_of_one_image_are_threads_apart() -> None:
    weak = swift("BAT_SubSubThresh_Pos", TrigID=-2000000001)
    known = swift("BAT_Known_Pos", TrigID=-2000000001)
    assert (weak.event_class, known.event_class) == ("sub_grb", "known_source")
    assert weak.thread_id == "swift-bat:-2000000001@123.25,-45.5"


def test_swift_says_itself_that_it_is_no_burst() -> None:
    assert swift("BAT_GRB_Pos", Def_NOT_a_GRB="true").event_class == "not_astrophysical"
    assert swift("BAT_GRB_Pos", Def_NOT_a_GRB="true", Target_in_Gnd_Catalog="true").event_class == "known_source"
    assert swift("XRT_Pos", TOO_Generated="true").event_class == "unknown"


def test_swift_without_a_radius_takes_the_instruments_error() -> None:
    located = own(swift("BAT_Lightcurve", radius=0))
    assert isinstance(located.shape, Cone)
    assert (located.shape.radius, located.systematic_model) == (0.0, "swift-bat")


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
