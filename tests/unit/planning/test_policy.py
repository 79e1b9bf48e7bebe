"""Policies are read strictly, and every complaint names policy and key."""

import pytest
from too_cases import wide_camera

from nuncius.broker.planning.policies_toml import load_policies, shipped
from nuncius.schemas import SettingsError

GOOD = """
[[policy]]
name = "mine"
source = "a paper"
cause = "coincidence"
rules = ["gw-cbc-grb"]
max_expected_by_chance = 0.01
facility = "imager"
sites = ["Paranal"]
expires_h = 24
exposure_s = 60.0
max_airmass = 2.0
"""


def test_a_policy_waits_for_a_person_and_for_real_events_unless_it_says_otherwise() -> None:
    (policy,) = load_policies(GOOD).active
    assert policy.approval
    assert policy.realities == ("real",)
    assert policy.limits.min_altitude_deg == pytest.approx(29.9, abs=0.2)
    assert policy.limits.sun_altitude_max_deg == -18.0


def test_a_policy_without_source_stays_disabled() -> None:
    loaded = load_policies(GOOD.replace('source = "a paper"', ""))
    assert len(loaded.policies) == 1
    assert loaded.active == ()


def test_an_own_site_joins_the_shipped_ones() -> None:
    site = '[[site]]\nname = "Roof"\nlon_deg = 2.0\nlat_deg = 48.0\nheight_m = 60.0\nsource = "a map"\n'
    loaded = load_policies(GOOD.replace("Paranal", "Roof") + site)
    assert loaded.sites["Roof"].lat_deg == 48.0
    assert "Paranal" in loaded.sites


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("max_airmass = 2.0", "max_airmas = 2.0", ("'mine'", "'max_airmas'", "unknown key; is it 'max_airmass'?")),
        ("max_airmass = 2.0", "max_airmass = 0.5", ("'mine'", "'max_airmass'")),
        ("max_airmass = 2.0", "max_airmass = nan", ("'mine'", "'max_airmass'")),
        ("max_airmass = 2.0", "max_airmass = 2.0\nmin_altitude_deg = 30.0", ("'mine'", "exactly one", "'max_airmass'")),
        ("max_airmass = 2.0", "", ("'mine'", "exactly one", "'max_airmass'")),
        (
            "exposure_s = 60.0",
            "exposure_s = 60.0\nprobability_min = 0.5",
            ("'mine'", "'probability_min'", "'pointing'"),
        ),
        (
            "exposure_s = 60.0",
            "exposure_s = 60.0\ntiles_max = 3",
            ("line 12: policy 'mine'", "'tiles_max'", "'pointing'"),
        ),
        ("exposure_s = 60.0", "", ("'mine'", "'exposure_s'", "missing")),
        ("exposure_s = 60.0", "exposure_s = '60'", ("'mine'", "'exposure_s'", "a number, without quotes")),
        ("exposure_s = 60.0", "exposure_s = 60.0\nquota = 1.5", ("'mine'", "'quota'", "a whole number")),
        ("exposure_s = 60.0", "exposure_s = 60.0\napproval = 'no'", ("'mine'", "'approval'", "true or false")),
        ("exposure_s = 60.0", "exposure_s = 60.0\nquiet_utc = '22:00-06:00'", ("'quiet_utc'", "a list, in brackets")),
        ("exposure_s = 60.0", "exposure_s = 1e300", ("'mine'", "'exposure_s'")),
        ("expires_h = 24", "expires_h = 100000", ("'mine'", "'expires_h'")),
        ("expires_h = 24", "expires_h = true", ("'mine'", "'expires_h'")),
        ('["Paranal"]', '["Parnal"]', ("'mine'", "'sites'", "'Parnal'", "Paranal")),
        ('["Paranal"]', "[]", ("'mine'", "'sites'")),
        ('facility = "imager"\nsites = ["Paranal"]', 'facilities = ["ZTF", "ZTF"]', ("line 8: ", "one twice")),
        ('["gw-cbc-grb"]', "[]", ("'mine'", "'rules'")),
        ("max_expected_by_chance = 0.01", "", ("'mine'", "'max_expected_by_chance'", "at least one")),
        ("max_expected_by_chance = 0.01", "max_expected_by_chance = 0.01\nmax_rank = 2", ("'mine'", "'max_rank'")),
        ('"coincidence"', '"hunch"', ("'mine'", "'cause'")),
        ('name = "mine"', "", ("number 1", "'name'", "missing")),
        ('name = "mine"', 'name = "mine"\nrealities = ["virtual"]', ("'mine'", "'realities")),
        ("[[policy]]", "[policy]", ("[[policy]]",)),
        ("[[policy]]", "[[polizy]]", ("'polizy'",)),
        ("[[policy]]", "[[policy", ("not TOML",)),
        ("[[policy]]", f"deep = {'[' * 5000}\n[[policy]]", ("not TOML",)),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, says: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError) as caught:
        load_policies(GOOD.replace(old, new, 1))
    assert [word for word in says if word not in str(caught.value)] == []
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("mask", ["[[0.0, nan]]", "[[0.0, 90.5]]", "[[0.0, -inf]]", "[[10.0, 5.0], [5.0, 5.0]]"])
def test_a_horizon_that_is_none_is_refused(mask: str) -> None:
    with pytest.raises(SettingsError, match=r"'imager'.*'horizon'"):
        load_policies(wide_camera("imager") + f"horizon = {mask}")


def test_a_candidate_is_a_point_to_lay_no_fields_on() -> None:
    text = GOOD.replace('"coincidence"', '"candidate_list"').replace('["gw-cbc-grb"]', '["gw-optical"]')
    assert load_policies(text).active[0].cause == "candidate_list"
    with pytest.raises(SettingsError, match=r"'mine'.*'ask'.*'candidate_list'"):
        load_policies(text.replace('facility = "imager"\nsites = ["Paranal"]', 'facility = "DECam"\nask = "tiles"'))


def test_two_policies_of_one_name_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"'mine'.*more than once"):
        load_policies(GOOD + GOOD)


def test_an_alert_policy_must_say_which_alerts() -> None:
    text = GOOD.replace('"coincidence"', '"alert"').replace(
        'rules = ["gw-cbc-grb"]\nmax_expected_by_chance = 0.01\n', ""
    )
    with pytest.raises(SettingsError, match=r"'mine'.*'messengers'"):
        load_policies(text)
    assert load_policies(text + 'messengers = ["neutrino"]').active[0].messengers == ("neutrino",)


def test_the_shipped_policies_cover_the_four_uses_and_wait_for_a_person() -> None:
    active = shipped().active
    assert {policy.cause for policy in active} == {"coincidence", "candidate_list", "alert"}
    assert len(active) == 8
    assert all(policy.approval and policy.realities == ("real",) for policy in active)


def test_the_shipped_policies_name_shipped_rules() -> None:
    import tomllib
    from importlib.resources import files

    rules = tomllib.loads(files("nuncius.broker.matching").joinpath("rules.toml").read_text("utf-8"))["rule"]
    kind = {"events": "coincidence", "multiplicity": "coincidence", "candidates": "candidate_list"}
    known = {(kind[rule["kind"]], rule["name"]) for rule in rules}
    named = {(p.cause, rule) for p in shipped().policies for rule in p.rules}
    assert named <= known


@pytest.mark.parametrize(
    ("name", "lon", "lat"),
    [("Paranal", -70.4, -24.6), ("Las Campanas", -70.7, -29.0), ("Roque de los Muchachos", -17.9, 28.8)],
)
def test_sites_stand_where_they_stand(name: str, lon: float, lat: float) -> None:
    site = shipped().sites[name]
    assert site.lon_deg == pytest.approx(lon, abs=0.1)
    assert site.lat_deg == pytest.approx(lat, abs=0.1)
