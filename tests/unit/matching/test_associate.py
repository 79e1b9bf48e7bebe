"""Coincidences: which are found, what they say, what becomes of them."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from matching_alerts import NOW, T0, alert, at, coincidences, cone, grb, gw, neutrino, records

from nuncius.broker.matching import Associate, TooLate, load_rules, shipped_rules
from nuncius.schemas import Alert, Coincidence, Localization, Region
from nuncius.schemas.codec import decode, encode
from nuncius.schemas.ids import coincidence_id


def engine() -> Associate:
    return Associate(shipped_rules())


def test_gw170817_and_its_burst_answer_the_real_null() -> None:
    merger = gw(far_hz=3.48e-12, run_mode="live")
    burst = grb(seconds=2.044598, run_mode="live", issued=38)
    (found,) = coincidences(engine(), merger, burst)
    assert found.coincidence_id == coincidence_id("gw-cbc-grb", "lvk:G298048")
    assert found.anchor.event_id == "lvk:G298048"
    assert found.dt_s == pytest.approx(2.044598, abs=1e-9)
    score = found.significance
    assert score.null == "unrelated_real"
    assert score.expected_in_time == pytest.approx(5.9e-5, rel=1e-3)
    assert score.joint_far_hz is None
    assert score.rate_hz == pytest.approx(5.898e-5 * 79.9 / (365 * 86400), rel=1e-3)
    assert "time only" in score.validity
    assert found.issued_time == at(60)


def test_overlap_divides_the_chance() -> None:
    merger = gw(far_hz=3.48e-12, localizations=cone(197, -23, 10))
    burst = grb(localizations=cone(190, -25, 15))
    (found,) = coincidences(engine(), merger, burst)
    score = found.significance
    assert found.overlap is not None
    assert found.overlap > 1
    assert score.expected_in_time is not None
    assert score.expected_by_chance == pytest.approx(score.expected_in_time / found.overlap, rel=1e-12)
    assert found.separation_deg == pytest.approx(6.69, abs=0.01)
    assert found.credible_level is None
    assert score.validity == "valid"


def test_a_point_gets_the_anchors_credible_level() -> None:
    (found,) = coincidences(engine(), gw(localizations=cone(197, -23, 10)), grb(localizations=cone(197, -23, 0.05)))
    assert found.credible_level == pytest.approx(0.0, abs=0.01)


def test_noise_multiplies() -> None:
    (found,) = coincidences(engine(), gw(far_hz=1e-5, p_astro=0.1), grb())
    assert found.significance.null == "noise_pair"
    assert found.significance.joint_far_hz == pytest.approx(5.8980e-10, abs=1e-13)
    assert found.significance.rate_hz == found.significance.joint_far_hz
    assert found.significance.trials > 1
    assert found.significance.far_budget_hz == pytest.approx(9.19e-9)


def test_nothing_stated_says_so() -> None:
    (found,) = coincidences(engine(), gw(), grb())
    assert found.significance.null == "noise_pair"
    assert found.significance.joint_far_hz is None
    assert "anchor taken as noise" in found.significance.validity
    assert "states none" in found.significance.validity


def test_zero_far_is_not_missing() -> None:
    (found,) = coincidences(engine(), gw(far_hz=0.0, event_class="burst"), grb())
    assert found.significance.joint_far_hz == 0.0


def test_excluding_positions_give_no_number() -> None:
    north, south = "1/0", "1/47"
    merger = gw(far_hz=1e-5, localizations=(Localization(Region(north)),))
    (found,) = coincidences(engine(), merger, grb(localizations=(Localization(Region(south)),)))
    assert found.overlap == 0
    assert found.significance.expected_by_chance is None
    assert found.significance.joint_far_hz is None
    assert "exclude" in found.significance.validity


#      t_partner - t_GW:   -1 |=========| +5     both ends inclusive
@pytest.mark.parametrize(("seconds", "found"), [(-1.000001, 0), (-1, 1), (5, 1), (5.000001, 0)])
def test_window_edges(seconds: float, found: int) -> None:
    assert len(coincidences(engine(), gw(), grb(seconds=seconds))) == found


def test_classes_choose_the_rule() -> None:
    late = grb(seconds=300)
    assert coincidences(engine(), gw(), late) == []
    assert [c.rule for c in coincidences(engine(), gw(event_class="burst"), late)] == ["gw-burst-grb"]
    sub = grb(seconds=11, event_class="sub_grb")
    assert [c.rule for c in coincidences(engine(), gw(), sub)] == ["gw-subgrb-fermi"]
    assert [c.rule for c in coincidences(engine(), gw(), neutrino(seconds=-10))] == ["gw-cbc-neutrino"]


def test_three_messengers_are_two_coincidences_of_one_anchor_and_their_group() -> None:
    found = coincidences(engine(), gw(), grb(), neutrino(seconds=5))
    assert [(c.rule, c.anchor.event_id) for c in found] == [
        ("group", "lvk:G298048"),
        ("gw-cbc-grb", "lvk:G298048"),
        ("gw-cbc-neutrino", "lvk:G298048"),
    ]


def test_targeted_search_uses_both_rates() -> None:
    sub = grb(event_class="sub_grb_targeted", facility="Swift", far_hz=1e-4)
    (found,) = coincidences(engine(), gw(far_hz=1e-7, p_astro=0.1, event_class="burst"), sub)
    # dt 30 s, caps 2/86400*8 and 1e-3 Hz: Z (1 + ln(Zmax/Z)), Z = 3e-10, Zmax = 5.5556e-6
    assert found.significance.joint_far_hz == pytest.approx(3e-10 * (1 + 9.826572), rel=1e-5)
    assert found.significance.method.startswith("targeted")


def test_targeted_search_above_its_cap_gives_no_number() -> None:
    sub = grb(event_class="sub_grb_targeted", facility="Swift", far_hz=1e-2)
    (found,) = coincidences(engine(), gw(far_hz=1e-7, event_class="burst"), sub)
    assert found.significance.joint_far_hz is None
    assert "above its cap" in found.significance.validity


def test_targeted_search_of_a_confident_event_swaps_roles() -> None:
    sub = grb(event_class="sub_grb_targeted", facility="Fermi", far_hz=1e-5)
    (found,) = coincidences(engine(), gw(far_hz=1e-15, p_astro=0.99), sub)
    assert found.significance.null == "unrelated_real"
    assert found.significance.expected_in_time == pytest.approx(12 * 1e-5)
    assert found.significance.rate_hz == pytest.approx(12e-5 * 79.9 / (365 * 86400))
    assert "swapped" in found.significance.method


def flare(**more: Any) -> Alert:
    words: dict[str, Any] = {
        "messenger": "photon",
        "band": "gamma",
        "facility": "Fermi",
        "instrument": "LAT",
        "event_class": "flare",
        "time_kind": "interval",
        "time_stop": at(40 * 86400),
        "localizations": cone(77.358, 5.693, 0.1),
    }
    return alert("fermi-lat:txs", **{"seconds": -100 * 86400, "issued": 6 * 86400, **words, **more})


def test_a_flare_that_contains_the_neutrino() -> None:
    nu = neutrino(p_astro=0.565, localizations=cone(77.43, 5.72, 1.0))
    (found,) = coincidences(engine(), nu, flare())
    assert found.rule == "neutrino-flare"
    assert found.dt_s == 0
    assert found.significance.null == "unrelated_real"
    assert found.significance.expected_by_chance is None
    assert "measured: 0 events of flare in 90 days before: fewer than 5" in found.significance.validity


def test_a_flare_elsewhere_or_another_time_is_none() -> None:
    nu = neutrino(localizations=cone(77.43, 5.72, 1.0))
    assert coincidences(engine(), nu, flare(localizations=cone(80, 5.7, 0.1))) == []
    assert coincidences(engine(), nu, flare(time_stop=at(-1))) == []
    assert coincidences(engine(), neutrino(), flare()) == []


def test_an_update_revises() -> None:
    matcher = engine()
    coincidences(matcher, gw(far_hz=1e-5), grb())
    (found,) = coincidences(matcher, gw(version=1, far_hz=1e-8, localizations=cone(190, -20, 8)))
    assert found.revision == 2
    assert found.state == "revised"
    assert found.significance.null == "unrelated_real"


def test_what_changes_nothing_is_not_published_again() -> None:
    matcher = engine()
    coincidences(matcher, gw(), grb())
    assert records(matcher.step((gw(), grb()), (), {}, NOW)) == {}
    assert records(matcher.step((grb("fermi-gbm:2", seconds=4000),), (), {}, NOW)) == {}


RETRACTION = gw(version=1, kind="retraction", seconds=None, issued=600)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (0, 2, 1), (1, 2, 0)])
def test_a_retraction_retracts_in_any_order(order: tuple[int, ...]) -> None:
    alerts = (gw(), grb(), RETRACTION)
    (found,) = coincidences(engine(), *(alerts[i] for i in order))
    assert found.state == "retracted"
    assert found.anchor.retracted
    assert "retracted by LIGO" in found.significance.validity
    assert found.issued_time == at(600)


def test_a_retracted_partner_leaves_the_next_best() -> None:
    gone = grb("fermi-gbm:1", 1, kind="retraction", seconds=None, issued=900)
    (found,) = coincidences(engine(), gw(), grb("fermi-gbm:1", seconds=1), grb("fermi-gbm:2", seconds=4), gone)
    assert found.state == "active"
    assert found.partner.event_id == "fermi-gbm:2"
    assert found.others == ()


def test_a_foreign_retraction_is_shown_not_obeyed() -> None:
    (plain,) = coincidences(engine(), gw(), grb())
    (found,) = coincidences(engine(), gw(), grb(), gw(version=1, kind="retraction", facility="Else", issued=600))
    assert found.state == "active"
    assert (found.anchor.disputed_by, found.partner.disputed_by) == (("Else",), ())
    assert found.significance == plain.significance  # a number that must not be used would call telescopes off


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_a_retraction_before_the_last_update_is_told_in_any_order(order: tuple[int, ...]) -> None:
    alerts = (gw(), grb(), gw(version=1, kind="retraction", seconds=None, issued=600), gw(version=2, issued=900))
    (found,) = coincidences(engine(), *(alerts[i] for i in order))
    assert (found.state, found.anchor.retracted, found.partner.doubt) == ("revised", False, "")
    assert found.anchor.doubt == (
        "LIGO took it back in lvk:G298048-1 of 2017-08-17 12:51:04 UTC, "
        "and says in lvk:G298048-2 of 2017-08-17 12:56:04 UTC it stands"
    )


@pytest.mark.parametrize("revised", [{"seconds": 50.0}, {"event_class": "not_astrophysical"}])
def test_a_revised_time_or_class_ends_the_pair(revised: dict[str, Any]) -> None:
    (found,) = coincidences(engine(), gw(), grb(), grb(version=1, issued=500, **revised))
    assert found.state == "retracted"
    assert "no longer meets the rule" in found.significance.validity
    assert not found.partner.retracted


def test_only_the_same_reality_and_run_mode_match() -> None:
    assert (
        coincidences(engine(), gw(), grb(reality="test"), grb("f:2", reality="injection"), grb("f:3", run_mode="drill"))
        == []
    )
    (found,) = coincidences(engine(), gw(reality="injection"), grb(reality="injection"), grb())
    assert found.reality == "injection"
    assert found.others == ()


def test_the_same_names_in_two_realities_are_two_coincidences() -> None:
    found = coincidences(engine(), gw(), grb(), gw(reality="test"), grb(reality="test"))
    assert len({c.coincidence_id for c in found}) == 2


def test_a_dropped_step_leaves_no_trace() -> None:
    matcher = engine()
    coincidences(matcher, gw())
    first = matcher.step((grb(),), (), {}, NOW)
    again = matcher.step((grb(),), (), {}, NOW)
    assert records(first) == records(again) != {}
    assert matcher.published() == ()


def test_restart_goes_on_counting_revisions() -> None:
    matcher = engine()
    coincidences(matcher, gw(far_hz=1e-5), grb())
    before = coincidences(matcher, gw(version=1, far_hz=1e-8))
    log = [decode(Coincidence, encode(record)) for record in before]
    fresh = engine()
    fresh.apply(fresh.step((gw(far_hz=1e-5), grb(), gw(version=1, far_hz=1e-8)), (), {}, NOW).delta)
    fresh.restore(log)
    assert records(fresh.step((gw(far_hz=1e-5),), (), {}, NOW)) == {}
    (found,) = coincidences(fresh, gw(version=2, far_hz=1e-9))
    assert found.revision == 3


def test_what_comes_after_the_lateness_is_told() -> None:
    matcher = Associate(shipped_rules(), lateness_days=2)
    coincidences(matcher, grb("fermi-gbm:9", seconds=2.5 * 86400))
    outcome = matcher.step((gw(),), (), {}, NOW)
    (late,) = outcome.effects
    assert isinstance(late, TooLate)
    assert late.thread_id == "lvk:G298048"
    assert late.event_time == T0


@pytest.mark.parametrize("claims", [{"issued": 60.0}, {"issued": 900 * 86400.0}, {"reality": "test", "issued": None}])
def test_a_time_in_the_future_makes_nothing_late(claims: dict[str, Any]) -> None:
    matcher = Associate(shipped_rules(), lateness_days=4)
    found = coincidences(matcher, grb("fermi-gbm:9", seconds=900 * 86400, **claims), gw(), grb())
    assert [c.rule for c in found] == ["gw-cbc-grb"]


def test_old_threads_are_forgotten() -> None:
    matcher = Associate(shipped_rules(), lateness_days=1)
    now = T0 + timedelta(days=400)
    for day in range(120):
        alerts = (gw(f"lvk:{day}", seconds=86400.0 * day), grb(f"fermi-gbm:{day}", seconds=86400.0 * day))
        matcher.apply(matcher.step(alerts, (), {}, now).delta)
    assert len(matcher.published()) < 40
    assert len(matcher.bursts()) < 40


def test_disabled_rules_find_nothing() -> None:
    roles = 'anchor={event_classes=["cbc"]}\npartner={event_classes=["grb"]}'
    text = f'[[rule]]\nname="r"\nkind="events"\n{roles}\nwindow_s=[0,9]\n'
    assert len(coincidences(Associate(load_rules(text + 'source="x"')), gw(), grb())) == 1
    assert coincidences(Associate(load_rules(text)), gw(), grb()) == []


def test_records_survive_the_wire() -> None:
    for record in coincidences(engine(), gw(far_hz=1e-5), grb(), grb("fermi-gbm:2", seconds=3)):
        assert decode(Coincidence, encode(record)) == record
