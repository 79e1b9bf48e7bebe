"""Combined maps: products by hand, and their distances against a product done by counting."""

import numpy as np
import pytest

from nuncius.broker.sky import Cone, SkyMap
from nuncius.broker.sky.combine import combined
from nuncius.broker.sky.distance import line_of_sight, normalised, whole_sky
from nuncius.broker.sky.healpix import cell_range, position
from nuncius.broker.sky.volume import Volume

RA, DEC = position(0, np.arange(12))


def made(weights: list[float], mu: list[float], sigma: list[float]) -> SkyMap:
    """Tiles of order 0 with their distances."""
    location, scale = np.array(mu), np.array(sigma)
    distance = np.stack((location, scale, normalised(location, scale)))
    return SkyMap.from_ranges(*cell_range(0, np.arange(len(mu))), np.array(weights), distance=distance)


A = made([1.0, 2.0], [100.0, 50.0], [20.0, 30.0])
B = made([3.0, 1.0], [120.0, 80.0], [10.0, 40.0])


def test_the_product_is_that_of_the_densities_in_space() -> None:
    both = combined(A, B)
    distance = np.linspace(1, 300, 50)
    for tile in (0, 1):
        product = Volume(A).density(RA[tile], DEC[tile], distance) * Volume(B).density(RA[tile], DEC[tile], distance)
        got = Volume(both).density(RA[tile], DEC[tile], distance)
        scale = got / product
        assert scale == pytest.approx(np.full(50, scale[0]), rel=1e-9)
        if tile == 0:
            first = scale[0]
        else:
            assert scale[0] == pytest.approx(first, rel=1e-9)
    assert both.distance_mean_mpc == pytest.approx(whole_sky(both).mean_mpc)


def test_it_is_symmetric() -> None:
    one, other = combined(A, B), combined(B, A)
    assert np.array_equal(one.start, other.start)
    assert one.density == pytest.approx(other.density, rel=1e-12)
    assert one.distance_mu == pytest.approx(other.distance_mu, rel=1e-12)


def test_a_map_without_distances_keeps_those_of_the_other() -> None:
    bare = SkyMap.from_ranges(*cell_range(1, np.arange(8)), np.arange(1.0, 9.0))
    both = combined(A, bare)
    assert both.tiles == 8
    assert both.distance_mu is not None
    assert both.distance_mu.tolist() == [100.0] * 4 + [50.0] * 4
    shares = np.repeat([1.0, 2.0], 4) * np.arange(1.0, 9.0)
    assert both.density * both.solid_angle_sr == pytest.approx(shares / shares.sum())
    assert combined(bare, bare).distance_mu is None


def test_a_circle_sharpens_a_map() -> None:
    circle = Cone(ra=float(RA[0]), dec=float(DEC[0]), radius=5.0, containment=0.9)
    both = combined(circle, A)
    assert float(both.area(0.9)) < 100
    assert both.distance_mean_mpc == pytest.approx(line_of_sight(A, RA[0], DEC[0]).mean_mpc, rel=1e-6)


def test_what_excludes_each_other_is_refused() -> None:
    far = SkyMap.from_ranges(*cell_range(0, np.array([9])), np.ones(1))
    with pytest.raises(ValueError, match="exclude"):
        combined(A, far)
