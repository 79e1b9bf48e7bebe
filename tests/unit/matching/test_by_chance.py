"""The number of unrelated objects expected: worked by hand, and against a survey whose truth is known."""

from datetime import timedelta

import healpy
import numpy as np
import pytest
from matching_alerts import T0, at, candidates, cone, gw

from nuncius.broker.matching import Associate, CandidateRule, Match, shipped_rules
from nuncius.broker.matching.by_chance import by_chance
from nuncius.broker.matching.looks import CELL_ORDER, cells_at
from nuncius.broker.matching.store import CoverageRows, Look
from nuncius.broker.sky.healpix import position
from nuncius.schemas import CandidateList, Counterpart
from nuncius.schemas.vocabulary import Arm

RULE = next(r for r in shipped_rules() if isinstance(r, CandidateRule) and r.name == "gw-optical")
CELLS = (3000, 3001, 3002)
EVENT = gw(localizations=cone(197, -23, 5))


def objects(arm: Arm, cell: int, count: int, survey: str = "ztf") -> list[Counterpart]:
    ra, dec = (float(x) for x in position(CELL_ORDER, cell))
    assert healpy.ang2pix(1 << CELL_ORDER, ra, dec, nest=True, lonlat=True) == cell
    return [
        Counterpart(
            rule=RULE.name,
            event_thread="lvk:a",
            event_alert_id="a",
            arm=arm,
            alert_id=f"{survey}-{arm}-{cell}-{i}",
            thread_id=f"{survey}:{arm}-{cell}-{i}",
            survey=survey,
            reality="real",
            run_mode="replay",
            ra=ra,
            dec=dec,
            time=at(0),
            first_time=at(-10 * 86400 if arm == "control" else 86400),
            credible_level=0.5,
            probdensity_per_sr=1.0,
        )
        for i in range(count)
    ]


def nights(control: dict[int, int], on: dict[int, int], survey: str = "ztf") -> CoverageRows:
    """So many nights in each window, by cell; the first ones are those of `objects` (2017-08-17 is day 17 395)."""
    looks: dict[Look, list[int]] = {}
    for arm, counts in (("control", control), ("on", on)):
        for cell, count in counts.items():
            for night in range(count):
                look = Look(survey, "on", 17396 + night) if arm == "on" else Look(survey, "control", 17385 + night)
                looks.setdefault(look, []).append(cell)
    return {look: np.array(sorted(cells)) for look, cells in looks.items()}


def test_each_cell_by_its_own_nights() -> None:
    a, b, c = CELLS
    looks = nights({a: 4, b: 1}, {a: 2, b: 3, c: 5})
    rows = objects("control", a, 8) + objects("control", b, 1) + objects("on", a, 2) + objects("on", c, 6)
    found = by_chance(RULE, rows, looks)
    # 8 x 2/4 + 1 x 3/1; c was never looked at before: 5 of 10 cell-nights, 6 objects
    assert found.expected == pytest.approx(7.0)
    assert "9 objects" in found.method
    assert "5 cell-nights before, 5 after" in found.method
    assert "without 50% of the cell-nights after" in found.method
    assert "6 of the objects that passed" in found.method
    # Gehrels 1986, tables 1 and 2: 9 has 6.057 to 13.11; (sum w2 k / K)^1/2 = ((8/4 + 9) / 9)^1/2
    scale = np.sqrt(11 / 9)
    assert found.low == pytest.approx(7 + (6.057 - 9) * scale, abs=2e-3)
    assert found.high == pytest.approx(7 + (13.11 - 9) * scale, abs=6e-3)


def test_surveys_are_counted_each_with_its_own_nights() -> None:
    a = CELLS[0]
    looks = {**nights({a: 2}, {a: 4}), **nights({a: 3}, {a: 1}, "lsst")}
    found = by_chance(RULE, objects("control", a, 3) + objects("control", a, 6, "lsst"), looks)
    assert found.expected == pytest.approx(3 * 4 / 2 + 6 * 1 / 3)


def test_a_quiet_place_has_an_upper_bound() -> None:
    a, b = CELLS[:2]
    found = by_chance(RULE, [], nights({a: 2, b: 2}, {a: 6, b: 2}))
    assert (found.expected, found.low) == (0.0, 0.0)
    # w is 3 and 1 on two nights each: (sum w2 n / sum n)^1/2 = 5^1/2; no event: 1.841
    assert found.high == pytest.approx(1.841 * np.sqrt(5), abs=2e-3)


def test_objects_where_nobody_looked_after_are_not_in_the_number() -> None:
    a, b = CELLS[:2]
    found = by_chance(RULE, objects("control", b, 5) + objects("control", a, 1), nights({a: 1, b: 1}, {a: 1}))
    assert found.expected == pytest.approx(1.0)


def test_an_object_first_seen_on_a_night_of_which_no_row_came_is_not_counted() -> None:
    a = CELLS[0]
    looks = {Look("ztf", "control", 17390): np.array([a]), Look("ztf", "on", 17396): np.array([a])}
    assert by_chance(RULE, objects("control", a, 4), looks).expected == 0.0


def test_no_number_says_why() -> None:
    a, b = CELLS[:2]
    assert "no row tells" in by_chance(RULE, [], {}).method
    apart = by_chance(RULE, objects("control", a, 5), nights({a: 3}, {b: 3}))
    assert (apart.expected, apart.high) == (None, None)
    assert "density undefined" in apart.method


def test_a_survey_of_uneven_cadence_over_an_uneven_sky() -> None:
    """Known truth: cells differ in density, nights before and after; the mean of what is stated is the mean found."""
    rng = np.random.default_rng(20170817)
    cells = np.arange(2000, 2040)
    density = np.linspace(0.05, 1.5, len(cells))  # new objects a night looked, dense where looked at more after
    before, after = rng.integers(1, 6, len(cells)), np.linspace(1, 12, len(cells)).astype(int)
    looks = nights(dict(zip(cells.tolist(), before, strict=True)), dict(zip(cells.tolist(), after, strict=True)))
    truth = float(np.sum(density * after))
    drawn = {cell: objects("control", cell, 40) for cell in cells.tolist()}
    stated, former, inside = [], [], 0
    for _ in range(120):
        control = rng.poisson(density * before)
        rows = [row for cell, count in zip(cells.tolist(), control, strict=True) for row in drawn[cell][:count]]
        found = by_chance(RULE, rows, looks)
        assert found.expected is not None
        assert found.low is not None
        assert found.high is not None
        stated.append(found.expected)
        inside += found.low <= truth <= found.high
        former.append(len(rows) * (RULE.high_us - RULE.low_us) / RULE.control_us)
    assert np.mean(stated) == pytest.approx(truth, rel=0.05)
    # scaling by the lengths of the windows, which are equal here, takes the nights before for those after
    assert np.mean(former) < 0.6 * truth
    # 68 % of 120, and four sigma of the binomial on either side
    assert 0.68 - 4 * 0.043 < inside / 120 < 0.68 + 4 * 0.043


def test_through_both_engines() -> None:
    """Three nights before with an asteroid each, an object on one of them; six nights after; one cell not before."""
    rocks = [{"thread_id": f"ztf:rock{d}", "days": float(d), "solar_system": True} for d in (-9, -6, -3, 1, 2, 3, 4, 5)]
    far = {"thread_id": "ztf:far", "dec": -26.5, "days": 6.0}
    batch = candidates(*rocks, {"thread_id": "ztf:old", "days": -6.0}, {"thread_id": "ztf:new", "days": 8.0}, far)
    far_cell, near_cell = cells_at(np.array([197.0, 197.0]), np.array([-26.5, -23.0]))
    assert far_cell != near_cell
    step = Match(shipped_rules()).step((EVENT,), batch, {}, T0 + timedelta(days=20), run_mode="replay")
    engine = Associate(shipped_rules())
    engine.apply(engine.step((EVENT,), step.effects, {}, T0 + timedelta(days=20), step.coverage).delta)
    (made,) = (one for one in engine.published() if isinstance(one, CandidateList))
    assert made.passed == 2
    assert made.expected_by_chance == pytest.approx(1 * 6 / 3)
    assert "without 14% of the cell-nights after" in made.expected_method
    assert "1 of the objects that passed" in made.expected_method
