"""What a record says of its null, its trials and its budget; every guard of the targeted formula by name (D.2, D.9)."""

from typing import Any

import pytest
from matching_alerts import coincidences, cone, grb, gw

from nuncius.broker.matching import Associate, load_rules, shipped_rules
from nuncius.broker.matching.rules import total_far_budget_hz
from nuncius.broker.matching.rules_toml import DEFAULT_BUDGET_HZ
from nuncius.broker.matching.statistics import targeted_far, untargeted_far
from nuncius.schemas import Alert
from nuncius.schemas.coincidence import Significance


def score(*alerts: Alert) -> Significance:
    (found,) = coincidences(Associate(shipped_rules()), *alerts)
    return found.significance


def swift(far_hz: float = 1e-4, **more: Any) -> Alert:
    return grb(event_class="sub_grb_targeted", facility="Swift", far_hz=far_hz, **more)


@pytest.mark.parametrize(
    ("stated", "null", "reason"),
    [
        ({"p_astro": 0.5}, "unrelated_real", "p_astro 0.5 >= 0.5"),
        ({"p_astro": 0.2}, "noise_pair", "p_astro 0.2 < 0.5"),
        ({"far_hz": 0.0}, "unrelated_real", "FAR 0 Hz < rate of real cbc 2.53e-06 Hz (44 (GWTC-2.1"),
        ({"far_hz": 1e-5}, "noise_pair", "FAR 1e-05 Hz >= rate of real cbc 2.53e-06 Hz"),
        ({"far_hz": 1e-9, "p_astro": 0.1}, "unrelated_real", "p_astro 0.1 < 0.5; FAR 1e-09 Hz < rate of real cbc"),
        ({}, "noise_pair", "nothing stated decides: taken as noise"),
        ({"far_hz": 1e-9, "event_class": "burst"}, "noise_pair", "nothing stated decides: taken as noise"),
    ],
)
def test_the_conditions_that_chose_the_null_are_published(stated: dict[str, Any], null: str, reason: str) -> None:
    found = score(gw(**stated), grb())
    assert found.null == null
    assert found.null_reason.startswith(reason)


def test_what_was_tried_and_the_budgets() -> None:
    found = score(gw(far_hz=1e-5, p_astro=0.1), grb())
    rules = {rule.name: rule for rule in shipped_rules()}
    assert found.tried[0] == "gw-cbc-grb"
    assert found.trials == len(found.tried)
    assert all(name in rules for name in found.tried)
    assert "gw-burst-grb" not in found.tried
    assert found.far_budget_hz == 9.19e-9
    assert found.far_budget_total_hz == pytest.approx(total_far_budget_hz(shipped_rules()), rel=1e-12)
    assert found.rate_hz == pytest.approx(5.898e-10, rel=1e-3)
    assert found.within_budget is True
    assert score(gw(far_hz=1e-3, p_astro=0.1), grb()).within_budget is False
    assert score(gw(p_astro=0.1), grb()).within_budget is None


def test_the_published_total_is_the_sum_of_all_rules() -> None:
    # 3 x 9.19e-9 and 3 x 5.28e-9 as cited; six on events and one of detectors get once in ten years each
    assert total_far_budget_hz(shipped_rules()) == pytest.approx(
        3 * 9.19e-9 + 3 * 5.28e-9 + 7 * DEFAULT_BUDGET_HZ, rel=1e-12
    )
    off = load_rules(
        '[[rule]]\nname = "x"\nkind = "candidates"\nanchor = { messengers = ["neutrino"] }\n'
        "window_days = [0, 1]\ncap = 3\n"
    )
    assert total_far_budget_hz(off) == 0


# ---- the faults of D.2 ---------------------------------------------------------------------------------------------


def test_a_rates_above_their_caps_are_refused_by_name() -> None:
    both = score(gw(far_hz=1e-3, p_astro=0.1), swift(1e-2))
    assert both.joint_far_hz is None
    assert "anchor_far_hz 0.001 Hz lies above its cap anchor_far_max_hz 0.000185 Hz" in both.validity
    assert "partner_far_hz 0.01 Hz lies above its cap partner_far_max_hz 0.001 Hz" in both.validity
    with pytest.raises(ValueError, match="above its cap"):
        targeted_far(1e-3, 1e-4, 30.0, 2 / 86400 * 8, 1e-3)


def test_c_an_overlap_of_zero_is_no_number_and_no_warning() -> None:
    found = score(gw(far_hz=1e-5, p_astro=0.1, localizations=cone(0, 80, 0)), grb(localizations=cone(0, -80, 0.001)))
    assert (found.overlap_used, found.expected_by_chance, found.joint_far_hz) == (0.0, None, None)
    assert "exclude" in found.validity


@pytest.mark.parametrize("stated", [{"p_astro": 0.99}, {"far_hz": 1e-10}])
def test_d_a_confident_wave_never_gets_the_targeted_formula(stated: dict[str, Any]) -> None:
    found = score(gw(**stated), swift())
    assert (found.null, found.joint_far_hz) == ("unrelated_real", None)
    assert found.method.startswith("untargeted, roles swapped")
    assert found.expected_by_chance == pytest.approx(30 * 1e-4)
    assert found.rate_hz == pytest.approx(30 * 1e-4 * 79.9 / (365 * 86400))


def test_d_nor_does_one_that_nobody_called_noise() -> None:
    found = score(gw(far_hz=1e-7, event_class="burst"), swift())
    assert found.joint_far_hz is None
    assert "anchor_far_hz 1e-07 Hz is below real_rate_hz 2.53e-06 Hz" in found.validity
    assert score(gw(far_hz=1e-5, event_class="burst"), swift()).joint_far_hz is not None


def test_e_zero_is_a_rate_and_a_p_value_is_none() -> None:
    assert untargeted_far(0.0, 1e-5, 6.0) == 0.0
    assert score(gw(far_hz=0.0, p_astro=0.1, event_class="burst"), grb()).joint_far_hz == 0.0
    found = score(gw(far_hz=0.01, far_kind="p_value", p_astro=0.1), grb())
    assert found.joint_far_hz is None
    assert "the anchor states a p-value, which is no rate" in found.validity
