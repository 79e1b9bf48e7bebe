"""Several telescopes on one map: no place twice, unless asked for; what was seen since is left alone."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Literal

import pytest
from tiling_cases import PALOMAR, PARANAL, SQUARE, START, STOP, blob, discs, held_by, keeps_its_times, telescope

from nuncius.broker.planning.footprints import footprint
from nuncius.broker.planning.joint import TelescopePlan, observed_sky, plan_jointly
from nuncius.broker.planning.telescope import CircleField, Telescope
from nuncius.broker.sky import SkyMap, moc_ascii, moc_ranges, probability_inside
from nuncius.schemas.plan import ObservationReport

NORTH = telescope("north")
SOUTH = telescope("south", PARANAL, field=CircleField(1.2))
SKY = blob(30.0, 5.0)


def plans(
    *team: Telescope,
    sky: SkyMap = SKY,
    tiles_max: int = 8,
    observed: tuple[TelescopePlan | ObservationReport, ...] = (),
) -> tuple[TelescopePlan, ...]:
    return plan_jointly(sky, team, start=START, stop=STOP, exposure_s=60.0, tiles_max=tiles_max, observed=observed)


def together(team: tuple[Telescope, ...], made: tuple[TelescopePlan, ...], sky: SkyMap = SKY) -> float:
    fields = {one.name: one.field for one in team}
    return held_by(sky, [(fields[plan.telescope], tile) for plan in made for tile in plan.tiles])


def report(
    plan: TelescopePlan, telescope_: Telescope, state: Literal["planned", "completed"] = "completed"
) -> ObservationReport:
    seen = observed_sky([plan], [telescope_])
    return ObservationReport(
        report_id="r",
        thread_id="lvk:S1",
        facility="another",
        state=state,
        footprint=moc_ascii(seen),
        run_mode="live",
    )


def test_a_split_map_is_counted_once() -> None:
    made = plans(NORTH, SOUTH)
    for one, plan in zip((NORTH, SOUTH), made, strict=True):
        assert plan.telescope == one.name
        assert len(plan.tiles) == 8
        keeps_its_times(one, plan.tiles)
    stated = sum(plan.probability for plan in made)
    assert stated == pytest.approx(together((NORTH, SOUTH), made), abs=0.01)


def test_two_hold_more_than_one_and_no_less_than_one_after_the_other() -> None:
    made = plans(NORTH, SOUTH)
    for order in permutations((NORTH, SOUTH)):
        (first,) = plans(order[0])
        (second,) = plans(order[1], observed=(report(first, order[0]),))
        one_by_one = first.probability + second.probability
        assert sum(plan.probability for plan in made) > one_by_one - 0.01


def test_the_order_of_the_telescopes_makes_no_difference() -> None:
    assert plans(NORTH, SOUTH) == plans(SOUTH, NORTH)[::-1]


def test_repeated_plans_are_those_of_each_alone() -> None:
    made = plan_jointly(SKY, (NORTH, SOUTH), start=START, stop=STOP, exposure_s=60.0, tiles_max=8, share="repeat")
    assert made == (*plans(NORTH), *plans(SOUTH))


@pytest.mark.parametrize("told_by", ["tiles", "report"])
def test_what_was_observed_is_kept_and_the_rest_planned_anew(told_by: str) -> None:
    (first,) = plans(NORTH)
    done = replace(first, tiles=first.tiles[:4])
    seen = report(done, NORTH) if told_by == "report" else done
    (rest,) = plans(NORTH, observed=(seen,))
    both = (done, rest)
    stated = sum(plan.probability for plan in both)
    assert stated == pytest.approx(together((NORTH,), both), abs=0.01)
    assert stated > first.probability


def test_a_report_of_a_plan_covers_nothing() -> None:
    (first,) = plans(NORTH)
    assert plans(NORTH, observed=(report(first, NORTH, "planned"),)) == (first,)


def test_time_that_was_used_is_gone() -> None:
    short = replace(NORTH, night_max_s=600.0)
    (first,) = plans(short)
    done = replace(first, tiles=first.tiles[:5])
    (rest,) = plans(short, observed=(done,))
    same_night = [tile for tile in rest.tiles if abs(tile.start - done.tiles[-1].start) < timedelta(hours=8)]
    assert len(same_night) <= 600 // 75 - 5
    assert plans(replace(short, night_max_s=100.0), observed=(done,))[0].tiles == ()


def test_sites_of_one_telescope_share_the_map() -> None:
    """Half of the map rises over one of them, half over the other."""
    network, sky = telescope("net", PALOMAR, PARANAL), discs((30.0, 65.0, 3.0, 0.5), (30.0, -65.0, 3.0, 0.5))
    (made,) = plans(network, sky=sky, tiles_max=16)
    keeps_its_times(network, made.tiles)
    assert {tile.site for tile in made.tiles} == {"Palomar", "Paranal"}
    assert made.probability == pytest.approx(together((network,), (made,), sky), abs=0.01)


def test_impossible_teams_are_told() -> None:
    with pytest.raises(ValueError, match="two telescopes of one name"):
        plans(NORTH, NORTH)
    with pytest.raises(ValueError, match=r"names telescope 'west'; known: \['north'\]"):
        plans(NORTH, observed=(TelescopePlan(telescope="west", tiles=plans(NORTH)[0].tiles[:1]),))
    with pytest.raises(ValueError, match=r"exposure of 0\.0 s"):
        plan_jointly(SKY, (NORTH,), start=START, stop=STOP, exposure_s=0.0)


def test_a_footprint_goes_out_and_comes_back() -> None:
    """As Treasure Map has it: an ASCII coverage map."""
    (first,) = plans(NORTH)
    tile = first.tiles[0]
    seen = footprint(SQUARE, tile.ra, tile.dec)
    assert probability_inside(SKY, moc_ranges(moc_ascii(seen))) == pytest.approx(tile.probability, rel=0.01)
