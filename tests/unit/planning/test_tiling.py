"""Plans of one telescope: what they hold, that they can be kept, and skies where nothing or everything can be seen."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from astropy.coordinates import EarthLocation, get_body
from astropy.time import Time
from astropy.utils import iers
from tiling_cases import (
    DARK,
    PALOMAR,
    PARANAL,
    SQUARE,
    START,
    STOP,
    blob,
    discs,
    held_by,
    in_field,
    keeps_its_times,
    telescope,
)

from nuncius.broker.planning.cells import Galaxies
from nuncius.broker.planning.footprints import footprint
from nuncius.broker.planning.place import Place
from nuncius.broker.planning.telescope import CircleField, FieldOfView, RectangleField, Telescope
from nuncius.broker.planning.tiling import held, one_tile, plan_tiles
from nuncius.broker.planning.visibility import Limits, Site
from nuncius.broker.sky import SkyMap, pixel, separation_deg
from nuncius.broker.sky.ranges import joined
from nuncius.schemas.plan import PlannedTile

NORTH_POLE = Site(name="Pole", lon_deg=0.0, lat_deg=89.99, height_m=0.0, source="test")
LARGE_DEG2 = 360.0 * 360.0 / np.pi


@pytest.fixture(autouse=True)
def _bundled_tables() -> Iterator[None]:
    with iers.conf.set_temp("auto_download", False), iers.conf.set_temp("auto_max_age", None):
        yield


def plan(
    sky: SkyMap, one: Telescope, *, hours: float = 24.0, exposure_s: float = 60.0, tiles_max: int = 25
) -> tuple[PlannedTile, ...]:
    stop = START + timedelta(hours=hours)
    return plan_tiles(sky, one, start=START, stop=stop, exposure_s=exposure_s, filter_name="r", tiles_max=tiles_max)


@pytest.mark.parametrize(
    ("ra", "dec", "field"),
    [
        pytest.param(30.0, 20.0, SQUARE, id="overhead"),
        pytest.param(0.0, 10.0, SQUARE, id="over RA 0"),
        pytest.param(359.9, -5.0, CircleField(1.5), id="circles over RA 0"),
        pytest.param(80.0, 88.0, RectangleField(4.0, 2.0), id="pole"),
        pytest.param(200.0, 75.0, CircleField(2.0), id="circumpolar"),
    ],
)
def test_a_plan_keeps_its_times_and_states_what_it_holds(ra: float, dec: float, field: FieldOfView) -> None:
    sky, one = blob(ra, dec), telescope(field=field)
    tiles = plan(sky, one)
    keeps_its_times(one, tiles)
    stated = sum(tile.probability for tile in tiles)
    assert stated == pytest.approx(held_by(sky, [(field, tile) for tile in tiles]), abs=0.01)
    assert stated > 0.75
    assert {tile.filter for tile in tiles} == {"r"}


def test_the_most_probable_field_that_can_be_seen_comes_first() -> None:
    tiles = plan(blob(30.0, 20.0), telescope(), tiles_max=5)
    first = tiles[0]
    assert separation_deg(first.ra, first.dec, 30.0, 20.0) < 1.5
    assert first.probability == max(tile.probability for tile in tiles)


def test_what_sets_is_looked_at_before_what_can_wait() -> None:
    """A tenth of the probability sets within minutes of dusk, the rest is up for hours."""
    both = discs((283.0, 20.0, 1.0, 0.1), (60.0, 30.0, 1.0, 0.9))
    tiles = plan(both, telescope(limits=replace(DARK, min_altitude_deg=35.0)), exposure_s=600.0, hours=24.0)
    assert sum(tile.probability for tile in tiles) > 0.95
    assert separation_deg(tiles[0].ra, tiles[0].dec, 283.0, 20.0) < 3.0


@pytest.mark.parametrize(
    ("sky", "one", "hours"),
    [
        pytest.param(blob(30.0, -80.0, 3.0), telescope(), 24.0, id="never up"),
        pytest.param(blob(30.0, 20.0), telescope(), 6.0, id="daylight"),
        pytest.param(blob(30.0, 20.0), telescope(), 0.0, id="no time"),
        pytest.param(blob(30.0, 20.0), telescope(), -1.0, id="time runs backwards"),
        pytest.param(blob(30.0, 20.0), telescope(limits=replace(DARK, min_altitude_deg=90.0)), 24.0, id="zenith only"),
    ],
)
def test_nothing_can_be_seen(sky: SkyMap, one: Telescope, hours: float) -> None:
    assert plan(sky, one, hours=hours) == ()


def test_the_moon_hides_what_is_near_it() -> None:
    """That night the Moon, nearly full, moves some six degrees; where it is, astropy says."""
    at = Time(START + timedelta(hours=18))
    moon = get_body("moon", at, EarthLocation(lon=PALOMAR.lon_deg, lat=PALOMAR.lat_deg))
    near, far = blob(moon.ra.deg, moon.dec.deg, 2.0), blob(100.0, 22.0, 2.0)
    shy = telescope(limits=Limits(min_altitude_deg=30.0, moon_separation_min_deg=20.0))
    assert sum(tile.probability for tile in plan(near, telescope())) > 0.95
    assert sum(tile.probability for tile in plan(near, shy)) < 0.05
    keeps_its_times(shy, plan(far, shy))
    assert sum(tile.probability for tile in plan(far, shy)) > 0.95


def test_polar_night_and_polar_day() -> None:
    one = telescope("P", NORTH_POLE)
    sky = blob(120.0, 60.0, 4.0)
    dark = plan(sky, one)
    keeps_its_times(one, dark)
    assert sum(tile.probability for tile in dark) > 0.95
    june = datetime(2026, 6, 21, tzinfo=UTC)
    assert plan_tiles(sky, one, start=june, stop=june + timedelta(days=1), exposure_s=60.0) == ()


def test_a_map_of_one_pixel_takes_one_field() -> None:
    start = np.atleast_1d(pixel(30.0, 20.0))
    (tile,) = plan(SkyMap.from_ranges(start, start + 1, np.ones(1)), telescope())
    assert tile.probability == pytest.approx(1.0)
    assert in_field(SQUARE, tile, np.array([30.0]), np.array([20.0])).all()


def test_a_map_all_over_the_sky_takes_all_the_fields_there_are() -> None:
    whole = SkyMap.from_ranges(np.zeros(1, np.int64), np.full(1, 12 << 58), np.ones(1))
    one = telescope()
    tiles = plan(whole, one)
    keeps_its_times(one, tiles)
    assert sum(tile.probability for tile in tiles) == pytest.approx(25 * 9.0 / LARGE_DEG2, rel=0.01)


def test_a_window_shorter_than_the_exposure_takes_none() -> None:
    sky, one = blob(30.0, 20.0, 1.0), telescope()
    (first, *_) = plan(sky, one, exposure_s=60.0)
    stop = first.start + timedelta(seconds=59)
    assert plan_tiles(sky, one, start=START, stop=stop, exposure_s=60.0) == ()
    stop = first.start + timedelta(seconds=61)
    assert len(plan_tiles(sky, one, start=START, stop=stop, exposure_s=60.0)) == 1


def test_equal_inputs_give_equal_plans_whatever_the_order_of_the_tiles() -> None:
    sky, one = blob(30.0, 20.0, 3.0), telescope(field=CircleField(0.7))
    flat = SkyMap.from_ranges(sky.start, sky.stop, np.ones(sky.tiles))
    back = SkyMap.from_ranges(sky.start[::-1], sky.stop[::-1], np.ones(sky.tiles))
    assert plan(flat, one) == plan(back, one)


def test_what_was_covered_is_left_alone() -> None:
    sky, one = blob(30.0, 20.0), telescope()
    first = plan(sky, one, tiles_max=10)
    seen = joined(*(footprint(SQUARE, tile.ra, tile.dec) for tile in first))
    second = plan_tiles(sky, one, start=START, stop=STOP, exposure_s=60.0, covered=seen, tiles_max=10)
    both = [(SQUARE, tile) for tile in (*first, *second)]
    stated = sum(tile.probability for tile in (*first, *second))
    assert stated == pytest.approx(held_by(sky, both), abs=0.01)


def test_a_plan_that_holds_too_little_is_none() -> None:
    sky, one = blob(30.0, 20.0), telescope()
    assert plan_tiles(sky, one, start=START, stop=STOP, exposure_s=60.0, tiles_max=3, probability_min=0.9) == ()


def test_a_night_has_no_more_time_than_the_telescope_gives() -> None:
    one = replace(telescope(), night_max_s=400.0)
    tiles = plan(blob(30.0, 20.0), one)
    assert 0 < len(tiles) * 75.0 <= 400.0


def test_behind_a_mountain_nothing_is_seen() -> None:
    """A wall of 80 degrees all around but for the north; the target passes to the south."""
    sky = blob(30.0, 0.0, 2.0)
    walled = replace(telescope(), horizon=((0.0, 0.0), (20.0, 80.0), (340.0, 80.0)))
    assert plan(sky, walled) == ()
    assert plan(sky, replace(walled, horizon=((0.0, 80.0), (90.0, 80.0), (120.0, 0.0), (240.0, 0.0), (270.0, 80.0))))


def test_galaxies_are_looked_at_by_their_weight() -> None:
    sky = blob(30.0, 20.0, 5.0)
    ra, dec = np.array([30.0, 33.0, 27.0, 200.0]), np.array([20.0, 20.0, 20.0, -60.0])
    weight, far = np.array([1.0, 100.0, 0.0, 1e6]), np.array([40.0, 40.0, 40.0, np.nan])
    hosts = Galaxies(ra=ra, dec=dec, distance_mpc=far, weight=weight, name=("a", "b", "c", "d"))
    one = telescope(field=CircleField(0.5))
    tiles = plan_tiles(sky, one, start=START, stop=STOP, exposure_s=60.0, galaxies=hosts)
    assert [tile.target_name for tile in tiles] == ["b", "a"]
    assert (tiles[0].ra, tiles[0].dec) == (33.0, 20.0)
    assert tiles[0].probability == pytest.approx(held_by(sky, [(one.field, tiles[0])]), abs=0.005)


def test_one_tile_as_soon_as_any_site_can() -> None:
    """Near Cerro Paranal the sky darkens hours before it does at Palomar."""
    both = telescope("N", PALOMAR, PARANAL)
    tile = one_tile(Place(30.0, 0.0, 0.5), both, start=START, stop=STOP, exposure_s=60.0)
    assert tile is not None
    assert tile.site == "Paranal"
    keeps_its_times(both, [tile])
    assert tile.probability == pytest.approx(1 - 0.1**9, abs=0.001)
    assert one_tile(Place(30.0, 0.0, 0.5), both, start=START, stop=START, exposure_s=60.0) is None


@pytest.mark.parametrize("field", [CircleField(1.0), RectangleField(1.5, 0.8)])
def test_what_one_tile_holds(field: FieldOfView) -> None:
    """Against a Gaussian summed on a grid."""
    sigma = 0.9 / np.sqrt(2 * np.log(10))
    x, y = np.meshgrid(np.linspace(-3, 3, 1201), np.linspace(-3, 3, 1201))
    density = np.exp(-(x * x + y * y) / (2 * sigma**2))
    if isinstance(field, CircleField):
        inside = np.hypot(x, y) <= field.radius_deg
    else:
        inside = (np.abs(x) <= field.width_deg / 2) & (np.abs(y) <= field.height_deg / 2)
    assert held(field, 0.9) == pytest.approx(float(density[inside].sum() / density.sum()), abs=0.005)
    assert held(field, 0.0) == 1.0


def test_a_list_without_any_host_gives_no_plan_and_a_wrong_one_is_told() -> None:
    far = np.array([200.0]), np.array([-60.0]), np.array([40.0])
    hosts = Galaxies(ra=far[0], dec=far[1], distance_mpc=far[2], weight=np.zeros(1))
    one = telescope()
    assert plan_tiles(blob(30.0, 20.0), one, start=START, stop=STOP, exposure_s=60.0, galaxies=hosts) == ()
    with pytest.raises(ValueError, match="galaxy 0 of the list has a weight that is negative"):
        replace(hosts, weight=np.array([-1.0]))
    with pytest.raises(ValueError, match="galaxy 0 of the list has a place off the sky"):
        replace(hosts, dec=np.array([90.1]))
    with pytest.raises(ValueError, match="different lengths"):
        replace(hosts, weight=np.ones(2))
