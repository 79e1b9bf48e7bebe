"""Which notices are one burst."""

from typing import Any

import pytest
from matching_alerts import NOW, alert, coincidences, cone, grb, gw

from nuncius.broker.matching import Associate, shipped_rules
from nuncius.broker.matching.store import Role, Scope, View
from nuncius.broker.matching.threads import ThreadKey
from nuncius.schemas import Alert, Citation


def burst(name: str, seconds: float, facility: str, **more: Any) -> Alert:
    return grb(f"{facility.lower()}:{name}", seconds=seconds, facility=facility, instrument="", **more)


def events(*alerts: Alert) -> list[tuple[str, ...]]:
    engine = Associate(shipped_rules())
    coincidences(engine, *alerts)
    return [threads for _, threads in engine.bursts()]


def test_three_instruments_one_event_named_by_the_first_notice() -> None:
    engine = Associate(shipped_rules())
    late = burst("1", 0.0, "CALET", issued=500)
    coincidences(engine, late, burst("2", 0.15, "INTEGRAL", issued=300), burst("3", 3.54, "Konus", issued=900))
    assert engine.bursts() == (("integral:2", ("calet:1", "integral:2", "konus:3")),)


def test_thirty_seconds_inclusive() -> None:
    assert len(events(burst("1", 0, "A"), burst("2", 30, "B"))) == 1
    assert len(events(burst("1", 0, "A"), burst("2", 30.000001, "B"))) == 2


def test_a_chain_does_not_outgrow_the_window() -> None:
    #   A ---20 s--- B ---25 s--- C : A and B are nearest, C is 45 s from A
    assert events(burst("1", 0, "A"), burst("2", 20, "B"), burst("3", 45, "C")) == [("a:1", "b:2"), ("c:3",)]


def test_a_storm_of_one_instrument_stays_many() -> None:
    storm = [burst(str(i), 5.0 * i, "Fermi") for i in range(4)]
    other = burst("x", 10.4, "Konus")
    assert events(*storm, other) == [("fermi:0",), ("fermi:1",), ("fermi:2", "konus:x"), ("fermi:3",)]


def test_positions_that_disagree_keep_bursts_apart() -> None:
    here, far = cone(80, -10, 4), cone(110, -10, 4)
    assert len(events(burst("1", 0, "A", localizations=here), burst("2", 1, "B", localizations=far))) == 2
    assert len(events(burst("1", 0, "A", localizations=here), burst("2", 1, "B", localizations=cone(84, -10, 4)))) == 1
    assert len(events(burst("1", 0, "A", localizations=here), burst("2", 1, "B"))) == 1


def test_a_position_without_an_error_excludes_nothing() -> None:
    pointing = cone(183.955, -23.5949, 0, 1)
    found = cone(155.79, -13.8, 4.07)
    assert (
        len(events(burst("1", 0, "CALET", localizations=pointing), burst("2", 2.8, "Fermi", localizations=found))) == 1
    )


def test_sub_threshold_joins_only_by_position() -> None:
    sub = {"event_class": "sub_grb_targeted"}
    here = cone(80, -10, 4)
    real = burst("1", 0, "A", localizations=here)
    assert events(real, burst("2", 1, "B", **sub)) == [("a:1",)]
    assert events(real, burst("2", 1, "B", localizations=here, **sub)) == [("a:1", "b:2")]
    assert events(burst("1", 0, "A", localizations=here, **sub), burst("2", 1, "B", localizations=here, **sub)) == []


def test_blind_sub_threshold_searches_join_nothing() -> None:
    here = cone(80, -10, 4)
    real = burst("1", 0, "A", localizations=here)
    assert events(real, burst("2", 0, "B", localizations=here, event_class="sub_grb")) == [("a:1",)]


def test_tests_are_not_joined_with_real_bursts() -> None:
    assert events(burst("1", 0, "A"), burst("2", 1, "B", reality="test")) == [("a:1",), ("b:2",)]


def test_a_retracted_burst_leaves_its_event() -> None:
    gone = burst("2", 1, "B", version=1, kind="retraction", issued=500)
    assert events(burst("1", 0, "A"), burst("2", 1, "B"), gone) == [("a:1",)]


def test_partners_are_counted_as_events() -> None:
    engine = Associate(shipped_rules())
    found = coincidences(engine, gw(), burst("1", 2.0, "Fermi"), burst("2", 3.0, "INTEGRAL"), burst("3", 4.0, "Fermi"))
    (one,) = found
    assert one.partner.event_id == "fermi:1"
    assert one.partner.threads == ("fermi:1", "integral:2")
    assert [pair.partner.threads for pair in one.others] == [("fermi:3",)]


def test_other_classes_are_never_joined() -> None:
    frb = alert("chime:1", messenger="photon", band="radio", facility="CHIME", event_class="frb")
    assert events(frb, burst("1", 0, "A")) == [("a:1",)]


def test_a_flood_at_one_moment_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    touching = View.touching

    def counted(view: View, role: Role, scope: Scope, low_us: int, high_us: int) -> tuple[ThreadKey, ...]:
        asked.append(low_us)
        return touching(view, role, scope, low_us, high_us)

    monkeypatch.setattr(View, "touching", counted)
    flood = tuple(grb(f"fermi-gbm:{n}") for n in range(300))
    engine = Associate(shipped_rules())
    engine.apply(engine.step((gw(), *flood), (), {}, NOW).delta)
    assert len(engine.bursts()) == 300
    assert len(asked) < 3 * len(flood) * len(shipped_rules())


NAMED = (Citation("followup", "A 1"),)


def test_a_burst_that_is_named_joins_whatever_its_time_and_place() -> None:
    here, far = cone(80, -10, 4), cone(110, -10, 4)
    late = burst("2", 300, "B", localizations=far, cites=NAMED)
    assert events(burst("1", 0, "A", localizations=here), late) == [("a:1", "b:2")]
    assert events(late, burst("1", 0, "A", localizations=here)) == [("a:1", "b:2")]
    by_packet = burst("2", 300, "B", cites=(Citation("followup", "A:1-0"),))
    assert events(burst("1", 0, "A"), by_packet) == [("a:1", "b:2")]


def test_a_named_targeted_search_joins_without_a_position() -> None:
    sub = burst(
        "694215995", 25, "Swift", event_class="sub_grb_targeted", cites=(Citation("followup", "Fermi 694215970"),)
    )
    assert events(burst("694215970", 0, "Fermi"), sub) == [("fermi:694215970", "swift:694215995")]


def test_a_third_instrument_is_near_to_either_name() -> None:
    one, two = burst("1", 0, "A"), burst("2", 300, "B", cites=NAMED)
    assert events(one, two, burst("3", 303, "C"), burst("4", 1, "D")) == [("a:1", "b:2", "c:3", "d:4")]
    assert events(one, two, burst("3", 150, "C")) == [("a:1", "b:2"), ("c:3",)]


def test_names_join_no_instrument_twice_and_no_test_with_real() -> None:
    again = burst("2", 300, "A", cites=(Citation("followup", "a:1"),))
    assert len(events(burst("1", 0, "A"), again)) == 2
    assert len(events(burst("1", 0, "A"), burst("2", 300, "B", cites=NAMED, reality="test"))) == 2
    both = (burst("2", 300, "B", cites=NAMED), burst("3", 400, "B", cites=NAMED))
    assert events(burst("1", 0, "A"), *both) == [("a:1", "b:2"), ("b:3",)]


@pytest.mark.parametrize("more", [{"kind": "followup"}, {"cites": (Citation("supersedes", "A 1"),)}])
def test_only_the_event_itself_names_another(more: dict[str, Any]) -> None:
    assert len(events(burst("1", 0, "A"), burst("2", 300, "B", **{"cites": NAMED, **more}))) == 2


def test_a_retracted_name_joins_nothing() -> None:
    gone = burst("1", 0, "A", version=1, kind="retraction", issued=900)
    assert events(burst("1", 0, "A"), burst("2", 300, "B", cites=NAMED), gone) == [("b:2",)]


def test_a_revised_trigger_time_joins_and_parts() -> None:
    assert events(burst("1", 100, "A"), burst("2", 0, "B"), burst("1", 4, "A", version=1, issued=900)) == [
        ("a:1", "b:2")
    ]
    assert events(burst("1", 4, "A"), burst("2", 0, "B"), burst("1", 100, "A", version=1, issued=900)) == [
        ("a:1",),
        ("b:2",),
    ]


def test_a_storm_that_no_instrument_links_cannot_be_told_from_one_burst() -> None:
    # A and B saw one burst, C and D another ten seconds later; or all four saw one that C and D triggered on late
    pairs = (burst("1", 0, "A"), burst("2", 0.1, "B"), burst("3", 10, "C"), burst("4", 10.1, "D"))
    assert len(events(*pairs)) == 1
    assert events(*pairs, burst("5", 10.2, "B")) == [("a:1", "b:2"), ("b:5", "c:3", "d:4")]
