"""Any record out as VOEvent 2.0 is valid, deterministic, and comes back as it was."""

import json
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import voeventparse
from hypothesis import given
from hypothesis import strategies as st
from strategies import FINITE, RA, TIMES, alerts, record

from nuncius.consumers.voevent import to_voevent
from nuncius.producers import parse_all
from nuncius.producers.envelope import envelope
from nuncius.producers.facility import Context
from nuncius.producers.nuncius_records import read_back
from nuncius.producers.nuncius_voevent import FACILITY, parse
from nuncius.schemas import (
    Alert,
    CandidateList,
    Coincidence,
    Cone,
    Localization,
    MalformedAlert,
    NotAnAlert,
    Quarantine,
    SkyMapRef,
    ids,
)
from nuncius.schemas.flat import leaves, rebuilt

ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
MAPS = st.dictionaries(ANY_TEXT, FINITE, max_size=3)
FACTS = st.dictionaries(ANY_TEXT, st.one_of(ANY_TEXT, FINITE, st.booleans()), max_size=3)


def of_content(alert: Alert) -> Alert:
    """With the id that follows from what it says of itself."""
    return replace(alert, alert_id=ids.alert_id(alert.native_id, alert.raw_sha256))


ALERTS = alerts(classification=MAPS, properties=FACTS, native_id=ANY_TEXT, source=ANY_TEXT).map(of_content)


def same(one: Any, other: Any, but: frozenset[str] = frozenset()) -> None:
    for field in fields(one):
        if field.name not in but:
            assert getattr(one, field.name) == getattr(other, field.name), field.name


@given(ALERTS)
def test_any_alert_comes_back(alert: Alert) -> None:
    same(read_back(to_voevent(alert)), alert)


@given(st.one_of(record(Coincidence), record(CandidateList)))
def test_any_finding_comes_back(found: Coincidence | CandidateList) -> None:
    assert read_back(to_voevent(found)) == found


@given(st.one_of(ALERTS, record(Coincidence), record(CandidateList)))
def test_it_is_valid(found: Alert | Coincidence | CandidateList) -> None:
    packet = to_voevent(found)
    assert packet == to_voevent(found)
    voeventparse.assert_valid_as_v2_0(voeventparse.loads(packet))


@given(ALERTS)
def test_only_what_is_real_and_live_is_an_observation(alert: Alert) -> None:
    said = voeventparse.loads(to_voevent(alert)).get("role")
    assert (said == "observation") == (alert.reality == "real" and alert.run_mode == "live")


@given(ALERTS, TIMES)
def test_another_broker_takes_it_as_the_same_alert(alert: Alert, received: Any) -> None:
    context = Context(source="peer", received_time=received, run_mode="live")
    (taken,) = parse(to_voevent(alert), context)
    assert isinstance(taken, Alert)
    same(taken, alert, frozenset({"source", "received_time"}))
    assert (taken.source, taken.received_time) == ("peer", received)


@given(ALERTS.filter(lambda alert: alert.run_mode == "live"))
def test_a_replay_of_it_is_a_replay(alert: Alert) -> None:
    (taken,) = parse(to_voevent(alert), Context(run_mode="replay"))
    assert isinstance(taken, Alert)
    assert taken.run_mode == "replay"


@given(st.one_of(record(Coincidence), record(CandidateList)))
def test_coincidences_of_others_are_no_alerts(found: Coincidence | CandidateList) -> None:
    packet = to_voevent(found)
    assert FACILITY.owns(envelope(packet, Context()), packet)
    assert parse_all(packet, Context(stream="peer")) == (
        NotAnAlert("coincidence_of_a_broker", "peer", found.issued_time),
    )


@given(ALERTS, RA, st.floats(-90, 90), st.floats(0, 180))
def test_an_independent_reader_sees_time_and_place(alert: Alert, ra: float, dec: float, radius: float) -> None:
    place = Localization(shape=Cone(ra, dec, radius))
    if alert.time_start is None:
        return
    packet = voeventparse.loads(to_voevent(replace(alert, localizations=(place,), time_frame="geocentric")))
    seen = voeventparse.get_event_position(packet)
    assert (seen.ra, seen.dec, seen.err, seen.units) == (ra, dec, radius, "deg")
    assert voeventparse.get_event_time_as_utc(packet) == alert.time_start


@given(ALERTS)
def test_a_forged_id_is_refused(alert: Alert) -> None:
    with pytest.raises(MalformedAlert, match="does not follow"):
        parse(to_voevent(replace(alert, alert_id="0")), Context())


TREES = st.recursive(
    st.one_of(st.none(), st.booleans(), FINITE, ANY_TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(ANY_TEXT, inner, max_size=3)),
    max_leaves=12,
)


@given(st.dictionaries(ANY_TEXT, TREES, min_size=1, max_size=3))
def test_any_record_is_rebuilt_from_its_leaves(tree: dict[str, Any]) -> None:
    assert rebuilt(leaves(tree)) == tree


@pytest.mark.alerts
def test_real_alerts_come_back(alerts_dir: Path) -> None:
    """Every third file; sky maps lie on the log, not in the packet."""
    expected = json.loads((alerts_dir / "EXPECTED.json").read_bytes())
    count = 0
    for name in sorted(path for path in expected if not path.startswith("schemas/"))[::3]:
        with suppress(Quarantine):
            for alert in parse_all((alerts_dir / name).read_bytes(), Context(stream="gcn")):
                if isinstance(alert, Alert):
                    slim = replace(alert, localizations=tuple(map(without_map, alert.localizations)))
                    packet = to_voevent(slim)
                    voeventparse.assert_valid_as_v2_0(voeventparse.loads(packet))
                    same(read_back(packet), slim)
                    count += 1
    assert count > 50


def without_map(place: Localization) -> Localization:
    return replace(place, shape=replace(place.shape, data=None)) if isinstance(place.shape, SkyMapRef) else place
