"""Filters in policies: which causes they let through, and what is refused when the file is read."""

from dataclasses import replace

import pytest
from too_cases import GRB, GW, TRACK, coincidence, run

from nuncius.broker.planning.engine import Planner
from nuncius.broker.planning.policies_toml import load_policies
from nuncius.broker.services.policy_filters import PolicyFilters
from nuncius.filters import Names
from nuncius.schemas import SettingsError

POLICY = """
[[policy]]
name = "mine"
source = "a test"
cause = "{cause}"
{about}
{where}
facility = "imager"
sites = ["Las Campanas", "Palomar"]
sun_altitude_max_deg = -12.0
expires_h = 48.0
exposure_s = 60.0
max_airmass = 2.5
"""


def planner(cause: str, about: str, where: str, own: dict[str, str] | None = None) -> Planner:
    policies = load_policies(POLICY.format(cause=cause, about=about, where=where))
    return Planner(policies, PolicyFilters(policies, Names(own or {}, frozenset()), {}, {}))


@pytest.mark.parametrize(
    ("where", "state", "says"),
    [
        ("p_astro > 0.5", "proposed", "IceCube neutrino_track"),
        ("p_astro > 0.9", "rejected", "filter: p_astro > 0.9: no (p_astro is 0.565)"),
        ("distance_mpc < 200", "rejected", "filter: distance_mpc < 200: unknown (distance_mpc is NULL)"),
        ("mine_too AND messenger = 'neutrino'", "proposed", "IceCube"),
    ],
)
def test_an_alert_must_fit(where: str, state: str, says: str) -> None:
    known = planner("alert", 'messengers = ["neutrino"]', f'where = "{where}"', {"mine_too": "radius_deg < 1"})
    (request,) = run(known, TRACK)
    assert request.state == state
    assert says in request.reason


@pytest.mark.parametrize(
    ("key", "filter_text", "state"),
    [
        ("where", "rule = 'gw-grb'", "proposed"),
        ("where", "dt_s > 1000", "rejected"),
        ("anchor_where", "facility = 'LVK'", "proposed"),
        ("anchor_where", "properties['HasRemnant'] > 0.5", "rejected"),
    ],
)
def test_a_coincidence_and_its_anchor_must_fit(key: str, filter_text: str, state: str) -> None:
    about = 'rules = ["gw-grb"]\nmax_joint_far_hz = 1e-8\nmax_expected_by_chance = 0.01'
    known = planner("coincidence", about, f'{key} = "{filter_text}"')
    (request,) = run(known, GW, GRB, coincidence())
    assert request.state == state


def test_the_latest_notice_of_the_anchor_counts() -> None:
    about = 'rules = ["gw-grb"]\nmax_joint_far_hz = 1e-8\nmax_expected_by_chance = 0.01'
    known = planner("coincidence", about, "anchor_where = \"properties['HasRemnant'] > 0.5\"")
    remnant = replace(GW, properties={"HasRemnant": 1.0})
    (request,) = run(known, remnant, GRB, coincidence())
    assert request.state == "proposed"


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("magnitude < 20", ("'mine'", "'where'", "magnitude", "column 1")),
        ("age_s < 60", ("'mine'", "age_s")),
        ("IN_SKYMAP('lvk:S190814bv', 0.9)", ("'mine'", "IN_SKYMAP")),
        ("IN_EVENTS('neutrino', 0.9, 3)", ("'mine'", "IN_EVENTS")),
    ],
)
def test_what_cannot_stand_in_a_policy_is_refused(where: str, says: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError) as caught:
        planner("alert", 'messengers = ["neutrino"]', f'where = "{where}"')
    assert str(caught.value).startswith("line 7: policy 'mine'")
    assert all(word in str(caught.value) for word in says)
