import math
import subprocess
import sys

import healpy
import numpy as np
import pytest

from nuncius.broker.sky import healpix
from nuncius.broker.sky.coarsen import merge_equal, ring_to_nested
from nuncius.broker.sky.sphere import offsets_deg, separation_deg

RNG = np.random.default_rng(20170817)
RA = RNG.uniform(0, 360, 50_000)
DEC = np.degrees(np.arcsin(RNG.uniform(-1, 1, 50_000)))


def test_pixels_are_those_of_healpy() -> None:
    expected = healpy.ang2pix(1 << 29, RA, DEC, nest=True, lonlat=True)
    assert np.array_equal(healpix.pixel(RA, DEC), expected)


@pytest.mark.parametrize("distance", [1e-10, 1e-7, 1e-3, 1.0])
def test_pixels_near_the_poles_are_those_of_healpy(distance: float) -> None:
    dec = np.concatenate((np.full(100, 90 - distance), np.full(100, distance - 90)))
    expected = healpy.ang2pix(1 << 29, RA[:200], dec, nest=True, lonlat=True)
    # healpy works from the colatitude, which rounds at the poles: one order-29 pixel is 1e-7 degrees
    shift = 2 * 4
    assert np.array_equal(healpix.pixel(RA[:200], dec) >> shift, expected >> shift)


@pytest.mark.parametrize("ra", [0.0, 360.0, -360.0, 720.0, -1e-17])
def test_right_ascension_wraps(ra: float) -> None:
    assert healpix.pixel(ra, 12.0) == healpix.pixel(0.0, 12.0)


@pytest.mark.parametrize("dec", [41.810314895778596, 41.81031489577859, -41.810314895778596, 0.0, 60.0, 90.0])
def test_just_below_360_degrees_is_next_to_360(dec: float) -> None:
    """Hypothesis found the corner of four faces, where rounding carries the position over a whole turn."""
    number = healpix.pixel(math.nextafter(360.0, 0.0), dec) >> (2 * 11)
    ra, back = healpix.position(18, number)
    assert separation_deg(float(ra), float(back), 0.0, dec) < 1e-3


@pytest.mark.parametrize(("ra", "dec"), [(math.nan, 0.0), (math.inf, 0.0), (0.0, 90.1), (0.0, math.nan)])
def test_a_position_off_the_sphere_is_refused(ra: float, dec: float) -> None:
    with pytest.raises(ValueError, match="not finite or its declination"):
        healpix.pixel(ra, dec)


@pytest.mark.parametrize("order", [0, 1, 2, 5, 11, 17, 29])
def test_centres_are_those_of_healpy(order: int) -> None:
    number = np.unique(RNG.integers(0, 12 << (2 * order), 3000))
    ra, dec = healpix.position(order, number)
    expected_ra, expected_dec = healpy.pix2ang(1 << order, number, nest=True, lonlat=True)
    assert np.max(separation_deg(ra, dec, expected_ra, expected_dec)) < 1e-9
    assert np.array_equal(healpix.pixel(ra, dec) >> (2 * (29 - order)), number)


@pytest.mark.parametrize("order", range(15))
def test_cell_radius_is_that_of_healpy(order: int) -> None:
    assert healpix.cell_radius_rad(order) == pytest.approx(healpy.max_pixrad(1 << order), rel=1e-6)


@pytest.mark.parametrize("order", [0, 1, 4, 7, 9])
def test_ring_numbers_are_those_of_healpy(order: int) -> None:
    ring = np.arange(12 << (2 * order)) if order < 9 else np.unique(RNG.integers(0, 12 << (2 * order), 20_000))
    assert np.array_equal(ring_to_nested(order, ring), healpy.ring2nest(1 << order, ring))


def test_equal_siblings_become_their_parent_and_others_stay() -> None:
    values = np.repeat([7.0, 8.0], 16)
    values[17] = 9.0
    cells = {
        (order, int(number)): float(value)
        for order, numbers, (column,) in merge_equal(32, 6, (values,))
        for number, value in zip(numbers, column, strict=True)
    }
    expected = {(4, 2): 7.0, (5, 13): 8.0, (5, 14): 8.0, (5, 15): 8.0}
    expected |= {(6, 48): 8.0, (6, 49): 9.0, (6, 50): 8.0, (6, 51): 8.0}
    assert cells == expected


def test_cells_that_differ_in_one_column_only_stay_apart() -> None:
    same, other = np.ones(48), np.ones(48)
    other[5] = 2.0
    cells = sum(len(numbers) for _, numbers, _ in merge_equal(0, 1, (same, other)))
    assert cells == 11 + 4


def test_separation_keeps_its_digits_nearby_and_across() -> None:
    assert separation_deg(10.0, 80.0, 10.0, 80.0 + 1e-9) == pytest.approx(1e-9, rel=1e-5)
    assert separation_deg(0.0, 90.0, 123.0, -90.0) == pytest.approx(180.0)
    assert separation_deg(359.5, 0.0, 0.5, 0.0) == pytest.approx(1.0)
    # NGC 4993 from the centre of the GBM ground notice of GRB 170817A: 27 degrees off
    assert separation_deg(186.62, -48.84, 197.450354, -23.381484) == pytest.approx(27.0, abs=0.5)


def test_offsets_keep_distance_and_bearing() -> None:
    east, north = offsets_deg(359.9, 60.0, np.array([0.1, 359.9]), np.array([60.0, 62.0]))
    assert east[0] == pytest.approx(0.1, rel=1e-3)  # 0.2 degrees of RA at declination 60
    assert (east[1], north[1]) == pytest.approx((0.0, 2.0), abs=1e-12)
    assert np.hypot(east[0], north[0]) == pytest.approx(separation_deg(359.9, 60.0, 0.1, 60.0))


def test_importing_the_room_loads_no_heavy_library() -> None:
    code = (
        "import sys, nuncius.broker.sky\n"
        "heavy = {'astropy', 'healpy', 'numba', 'mocpy', 'cdshealpix', 'matplotlib', 'scipy'} & set(sys.modules)\n"
        "sys.exit(','.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
