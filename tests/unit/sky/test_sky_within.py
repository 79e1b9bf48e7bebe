"""Probability inside regions against sums over pixels; polygons, annuli and their refusals."""

import math

import healpy
import numpy as np
import pytest

from nuncius.broker.sky import SkyMap, geometry
from nuncius.broker.sky.annulus import Annulus, annulus, annulus_cover, annulus_map, crossing
from nuncius.broker.sky.healpix import cell_range
from nuncius.broker.sky.polygon import Polygon, polygon, polygon_cover
from nuncius.broker.sky.profile import TwoPiece
from nuncius.broker.sky.ranges import WHOLE_SKY, Ranges, area_deg2
from nuncius.broker.sky.region import moc_ranges
from nuncius.broker.sky.sphere import separation_deg
from nuncius.broker.sky.within import credible_moc, credible_region, probability_inside
from nuncius.schemas.errors import LimitExceeded
from nuncius.schemas.localization import Cone, Ellipse

PLACES = [(0.0, 0.0), (0.0, 90.0), (77.43, -90.0), (359.9999, 45.0), (197.45, -23.38)]


def random_map(order: int = 3) -> SkyMap:
    start, stop = cell_range(order, np.arange(12 << (2 * order)))
    return SkyMap.from_ranges(start, stop, np.random.default_rng(4).exponential(size=len(start)))


def brute(sky: SkyMap, cone: Cone, nside: int) -> float:
    """Sum over the pixels of a high order whose centres healpy finds within the circle."""
    centre = healpy.ang2vec(cone.ra, cone.dec, lonlat=True)
    inside = healpy.query_disc(nside, centre, math.radians(cone.radius), nest=True)
    ra, dec = healpy.pix2ang(nside, inside, nest=True, lonlat=True)
    return float(np.sum(np.asarray(sky.probdensity(ra, dec))) * healpy.nside2pixarea(nside))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("radius", [3.0, 20.0, 100.0])
def test_a_circle_holds_what_its_pixels_hold(place: tuple[float, float], radius: float) -> None:
    sky, cone = random_map(), Cone(*place, radius)
    nside = {3.0: 8192, 20.0: 2048, 100.0: 256}[radius]
    assert probability_inside(sky, cone) == pytest.approx(brute(sky, cone, nside), rel=3e-3)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("radius", [1e-3, 0.1, 10.0])
def test_a_circle_of_a_uniform_map_holds_its_area(place: tuple[float, float], radius: float) -> None:
    uniform = SkyMap.from_ranges(*WHOLE_SKY, np.ones(1))
    assert probability_inside(uniform, Cone(*place, radius)) == pytest.approx(
        math.sin(math.radians(radius) / 2) ** 2, rel=1e-3
    )


@pytest.mark.parametrize("place", PLACES)
def test_a_gaussian_holds_its_containment_wherever_it_is(place: tuple[float, float]) -> None:
    sky = geometry(Cone(*place, 3.0, 0.9), tolerance=1e-5)
    assert sky is not None
    assert probability_inside(sky, Cone(*place, 3.0)) == pytest.approx(0.9, abs=2e-3)
    ellipse = Ellipse(*place, 2.0, 1.0, 0.5, 0.8, 30.0, 0.9)
    skewed = geometry(ellipse, tolerance=1e-5)
    assert skewed is not None
    assert probability_inside(skewed, ellipse) == pytest.approx(0.9, abs=3e-3)


def test_an_ellipse_holds_what_its_pixels_hold() -> None:
    sky = random_map(4)
    shape = Ellipse(10.0, 80.0, 12.0, 5.0, 3.0, 7.0, 25.0)
    ra, dec = healpy.pix2ang(256, np.arange(12 * 256**2), nest=True, lonlat=True)
    inside = TwoPiece(10.0, 80.0, 12.0, 5.0, 3.0, 7.0, 25.0).coordinate(ra, dec) <= 1
    expected = float(np.sum(np.asarray(sky.probdensity(ra[inside], dec[inside]))) * healpy.nside2pixarea(256))
    assert probability_inside(sky, shape) == pytest.approx(expected, rel=5e-3)


def test_ranges_hold_exactly_their_share() -> None:
    sky = random_map()
    assert probability_inside(sky, WHOLE_SKY) == pytest.approx(1.0, rel=1e-12)
    half = Ranges(sky.start[100:101], sky.start[100:101] + (sky.stop - sky.start)[100] // 2)
    assert probability_inside(sky, half) == pytest.approx(sky.density[100] * sky.solid_angle_sr[100] / 2, rel=1e-12)


def test_the_credible_region_is_the_smallest_that_holds_the_level() -> None:
    sky = random_map()
    held = np.sort(sky.density * sky.solid_angle_sr)[::-1]
    for level in (0.1, 0.5, 0.9, 1.0):
        region = credible_region(sky, level)
        count = min(int(np.searchsorted(np.cumsum(held), level - 1e-9)) + 1, len(held))
        assert area_deg2(*region) == pytest.approx(count * 41252.961249419 / 768)
        assert probability_inside(sky, region) == pytest.approx(held[:count].sum(), rel=1e-9)
    assert probability_inside(sky, credible_moc(sky, 0.9)) >= 0.9
    with pytest.raises(ValueError, match="level"):
        credible_region(sky, 0.0)


def test_an_octant_is_an_eighth_in_either_sense() -> None:
    corners = [(0.0, 0.0), (90.0, 0.0), (0.0, 90.0)]
    for shape in (Polygon.of(corners), Polygon.of(corners[::-1]), Polygon.of([*corners, corners[0]])):
        assert shape.area_sr == pytest.approx(math.pi / 2)
        cover = polygon_cover(shape, order=7)
        full = area_deg2(cover.start[cover.full], cover.stop[cover.full])
        assert full < 41252.961249419 / 8 < area_deg2(*cover.ranges) < 1.1 * full
    assert area_deg2(*moc_ranges(polygon(corners).moc)) == pytest.approx(41252.961249419 / 8, rel=0.05)


@pytest.mark.parametrize(
    "corners",
    [
        [(0.0, 0.0), (1.0, 0.0)],
        [(0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0)],
        [(0.0, 0.0), (1.0, 0.0), (1.0, 0.0), (0.0, 1.0)],
        [(0.0, 0.0), (180.0, 0.0), (0.0, 90.0)],
        [(0.0, 0.0), (2.0, 0.0), (1.0, 0.0)],
        [(0.0, 0.0), (120.0, 0.0), (240.0, 0.0)],
        [(0.0, 0.0), (1.0, 0.0), (0.0, 91.0)],
        [(0.0, 0.0), (math.nan, 0.0), (0.0, 1.0)],
        [(0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (1.0, 0.0), (0.0, 2.0)],
    ],
)
def test_a_polygon_without_an_inside_is_refused(corners: list[tuple[float, float]]) -> None:
    with pytest.raises(ValueError, match=r"polygon|position"):
        Polygon.of(corners)


@pytest.mark.parametrize("place", PLACES)
def test_an_annulus_has_the_area_between_its_circles(place: tuple[float, float]) -> None:
    cover = annulus_cover(Annulus(*place, 40.0, 2.0), order=8)
    area = 2 * math.pi * (math.cos(math.radians(38)) - math.cos(math.radians(42))) * math.degrees(1) ** 2
    assert area_deg2(cover.start[cover.full], cover.stop[cover.full]) < area < area_deg2(*cover.ranges) < 1.2 * area


@pytest.mark.parametrize("place", PLACES)
def test_an_annulus_map_is_a_gaussian_across(place: tuple[float, float]) -> None:
    sky = annulus_map(*place, 30.0, 1.0)
    inside = probability_inside(sky, Cone(*place, 31.0)) - probability_inside(sky, Cone(*place, 29.0))
    apart = np.linspace(24, 36, 4801)
    weight = np.exp(-0.5 * (apart - 30) ** 2) * np.sin(np.radians(apart))
    assert inside == pytest.approx(weight[np.abs(apart - 30) <= 1].sum() / weight.sum(), abs=0.015)


def test_annuli_cross_where_both_are() -> None:
    """Rings of 30 degrees around two centres 50 degrees apart on the equator meet at two places, by the cosine rule."""
    both = moc_ranges(crossing((Annulus(0, 0, 30, 0.5), Annulus(50, 0, 30, 0.5)), 0.9).moc)
    dec = math.degrees(math.acos(math.cos(math.radians(30)) / math.cos(math.radians(25))))
    sky = SkyMap.from_ranges(*both, np.ones(len(both.start)))
    for sign in (-1, 1):
        assert sky.credible_level(25.0, sign * dec) == pytest.approx(1.0)
        assert sky.probdensity(25.0, sign * dec) > 0
    ra, lat = sky.centres
    assert np.all(np.asarray(separation_deg(25.0, dec, ra, np.abs(lat))) < 2.5)
    with pytest.raises(ValueError, match="meet"):
        crossing((Annulus(0, 0, 5, 0.5), Annulus(90, 0, 5, 0.5)), 0.9)
    with pytest.raises(ValueError, match="annulus"):
        annulus(0, 0, 5, 0, 0.9)


def test_an_annulus_too_narrow_for_a_map_is_refused() -> None:
    with pytest.raises(LimitExceeded, match="use the region"):
        annulus_map(77.4, 5.7, 90.0, 0.02)
