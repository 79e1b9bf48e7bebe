"""The life of a request: proposed, revised, not wanted, taken back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from too_cases import (
    AT2017GFO,
    GRB,
    GRB_SWIFT,
    GW,
    MERGER,
    NOISE_NULL,
    POLICIES,
    REAL_NULL,
    TRACK,
    TXS,
    alert,
    candidate_list,
    coincidence,
    counterpart,
    inputs,
    member,
    policies,
    run,
    wide_camera,
)

from nuncius.broker.planning.engine import Planner
from nuncius.broker.planning.policies_toml import load_policies
from nuncius.schemas import Pair, Significance, ToORequest


@pytest.fixture
def planner() -> Planner:
    return Planner(policies())


def only(effects: tuple[ToORequest, ...]) -> ToORequest:
    (request,) = effects
    return request


def test_a_coincidence_asks_for_the_better_placed_member_on_its_evening(planner: Planner) -> None:
    request = only(run(planner, GW, GRB, coincidence()))
    assert (request.state, request.revision) == ("proposed", 1)
    assert (request.policy, request.facility) == ("pair", "imager")
    assert (request.cause_id, request.cause_kind) == ("gw-grb of S170817", "coincidence")
    assert (request.target_name, request.ra, request.dec) == (GW.thread_id, *AT2017GFO)
    assert request.radius_deg == pytest.approx(3.0, rel=0.01)
    assert request.window_start is not None
    assert request.window_stop is not None
    assert request.window_start < datetime(2017, 8, 17, 23, 33, tzinfo=UTC) < request.window_stop
    assert request.airmass_min is not None
    assert 1 < request.airmass_min < 2.5
    assert request.expires == MERGER + timedelta(hours=72)
    assert request.needs_approval
    assert (request.reality, request.run_mode) == ("real", "live")
    assert request.idempotency_key == f"{request.request_id}/1"
    assert request.issued_time == coincidence().issued_time
    assert "Las Campanas" in request.reason
    assert "1.8e-06" in request.reason


def test_a_small_error_box_takes_over(planner: Planner) -> None:
    request = only(run(planner, GW, GRB_SWIFT, coincidence(partner=member(GRB_SWIFT))))
    assert request.target_name == GRB_SWIFT.thread_id
    assert request.radius_deg == pytest.approx(0.2, rel=0.01)


def test_a_cause_waits_for_the_alerts_it_names(planner: Planner) -> None:
    assert run(planner, coincidence(), GRB) == ()
    assert only(run(planner, GW)).state == "proposed"


def test_a_step_changes_nothing_until_it_is_applied(planner: Planner) -> None:
    first = planner.step(inputs(coincidence(), GW, GRB))
    again = planner.step(inputs(coincidence(), GW, GRB))
    assert first.effects == again.effects != ()
    planner.apply(first.delta)
    assert run(planner, coincidence(), GW, GRB) == ()


def test_an_unchanged_content_is_not_published_again(planner: Planner) -> None:
    run(planner, GW, GRB, coincidence())
    later = coincidence(2, state="revised", issued_time=MERGER + timedelta(hours=11, minutes=30))
    assert run(planner, later) == ()


def test_the_next_evening_is_asked_for_once_the_first_is_over(planner: Planner) -> None:
    first = only(run(planner, GW, GRB, coincidence()))
    second = only(run(planner, coincidence(2, issued_time=MERGER + timedelta(hours=20))))
    assert (second.request_id, second.revision, second.state) == (first.request_id, 2, "proposed")
    assert first.window_start is not None
    assert second.window_start is not None
    assert timedelta(hours=23) < second.window_start - first.window_start < timedelta(hours=25)
    assert second.idempotency_key == f"{first.request_id}/2"


def test_a_retracted_coincidence_cancels(planner: Planner) -> None:
    first = only(run(planner, GW, GRB, coincidence()))
    last = only(run(planner, coincidence(2, state="retracted", anchor=member(GW, retracted=True))))
    assert (last.request_id, last.revision, last.state) == (first.request_id, 2, "cancelled")
    assert (last.window_start, last.window_stop, last.airmass_min) == (None, None, None)
    assert run(planner, coincidence()) == ()


def test_a_coincidence_scored_anew_stays_proposed_while_a_pair_holds(planner: Planner) -> None:
    swift = Pair(partner=member(GRB_SWIFT), dt_s=1.0, overlap=2e4, significance=REAL_NULL)
    run(planner, GW, GRB, GRB_SWIFT, coincidence(others=(swift,)))
    lost = coincidence(2, state="revised", partner=member(GRB, retracted=True), others=(swift,))
    revised = only(run(planner, lost))
    assert (revised.revision, revised.state, revised.target_name) == (2, "proposed", GRB_SWIFT.thread_id)


def test_it_is_cancelled_when_every_partner_is_gone(planner: Planner) -> None:
    run(planner, GW, GRB, coincidence())
    assert only(run(planner, coincidence(2, partner=member(GRB, retracted=True)))).state == "cancelled"


@pytest.mark.parametrize(
    ("significance", "says"),
    [
        (replace(REAL_NULL, expected_by_chance=0.02), "0.02"),
        (replace(REAL_NULL, expected_by_chance=None), "unknown"),
        (replace(REAL_NULL, expected_by_chance=0.001, trials=42), "0.042"),
        (replace(REAL_NULL, validity="rate above the cap"), "rate above the cap"),
        (replace(NOISE_NULL, joint_far_hz=2e-8), "2e-08"),
        (replace(NOISE_NULL, joint_far_hz=None), "unknown"),
    ],
)
def test_what_is_not_significant_is_refused_in_words(planner: Planner, significance: Significance, says: str) -> None:
    request = only(run(planner, GW, GRB, coincidence(significance=significance)))
    assert request.state == "rejected"
    assert says in request.reason


@pytest.mark.parametrize("far_hz", [0.0, 1e-9, 1e-8])
def test_a_joint_rate_up_to_its_cap_is_significant_and_zero_is_a_rate(planner: Planner, far_hz: float) -> None:
    good = coincidence(significance=replace(NOISE_NULL, joint_far_hz=far_hz))
    assert only(run(planner, GW, GRB, good)).state == "proposed"


def test_a_request_no_longer_wanted_says_so(planner: Planner) -> None:
    run(planner, GW, GRB, coincidence())
    weak = coincidence(2, significance=replace(REAL_NULL, expected_by_chance=3.0))
    assert only(run(planner, weak)).state == "rejected"


def test_a_region_too_large_is_refused(planner: Planner) -> None:
    wide = alert("gw-1", GW.thread_id, AT2017GFO, 20.0, messenger="gravitational_wave", facility="LVK")
    request = only(run(planner, wide, GRB, coincidence()))
    assert request.state == "rejected"
    assert "deg²" in request.reason


def test_what_never_rises_is_refused_with_the_sites_asked(planner: Planner) -> None:
    north = alert("gw-1", GW.thread_id, (30.0, 85.0), 3.0, messenger="gravitational_wave", facility="LVK")
    request = only(run(planner, north, GRB, coincidence()))
    assert request.state == "rejected"
    assert "Las Campanas" in request.reason
    assert request.expires is not None


@pytest.mark.parametrize(("mask", "state"), [("[0.0, 0.0]", "proposed"), ("[0.0, 89.0]", "rejected")])
def test_what_a_telescopes_own_horizon_hides_is_refused(mask: str, state: str) -> None:
    one = POLICIES.partition('[[policy]]\nname = "candidate"')[0].replace('sites = ["Las Campanas"]\n', "")
    camera = wide_camera("imager").replace("max_airmass", f"horizon = [{mask}]\nmax_airmass")
    asked = only(run(Planner(load_policies(one + camera)), GW, GRB, coincidence()))
    assert asked.state == state


def test_what_became_known_after_its_expiry_is_refused(planner: Planner) -> None:
    late = coincidence(issued_time=MERGER + timedelta(days=30))
    assert only(run(planner, GW, GRB, late)).state == "rejected"


@pytest.mark.parametrize("changed", [{"reality": "test"}, {"reality": "injection"}, {"rule": "another"}])
def test_what_no_policy_selects_gives_no_request(planner: Planner, changed: dict[str, Any]) -> None:
    assert run(planner, GW, GRB, coincidence(**changed)) == ()


def test_a_cause_that_turns_out_to_be_a_test_is_cancelled(planner: Planner) -> None:
    run(planner, GW, GRB, coincidence())
    assert only(run(planner, coincidence(2, reality="test"))).state == "cancelled"
    assert run(planner, coincidence(3, reality="test")) == ()


def test_an_injection_is_planned_where_the_policy_says_so_and_stays_labelled(planner: Planner) -> None:
    request = only(run(planner, GW, candidate_list(reality="injection", run_mode="demo")))
    assert (request.state, request.reality, request.run_mode) == ("proposed", "injection", "demo")


def test_a_list_asks_for_its_best_candidate_from_the_site_that_sees_it(planner: Planner) -> None:
    request = only(run(planner, GW, candidate_list()))
    assert (request.state, request.policy, request.facility) == ("proposed", "candidate", "spectrograph")
    assert (request.target_name, request.ra, request.dec, request.radius_deg) == ("ztf:at2017gfo", *AT2017GFO, 0.0)
    assert "Las Campanas" in request.reason


def test_another_candidate_days_later_moves_no_request(planner: Planner) -> None:
    first = candidate_list()
    (asked,) = run(planner, GW, first)
    later = counterpart("ztf:other", (198.0, -24.0), first_time=MERGER + timedelta(days=5))
    more = candidate_list(2, candidates=(*first.candidates, later), issued_time=MERGER + timedelta(days=5))
    assert run(planner, more) == ()
    assert asked.state == "proposed"


def test_the_best_candidate_that_can_be_observed_is_taken_down_to_the_rank_allowed(planner: Planner) -> None:
    sunny, hidden = counterpart("sunny", (147.0, 13.0)), counterpart("hidden", (145.0, 14.0))
    good = counterpart("good", AT2017GFO)
    assert only(run(planner, GW, candidate_list(candidates=(sunny, good)))).target_name == "good"
    last = only(run(planner, candidate_list(2, candidates=(sunny, hidden, good))))
    assert (last.state, last.target_name) == ("rejected", "sunny")
    assert "before it expires (at best from " in last.reason
    assert " deg high, the Sun at " in last.reason


def test_what_became_known_after_its_end_says_so(planner: Planner) -> None:
    assert TRACK.time_start is not None
    request = only(run(planner, replace(TRACK, issued_time=TRACK.time_start + timedelta(hours=25))))
    assert request.state == "rejected"
    assert request.reason.endswith("from Palomar before it expires: it became known too late")


def test_control_rows_are_never_asked_for(planner: Planner) -> None:
    request = only(run(planner, GW, candidate_list(candidates=(counterpart("c", AT2017GFO, arm="control"),))))
    assert request.state == "rejected"
    assert "no candidate" in request.reason


@pytest.mark.parametrize("expected", [10.5, None])
def test_a_list_full_of_chance_is_refused(planner: Planner, expected: float | None) -> None:
    assert only(run(planner, GW, candidate_list(expected_by_chance=expected))).state == "rejected"


def test_an_emptied_list_and_a_retracted_one_take_the_request_back(planner: Planner) -> None:
    run(planner, GW, candidate_list())
    assert only(run(planner, candidate_list(2, candidates=()))).state == "rejected"
    assert only(run(planner, candidate_list(3, state="retracted"))).state == "cancelled"


def test_a_track_is_one_tile_at_once(planner: Planner) -> None:
    request = only(run(planner, TRACK))
    assert (request.cause_id, request.cause_kind) == ("icecube:1_1", "alert")
    assert (request.state, request.ra, request.dec) == ("proposed", *TXS)
    assert not request.needs_approval
    assert request.window_start is not None
    assert request.window_start < datetime(2017, 9, 23, 13, tzinfo=UTC)


def test_a_thread_is_judged_by_its_latest_notice(planner: Planner) -> None:
    run(planner, TRACK)
    better = alert(
        "nu-2",
        TRACK.thread_id,
        (77.43, 5.72),
        0.6,
        kind="update",
        messenger="neutrino",
        facility="IceCube",
        event_class="neutrino_track",
        p_astro=0.565,
        time_start=TRACK.time_start,
        issued_time=datetime(2017, 9, 23, 1, 9, 26, tzinfo=UTC),
    )
    revised = only(run(planner, better))
    assert (revised.revision, revised.ra) == (2, 77.43)
    backwards = Planner(policies())
    run(backwards, better)
    assert run(backwards, TRACK) == ()


@pytest.mark.parametrize("p_astro", [0.29, None])
def test_a_track_that_is_likely_no_signal_is_refused(planner: Planner, p_astro: float | None) -> None:
    weak = alert("nu-1", "icecube:1_1", TXS, messenger="neutrino", event_class="neutrino_track", p_astro=p_astro)
    assert only(run(planner, weak)).state == "rejected"


def test_only_the_owner_of_a_thread_can_take_it_back(planner: Planner) -> None:
    taken_back: dict[str, Any] = {
        "kind": "retraction",
        "messenger": "neutrino",
        "issued_time": MERGER + timedelta(days=40),
    }
    run(planner, TRACK)
    assert run(planner, alert("x-1", TRACK.thread_id, None, facility="Somebody", **taken_back)) == ()
    assert (
        only(run(planner, alert("nu-9", TRACK.thread_id, None, facility="IceCube", **taken_back))).state == "cancelled"
    )


def test_a_retraction_that_comes_first_wins(planner: Planner) -> None:
    undated = alert(
        "nu-9", TRACK.thread_id, None, kind="retraction", messenger="neutrino", facility="IceCube", issued_time=None
    )
    assert run(planner, undated) == ()
    assert only(run(planner, TRACK)).state == "cancelled"


def test_a_cause_without_any_position_gives_no_request(planner: Planner) -> None:
    nowhere = alert("gw-1", GW.thread_id, None, messenger="gravitational_wave")
    assert run(planner, nowhere, alert("grb-1", GRB.thread_id, None), coincidence()) == ()


def test_after_a_restart_revisions_go_on_from_the_log(planner: Planner) -> None:
    log = [
        *run(planner, GW, GRB, coincidence()),
        *run(planner, coincidence(2, issued_time=MERGER + timedelta(hours=20))),
    ]
    again = Planner(policies())
    again.apply(again.learn(inputs(coincidence(2, issued_time=MERGER + timedelta(hours=20)), GW, GRB)))
    again.restore(log)
    assert run(again, coincidence(1), GW) == ()
    gone = only(run(again, coincidence(3, state="retracted")))
    assert (gone.revision, gone.state) == (3, "cancelled")


LATER = TRACK.issued_time and TRACK.issued_time + timedelta(hours=1)


def test_what_is_replayed_says_nothing_about_what_was_asked_for_live(planner: Planner) -> None:
    live = only(run(planner, TRACK))
    replayed = only(run(planner, replace(TRACK, alert_id="r", run_mode="replay", kind="retraction", issued_time=LATER)))
    assert (live.run_mode, live.state) == ("live", "proposed")
    assert (replayed.run_mode, replayed.request_id == live.request_id) == ("replay", False)
    gone = only(run(planner, replace(TRACK, alert_id="g", kind="retraction", issued_time=LATER)))
    assert (gone.request_id, gone.state, gone.run_mode) == (live.request_id, "cancelled", "live")


def test_a_test_lends_no_place_and_no_probability_to_what_is_real(planner: Planner) -> None:
    assert run(planner, replace(TRACK, alert_id="t", reality="test")) == ()
    assert run(planner, replace(TRACK, alert_id="s", localizations=(), p_astro=None, issued_time=LATER)) == ()
