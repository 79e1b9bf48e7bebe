"""Requests of causes whose place is not known: only where the policy says so, revised when it becomes known."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest
from too_cases import MAP_OUT, MERGER, NOISE_NULL, POLICIES, TXS, alert, coincidence, inputs, member, run, wide_camera

from nuncius.broker.planning.engine import Planner
from nuncius.broker.planning.policies_toml import load_policies, shipped
from nuncius.schemas import Alert, Coincidence, Pair, SettingsError, ToORequest

NEUTRINOS: Final[dict[str, Any]] = {"messenger": "neutrino", "event_class": "supernova_neutrino"}
EVENING: Final = (260.0, -30.0)
"""High over Las Campanas after sunset in August."""


def detector(name: str, at: tuple[float, float] | None = None, seconds: float = 0.0, radius: float = 1.0) -> Alert:
    time = MERGER + timedelta(seconds=seconds)
    return alert(f"{name}-1", f"snews:{name}", at, radius, facility=name, time_start=time, **NEUTRINOS)


A, B, C = detector("A"), detector("B", seconds=1.0), detector("C", seconds=2.0)
POINTS: Final = detector("K", EVENING, 3.0)


def burst(*seen: Alert, revision: int = 1, **changed: Any) -> Coincidence:
    """Detectors as one group: what a multiplicity rule publishes."""
    pairs = [Pair(partner=member(one), dt_s=1.0, significance=NOISE_NULL) for one in seen[1:]]
    known: dict[str, Any] = {
        "coincidence_id": "supernova-neutrinos of A",
        "rule": "supernova-neutrinos",
        "anchor": member(seen[0]),
        "partner": pairs[0].partner,
        "dt_s": 1.0,
        "overlap": None,
        "significance": NOISE_NULL,
        "others": tuple(pairs[1:]),
    }
    return coincidence(revision, **(known | changed))


@pytest.fixture
def planner() -> Planner:
    return Planner(load_policies(POLICIES))


def only(effects: tuple[ToORequest, ...]) -> ToORequest:
    (request,) = effects
    return request


def test_what_has_no_position_is_asked_for_to_make_ready(planner: Planner) -> None:
    one = only(run(planner, A, B, burst(A, B)))
    assert (one.state, one.ask, one.ra, one.dec, one.radius_deg) == ("proposed", "ready", None, None, None)
    assert (one.window_start, one.window_stop, one.airmass_min, one.site) == (None, None, None, "")
    assert (one.target_name, one.event_thread, one.event_class) == ("snews:A", "snews:A", "supernova_neutrino")
    assert (one.event_time, one.expires) == (MERGER, MERGER + timedelta(seconds=1, hours=168))
    assert one.follows == ("A-1", "B-1")
    assert one.reason == (
        "supernova-neutrinos: A with B, joint false-alarm rate 1e-09 Hz (once in 32 years); no position is known "
        "yet: make ready, a revision follows once a notice brings one"
    )


def test_a_further_detector_that_points_revises_the_same_request(planner: Planner) -> None:
    first = only(run(planner, A, B, burst(A, B)))
    second = only(run(planner, POINTS, burst(A, B, POINTS, revision=2)))
    assert (second.request_id, second.revision, second.state) == (first.request_id, 2, "proposed")
    assert (second.ask, second.target_name) == ("pointing", "snews:K")
    assert second.position == pytest.approx((*EVENING, 1.0), rel=1e-3)
    assert second.window_start is not None
    assert "A with B and K," in second.reason


def test_the_tightest_position_of_all_members_counts(planner: Planner) -> None:
    wide = detector("W", TXS, 1.5, radius=30.0)
    (one,) = run(planner, A, wide, POINTS, burst(A, wide, POINTS))
    assert one.target_name == "snews:K"


def test_a_pair_that_was_not_scored_with_the_others_lends_no_position(planner: Planner) -> None:
    other = Pair(partner=member(POINTS), dt_s=3.0, significance=replace(NOISE_NULL, joint_far_hz=9e-9))
    assert only(run(planner, A, B, POINTS, burst(A, B, others=(other,)))).ask == "ready"


def test_who_saw_it_is_said_and_that_it_takes_in_smaller_groups(planner: Planner) -> None:
    one = only(run(planner, A, B, C, POINTS, burst(A, B, C, POINTS, supersedes=("supernova-neutrinos of B",))))
    assert one.reason.startswith(
        "supernova-neutrinos: A with B, C and K, joint false-alarm rate 1e-09 Hz (once in 32 years), in "
    )
    assert "in place of smaller groups" in one.reason


def test_an_update_of_a_member_that_points_revises_it_too(planner: Planner) -> None:
    run(planner, A, B, burst(A, B))
    better = replace(detector("B", EVENING, 1.0), alert_id="B-2", kind="update")
    updated = burst(A, B, revision=2, partner=member(better, alert_ids=("B-1", "B-2")))
    one = only(run(planner, better, updated))
    assert (one.revision, one.ask, one.target_name) == (2, "pointing", "snews:B")


def test_a_position_taken_back_leaves_the_request(planner: Planner) -> None:
    run(planner, A, B, POINTS, burst(A, B, POINTS))
    one = only(run(planner, burst(A, B, revision=2)))
    assert (one.revision, one.state, one.ask, one.position) == (2, "proposed", "ready", None)


def test_retraction_takes_it_back_and_says_why(planner: Planner) -> None:
    run(planner, A, B, burst(A, B))
    gone = replace(NOISE_NULL, validity="no number: no other detector is left within the window", joint_far_hz=None)
    one = only(run(planner, burst(A, B, revision=2, state="retracted", significance=gone)))
    assert (one.revision, one.state, one.position) == (2, "cancelled", None)
    assert "no other detector is left" in one.reason


def test_what_is_not_sure_enough_is_refused_without_a_position_too(planner: Planner) -> None:
    weak = replace(NOISE_NULL, joint_far_hz=1e-3)
    one = only(run(planner, A, B, burst(A, B, significance=weak)))
    assert (one.state, one.position) == ("rejected", None)


@pytest.mark.parametrize(("late_h", "state"), [(0.0, "proposed"), (167.9, "proposed"), (168.1, "rejected")])
def test_what_became_known_after_its_end_is_refused(planner: Planner, late_h: float, state: str) -> None:
    known = MERGER + timedelta(hours=late_h)
    assert only(run(planner, A, B, burst(A, B, issued_time=known))).state == state


def test_without_any_time_nothing_can_be_asked(planner: Planner) -> None:
    dark = replace(A, time_start=None, issued_time=None)
    timeless = member(dark, time=None)
    found = burst(dark, B, anchor=timeless, partner=member(B, time=None), issued_time=None)
    one = only(run(planner, dark, B, found))
    assert (one.state, "has a time" in one.reason) == ("rejected", True)


def test_a_policy_that_does_not_say_so_never_asks_without_a_position() -> None:
    planner = Planner(load_policies(POLICIES.replace("without_position = true\n", "")))
    assert run(planner, A, B, burst(A, B)) == ()
    asked = only(run(planner, POINTS, burst(A, B, POINTS, revision=2)))
    assert (asked.revision, asked.ask) == (1, "pointing")
    assert only(run(planner, burst(A, B, revision=3))).state == "cancelled"


def test_only_policies_for_a_supernova_are_shipped_so() -> None:
    named = {policy.name for policy in shipped().policies if policy.without_position}
    assert named == {"galactic-supernova", "galactic-supernova-network"}


def test_a_thread_without_a_position_is_asked_for_and_revised() -> None:
    text = """
[[policy]]
name = "network"
source = "a test"
cause = "alert"
observed_by = ["A"]
without_position = true
facility = "imager"
sites = ["Las Campanas"]
expires_h = 168.0
exposure_s = 30.0
max_airmass = 2.5
"""
    planner = Planner(load_policies(text))
    first = only(run(planner, A))
    assert (first.cause_kind, first.ask, first.follows) == ("alert", "ready", ("A-1",))
    placed = replace(detector("A", EVENING), alert_id="A-2", kind="update", issued_time=MAP_OUT + timedelta(minutes=5))
    assert only(run(planner, placed)).ask == "pointing"
    gone = replace(A, alert_id="A-3", kind="retraction", issued_time=MAP_OUT + timedelta(minutes=9))
    assert only(run(planner, gone)).state == "cancelled"


def test_a_plan_of_fields_follows_once_there_is_a_region() -> None:
    text = POLICIES.replace(
        'facility = "imager"\nsites = ["Las Campanas"]\nexpires_h = 168.0',
        'facility = "wide"\nask = "tiles"\nexpires_h = 168.0',
    )
    planner = Planner(load_policies(text + wide_camera("wide")))
    first = only(run(planner, A, B, burst(A, B)))
    assert (first.state, first.ask, first.tiles) == ("proposed", "ready", ())
    second = only(run(planner, POINTS, burst(A, B, POINTS, revision=2)))
    assert (second.request_id, second.ask) == (first.request_id, "tiles")
    assert len(second.tiles) >= 1
    assert second.probability is not None
    assert second.probability > 0.8


def test_a_restart_goes_on_from_the_request_without_a_position(planner: Planner) -> None:
    log = run(planner, A, B, burst(A, B))
    again = Planner(load_policies(POLICIES))
    again.apply(again.learn(inputs(A, B, burst(A, B))))
    again.restore(log)
    assert run(again, A, burst(A, B)) == ()
    assert only(run(again, POINTS, burst(A, B, POINTS, revision=2))).revision == 2


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("without_position = true", "without_position = true\nmax_radius_deg = 5.0", "'max_radius_deg'"),
        ("without_position = true", "without_position = true\nmax_area_deg2 = 5.0", "'max_area_deg2'"),
        ('cause = "candidate_list"', 'cause = "candidate_list"\nwithout_position = true', "'candidate_list'"),
        ("without_position = true", "without_position = 1", "'without_position'"),
    ],
)
def test_where_it_cannot_be_said_the_key_is_named(old: str, new: str, says: str) -> None:
    with pytest.raises(SettingsError, match=f"'without_position'.*{says}|{says}"):
        load_policies(POLICIES.replace(old, new, 1))
