"""Stated against measured rate: the right statement passes, one that is off by 20 % does not."""

import numpy as np
import pytest
from made_pairs import chance_pairs

from nuncius.broker.matching.calibration import (
    ChancePair,
    complete_hz,
    curve,
    global_test,
    highest_hz,
    mean_overlap,
    poisson_limits,
)

FAILS = 0.01


@pytest.fixture(scope="module")
def streams() -> tuple[list[ChancePair], float]:
    return chance_pairs(1)


def off(pairs: list[ChancePair], factor: float) -> list[ChancePair]:
    """As if the partners' rate were stated wrong by a factor."""
    return [p._replace(stated_hz=p.stated_hz * factor, most_hz=p.most_hz * factor) for p in pairs]


def p_value(pairs: list[ChancePair], livetime_s: float, draws: int = 20_000) -> float:
    found = global_test(pairs, livetime_s, complete_hz(pairs), "equal", 7, draws).p_value
    assert found is not None
    return found


def test_true_rates_pass(streams: tuple[list[ChancePair], float]) -> None:
    pairs, livetime_s = streams
    assert p_value(pairs, livetime_s) > FAILS
    mean = mean_overlap(pairs, 7)
    assert mean is not None
    assert mean.p_value is not None
    assert mean.p_value > FAILS


@pytest.mark.parametrize("factor", [1.2, 1 / 1.2])
def test_a_statistic_off_by_a_fifth_fails(streams: tuple[list[ChancePair], float], factor: float) -> None:
    pairs, livetime_s = streams
    assert p_value(off(pairs, factor), livetime_s) < FAILS


def test_an_overlap_that_is_off_fails(streams: tuple[list[ChancePair], float]) -> None:
    pairs, _ = streams
    wrong = [p._replace(overlap=1.2 * (p.overlap or 0)) for p in pairs]
    mean = mean_overlap(wrong, 7)
    assert mean is not None
    assert mean.p_value is not None
    assert mean.p_value < FAILS


def test_false_alarms_are_as_stated() -> None:
    found = [p_value(*chance_pairs(seed, events=500, slides=4), draws=1000) for seed in range(100, 160)]
    # 60 tries: 12 or more below 0.1 have a binomial chance of 1.7 %, 5 or more below 0.01 one of 3e-4
    assert sum(p < 0.1 for p in found) < 12
    assert sum(p < 0.01 for p in found) < 5
    assert np.mean(np.array(found) < 0.5) > 0.25


def test_a_bound_may_lie_above_but_not_below(streams: tuple[list[ChancePair], float]) -> None:
    pairs, livetime_s = streams
    top_hz = complete_hz(pairs)
    above = global_test(off(pairs, 2.0), livetime_s, top_hz, "not_above", 7)
    below = global_test(off(pairs, 0.5), livetime_s, top_hz / 2, "not_above", 7)
    assert above.p_value is not None
    assert above.p_value > FAILS
    assert below.p_value is not None
    assert below.p_value < FAILS


def test_repeated_pairs_of_one_event_are_no_independent_evidence() -> None:
    """Forty pairs where twenty are due: damning if independent, not if one storm made thirty of them."""
    many = [ChancePair(1, k, k, "noise_pair", (k + 0.5) / 40, 1.0, 1.0) for k in range(40)]
    storm = [p._replace(partner=0) if k < 30 else p for k, p in enumerate(many)]
    alone = global_test(many, 20.0, 1.0, "equal", 3).p_value
    shared = global_test(storm, 20.0, 1.0, "equal", 3).p_value
    assert alone is not None
    assert shared is not None
    assert alone < FAILS < shared


def test_the_same_seed_gives_the_same_answer(streams: tuple[list[ChancePair], float]) -> None:
    pairs, livetime_s = streams
    assert p_value(pairs, livetime_s, 500) == p_value(list(reversed(pairs)), livetime_s, 500)


def test_the_curve_counts_and_the_floor_is_one_pair() -> None:
    pairs = [ChancePair(1, k, k, "noise_pair", x, 0.5, 1.0) for k, x in enumerate((3.0, 1.0, 1.0, np.inf))]
    found = curve(pairs, 10.0)
    assert found.stated_hz.tolist() == [1.0, 1.0, 3.0]
    assert found.measured_hz.tolist() == [0.2, 0.2, 0.3]
    assert highest_hz(pairs) == 3.0
    assert global_test(pairs, 10.0, 1.0, "equal", 1).floor_hz == 0.1


def test_without_pairs_nothing_is_tested_or_the_lack_tells() -> None:
    assert global_test([], 10.0, 0.0, "equal", 1).p_value is None
    empty = global_test([], 1000.0, 1.0, "equal", 1).p_value
    assert empty is not None
    assert empty < FAILS
    assert mean_overlap([], 1) is None
    with pytest.raises(ValueError, match="livetime"):
        curve([], 0.0)
    with pytest.raises(ValueError, match="livetime"):
        global_test([], 0.0, 1.0, "equal", 1)


def test_few_pairs_carry_no_mean() -> None:
    pairs = [ChancePair(1, k, k, "noise_pair", 1.0, 1000.0 if k == 0 else 0.0, 1.0) for k in range(500)]
    found = mean_overlap(pairs, 1)
    assert found is not None
    assert found.mean == 2.0
    assert found.p_value is None


def test_poisson_limits_are_those_of_the_exact_sums() -> None:
    count = np.array([0.0, 1.0, 2.0, 5.0, 20.0, 100.0])
    low, high = poisson_limits(count)
    tail = 0.15865525393145707
    for n, least, most in zip(count.astype(int), low, high, strict=True):
        assert below(n, most) == pytest.approx(tail, rel=0.04)
        assert n == 0 or 1 - below(n - 1, least) == pytest.approx(tail, rel=0.06)
    assert low[0] == 0.0


def below(n: int, mean: float) -> float:
    terms = np.cumprod(np.concatenate(([1.0], mean / np.arange(1, n + 1))))
    return float(np.exp(-mean) * np.sum(terms))


def test_rates_are_complete_up_to_what_the_cap_lets_through() -> None:
    pairs = [ChancePair(1, k, k, "noise_pair", 0.1, 1.0, most) for k, most in enumerate((2.0, 8.0))]
    # up to 2 nothing is missing; at 2 + e the first pair no longer grows
    assert complete_hz(pairs, loss=1e-9) == 2.0
    # at 8: (1 + 1) / (8 / 2 + 8 / 8) = 0.4 is there
    assert complete_hz(pairs, loss=0.61) == 8.0
    assert complete_hz([]) == 0.0
