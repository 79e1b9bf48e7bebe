"""Whatever the map, the camera and the hours: a plan can be kept, counts nothing twice, and is the same again."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from how_many import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from tiling_cases import PALOMAR, PARANAL, START, blob, held_by, keeps_its_times, telescope

from nuncius.broker.planning.joint import plan_jointly
from nuncius.broker.planning.telescope import CircleField, FieldOfView, RectangleField
from nuncius.broker.planning.visibility import Limits

FIELDS: st.SearchStrategy[FieldOfView] = st.one_of(
    st.builds(CircleField, st.floats(0.3, 4.0)),
    st.builds(RectangleField, st.floats(0.5, 6.0), st.floats(0.5, 6.0)),
)


@dataclass(frozen=True)
class Task:
    """A map's place and radius, two cameras, and what limits them."""

    place: tuple[float, float, float]
    fields: tuple[FieldOfView, FieldOfView]
    hours: float
    exposure_s: float
    moon_deg: float


@st.composite
def tasks(draw: st.DrawFn) -> Task:
    return Task(
        place=(draw(st.floats(0, 359.99)), draw(st.floats(-90, 90)), draw(st.floats(0.5, 25.0))),
        fields=(draw(FIELDS), draw(FIELDS)),
        hours=draw(st.floats(0.0, 40.0)),
        exposure_s=draw(st.floats(10.0, 2000.0)),
        moon_deg=draw(st.sampled_from([0.0, 40.0])),
    )


@settings(max_examples=examples(5), deadline=None)
@given(tasks())
def test_a_plan_can_be_kept(task: Task) -> None:
    can_be_kept(task)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@settings(max_examples=examples(200), deadline=None)
@given(tasks())
def test_many_plans_can_be_kept(task: Task) -> None:
    can_be_kept(task)


def can_be_kept(task: Task) -> None:
    sky = blob(*task.place)
    limits = Limits(min_altitude_deg=25.0, sun_altitude_max_deg=-12.0, moon_separation_min_deg=task.moon_deg)
    one = telescope("one", PALOMAR, field=task.fields[0], limits=limits)
    two = telescope("two", PARANAL, PALOMAR, field=task.fields[1], limits=limits)
    stop = START + timedelta(hours=task.hours)

    made, again = (
        plan_jointly(sky, (one, two), start=START, stop=stop, exposure_s=task.exposure_s, tiles_max=6) for _ in range(2)
    )
    for of, team in zip(made, (one, two), strict=True):
        keeps_its_times(team, of.tiles)
        assert len(of.tiles) <= 6
        assert all(tile.start >= START and tile.stop <= stop for tile in of.tiles)
        assert all(tile.probability >= 0 for tile in of.tiles)
    looks = [(team.field, tile) for of, team in zip(made, (one, two), strict=True) for tile in of.tiles]
    assert sum(of.probability for of in made) == pytest.approx(held_by(sky, looks, 10_000), abs=0.02)
    assert again == made
