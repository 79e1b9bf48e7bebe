"""The picture of a plan: outlines, numbers, close-up and nights against their definitions, and one that is drawn."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tiling_cases import DARK, PALOMAR, SQUARE, START, STOP, blob, telescope

from nuncius.broker.planning.apparent import track
from nuncius.broker.planning.telescope import CircleField, RectangleField
from nuncius.broker.planning.tiling import plan_tiles
from nuncius.broker.planning.visibility import windows
from nuncius.broker.plots.plan import PlanPicture, close_up, nights_of, outline, plot_plan
from nuncius.broker.plots.plan_sky import numbered
from nuncius.broker.sky.sphere import separation_deg
from nuncius.schemas import PlannedTile, SettingsError

SKY = blob(120.0, 30.0, 4.0)
TILES = plan_tiles(SKY, telescope(), start=START, stop=STOP, exposure_s=120.0, filter_name="r", tiles_max=6)
PICTURE = PlanPicture(
    title="T: 6 fields",
    notes=("S & co",),
    warning="real, demo: no telescope is asked",
    sky=SKY,
    tiles=TILES,
    field=SQUARE,
    sites=(PALOMAR,),
    limits=DARK,
)


def at(ra: float, dec: float, probability: float = 0.1) -> PlannedTile:
    return replace(TILES[0], ra=ra, dec=dec, probability=probability)


def test_an_outline_runs_along_the_sides_of_the_field() -> None:
    field, tile = RectangleField(4.0, 2.0), at(200.0, 60.0)
    ra, dec = outline(field, tile)
    # gnomonic: Calabretta & Greisen 2002, section 5.1.3
    turn, a, d = np.radians(ra - tile.ra), np.radians(dec), math.radians(tile.dec)
    ahead = np.sin(d) * np.sin(a) + np.cos(d) * np.cos(a) * np.cos(turn)
    xi = np.cos(a) * np.sin(turn) / ahead / math.tan(math.radians(2.0))
    eta = (np.cos(d) * np.sin(a) - np.sin(d) * np.cos(a) * np.cos(turn)) / ahead / math.tan(math.radians(1.0))
    assert np.allclose(np.maximum(np.abs(xi), np.abs(eta)), 1.0, atol=1e-9)
    assert (ra[0], dec[0]) == (ra[-1], dec[-1])


def test_a_round_outline_keeps_its_distance() -> None:
    ra, dec = outline(CircleField(1.1), at(0.1, -89.0))
    away = np.asarray(separation_deg(0.1, -89.0, ra, dec))
    assert np.allclose(away, 1.1, atol=1e-9)
    assert (ra[0], dec[0]) == pytest.approx((ra[-1], dec[-1]))
    assert len(ra) > 60


def test_a_turned_outline_is_turned_north_through_east() -> None:
    ra, dec = outline(RectangleField(0.2, 2.0), replace(at(50.0, 0.0), position_angle_deg=30.0))
    top = int(np.argmax(dec))
    # the middle of the upper edge lies 30 degrees east of north, 1 degree away
    assert (ra[top] - 50.0, dec[top]) == pytest.approx((0.5, 0.866), abs=0.1)


def test_numbers_stand_apart_and_the_first_and_the_last_are_told() -> None:
    order = [0, 99, *range(1, 99)]
    told = [order[index] for index in numbered([(0.1 * n, 0.0) for n in order], 1.0)]
    assert told[:2] == [0, 99]
    assert min(b - a for a, b in pairwise(sorted(told))) >= 10
    places = [(1.0, 1.0)]
    assert numbered(places[:1], 1.0) == [0]


def test_the_close_up_holds_all_fields_that_lie_together() -> None:
    near, count = close_up(PICTURE)
    assert count == len(TILES)
    for tile in TILES:
        ra, dec = outline(SQUARE, tile)
        assert np.max(separation_deg(near.ra, near.dec, ra, dec)) < near.radius_deg


def test_of_fields_all_over_the_sky_those_near_the_best_are_shown() -> None:
    far = (at(10.0, 0.0, 0.1), at(190.0, 0.0, 0.3), at(193.0, 0.0, 0.2))
    near, count = close_up(replace(PICTURE, tiles=far, sky=None))
    assert count == 2
    assert (near.ra, near.dec) == pytest.approx((191.5, 0.0), abs=1e-6)


def test_a_night_runs_from_sunset_to_sunrise_and_shows_when_fields_are_within_the_limits() -> None:
    (night,) = nights_of(PICTURE)
    assert night.site == "Palomar"
    assert night.indices == tuple(range(len(TILES)))
    ends = track(
        np.array([TILES[0].ra]),
        np.array([TILES[0].dec]),
        lon_deg=PALOMAR.lon_deg,
        lat_deg=PALOMAR.lat_deg,
        height_m=PALOMAR.height_m,
        start=night.noon,
        offset_s=np.array([night.offset_s[0], night.offset_s[-1]]),
    )
    # the Sun moves half a degree in a step
    assert np.all((ends.sun_altitude_deg < 0) & (ends.sun_altitude_deg > -0.6))
    assert night.noon < TILES[0].start < night.noon + timedelta(days=1)
    one = replace(PICTURE, tiles=TILES[:1])
    (alone,) = nights_of(one)
    noon = alone.noon
    allowed = windows(TILES[0].ra, TILES[0].dec, PALOMAR, DARK, start=noon, stop=noon + timedelta(days=1))
    seconds = sum((window.stop - window.start).total_seconds() for window in allowed)
    assert float(np.count_nonzero(alone.possible)) * 120.0 == pytest.approx(seconds, abs=240.0)


def test_fields_of_two_nights_and_of_an_unknown_site() -> None:
    later = replace(TILES[0], start=TILES[0].start + timedelta(days=2), stop=TILES[0].stop + timedelta(days=2))
    lost = replace(TILES[0], site="Atlantis")
    found = nights_of(replace(PICTURE, tiles=(*TILES, lost, later)))
    assert [night.indices for night in found] == [tuple(range(len(TILES))), (len(TILES) + 1,)]
    assert (found[1].noon - found[0].noon) / timedelta(days=2) == pytest.approx(1.0, abs=1e-6)


def test_a_polar_day_is_drawn_whole() -> None:
    pole = replace(PALOMAR, name="North", lat_deg=89.0)
    start = datetime(2026, 6, 21, 3, tzinfo=UTC)
    summer = replace(TILES[0], site="North", start=start, stop=start + timedelta(minutes=2))
    (night,) = nights_of(replace(PICTURE, tiles=(summer,), sites=(pole,)))
    assert (night.offset_s[0], night.offset_s[-1]) == (0.0, 86400.0)
    assert night.sun_deg.min() > 0


def test_the_picture_says_in_words_what_it_shows(tmp_path: Path) -> None:
    plot_plan(PICTURE, tmp_path / "one.svg")
    text = (tmp_path / "one.svg").read_text()
    words = text[text.index("<desc>") : text.index("</desc>")]
    for said in ("S &amp; co", "no telescope is asked", f"6: RA {TILES[5].ra:.3f}", "Palomar"):
        assert said in words, said


def test_the_same_plan_gives_the_same_picture(tmp_path: Path) -> None:
    small = replace(PICTURE, title=r"$\broken{ mathematics$", tiles=TILES[:2], sky=None, sites=())
    for name in ("one.svg", "two.svg"):
        plot_plan(small, tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_a_mark_stands_for_a_field_that_is_not_known(tmp_path: Path) -> None:
    plot_plan(replace(PICTURE, tiles=TILES[:1], field=None, sky=None, sites=()), tmp_path / "mark.png")
    assert (tmp_path / "mark.png").read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_drawn_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="without a field"):
        plot_plan(replace(PICTURE, tiles=()), tmp_path / "none.png")
    with pytest.raises(SettingsError, match=r"cannot draw plan\.docx"):
        plot_plan(replace(PICTURE, tiles=TILES[:1], sky=None, sites=()), tmp_path / "plan.docx")


def test_a_window_of_days_has_a_night_each_and_the_fields_of_a_night_share_one() -> None:
    days = replace(at(120.0, 30.0, math.nan), start=START, stop=START + timedelta(days=2))
    nights = nights_of(replace(PICTURE, tiles=(days,)))
    assert [night.indices for night in nights] == [(0,), (0,), (0,)]
    assert [later.noon - first.noon for first, later in pairwise(nights)] == [timedelta(days=1)] * 2
    (together,) = nights_of(PICTURE)
    assert together.indices == tuple(range(len(TILES)))
