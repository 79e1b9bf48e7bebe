"""Fields that are turned: which cells they hold, how they are laid, and what is said of them."""

import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiling_cases import PALOMAR, PARANAL, START, STOP, blob, held_by, telescope
from too_cases import AT2017GFO, MERGER, alert, wide_camera

from nuncius.broker.planning.cells import Cells
from nuncius.broker.planning.engine import Inputs, Planner
from nuncius.broker.planning.footprints import footprint, inside
from nuncius.broker.planning.joint import plan_jointly
from nuncius.broker.planning.place import Place
from nuncius.broker.planning.placing import Bands, Centres, members, upright_deg
from nuncius.broker.planning.policies_toml import load_policies
from nuncius.broker.planning.telescope import CircleField, RectangleField
from nuncius.broker.planning.tiling import one_tile, plan_tiles
from nuncius.broker.services.plan_found import tiles_of
from nuncius.broker.sky import pixel
from nuncius.broker.sky.healpix import vectors
from nuncius.broker.sky.ranges import contains
from nuncius.schemas import SettingsError

LONG = RectangleField(4.0, 1.0)


@pytest.mark.parametrize(("ra", "dec"), [(10.0, 0.0), (0.0, 45.0), (359.9, -60.0), (200.0, 89.5), (77.0, -90.0)])
@pytest.mark.parametrize("angle", [30.0, 90.0, 200.0, 359.0])
def test_a_turned_field_holds_the_cells_inside_it(ra: float, dec: float, angle: float) -> None:
    rng = np.random.default_rng(3)
    points = vectors([ra], [dec])[0] + 0.06 * rng.normal(size=(4000, 3))
    points /= np.linalg.norm(points, axis=1)[:, None]
    places = np.degrees(np.arctan2(points[:, 1], points[:, 0])) % 360, np.degrees(np.arcsin(points[:, 2]))
    truth = inside(LONG, np.full(4000, ra), np.full(4000, dec), points, angle)
    found = members(LONG, Centres(np.array([ra]), np.array([dec])), Cells(*places, np.ones(4000)), angle)
    assert sorted(found[0][found[0] < 4000].tolist()) == np.flatnonzero(truth).tolist()
    assert 50 < truth.sum() < 4000


def test_at_thirty_degrees_the_upper_edge_looks_a_third_of_the_way_to_the_east() -> None:
    # 0.4 up the turned axis lies 0.2 east and 0.35 north of the centre; mirrored, it lies outside a field 0.2 wide
    thin = RectangleField(0.2, 1.0)
    up = vectors([50.0 + 0.4 * math.sin(math.radians(30))], [0.4 * math.cos(math.radians(30))])
    mirrored = vectors([50.0 - 0.4 * math.sin(math.radians(30))], [0.4 * math.cos(math.radians(30))])
    centre = np.array([50.0]), np.array([0.0])
    assert inside(thin, *centre, up, 30.0)
    assert not inside(thin, *centre, mirrored, 30.0)
    seen = footprint(thin, 50.0, 0.0, 30.0)
    ra, dec = (np.array([50.2, 49.8]), np.array([0.3464, 0.3464]))
    assert contains(seen, pixel(ra, dec)).tolist() == [True, False]


@given(
    width=st.floats(0.1, 20.0),
    height=st.floats(0.1, 20.0),
    angle=st.floats(0.0, 360.0),
    share=st.floats(0.0, 1.0),
)
def test_the_upright_rectangle_inside_fits_and_no_other_is_larger(
    width: float, height: float, angle: float, share: float
) -> None:
    cos, sin = abs(math.cos(math.radians(angle))), abs(math.sin(math.radians(angle)))

    def fits(a: float, b: float) -> bool:
        return a * cos + b * sin <= width * (1 + 1e-9) and a * sin + b * cos <= height * (1 + 1e-9)

    a, b = upright_deg(RectangleField(width, height), angle)
    assert a > 0
    assert b > 0
    assert fits(a, b)
    # any other of greater area does not fit: as wide as the share says, and as high as the area needs
    other = (0.05 + 2 * share) * a
    assert not fits(other, 1.001 * a * b / other)


def test_turned_by_a_quarter_width_and_height_change_places() -> None:
    assert upright_deg(LONG, 90.0) == pytest.approx((1.0, 4.0))
    assert upright_deg(LONG, 180.0) == pytest.approx((4.0, 1.0))
    assert upright_deg(CircleField(1.0), 30.0) == upright_deg(CircleField(1.0))


def test_bands_of_turned_fields_cover_the_sky() -> None:
    field = RectangleField(9.0, 5.0)
    grid = Bands.of(field, 0.1, 35.0).everywhere()
    rng = np.random.default_rng(1)
    ra, dec = rng.uniform(0, 360, 3000), np.degrees(np.arcsin(rng.uniform(-1, 1, 3000)))
    assert len(np.unique(members(field, grid, Cells(ra, dec, np.ones(3000)), 35.0))) == 3001  # and the filling


@pytest.mark.parametrize("angle", [0.0, 40.0, 90.0])
def test_a_plan_holds_what_its_turned_fields_hold(angle: float) -> None:
    sky = blob(120.0, 30.0, 5.0)
    camera = replace(telescope(field=RectangleField(4.0, 1.5)), position_angle_deg=angle)
    tiles = plan_tiles(sky, camera, start=START, stop=STOP, exposure_s=120.0, tiles_max=8)
    assert {tile.position_angle_deg for tile in tiles} == {angle}
    stated = sum(tile.probability for tile in tiles)
    assert held_by(sky, [(camera.field, tile) for tile in tiles]) == pytest.approx(stated, abs=0.015)


def test_a_slit_lies_along_a_long_map_only_where_it_is_turned() -> None:
    # the map runs from south-west to north-east: fields turned so hold more of it than upright ones
    ra, dec = np.meshgrid(np.linspace(117.0, 123.0, 121), np.linspace(27.0, 33.0, 121))
    line = np.abs((ra - 120.0) * np.cos(np.radians(dec)) - (dec - 30.0)) < 0.4
    cells = Cells(ra[line], dec[line], np.full(int(line.sum()), 1 / line.sum()))
    tall = RectangleField(1.0, 6.0)
    centre = Centres(np.array([120.0]), np.array([30.0]))
    held = {angle: int((members(tall, centre, cells, angle) < len(cells.ra_deg)).sum()) for angle in (0.0, 45.0, 315.0)}
    assert held[45.0] > 2 * held[0.0]
    assert held[315.0] <= held[0.0]


def test_several_telescopes_keep_their_own_angles() -> None:
    turned = replace(telescope("A", PARANAL, field=RectangleField(3.0, 1.0)), position_angle_deg=60.0)
    upright = telescope("B", PALOMAR, field=CircleField(1.0))
    plans = plan_jointly(blob(60.0, 5.0, 4.0), [turned, upright], start=START, stop=STOP, exposure_s=120.0, tiles_max=4)
    assert [{tile.position_angle_deg for tile in plan.tiles} for plan in plans] == [{60.0}, {0.0}]
    one = one_tile(Place(60.0, 5.0, 0.1), turned, start=START, stop=STOP, exposure_s=60.0)
    assert one is not None
    assert one.position_angle_deg == 60.0


POLICIES = (
    wide_camera("wide", "camera").replace("height_deg = 2.0", "height_deg = 1.0\nposition_angle_deg = 25.0")
    + """
[[policy]]
name = "one"
source = "a test"
cause = "alert"
messengers = ["gravitational_wave"]
facility = "wide"
expires_h = 24.0
exposure_s = 300.0
max_airmass = 2.5
"""
)
GW = replace(
    alert("gw-1", "lvk:S170817", AT2017GFO, 3.0, messenger="gravitational_wave", facility="LVK", event_class="cbc"),
    issued_time=MERGER + timedelta(hours=1),
)


@pytest.mark.parametrize(
    ("more", "asked"),
    [("", 25.0), ("position_angle_deg = 100.0", 100.0), ('ask = "tiles"\ntiles_max = 2', 25.0)],
)
def test_a_request_says_the_angle_of_the_policy_or_else_of_the_telescope(more: str, asked: float) -> None:
    (one,) = Planner(load_policies(POLICIES + more)).step(Inputs(alerts=[GW])).effects
    assert one.state == "proposed"
    assert one.position_angle_deg == asked
    assert {tile.position_angle_deg for tile in tiles_of(one)} == {asked}


def test_a_round_field_is_not_turned() -> None:
    square = "width_deg = 2.0\nheight_deg = 1.0\nposition_angle_deg = 25.0"
    (one,) = Planner(load_policies(POLICIES.replace(square, "radius_deg = 1.0"))).step(Inputs(alerts=[GW])).effects
    assert one.position_angle_deg is None
    turned = POLICIES.replace(square, "radius_deg = 1.0\nposition_angle_deg = 25.0")
    with pytest.raises(SettingsError, match=r"line 7: telescope 'wide': .*position_angle_deg': a round field has none"):
        load_policies(turned)
