"""Neutrino detectors within ten seconds: the rate by the book, ties, second notices, chains, retractions."""

import math
from typing import Any

import numpy as np
import pytest
from matching_alerts import alert, coincidences

from nuncius.broker.matching import Associate, load_rules, shipped_rules
from nuncius.broker.matching.multiplicity import accidental_rate
from nuncius.schemas import Alert, Coincidence
from nuncius.schemas.codec import decode, encode
from nuncius.schemas.errors import SettingsError

WEEK_S = 7 * 86400.0
YEAR_S = 365 * 86400.0
RULE = "supernova-neutrinos"


def burst(name: str, seconds: float | None = 0.0, facility: str = "", version: int = 0, **more: Any) -> Alert:
    words = {"messenger": "neutrino", "facility": facility or name.upper(), "event_class": "supernova_neutrino"}
    return alert(f"snews:{name}", version, seconds=seconds, instrument="SNEWS", **{**words, **more})


def found(*alerts: Alert) -> list[Coincidence]:
    every = coincidences(Associate(shipped_rules()), *alerts)
    return sorted((c for c in every if c.rule == RULE), key=lambda c: c.anchor.event_id)


def members(record: Coincidence) -> list[str]:
    return [m.event_id for m in (record.anchor, record.partner, *(pair.partner for pair in record.others))]


@pytest.mark.parametrize(("seen", "years"), [(2, 27.6), (3, 6.7e5)])
def test_the_rate_is_the_textbooks(seen: int, years: float) -> None:
    assert 1 / accidental_rate(7, seen, 1 / WEEK_S, 10.0) / YEAR_S == pytest.approx(years, rel=5e-3)


def test_the_rate_is_that_of_a_simulation() -> None:
    rng = np.random.default_rng(7)
    detectors, rate, window, length = 4, 1e-3, 10.0, 4e7
    counts = {2: 0, 3: 0}
    times, which = [], []
    for number in range(detectors):
        made = np.sort(rng.uniform(0, length, rng.poisson(rate * length)))
        times.append(made)
        which.append(np.full(len(made), number))
    order = np.argsort(np.concatenate(times))
    time, detector = np.concatenate(times)[order], np.concatenate(which)[order]
    last = np.searchsorted(time, time + window, side="right")
    for first in np.flatnonzero(last - np.arange(len(time)) > 1):
        after = [int(n) for n in detector[first + 1 : last[first]] if n != detector[first]]
        counts[2] += len(after)
        counts[3] += sum(a != b for i, a in enumerate(after) for b in after[i + 1 :])
    for seen, count in counts.items():
        expected = accidental_rate(detectors, seen, rate, window) * length
        assert count == pytest.approx(expected, abs=4 * math.sqrt(expected))


@pytest.mark.parametrize("bad", [(7, 8, 1e-6, 10.0), (7, 0, 1e-6, 10.0), (7, 2, -1.0, 10.0), (7, 2, 1e-6, math.nan)])
def test_impossible_numbers_are_refused(bad: tuple[int, int, float, float]) -> None:
    with pytest.raises(ValueError, match="detectors"):
        accidental_rate(*bad)


def test_two_detectors() -> None:
    (one,) = found(burst("lvd"), burst("halo", 7.0))
    assert (one.state, members(one), one.dt_s) == ("active", ["snews:lvd", "snews:halo"], 7.0)
    score = one.significance
    assert score.null == "noise_pair"
    assert score.rate_hz == pytest.approx(1 / (27.6 * YEAR_S), rel=5e-3)
    # n F times the expected number of partners of one is the rate
    assert score.expected_by_chance == pytest.approx(6 * 10 / WEEK_S, rel=2e-3)
    assert score.validity == "valid"
    assert decode(Coincidence, encode(one)) == one


#     dt:    0 |==========| 10     both ends inclusive
@pytest.mark.parametrize(("seconds", "number"), [(0.0, 1), (10.0, 1), (10.000001, 0), (-10.0, 1), (-10.000001, 0)])
def test_window_edges(seconds: float, number: int) -> None:
    assert len(found(burst("lvd"), burst("halo", seconds))) == number


def test_three_at_once_are_one_group_and_the_later_ones_are_taken_in() -> None:
    first, second = found(burst("c"), burst("b"), burst("a"))
    assert (first.state, members(first)) == ("active", ["snews:a", "snews:b", "snews:c"])
    assert first.supersedes == (second.coincidence_id,)
    assert (second.state, members(second)) == ("retracted", ["snews:b", "snews:c"])
    assert f"superseded by {first.coincidence_id}" in second.significance.validity
    assert first.significance.rate_hz == pytest.approx(1 / (6.7e5 * YEAR_S), rel=5e-3)


def test_a_chain_longer_than_the_window_is_two_groups() -> None:
    #  a ---8 s--- b ---8 s--- c
    first, second = found(burst("a"), burst("b", 8.0), burst("c", 16.0))
    assert (members(first), first.state, first.supersedes) == (["snews:a", "snews:b"], "active", ())
    assert (members(second), second.state) == (["snews:b", "snews:c"], "active")


def test_a_second_notice_of_a_detector_is_never_a_member() -> None:
    assert found(burst("x", 0.0, "LVD"), burst("y", 3.0, "LVD")) == []
    assert found(burst("x", 0.0, "Super-K"), burst("y", 3.0, "Super-Kamiokande")) == []
    first, *_ = found(burst("a"), burst("x", 2.0, "LVD"), burst("y", 3.0, "LVD"))
    assert members(first) == ["snews:a", "snews:x"]


def test_a_network_is_no_detector() -> None:
    assert found(burst("a"), burst("n", 1.0, "SNEWS")) == []


def test_a_retraction_shrinks_the_group_and_ends_it() -> None:
    three = (burst("a"), burst("b", 2.0), burst("c", 4.0))
    gone = burst("c", None, version=1, kind="retraction", issued=600)
    first, second = found(*three, gone)
    assert (members(first), first.state) == (["snews:a", "snews:b"], "active")
    assert second.state == "retracted"
    (one,) = found(*three[:2], burst("b", None, version=1, kind="retraction", issued=600))
    assert one.state == "retracted"
    assert one.significance.rate_hz is None
    anchorless = found(*three, burst("a", None, version=1, kind="retraction", issued=600))
    assert [(c.anchor.event_id, c.state) for c in anchorless] == [("snews:a", "retracted"), ("snews:b", "active")]


def test_a_revised_time_moves_a_detector_out() -> None:
    (one,) = found(burst("a"), burst("b", 2.0), burst("b", 40.0, version=1))
    assert one.state == "retracted"
    assert "no other detector is left" in one.significance.validity


def test_drills_stay_apart() -> None:
    assert found(burst("a"), burst("b", 1.0, reality="test")) == []
    (one,) = found(burst("a", reality="test"), burst("b", 1.0, reality="test"))
    assert one.reality == "test"


def test_more_detectors_than_the_rule_counts_give_no_number() -> None:
    first = found(*(burst(name) for name in "abcdefgh"))[0]
    assert len(members(first)) == 8
    assert first.significance.rate_hz is None
    assert "the rule counts 7" in first.significance.validity


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("window_s = [-1.0, 10.0]", "window_s"),
        ("detectors = 1", "detectors"),
        ('detectors_source = ""', "source"),
        ('same_detector = ["x"]', "same_detector"),
    ],
)
def test_wrong_rules_are_named(change: str, says: str) -> None:
    given = {
        "window_s": "[0.0, 10.0]",
        "detectors": "7",
        "detectors_source": '"x"',
        "rate_per_year": "52",
        "rate_source": '"x"',
        "select": '{ event_classes = ["supernova_neutrino"] }',
    }
    key, _, value = change.partition(" = ")
    lines = "\n".join(f"{k} = {v}" for k, v in {**given, key: value}.items())
    with pytest.raises(SettingsError, match=says):
        load_rules(f'[[rule]]\nname = "r"\nkind = "multiplicity"\nsource = "x"\n{lines}\n')
