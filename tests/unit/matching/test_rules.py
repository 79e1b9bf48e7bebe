"""Shipped rules against RAVEN's table of windows; the reader's refusals."""

import pytest
from matching_alerts import grb, gw

from nuncius.broker.matching import CandidateRule, EventRule, Selector, load_rules, shipped_rules, shipped_text
from nuncius.broker.matching.statistics import YEAR_S
from nuncius.schemas import SettingsError

# t_ext - t_GW of gwcelery 3.0.0 (statistics reference, D.1)
RAVEN = {
    "gw-cbc-grb": (-1, 5),
    "gw-subgrb-fermi": (-1, 11),
    "gw-subgrb-targeted-fermi": (-1, 11),
    "gw-subgrb-targeted-swift": (-10, 20),
    "gw-burst-grb": (-60, 600),
    "gw-cbc-frb": (-2, 10),
    "gw-burst-frb": (-120, 600),
    "gw-cbc-neutrino": (-10, 10),
    "gw-burst-neutrino": (-500, 500),
    "gw-supernova-neutrino": (-10, 10),
}
EVENT = """
[[rule]]
name = "mine"
kind = "events"
source = "A. Author 2020"
anchor = { messengers = ["neutrino"] }
partner = { messengers = ["photon"], event_classes = ["grb"] }
window_s = [-10, 10]
"""


def test_shipped_windows_are_ravens() -> None:
    windows = {rule.name: rule.window_s for rule in shipped_rules() if isinstance(rule, EventRule)}
    assert {name: windows[name] for name in RAVEN} == RAVEN


def test_every_shipped_rule_runs_and_cites() -> None:
    for rule in shipped_rules():
        assert rule.enabled, rule.name
        assert rule.source, rule.name


def test_shipped_rates() -> None:
    rates = {rule.name: rule.partner_rate_hz for rule in shipped_rules() if isinstance(rule, EventRule)}
    assert rates["gw-cbc-grb"] == pytest.approx(310 / YEAR_S)
    assert rates["gw-subgrb-fermi"] == pytest.approx(375 / YEAR_S)
    assert rates["neutrino-flare"] is None


def test_shipped_candidate_rules_have_a_threshold_and_a_cap() -> None:
    rules = [rule for rule in shipped_rules() if isinstance(rule, CandidateRule)]
    assert {rule.name for rule in rules} == {"gw-optical", "neutrino-optical"}
    assert all(rule.cap >= 1 and rule.max_credible_level <= 0.95 and rule.low_us == 0 for rule in rules)


def test_without_a_source_a_rule_is_disabled() -> None:
    (rule,) = load_rules(EVENT.replace('source = "A. Author 2020"', ""))
    assert not rule.enabled


def test_own_file_changes_a_rule_by_name_and_adds_another() -> None:
    own = '[[rule]]\nname = "gw-cbc-grb"\nwindow_s = [-2, 7]\n' + EVENT
    rules = load_rules(shipped_text(), own)
    assert [rule.name for rule in rules] == [*(rule.name for rule in shipped_rules()), "mine"]
    windows = {rule.name: rule.window_s for rule in rules if isinstance(rule, EventRule)}
    rates = {rule.name: rule.partner_rate_hz for rule in rules if isinstance(rule, EventRule)}
    assert windows["gw-cbc-grb"] == (-2.0, 7.0)
    assert rates["gw-cbc-grb"] == pytest.approx(310 / YEAR_S)


def test_own_file_can_switch_a_rule_off() -> None:
    rules = load_rules(shipped_text(), '[[rule]]\nname = "gw-optical"\nenabled = false\n')
    assert [rule.name for rule in rules if not rule.enabled] == ["gw-optical"]


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (("window_s = [-10, 10]", "window_s = [10, -10]"), "window_s"),
        (("window_s = [-10, 10]", ""), "window_s"),
        (("window_s = [-10, 10]", "window_s = [-10, nan]"), "window_s"),
        (('kind = "events"', 'kind = "event"'), "kind"),
        (('["neutrino"]', '["neutrinos"]'), "anchor.messengers"),
        (("messengers", "messenger"), "anchor.messenger"),
        (('["neutrino"]', '["photon"]'), "anchor"),
        (("window_s", "partner_rate_per_year = 3.0\nwindow_s"), "rate_source"),
        (("window_s", "partner_rate_per_year = -3.0\nrate_source = 'x'\nwindow_s"), "partner_rate_per_year"),
        (("window_s", "method = 'targeted'\nwindow_s"), "method"),
        (("window_s", "enabled = 1\nwindow_s"), "enabled"),
        (("window_s", "windows = 1\nwindow_s"), "windows"),
        (("window_s", "cap = 3\nwindow_s"), "cap"),
        (("window_s = [-10, 10]", "window_s = [-10, 1e300]"), "window_s"),
        (("window_s = [-10, 10]", f"window_s = [-1{'0' * 400}, 10]"), "window_s"),
        (("window_s", f"max_separation_r90 = 1{'0' * 400}\nwindow_s"), "max_separation_r90"),
    ],
)
def test_refusals_name_rule_and_key(change: tuple[str, str], key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_rules(EVENT.replace(*change))
    assert "'mine'" in str(caught.value)
    assert repr(key) in str(caught.value)


@pytest.mark.parametrize("text", ["[[rule", "[rules]\n", "rule = 3\n", "[[rule]]\nkind = 'events'\n", EVENT + EVENT])
def test_refuses_what_is_no_list_of_rules(text: str) -> None:
    with pytest.raises(SettingsError, match="rule"):
        load_rules(text)


def test_candidates_need_a_cap_and_a_window_after_the_event() -> None:
    text = '[[rule]]\nname = "c"\nkind = "candidates"\nanchor = { messengers = ["neutrino"] }\nwindow_days = [0, 1]\n'
    for change, key in (("", "cap"), ("cap = 1.5", "cap"), ("cap = 3\nmax_credible_level = 1.2", "max_credible_level")):
        with pytest.raises(SettingsError, match=f"'c'.*'{key}'"):
            load_rules(text + change)
    for window in ("[-1, 1]", "[0, 1e301]", "[1e300, 1e301]"):
        with pytest.raises(SettingsError, match="window_days"):
            load_rules(text.replace("[0, 1]", window) + "cap = 3")
    with pytest.raises(SettingsError, match="control_days"):
        load_rules(text + "cap = 3\ncontrol_days = 1e300")


def test_selector_takes_a_facility_by_its_first_word() -> None:
    fermi = Selector(facilities=("fermi",))
    assert fermi.takes(grb(facility="Fermi"))
    assert fermi.takes(grb(facility="Fermi GBM"))
    assert not fermi.takes(grb(facility="Fermilab"))
    assert not Selector(bands=("optical",)).takes(gw())
