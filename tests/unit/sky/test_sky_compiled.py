"""What numba computes and what numpy computes are the same bits."""

from importlib import import_module

import numpy as np
import pytest

from nuncius.broker.sky import SkyMap, healpix, lookup, map_overlap
from nuncius.broker.sky.compiled import load
from nuncius.broker.sky.lookup import Lookup

RNG = np.random.default_rng(4)
ODD = np.array([0, 90, 180, 270, 360, -0.0, np.nextafter(360, 0), 45, -1e-20, 1e-300, 719.5, -359.25])
RA = np.concatenate((RNG.uniform(0, 360, 20_000), np.repeat(ODD, 91)))
DEC = np.concatenate((np.degrees(np.arcsin(RNG.uniform(-1, 1, 20_000))), np.tile(np.linspace(-90, 90, 91), len(ODD))))


def without(monkeypatch: pytest.MonkeyPatch) -> None:
    for room in (healpix, lookup, import_module("nuncius.broker.sky.overlap")):
        monkeypatch.setattr(room, "kernels", lambda _: None)


def made_map(seed: int, tiles: int = 3000) -> SkyMap:
    rng = np.random.default_rng(seed)
    cut = np.unique(rng.integers(0, healpix.PIXELS, 2 * tiles))
    start, stop = cut[:-1:2], cut[1::2]
    return SkyMap.from_ranges(start, stop, rng.random(len(start)))


def test_the_compiled_loops_are_there() -> None:
    assert load() is not None


def test_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = healpix.pixel(RA, DEC)
    without(monkeypatch)
    assert np.array_equal(fast, healpix.pixel(RA, DEC))
    assert np.array_equal(fast[:50], [int(healpix.pixel(ra, dec)) for ra, dec in zip(RA[:50], DEC[:50], strict=True)])


def test_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = healpix.vectors(RA, DEC)
    without(monkeypatch)
    assert np.array_equal(fast, healpix.vectors(RA, DEC))
    assert np.allclose(np.linalg.norm(fast, axis=1), 1, atol=1e-15)
    ra, dec = np.radians(RA), np.radians(DEC)
    assert np.allclose(fast[:, 0], np.cos(dec) * np.cos(ra), atol=2e-15)


def test_everything_at_points(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = made_map(1).at(RA, DEC)
    without(monkeypatch)
    for one, two in zip(fast, made_map(1).at(RA, DEC), strict=True):
        assert np.array_equal(one, two, equal_nan=True)


def test_overlaps(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = map_overlap(made_map(1), made_map(2, 40))
    without(monkeypatch)
    assert fast == map_overlap(made_map(1), made_map(2, 40)) > 0


@pytest.mark.parametrize("count", [1, 2, 70, 5000])
def test_ranges_are_found_as_by_bisection(count: int) -> None:
    sky = made_map(count, count)
    ends = np.concatenate((sky.start, sky.stop - 1, sky.stop, sky.start - 1))
    beyond = [-1, -(1 << 60), healpix.PIXELS, healpix.PIXELS + 10**10, np.iinfo(np.int64).max]
    points = np.concatenate((RNG.integers(0, healpix.PIXELS, 3000), ends, beyond))
    index = np.searchsorted(sky.start, points, side="right") - 1
    expected = np.where((index >= 0) & (points < sky.stop[index]), index, -1)
    assert np.array_equal(Lookup(sky.start, sky.stop).find(points), expected)
    assert np.array_equal(Lookup(sky.start, sky.stop).find(points[-5:]), [-1] * 5)
    assert Lookup(sky.start, sky.stop).find(points.reshape(-1, 1)).shape == (len(points), 1)
