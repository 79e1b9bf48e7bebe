"""A plan whose map was revised: it stands, or its fields keep their times, or it is made anew."""

from datetime import datetime, timedelta

import pytest
from tiling_cases import PALOMAR, START, STOP, blob, discs, keeps_its_times, telescope

from nuncius.broker.planning.joint import TelescopePlan, plan_jointly
from nuncius.broker.planning.telescope import CircleField
from nuncius.broker.sky import SkyMap
from nuncius.schemas.plan import PlannedTile

TEAM = telescope("T", PALOMAR, field=CircleField(1.5))
SKY = blob(30.0, 20.0)


def plan(
    sky: SkyMap = SKY,
    *,
    start: datetime = START,
    earlier: tuple[PlannedTile, ...] = (),
    taken: tuple[PlannedTile, ...] = (),
    tiles_max: int = 10,
    stop: datetime = STOP,
) -> tuple[PlannedTile, ...]:
    (made,) = plan_jointly(
        sky,
        (TEAM,),
        start=start,
        stop=stop,
        exposure_s=120.0,
        tiles_max=tiles_max,
        observed=(TelescopePlan(telescope="T", tiles=taken),) if taken else (),
        earlier=(TelescopePlan(telescope="T", tiles=earlier),),
    )
    return made.tiles


def pointings(tiles: tuple[PlannedTile, ...]) -> list[tuple[str, float, float, datetime]]:
    return [(tile.site, tile.ra, tile.dec, tile.start) for tile in tiles]


@pytest.fixture(scope="module")
def first() -> tuple[PlannedTile, ...]:
    tiles = plan()
    assert len(tiles) == 10
    return tiles


def middle(tiles: tuple[PlannedTile, ...]) -> datetime:
    return tiles[4].stop + timedelta(seconds=1)


def test_the_same_map_before_the_night_changes_nothing(first: tuple[PlannedTile, ...]) -> None:
    assert plan(start=START + timedelta(minutes=37), earlier=first) == first


def test_a_map_that_moved_a_little_changes_no_pointing(first: tuple[PlannedTile, ...]) -> None:
    moved, later = blob(30.2, 20.1), START + timedelta(minutes=37)
    assert pointings(plan(moved, start=later)) != pointings(first), "else this shows nothing"
    stays = plan(moved, start=later, earlier=first)
    assert pointings(stays) == pointings(first)
    assert [one.probability for one in stays] != [one.probability for one in first]


def test_in_the_middle_of_a_plan_that_is_kept_to_it_stands_past_fields_included(
    first: tuple[PlannedTile, ...],
) -> None:
    stays = plan(start=middle(first), earlier=first, taken=first[:5], tiles_max=5)
    assert pointings(stays) == pointings(first)
    assert sum(one.probability for one in stays[:5]) == pytest.approx(0.0, abs=0.01)


def test_what_was_not_reported_is_asked_for_again_behind_what_is_kept(first: tuple[PlannedTile, ...]) -> None:
    now = middle(first)
    made = plan(start=now, earlier=first)
    ahead = pointings(first[5:])
    assert [one for one in pointings(made) if one in ahead] == ahead
    assert len(made) > len(ahead)
    assert all(tile.start >= now for tile in made)
    keeps_its_times(TEAM, made)


def test_where_all_that_is_good_costs_too_much_the_best_of_it_keeps_its_times(first: tuple[PlannedTile, ...]) -> None:
    """The map moved by less than its own radius and shrank: old fields hold something, new ones hold more."""
    moved, later = blob(33.0, 20.0, 5.0), START + timedelta(minutes=5)
    fresh, made = plan(moved, start=later), plan(moved, start=later, earlier=first)
    stay = [one for one in pointings(first) if one in pointings(made)]
    assert 2 <= len(stay) < len(first)
    assert not set(stay) & set(pointings(fresh)), "else a plan made anew would have them too"
    assert sum(one.probability for one in made) >= 0.93 * sum(one.probability for one in fresh)
    keeps_its_times(TEAM, made)


def test_a_map_elsewhere_makes_the_plan_anew(first: tuple[PlannedTile, ...]) -> None:
    other, later = blob(60.0, 30.0), START + timedelta(minutes=5)
    assert plan(other, start=later, earlier=first) == plan(other, start=later)


def test_fields_that_hold_nothing_any_more_are_dropped(first: tuple[PlannedTile, ...]) -> None:
    tile = max(first, key=lambda one: one.probability)
    small = discs((tile.ra, tile.dec, 1.0, 1.0))
    made = plan(small, start=START + timedelta(minutes=5), earlier=first)
    assert 0 < len(made) < 4
    assert sum(one.probability for one in made) == pytest.approx(1.0, abs=0.01)


def test_nothing_ends_after_an_earlier_end(first: tuple[PlannedTile, ...]) -> None:
    stop = middle(first)
    made = plan(start=START + timedelta(minutes=5), earlier=first, stop=stop)
    assert made
    assert all(tile.stop <= stop for tile in made)
    keeps_its_times(TEAM, made)


def test_a_map_that_nobody_can_see_leaves_nothing_standing(first: tuple[PlannedTile, ...]) -> None:
    assert plan(blob(30.0, -80.0, 1.0), start=START + timedelta(minutes=5), earlier=first) == ()
