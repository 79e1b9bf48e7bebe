"""Candidates and events find each other; which pass, and the ranked lists made of them."""

from datetime import timedelta

import numpy as np
import pytest
from matching_alerts import NOW, T0, at, candidates, cone, gw, neutrino

from nuncius.broker.matching import Associate, Match, shipped_rules
from nuncius.broker.matching.threads import microseconds
from nuncius.schemas import NO_TIME, Alert, CandidateBatch, CandidateList, Counterpart, Coverage
from nuncius.schemas.codec import decode, encode

LATER = T0 + timedelta(days=60)
EVENT = gw(localizations=cone(197, -23, 5))
NOTHING = CandidateBatch.empty()


def found(event: Alert, batch: CandidateBatch) -> list[Counterpart]:
    return list(Match(shipped_rules()).step((event,), batch, {}, LATER, run_mode="replay").effects)


def test_a_counterpart_says_where_it_lies() -> None:
    (one,) = found(EVENT, candidates({"ra": 197.0, "dec": -23.0}))
    assert (one.rule, one.event_thread, one.event_alert_id) == ("gw-optical", "lvk:G298048", EVENT.alert_id)
    assert one.arm == "on"
    assert one.credible_level == pytest.approx(0, abs=0.01)
    # peak of a Gaussian on the sky whose 90 % radius is 5 deg: 1 / (2 pi s^2), s = 5 deg / 2.146
    assert one.probdensity_per_sr == pytest.approx(1 / (2 * np.pi * np.radians(5 / 2.146) ** 2), rel=0.02)
    assert one.first_time == at(86400)
    assert decode(Counterpart, encode(one)) == one


#   first detection, days:   -14 |== control ==) 0 |======= on =======| 14
@pytest.mark.parametrize(
    ("first", "arm"), [(-14.001, None), (-14, "control"), (-0.001, "control"), (0, "on"), (14, "on"), (14.001, None)]
)
def test_windows_of_the_first_detection(first: float, arm: str | None) -> None:
    arms = [one.arm for one in found(EVENT, candidates({"first": first, "days": 20.0}))]
    assert arms == ([] if arm is None else [arm])


@pytest.mark.parametrize(
    "veto",
    [
        {"solar_system": True},
        {"score": 0.54},
        {"star_score": 0.77},
        {"reality": "test"},
        {"ra": 205.0},
        {"ra": np.nan},
    ],
)
def test_vetoes(veto: dict[str, object]) -> None:
    assert found(EVENT, candidates(veto)) == []


@pytest.mark.parametrize("unknown", [{"score": np.nan}, {"star_score": np.nan}, {"mag": np.nan}])
def test_what_is_unknown_vetoes_nothing(unknown: dict[str, object]) -> None:
    assert len(found(EVENT, candidates(unknown))) == 1


def test_a_row_without_a_first_detection_is_left_out() -> None:
    batch = candidates({}, {})
    first = batch.first_us.copy()
    first[0] = NO_TIME
    columns = {name: getattr(batch, name) for name in batch.__slots__}
    assert [one.thread_id for one in found(EVENT, CandidateBatch(**{**columns, "first_us": first}))] == ["ztf:1"]


@pytest.mark.parametrize(
    "event",
    [
        gw(),
        gw(localizations=cone(197, -23, 5), kind="retraction"),
        gw(localizations=cone(197, -23, 5), run_mode="live"),
        gw(localizations=cone(197, -23, 5), seconds=None),
        gw(localizations=cone(17, 23, 5)),
    ],
)
def test_events_that_find_nothing(event: Alert) -> None:
    assert found(event, candidates({})) == []


def test_neutrino_cones_have_their_own_rule() -> None:
    (one,) = found(neutrino(localizations=cone(197, -23, 1)), candidates({"days": 27.0}))
    assert one.rule == "neutrino-optical"


def test_an_event_finds_what_came_before_it_and_after_it() -> None:
    matcher = Match(shipped_rules())
    early = matcher.step((), candidates({"thread_id": "ztf:a"}), {}, LATER, run_mode="replay")
    matcher.apply(early.delta)
    second = matcher.step((EVENT,), candidates({"thread_id": "ztf:b"}), {}, LATER, run_mode="replay")
    assert [one.thread_id for one in second.effects] == ["ztf:a", "ztf:b"]
    matcher.apply(second.delta)
    third = matcher.step((EVENT,), candidates({"thread_id": "ztf:c"}), {}, LATER, run_mode="replay")
    assert [one.thread_id for one in third.effects] == ["ztf:c"]


def test_a_dropped_step_leaves_no_trace() -> None:
    matcher = Match(shipped_rules())
    matcher.step((EVENT,), candidates({}), {}, LATER, run_mode="replay")
    first = matcher.step((), candidates({}), {}, LATER, run_mode="replay")
    assert (first.effects, first.coverage) == ((), ())
    second = matcher.step((EVENT,), NOTHING, {}, LATER, run_mode="replay")
    assert (second.effects, second.coverage) == ((), ())


def test_what_is_old_is_forgotten_and_late_rows_are_counted() -> None:
    matcher = Match(shipped_rules(), lateness_days=1)
    for day in range(200):
        batch = candidates({"thread_id": f"ztf:{day}", "days": float(day)})
        outcome = matcher.step((gw(f"lvk:{day}", seconds=86400.0 * day, localizations=cone(17, 23)),), batch, {}, NOW)
        matcher.apply(outcome.delta)
        assert outcome.late == 0
    late = matcher.step((), candidates({"days": 0.5}), {}, at(86400 * 300))
    assert late.late == 1


def looked(event: Alert, batch: CandidateBatch) -> tuple[Coverage, ...]:
    return Match(shipped_rules()).step((event,), batch, {}, LATER, run_mode="replay").coverage


def listed(
    *steps: tuple[tuple[Alert, ...], tuple[Counterpart, ...]], coverage: tuple[Coverage, ...] = ()
) -> CandidateList | None:
    engine = Associate(shipped_rules())
    for alerts, rows in steps:
        engine.apply(engine.step(alerts, rows, {}, LATER, coverage).delta)
    lists = [record for record in engine.published() if isinstance(record, CandidateList)]
    assert len(lists) <= 1
    return lists[0] if lists else None


def test_of_one_age_the_deepest_in_the_region_comes_first() -> None:
    batch = candidates({"dec": -24.0}, {"dec": -23.1}, {"dec": -23.5, "first": -3.0}, {"dec": -25.0})
    made = listed(((EVENT,), tuple(found(EVENT, batch))))
    assert made is not None
    assert [row.thread_id for row in made.candidates] == ["ztf:1", "ztf:0", "ztf:3"]
    assert made.passed == 3
    assert made.state == "active"
    assert decode(CandidateList, encode(made)) == made


def test_the_sooner_after_the_event_the_better() -> None:
    # 1 deg off the centre of a 5 deg (90 %) circle: level 1 - 0.1^(1/25) = 0.088; 0.5 deg off: 0.023.
    # Level times delay in days: 0.088 x 0.45 = 0.040 < 0.023 x 4 = 0.092 < 0.088 x 2 = 0.176.
    batch = candidates({"dec": -23.5, "days": 4.0}, {"dec": -24.0, "days": 0.45}, {"dec": -24.0, "days": 2.0})
    made = listed(((EVENT,), tuple(found(EVENT, batch))))
    assert made is not None
    assert [row.thread_id for row in made.candidates] == ["ztf:1", "ztf:0", "ztf:2"]


def test_an_object_counts_once_as_its_latest_row_says() -> None:
    first = {"thread_id": "ztf:x", "days": 1.0}
    again = {"thread_id": "ztf:x", "days": 2.0, "first": 1.0, "dec": -24.0}
    rows = found(EVENT, candidates(first, again))
    made = listed(((EVENT,), tuple(reversed(rows))))
    assert made is not None
    assert [(row.dec, row.time) for row in made.candidates] == [(-24.0, at(2 * 86400))]


def test_an_object_that_turns_out_older_leaves_the_list_but_the_list_stays() -> None:
    young = tuple(found(EVENT, candidates({"thread_id": "ztf:x", "days": 1.0})))
    older = tuple(found(EVENT, candidates({"thread_id": "ztf:x", "days": 3.0, "first": -2.0})))
    for steps in (((EVENT,), young), ((), older)), (((EVENT,), older), ((), young)), (((EVENT,), young + older),):
        made = listed(*steps)
        assert made is not None
        assert (len(made.candidates), made.passed) == (0, 0)
    assert listed(((EVENT,), older)) is None


def test_without_looks_there_is_no_number() -> None:
    made = listed(((EVENT,), tuple(found(EVENT, candidates({})))))
    assert made is not None
    assert (made.expected_by_chance, made.expected_low, made.expected_high) == (None, None, None)
    assert "no row tells" in made.expected_method


def test_looked_at_after_but_never_before_there_is_no_number() -> None:
    batch = candidates({})
    made = listed(((EVENT,), tuple(found(EVENT, batch))), coverage=looked(EVENT, batch))
    assert made is not None
    assert made.expected_by_chance is None
    assert "density undefined" in made.expected_method


def test_looked_at_before_and_nothing_found_is_zero_with_an_upper_bound() -> None:
    # an asteroid 5 days before and another 3 days before show that the survey looked; one night after
    batch = candidates({}, {"days": -5.0, "solar_system": True}, {"days": -3.0, "solar_system": True})
    made = listed(((EVENT,), tuple(found(EVENT, batch))), coverage=looked(EVENT, batch))
    assert made is not None
    assert (made.expected_by_chance, made.expected_low) == (0.0, 0.0)
    # Gehrels 1986, table 1: 1.841 for no event; one night against two
    assert made.expected_high == pytest.approx(1.841 / 2, abs=5e-4)


def test_a_last_look_that_did_not_see_it_is_told() -> None:
    batch = candidates({"last_limit_us": microseconds(at(-3600.0))}, {})
    assert [one.last_limit_time for one in found(EVENT, batch)] == [at(-3600.0), None]


def test_beyond_the_cap_objects_are_counted() -> None:
    batch = candidates(*({"dec": -23.0 - i / 1000} for i in range(230)))
    made = listed(((EVENT,), tuple(found(EVENT, batch))))
    assert made is not None
    assert (len(made.candidates), made.passed) == (200, 230)


def test_the_latest_notice_rules_and_a_retraction_empties() -> None:
    moved = gw(version=1, localizations=cone(197, -29, 3))
    gone = gw(version=2, kind="retraction", seconds=None, issued=900)
    batch = candidates({"dec": -23.0}, {"dec": -29.0})
    rows = (*found(EVENT, batch), *found(moved, batch))
    revised = listed(((EVENT,), rows[:1]), ((moved,), rows))
    assert revised is not None
    assert [row.thread_id for row in revised.candidates] == ["ztf:1"]
    assert (revised.event_alert_id, revised.state, revised.revision) == (moved.alert_id, "revised", 2)
    emptied = listed(((gone, moved), rows), ((EVENT,), ()))
    assert emptied is not None
    assert (emptied.state, emptied.candidates, emptied.passed) == ("retracted", (), 0)


def test_rows_of_forgotten_and_unknown_events_are_forgotten() -> None:
    engine = Associate(shipped_rules(), lateness_days=1)
    rows = tuple(found(EVENT, candidates({})))
    stray = tuple(found(gw("lvk:never", localizations=cone(197, -23, 5)), candidates({})))
    engine.apply(engine.step((EVENT,), rows + stray, {}, LATER, looked(EVENT, candidates({}))).delta)
    assert len(engine._state.rows) == 2
    assert len(engine._state.coverage) == 1
    now = at(86400 * 300)
    for day in range(0, 200, 5):
        engine.apply(engine.step((gw(f"lvk:{day}", seconds=86400.0 * day),), (), {}, now).delta)
    assert engine._state.rows == {}
    assert engine._state.coverage == {}
    assert not [record for record in engine.published() if isinstance(record, CandidateList)]
