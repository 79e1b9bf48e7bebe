"""Groups of three and more: who is in, the rate, retractions, calibration on made streams."""

import math
from typing import Any

import numpy as np
import pytest
from matching_alerts import alert, coincidences, cone, grb, gw, neutrino

from nuncius.broker.matching import Associate, load_rules, shipped_rules
from nuncius.broker.sky import overlap
from nuncius.broker.sky.overlap_many import overlap_many
from nuncius.schemas import Alert, Coincidence
from nuncius.schemas.codec import decode, encode
from nuncius.schemas.ids import coincidence_id

YEAR_S = 365 * 86400.0


def group_of(*alerts: Alert) -> Coincidence | None:
    found = coincidences(Associate(shipped_rules()), *alerts)
    return next((c for c in found if c.rule == "group"), None)


def frb(**more: Any) -> Alert:
    words = {"messenger": "photon", "band": "radio", "facility": "CHIME", "event_class": "frb"}
    return alert("chime:1", **{"seconds": 1.0, **words, **more})


def test_a_triple_in_time() -> None:
    group = group_of(gw(far_hz=1e-5, p_astro=0.1), grb(), neutrino(seconds=5))
    assert group is not None
    assert group.coincidence_id == coincidence_id("group", "lvk:G298048?reality=real&run_mode=replay")
    assert [m.event_id for m in (group.anchor, group.partner, group.others[0].partner)] == [
        "lvk:G298048",
        "icecube:130033_50579430",
        "fermi-gbm:524666471",
    ]
    score = group.significance
    expected = (310 / YEAR_S * 6) * (30 / YEAR_S * 20)
    assert score.null == "noise_pair"
    assert score.expected_by_chance == score.expected_in_time == pytest.approx(expected, rel=1e-12)
    assert score.joint_far_hz == score.rate_hz == pytest.approx(expected * 1e-5, rel=1e-12)
    assert "time only" in score.validity
    assert set(group.supersedes) == {
        coincidence_id(rule, "lvk:G298048?reality=real&run_mode=replay") for rule in ("gw-cbc-grb", "gw-cbc-neutrino")
    }
    assert decode(Coincidence, encode(group)) == group


def test_positions_divide_by_the_threefold_overlap() -> None:
    places = cone(80, 10, 20), cone(84, 12, 8), cone(78, 9, 3)
    far = gw(far_hz=3.48e-12, localizations=places[0])
    group = group_of(far, grb(localizations=places[1]), neutrino(seconds=5, localizations=places[2]))
    assert group is not None
    three = overlap_many([place[0] for place in places])
    assert group.overlap == pytest.approx(three, rel=1e-12)
    assert group.significance.expected_in_time is not None
    assert group.significance.expected_by_chance == pytest.approx(group.significance.expected_in_time / three)
    assert group.significance.null == "unrelated_real"
    assert group.significance.joint_far_hz is None
    assert group.significance.expected_by_chance is not None
    assert group.significance.rate_hz == pytest.approx(79.9 / YEAR_S * group.significance.expected_by_chance)
    assert group.significance.validity == "valid"


def test_every_two_must_agree() -> None:
    here, there = cone(80, 10, 5), cone(120, -40, 5)
    assert group_of(gw(), grb(localizations=here), neutrino(seconds=5, localizations=there)) is None
    assert group_of(gw(localizations=there), grb(localizations=here), neutrino(localizations=there)) is None
    assert group_of(gw(), grb(localizations=here), neutrino(localizations=here)) is not None


def test_the_largest_group_wins() -> None:
    here, there = cone(80, 10, 5), cone(120, -40, 5)
    group = group_of(gw(), grb(localizations=here), neutrino(seconds=5, localizations=there), frb(localizations=here))
    assert group is not None
    assert {group.partner.event_class, group.others[0].partner.event_class} == {"grb", "frb"}
    four = group_of(gw(), grb(localizations=here), neutrino(localizations=here), frb(localizations=here))
    assert four is not None
    assert len(four.others) == 2


def test_one_burst_by_two_instruments_is_one_member() -> None:
    konus = grb("konus:1", seconds=2.5, facility="Konus", instrument="")
    assert group_of(gw(), grb(), konus) is None
    apart = grb("fermi-gbm:2", seconds=4.0)
    assert group_of(gw(), grb(), apart) is None
    group = group_of(gw(), grb(), konus, neutrino())
    assert group is not None
    threads = [m.threads for m in (group.partner, group.others[0].partner)]
    assert ("fermi-gbm:524666471", "konus:1") in threads
    assert len(group.others) == 1


RETRACTION = neutrino(version=1, kind="retraction", seconds=None, issued=600)


def test_a_retraction_splits_and_stays_told() -> None:
    group = group_of(gw(), grb(), neutrino(), RETRACTION)
    assert group is not None
    assert (group.state, group.supersedes) == ("retracted", ())
    assert "retracted by IceCube" in group.significance.validity
    assert group.significance.rate_hz is None
    back = group_of(gw(), grb(), neutrino(), RETRACTION, frb())
    assert back is not None
    assert back.state == "active"
    assert {back.partner.event_class, back.others[0].partner.event_class} == {"grb", "frb"}


def test_a_position_that_comes_later_may_end_it() -> None:
    here, there = cone(80, 10, 5), cone(120, -40, 5)
    group = group_of(gw(), grb(localizations=here), neutrino(), neutrino(version=1, localizations=there))
    assert group is not None
    assert group.state == "retracted"


def test_a_partner_rate_that_nobody_knows_gives_no_number() -> None:
    supernova = neutrino("snews:a", event_class="supernova_neutrino", facility="LVD")
    group = group_of(gw(far_hz=1e-9), grb(), supernova)
    assert group is not None
    assert group.significance.expected_by_chance is None
    assert "no rate of partners of gw-supernova-neutrino" in group.significance.validity


def test_a_p_value_is_no_rate_of_a_group_either() -> None:
    group = group_of(gw(far_hz=1e-3, far_kind="p_value"), grb(), neutrino(seconds=5))
    assert group is not None
    assert group.significance.rate_hz is group.significance.joint_far_hz is None
    assert "p-value" in group.significance.validity


def test_the_rate_is_that_of_made_streams() -> None:
    """Three independent isotropic streams: as many groups as stated in time, fewer than stated above any overlap."""
    rng = np.random.default_rng(170817)
    anchors, window_s, rate_hz = 1500, 100.0, 4e-3
    text = "".join(
        f'[[rule]]\nname="{name}"\nkind="events"\nsource="made"\nanchor={{event_classes=["cbc"]}}\n'
        f'partner={{event_classes=["{kind}"]}}\nwindow_s=[0.0,{window_s}]\n'
        f'partner_rate_per_year={rate_hz * YEAR_S}\nrate_source="made"\n'
        for name, kind in (("one", "frb"), ("two", "neutrino_track"))
    )
    sets, bound, above, in_time = 0, 0.0, 0, (rate_hz * window_s) ** 2
    for _ in range(anchors):
        counts = rng.poisson(rate_hz * window_s, 2)
        if not counts.all():
            continue
        sets += int(counts.prod())
        ra = rng.uniform(0, 360, 3)
        dec = np.degrees(np.arcsin(rng.uniform(-1, 1, 3)))
        places = [cone(ra[i], dec[i], 60.0)[0] for i in range(3)]
        integral = overlap_many(places)
        above += int(counts.prod()) * (integral >= 4)
        bound += int(counts.prod()) * integral
    expected = anchors * in_time
    assert sets == pytest.approx(expected, abs=4 * math.sqrt(expected * (1 + rate_hz * window_s) ** 2))
    assert above <= expected / 4 + 4 * math.sqrt(expected / 4)
    assert bound / sets == pytest.approx(1, abs=0.35)
    near = cone(80, 10, 60), cone(90, 15, 60), cone(85, 0, 60)
    found = coincidences(
        Associate(load_rules(text)),
        gw(localizations=near[0]),
        frb(localizations=near[1]),
        neutrino(seconds=5, localizations=near[2]),
    )
    (group,) = (c for c in found if c.rule == "group")
    assert group.significance.expected_in_time == pytest.approx(in_time)
    assert group.overlap is not None
    assert group.overlap > overlap(near[0][0], near[1][0])
