"""The facilities with adapters of their own: LIGO/Virgo/KAGRA, IceCube, Fermi GBM, Swift; packets are made up."""

from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256

import pytest
from voevents import GCN, cone, own, packet, where

from nuncius.producers import Context, parse, parse_all
from nuncius.schemas.alert import Alert
from nuncius.schemas.localization import Cone, SkyMapRef

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


@pytest.mark.parametrize(("off_s", "kept"), [(0.0, True), (-10.0, True), (10.1, False), (-86400.0, False)])
def test_lvk_sky_map_of_another_event_is_passed_over_and_named(off_s: float, kept: bool) -> None:  # noqa: FBT001  a case
    event_time = parse(lvk()).time_start
    assert event_time is not None
    stamp = (event_time + timedelta(seconds=off_s)).strftime("%Y-%m-%dT%H:%M:%S.%f")
    header = b"SIMPLE  =                    T".ljust(80) + f"DATE-OBS= '{stamp}'".encode().ljust(80)
    (alert,) = parse_all(lvk(), Context(skymaps={"made.multiorder.fits,0": header}))
    assert isinstance(alert, Alert)
    shape = own(alert).shape
    assert isinstance(shape, SkyMapRef)
    assert (shape.data is not None) is kept
    assert ("another event" in str(alert.properties.get("skymap_error", ""))) is not kept


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
