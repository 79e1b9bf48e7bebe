"""Covers of circles, ellipses, annuli and polygons anywhere on the sphere, against distances and angles at points."""

import math

import numpy as np
import pytest
from how_many import examples
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nuncius.broker.sky import healpix
from nuncius.broker.sky.annulus import Annulus, annulus_cover
from nuncius.broker.sky.cover import Cover, circle_cover
from nuncius.broker.sky.ellipse import ellipse_cover
from nuncius.broker.sky.healpix import BoolArray, FloatArray, IntArray
from nuncius.broker.sky.polygon import Polygon, polygon_cover
from nuncius.broker.sky.profile import TwoPiece
from nuncius.broker.sky.ranges import (
    NOTHING,
    Ranges,
    area_deg2,
    cells,
    complement,
    contains,
    degraded,
    difference,
    intersection,
    joined,
)
from nuncius.broker.sky.sphere import separation_deg
from nuncius.schemas.localization import Ellipse

ra_deg = st.one_of(st.sampled_from([0.0, 45.0, 90.0, 180.0, 359.9999999]), st.floats(0, 360, exclude_max=True))
dec_deg = st.one_of(
    st.sampled_from([-90.0, 90.0, 0.0, 89.9999, math.degrees(math.asin(2 / 3))]),
    st.floats(-1, 1).map(lambda z: math.degrees(math.asin(z))),
)
radii = st.floats(-4, math.log10(180)).map(lambda power: min(10.0**power, 180.0))
seeds = st.integers(0, 2**32 - 1)
SHIFT = 2 * (healpix.ORDER - 1)
cells_of_order_1 = st.sets(st.integers(0, 47))


def around(ra: float, dec: float, apart_deg: FloatArray, seed: int) -> tuple[FloatArray, FloatArray]:
    """Positions at distances from a centre, bearings drawn."""
    bearing = np.random.default_rng(seed).uniform(0, 2 * np.pi, len(apart_deg))
    apart, lat = np.radians(np.minimum(apart_deg, 180)), math.radians(dec)
    height = math.sin(lat) * np.cos(apart) + math.cos(lat) * np.sin(apart) * np.cos(bearing)
    east = np.sin(bearing) * np.sin(apart)
    north = math.cos(lat) * np.cos(apart) - math.sin(lat) * np.sin(apart) * np.cos(bearing)
    return ra + np.degrees(np.arctan2(east, north)), np.degrees(np.arctan2(height, np.hypot(east, north)))


def found(cover: Cover, ra: FloatArray, dec: FloatArray) -> tuple[BoolArray, BoolArray]:
    points = healpix.pixel(ra, dec)
    assert np.all(cover.start < cover.stop)
    assert np.all(cover.stop[:-1] <= cover.start[1:])
    return contains(cover.ranges, points), contains(Ranges(cover.start[cover.full], cover.stop[cover.full]), points)


def distances(radius: float, seed: int) -> FloatArray:
    rng = np.random.default_rng(seed)
    near = radius * np.concatenate((rng.uniform(0, 1.4, 100), 1 + rng.normal(0, 1e-3, 50)))
    return np.concatenate((near, rng.uniform(0, 180, 50)))


@given(ra_deg, dec_deg, radii, seeds)
def test_a_circle_is_covered_and_full_ranges_lie_inside(ra: float, dec: float, radius: float, seed: int) -> None:
    cover = circle_cover(ra, dec, radius)
    lon, lat = around(ra, dec, distances(radius, seed), seed)
    apart = np.asarray(separation_deg(ra, dec, lon, lat))
    touched, full = found(cover, lon, lat)
    assert np.all(touched[apart <= radius])
    assert np.all(apart[full] <= radius + 1e-11)
    assert len(cover.start) < 400
    # and it is no cover of everything: a cell is about an eighth of the radius wide, at most 1.5 times that
    if radius < 90:
        assert not np.any(touched[apart > 1.5 * radius])


@given(ra_deg, dec_deg, st.floats(0, 180), st.floats(0.05, 60), seeds)
def test_an_annulus_is_covered_and_full_ranges_lie_inside(
    ra: float, dec: float, radius: float, half: float, seed: int
) -> None:
    cover = annulus_cover(Annulus(ra, dec, radius, half), order=6)
    rng = np.random.default_rng(seed)
    drawn = np.concatenate((radius + half * rng.uniform(-2, 2, 150), rng.uniform(0, 180, 50)))
    lon, lat = around(ra, dec, np.clip(drawn, 0, 180), seed)
    off = np.abs(np.asarray(separation_deg(ra, dec, lon, lat)) - radius)
    touched, full = found(cover, lon, lat)
    assert np.all(touched[off <= half])
    assert np.all(off[full] <= half + 1e-11)
    assert not np.any(touched[off > half + 2.0])


@settings(max_examples=examples(50))
@given(ra_deg, dec_deg, st.tuples(*[st.floats(-3, 1.5).map(lambda p: 10.0**p)] * 4), st.floats(0, 180), seeds)
def test_an_ellipse_is_covered_and_full_ranges_lie_inside(
    ra: float, dec: float, axes: tuple[float, float, float, float], turn: float, seed: int
) -> None:
    assume(max(axes) < 30 * min(axes))
    cover = ellipse_cover(Ellipse(ra, dec, *axes, turn))
    lon, lat = around(ra, dec, distances(max(axes), seed), seed)
    inside = TwoPiece(ra, dec, *axes, turn).coordinate(lon, lat)
    touched, full = found(cover, lon, lat)
    assert np.all(touched[inside <= 1])
    assert np.all(inside[full] <= 1 + 1e-9)


@settings(max_examples=examples(30))
@given(ra_deg, dec_deg, st.floats(-3, 1.7).map(lambda p: 10.0**p), st.integers(3, 9), seeds)
def test_a_star_polygon_is_covered_and_full_ranges_lie_inside(
    ra: float, dec: float, size: float, corners: int, seed: int
) -> None:
    """Against the parity of crossings in the gnomonic plane, where great circles are straight."""
    rng = np.random.default_rng(seed)
    centre = healpix.vectors(ra, dec)
    east = np.array([-math.sin(math.radians(ra)), math.cos(math.radians(ra)), 0.0])
    north = np.cross(centre, east)
    angle = 2 * np.pi * (np.arange(corners) + rng.uniform(-0.2, 0.2, corners)) / corners
    reach = math.tan(math.radians(size)) * rng.uniform(0.3, 1, corners)
    plane = np.stack((reach * np.cos(angle), reach * np.sin(angle)), axis=1)
    shape = Polygon.of(to_sky(plane, centre, east, north)[:: rng.choice([-1, 1])])
    points = math.tan(math.radians(size)) * rng.uniform(-1.2, 1.2, (300, 2))
    lon, lat = np.array(to_sky(points, centre, east, north)).T
    inside = parity(plane, points)
    touched, full = found(polygon_cover(shape), lon, lat)
    assert np.all(touched[inside])
    assert np.all(inside[full])
    assert area_deg2(*complement(complement(polygon_cover(shape).ranges))) * math.radians(1) ** 2 >= shape.area_sr


def to_sky(plane: FloatArray, *frame: FloatArray) -> list[tuple[float, float]]:
    x, y, z = (frame[0] + plane @ np.stack(frame[1:])).T
    return list(zip(np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y))), strict=True))


def parity(corners: FloatArray, points: FloatArray) -> BoolArray:
    inside: BoolArray = np.zeros(len(points), np.bool_)
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        x, y = points.T
        inside ^= ((y1 > y) != (y2 > y)) & (x < (x2 - x1) * (y - y1) / (y2 - y1 or 1.0) + x1)
    return inside


def ranged(numbers: set[int]) -> Ranges:
    start = np.array(sorted(numbers), np.int64) << SHIFT
    return joined(Ranges(start, start + (1 << SHIFT))) if numbers else NOTHING


def unranged(ranges: Ranges) -> set[int]:
    order, number = cells(ranges)
    assert np.all(order <= 1)
    out: set[int] = set()
    for o, n in zip(order.tolist(), number.tolist(), strict=True):
        out |= {n} if o == 1 else set(range(4 * n, 4 * n + 4))
    return out


@given(cells_of_order_1, cells_of_order_1)
def test_ranges_are_sets(a: set[int], b: set[int]) -> None:
    one, two = ranged(a), ranged(b)
    assert unranged(joined(one, two)) == a | b
    assert unranged(intersection(one, two)) == a & b
    assert unranged(difference(one, two)) == a - b
    assert unranged(complement(one)) == set(range(48)) - a
    assert unranged(degraded(one, 0)) == {n for n in range(48) if any(n >> 2 == m >> 2 for m in a)}
    middle: IntArray = (np.arange(48, dtype=np.int64) << SHIFT) + 12345
    assert set(np.flatnonzero(contains(one, middle)).tolist()) == a
    assert area_deg2(*one) == pytest.approx(len(a) / 48 * 41252.961249419)
