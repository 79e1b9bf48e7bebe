"""Several plans in one picture: letters, lanes, the Sun over them, and words for who cannot see it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from tiling_cases import DARK, PALOMAR, PARANAL, START, STOP, blob, telescope

from nuncius.broker.planning.joint import plan_jointly
from nuncius.broker.planning.telescope import CircleField
from nuncius.broker.plots.plan import PlanPicture, close_up, outline
from nuncius.broker.plots.plan_lanes import side_by_side
from nuncius.broker.plots.together import MOST, TogetherPicture, lowest_sun, plot_together, span_of
from nuncius.broker.sky.sphere import separation_deg

SKY = blob(120.0, 5.0, 4.0)
TELESCOPES = (telescope("North", PALOMAR), telescope("South", PARANAL, field=CircleField(1.1)))
PLANS = tuple(
    PlanPicture(
        title=made.telescope,
        notes=(f"{len(made.tiles)} fields",),
        sky=SKY,
        tiles=made.tiles,
        field=one.field,
        sites=one.sites,
        limits=DARK,
    )
    for made, one in zip(
        plan_jointly(SKY, TELESCOPES, start=START, stop=STOP, exposure_s=120.0, tiles_max=3), TELESCOPES, strict=True
    )
)
PICTURE = TogetherPicture(
    title="lvk:S1: 2 telescopes", notes=("6 fields & more",), sky=SKY, plans=PLANS, idle=("East: rejected: too low",)
)


def test_each_telescope_has_a_letter_a_colour_and_dashes_of_its_own() -> None:
    lanes = side_by_side(PLANS)
    assert [lane.letter for lane in lanes] == ["A", "B"]
    assert lanes[0].mark(0) == "A1"
    assert lanes[1].mark(2) == "B3"
    assert len({lane.colour for lane in lanes}) == len({str(lane.dashes) for lane in lanes}) == 2
    assert [len(set(lane.colours)) for lane in lanes] == [1, 1]


def test_the_close_up_holds_the_fields_of_all() -> None:
    near, count = close_up(*PLANS)
    assert count == sum(len(plan.tiles) for plan in PLANS)
    for plan in PLANS:
        assert plan.field is not None
        for tile in plan.tiles:
            assert np.max(separation_deg(near.ra, near.dec, *outline(plan.field, tile))) < near.radius_deg


def test_the_axis_of_time_holds_all_exposures_and_the_sun_is_that_over_each_site() -> None:
    start, stop = span_of(PLANS)
    every = [tile for plan in PLANS for tile in plan.tiles]
    assert start < min(tile.start for tile in every)
    assert stop > max(tile.stop for tile in every)
    for plan in PLANS:
        offset_s, sun_deg = lowest_sun(plan, start, stop)
        for tile in plan.tiles:
            at = np.interp((tile.start - start).total_seconds(), offset_s, sun_deg)
            assert at <= DARK.sun_altitude_max_deg + 0.1
    both = replace(PLANS[0], sites=(PALOMAR, PARANAL))
    darkest = np.minimum(lowest_sun(PLANS[0], start, stop)[1], lowest_sun(PLANS[1], start, stop)[1])
    assert np.array_equal(lowest_sun(both, start, stop)[1], darkest)
    assert lowest_sun(replace(PLANS[0], sites=()), start, stop)[1].max() == -90.0


def test_the_picture_says_every_field_and_who_looks_at_nothing(tmp_path: Path) -> None:
    plot_together(PICTURE, tmp_path / "both.svg")
    text = (tmp_path / "both.svg").read_text()
    words = text[text.index("<desc>") : text.index("</desc>")]
    first = PLANS[1].tiles[0]
    for said in ("6 fields &amp; more", "A, North, 3 fields: A1: RA", f"B1: RA {first.ra:.3f}", "East: rejected"):
        assert said in words, said


def test_more_plans_than_can_be_drawn_are_named(tmp_path: Path) -> None:
    one = replace(PLANS[0], tiles=PLANS[0].tiles[:1], sites=(), sky=None)
    many = tuple(replace(one, title=f"T{number}") for number in range(MOST + 1))
    plot_together(replace(PICTURE, plans=many, sky=None, idle=()), tmp_path / "many.svg")
    assert f"not drawn: T{MOST}" in (tmp_path / "many.svg").read_text()
    idle = tuple(f"E{number}: rejected" for number in range(40))
    plot_together(replace(PICTURE, plans=many, sky=None, idle=idle), tmp_path / "more.svg")
    assert "<!-- and 21 more -->" in (tmp_path / "more.svg").read_text()
    with pytest.raises(ValueError, match="nothing to draw"):
        plot_together(replace(PICTURE, plans=()), tmp_path / "none.png")


def test_a_plan_of_days_is_on_one_axis_of_time(tmp_path: Path) -> None:
    days = timedelta(days=3)
    late = tuple(replace(tile, start=tile.start + days, stop=tile.stop + days) for tile in PLANS[1].tiles)
    start, stop = span_of([PLANS[0], replace(PLANS[1], tiles=late)])
    assert stop - start > days
    plot_together(replace(PICTURE, plans=(PLANS[0], replace(PLANS[1], tiles=late))), tmp_path / "days.png")
    assert (tmp_path / "days.png").read_bytes().startswith(b"\x89PNG")
