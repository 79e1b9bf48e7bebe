"""Whatever the bytes: alerts, a named non-alert or a Quarantine, and the same each time."""

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from voevents import packet, where

from nuncius.producers import parse_all, times
from nuncius.producers.build import cone, number, property_value
from nuncius.schemas.alert import Alert
from nuncius.schemas.codec import decode, encode
from nuncius.schemas.errors import Quarantine
from nuncius.schemas.localization import Cone

IVORNS = [
    "ivo://gwnet/LVC#S310203z-1-Preliminary",
    "ivo://nasa.gsfc.gcn/AMON#ICECUBE_GOLD_Event2031_1",
    "ivo://nasa.gsfc.gcn/AMON#NU_EM_Event2031_1",
    "ivo://nasa.gsfc.gcn/Fermi#GBM_Flt_Pos_1-2",
    "ivo://nasa.gsfc.gcn/SWIFT#BAT_GRB_Pos_1-2",
    "ivo://nasa.gsfc.gcn/SWIFT#Point_Dir_1-2",
    "ivo://nasa.gsfc.gcn/INTEGRAL#SPIACS_1-0-2",
    "ivo://never.seen/stream#1",
    "",
]
NAMES = [
    "GraceID",
    "AlertType",
    "FAR",
    "Group",
    "HardwareInj",
    "Pkt_Ser_Num",
    "TrigID",
    "run_id",
    "event_id",
    "Rev",
    "signalness",
    "energy",
    "src_error_50",
    "src_error_90",
    "Most_Likely_Index",
    "Most_Likely_Prob",
    "Trig_Signif",
    "Coords_Type",
    "Retraction",
    "Test_Submission",
    "Def_NOT_a_GRB",
    "Src_Error90",
    "SRC_CLASS",
    "dm",
    "snr",
    "Time_Error",
    "retraction",
    "Image_Signif",
    "Trans_Num",
    "skymap_fits",
]
VALUES = st.one_of(
    st.sampled_from(["", "0", "1", "-1", "true", "false", "nan", "inf", "1e400", "٣", "²", "x", "0x1", "-0.0", " 7 "]),
    st.floats().map(str),
    st.integers().map(str),
    st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), max_size=20),
)
COORDINATES = st.one_of(VALUES, st.none()).map(
    lambda text: None if text is None else text.replace("<", "").replace("&", "")
)


def outcome(payload: bytes) -> tuple[str, ...]:
    """Ids of the alerts, the reason of a non-alert or the error; fails for anything else that is raised."""
    try:
        results = parse_all(payload)
    except Quarantine as error:
        return (type(error).__name__, str(error))
    assert results
    for alert in results:
        if isinstance(alert, Alert):
            assert decode(Alert, encode(alert)).alert_id == alert.alert_id
            for place in alert.localizations:
                if isinstance(place.shape, Cone):
                    assert 0 <= place.shape.ra < 360
                    assert -90 <= place.shape.dec <= 90
                    assert place.shape.radius >= 0
                    assert 0 < place.shape.containment <= 1
    return tuple(result.alert_id if isinstance(result, Alert) else result.reason for result in results)


@given(st.binary(max_size=400))
@example(b"<VOEvent/>")
@example(b"\x00\x00\x00\x00\x00\x00\x00")
@example(b"Obj\x01\x02\x16avro.schema\x7f")
def test_any_bytes(payload: bytes) -> None:
    assert outcome(payload) == outcome(payload)


@given(
    ivorn=st.sampled_from(IVORNS),
    role=st.sampled_from(["observation", "test", "utility", "prediction", "observe", "", None]),
    values=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8),
    time=COORDINATES,
    ra=COORDINATES,
    dec=COORDINATES,
    radius=COORDINATES,
)
def test_any_values_in_a_well_formed_packet(
    ivorn: str, role: str | None, values: dict[str, str], time: Any, ra: Any, dec: Any, radius: Any
) -> None:
    payload = packet(ivorn, role=role, values=values, sky=where(time=time, ra=ra, dec=dec, radius=radius))
    found = outcome(payload)
    assert found == outcome(payload)
    assert found[0] not in ("LimitExceeded", "UnknownSchema")


@given(st.sampled_from(IVORNS), st.data())
def test_flipped_bits_and_cut_ends(ivorn: str, data: st.DataObject) -> None:
    payload = bytearray(packet(ivorn, values={"TrigID": "12", "FAR": "1e-9"}, sky=where(radius=1.5)))
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(payload) - 1))
        payload[at] ^= 1 << data.draw(st.integers(0, 7))
    outcome(bytes(payload[: data.draw(st.integers(0, len(payload)))]))


@given(st.text(max_size=60))
def test_any_text_as_a_time_number_or_property(text: str) -> None:
    moment = times.utc(text)
    assert moment is None or moment.utcoffset() is not None
    value = number(text)
    assert value is None or value - value == 0.0
    assert isinstance(property_value(text), str | float | bool)


@given(st.floats(), st.floats(), st.one_of(st.none(), st.floats()))
def test_a_cone_is_valid_or_absent(ra: float, dec: float, radius: float | None) -> None:
    for place in cone(ra, dec, radius, 0.9):
        assert isinstance(place.shape, Cone)
        assert 0 <= place.shape.ra < 360
        assert -90 <= place.shape.dec <= 90
        assert 0 <= place.shape.radius < 180
