"""Circles, ellipses and regions as maps."""

import math

import numpy as np
import pytest
from mocpy import MOC
from sky_files import multi_order

from nuncius.broker.sky import (
    Cone,
    Ellipse,
    Region,
    SkyMap,
    SkyMapRef,
    geometry,
    moc_ranges,
    overlap,
    point,
    separation_deg,
)
from nuncius.broker.sky.healpix import PIXEL_AREA_SR
from nuncius.broker.sky.ranges import area_deg2
from nuncius.schemas.errors import MalformedAlert
from nuncius.schemas.localization import Localization, Shape

PLACES = [(0.0, 0.0), (0.0, 90.0), (77.43, -90.0), (359.9999, 45.0), (197.45, -23.38), (30.0, 41.81)]


def tiled(shape: Shape | Localization) -> SkyMap:
    sky = geometry(shape)
    assert sky is not None
    return sky


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("radius", [0.0003, 0.08, 1.0, 11.6, 40.0])
def test_a_cone_holds_its_containment_within_its_radius(place: tuple[float, float], radius: float) -> None:
    sky = tiled(Cone(*place, radius, 0.9))
    cap_deg2 = 2 * math.pi * (1 - math.cos(math.radians(radius))) * math.degrees(1) ** 2
    if radius < 0.01:
        cap_deg2 = math.pi * radius**2
    assert sky.area(0.9) == pytest.approx(cap_deg2, rel=0.01)
    assert separation_deg(*sky.mean(), *place) < 0.01 * radius
    assert np.sum(sky.density * (sky.stop - sky.start) * PIXEL_AREA_SR) == pytest.approx(1.0, rel=1e-12)
    assert 500 < sky.tiles < 6000


@pytest.mark.parametrize("containment", [0.39, 0.5, 0.6827, 0.9, 0.95])
def test_containment_scales_by_rayleigh(containment: float) -> None:
    """Sigma 1 degree holds C within sqrt(-2 ln(1 - C)) degrees: 90 % within 2.146."""
    radius = math.sqrt(-2 * math.log(1 - containment))
    sky = tiled(Cone(200.0, 30.0, radius, containment))
    assert sky.area(0.9) == pytest.approx(math.pi * 2.146**2, rel=0.01)


def test_the_radial_profile_is_a_gaussian() -> None:
    sky = tiled(Cone(10.0, 20.0, 2.146, 0.9))
    for distance in (0.0, 0.5, 1.0, 2.0):
        ring = np.arange(0, 360, 7.0)
        dec = 20 + distance * np.cos(np.radians(ring))
        ra = 10 + distance * np.sin(np.radians(ring)) / np.cos(np.radians(dec))
        mean = np.mean(sky.probdensity(ra, dec))
        expected = math.exp(-0.5 * distance**2) / (2 * math.pi) * math.degrees(1) ** 2
        assert mean == pytest.approx(expected, rel=0.02)


def test_a_point_is_one_pixel_and_a_whole_sky_radius_is_uniform() -> None:
    assert tiled(Cone(10.0, 20.0, 0.0, 1.0)).tiles == 1
    assert tiled(Cone(10.0, 20.0, 180.0, 0.9)).tiles == 12
    assert tiled(Cone(10.0, 20.0, 360.0, 0.9)).area(0.5) == pytest.approx(41252.96 / 2)


def test_containment_one_is_a_disc_with_a_border() -> None:
    sky = tiled(Cone(10.0, 85.0, 3.0, 1.0))
    assert sky.area(0.9) == pytest.approx(0.9 * math.pi * 9, rel=0.01)
    assert sky.probdensity(10.0, 88.5) == 0.0
    assert sky.probdensity(10.0, 87.0) == pytest.approx(sky.probdensity(10.0, 85.0))


@pytest.mark.parametrize(
    "cone",
    [
        Cone(10.0, 20.0, -1.0, 0.9),
        Cone(10.0, 20.0, 361.0, 0.9),
        Cone(10.0, 95.0, 1.0, 0.9),
        Cone(math.nan, 0.0, 1.0, 0.9),
        Cone(10.0, 20.0, 1.0, 0.0),
        Cone(10.0, 20.0, 1.0, 1.5),
        Cone(10.0, 20.0, math.nan, 0.9),
    ],
)
def test_an_impossible_cone_is_refused(cone: Cone) -> None:
    with pytest.raises(MalformedAlert):
        geometry(cone)


def test_asymmetric_errors_hold_their_containment() -> None:
    """IC-170922A: RA -0.80/+1.30, Dec -0.40/+0.70 at 90 % (GCN 21916), here as degrees on the sky."""
    shape = Ellipse(77.43, 5.72, 0.80, 1.30, 0.40, 0.70, containment=0.9)
    sky = tiled(shape)
    assert sky.area(0.9) == pytest.approx(math.pi / 4 * 2.10 * 1.10, rel=0.01)
    assert sky.probdensity(77.43 + 1.3, 5.72) == pytest.approx(0.1 * sky.probdensity(77.43, 5.72), rel=0.15)
    assert sky.probdensity(77.43 - 0.8, 5.72) == pytest.approx(0.1 * sky.probdensity(77.43, 5.72), rel=0.15)
    assert sky.probdensity(77.43, 5.72 - 0.4) == pytest.approx(0.1 * sky.probdensity(77.43, 5.72), rel=0.15)
    found = point(shape)
    assert found is not None
    assert found == pytest.approx((77.43, 5.72, 1.30))


def test_an_ellipse_turns_from_east_towards_north() -> None:
    upright = tiled(Ellipse(120.0, 0.0, 1.0, 1.0, 0.2, 0.2, position_angle=90.0))
    assert upright.probdensity(120.0, 0.8) > 100 * upright.probdensity(120.8, 0.0)
    slanted = tiled(Ellipse(120.0, 0.0, 1.0, 1.0, 0.2, 0.2, position_angle=45.0))
    assert slanted.probdensity(120.5, 0.5) > 100 * slanted.probdensity(119.5, 0.5)


def test_a_region_is_uniform_inside_and_nothing_outside() -> None:
    moc = MOC.from_cone(lon=deg(10), lat=deg(20), radius=deg(5), max_depth=9)
    sky = tiled(Region(moc.to_string(format="ascii"), 0.9))
    area = moc.sky_fraction * 4 * np.pi * np.degrees(1) ** 2
    assert sky.area(0.9) == pytest.approx(0.9 * area, rel=1e-9)
    assert overlap(sky, Cone(10.0, 20.0, 0.0, 1.0)) == pytest.approx(1 / moc.sky_fraction, rel=1e-9)
    assert sky.probdensity(10.0, 26.0) == 0.0


def deg(value: float) -> object:
    from astropy import units

    return value * units.deg


@pytest.mark.parametrize("text", ["4/1241 1244 5/4941-4943", "s4/1241,1244 5/4941-4943 29/", "0/0-11"])
def test_moc_text_is_read_as_mocpy_reads_it(text: str) -> None:
    start, stop = moc_ranges(text)
    expected = MOC.from_string(text.removeprefix("s").replace(",", " "))
    assert np.array_equal(np.stack((start, stop), axis=1), expected.to_depth29_ranges)
    assert area_deg2(start, stop) == pytest.approx(expected.sky_fraction * 41252.961249419, rel=1e-9)


def test_cells_that_overlap_or_touch_are_joined() -> None:
    start, stop = moc_ranges("29/7 1/3 1/3-5 2/12 0/0")
    assert (start.tolist(), stop.tolist()) == ([0], [6 << 56])


@pytest.mark.parametrize("text", ["", "4/", "12 13", "4/x", "30/1", "0/12", "3/5-4", "t61/1 s29/0-2", "4/-1", "99/1"])
def test_what_is_no_space_moc_is_refused(text: str) -> None:
    with pytest.raises(MalformedAlert, match="MOC"):
        moc_ranges(text)


def test_a_map_is_found_by_its_hash_or_in_its_reference() -> None:
    data = multi_order(np.arange(4, 16), np.arange(12.0))
    sky = SkyMap.read(data)
    assert geometry(SkyMapRef("abc", 1), {"abc": sky}) is sky
    assert geometry(SkyMapRef("abc", 1)) is None
    carried = tiled(SkyMapRef("abc", len(data), data=data))
    assert np.array_equal(carried.density, sky.density)
    with pytest.raises(ValueError, match="read it"):
        overlap(SkyMapRef("abc", 1), sky)


def test_point_gives_the_ninety_per_cent_radius() -> None:
    found = point(Localization(Cone(10.0, 20.0, 1.0, 0.5), systematic_included=True))
    assert found is not None
    assert found == pytest.approx((10.0, 20.0, 1.8226), rel=1e-4)
    assert point(Cone(10.0, 20.0, 0.0, 1.0)) == (10.0, 20.0, 0.0)
    assert point(Region("4/12")) is None
