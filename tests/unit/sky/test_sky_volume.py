"""Levels and volumes in space against integrals done by counting, and small maps by hand."""

import math

import numpy as np
import pytest

from nuncius.broker.sky import SkyMap
from nuncius.broker.sky.distance import from_moments, line_of_sight, moments, normalised, second_moment, whole_sky
from nuncius.broker.sky.healpix import cell_range, position
from nuncius.broker.sky.normal import upper_tail
from nuncius.broker.sky.volume import TABLE_TOLERANCE, Volume

RA, DEC = position(0, np.arange(12))


def made(weights: list[float], mu: list[float], sigma: list[float]) -> SkyMap:
    """Tiles of order 0 with their distances."""
    location, scale = np.array(mu), np.array(sigma)
    distance = np.stack((location, scale, normalised(location, scale)))
    return SkyMap.from_ranges(*cell_range(0, np.arange(len(mu))), np.array(weights), distance=distance)


SKY = made([5.0, 3.0, 1.0, 0.5], [100.0, 60.0, -40.0, 5.0], [20.0, 30.0, 50.0, 10.0])


def counted(ra: float, dec: float, distance: float, step: float = 0.02) -> tuple[float, float]:
    """Level and volume by counting shells of every tile: the definition, with its own normalisation."""
    r = np.arange(step / 2, 1000, step)
    mu, sigma = SKY.distance_mu, SKY.distance_sigma
    assert mu is not None
    assert sigma is not None
    shape = np.exp(-0.5 * ((r - mu[:, None]) / sigma[:, None]) ** 2)
    scale = (SKY.density / (np.sum(shape * r**2, axis=1) * step))[:, None]
    tile = int(SKY.tile(np.array(SKY.start[np.argmin(np.hypot(RA[:4] - ra, DEC[:4] - dec))])))
    own = scale[tile, 0] * math.exp(-0.5 * ((distance - mu[tile]) / sigma[tile]) ** 2)
    dense = scale * shape >= own
    area = math.pi / 3
    return float(np.sum((scale * shape * r**2)[dense]) * step * area), float(np.sum(dense * r**2) * step * area)


@pytest.mark.parametrize("tile", [0, 1, 2, 3])
@pytest.mark.parametrize("distance", [2.0, 30.0, 90.0, 150.0])
def test_level_and_volume_are_those_of_counting(tile: int, distance: float) -> None:
    level, volume = counted(RA[tile], DEC[tile], distance)
    space = Volume(SKY)
    assert float(space.credible_level(RA[tile], DEC[tile], distance)) == pytest.approx(level, abs=6e-4)
    assert float(space.searched(RA[tile], DEC[tile], distance)) == pytest.approx(volume, rel=2e-3, abs=20)


def test_volume_of_a_gaussian_shell() -> None:
    mu, sigma = 1000.0, 1.0
    sky = made([1.0] * 12, [mu] * 12, [sigma] * 12)
    half = 1.959963984540054  # of 95 % of a normal distribution; the factor r^2 changes it by (sigma / mu)^2
    shell = 4 * math.pi / 3 * ((mu + half) ** 3 - (mu - half) ** 3)
    assert float(Volume(sky).volume(0.95)) == pytest.approx(shell, rel=1e-5)


def test_volume_is_the_inverse_of_the_level() -> None:
    space = Volume(SKY)
    distance = np.array([80.0, 100.0, 130.0])
    level = space.credible_level(RA[0], DEC[0], distance)
    assert space.volume(level) == pytest.approx(space.searched(RA[0], DEC[0], distance), rel=1e-9)
    assert space.volume([0.0, 1.0]).tolist() == [0.0, math.inf]


def test_table_keeps_to_the_sums() -> None:
    distance = np.linspace(0, 250, 3001)
    space = Volume(SKY)
    table = space.credible_level(RA[0], DEC[0], distance)
    exact = [float(space.credible_level(RA[0], DEC[0], one)) for one in distance[::60]]
    assert table[::60] == pytest.approx(exact, abs=5 * TABLE_TOLERANCE)
    falling = np.argsort(-space.density(RA[0], DEC[0], distance), kind="stable")
    assert np.all(np.diff(table[falling]) >= -1e-12)


def test_outside_and_without_distance() -> None:
    space = Volume(SKY)
    assert float(space.credible_level(RA[9], DEC[9], 50.0)) == 1.0
    assert float(space.density(RA[9], DEC[9], 50.0)) == 0.0
    for distance in (-1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="distance"):
            space.density(RA[0], DEC[0], distance)
    with pytest.raises(ValueError, match="no distances"):
        Volume(SkyMap.from_ranges(*cell_range(0, np.arange(12)), np.ones(12)))


@pytest.mark.parametrize(
    "bad", [(np.inf, 1.0, 0.0), (np.nan, 1.0, 1.0), (5.0, 0.0, 1.0), (5.0, 1.0, np.nan), (-1e9, 1, 1)]
)
def test_layers_that_say_nothing_are_left_out(bad: tuple[float, float, float]) -> None:
    good = np.array([100.0, 20.0, 1e-4])
    sky = SkyMap.from_ranges(*cell_range(0, np.arange(2)), np.ones(2), distance=np.stack((good, np.array(bad)), axis=1))
    space = Volume(sky)
    assert space.known == pytest.approx(0.5)
    assert float(space.credible_level(RA[1], DEC[1], 100.0)) == 1.0
    assert math.isfinite(float(space.volume(0.9)))
    assert line_of_sight(sky, RA[1], DEC[1]).known == 0
    assert math.isnan(line_of_sight(sky, RA[1], DEC[1]).mean_mpc)
    assert whole_sky(sky).mean_mpc == pytest.approx(line_of_sight(sky, RA[0], DEC[0]).mean_mpc)


@pytest.mark.parametrize(("mu", "sigma"), [(100.0, 20.0), (5.0, 10.0), (-40.0, 10.0), (-160.0, 10.0)])
def test_posterior_is_its_integral(mu: float, sigma: float) -> None:
    r = (np.arange(400_000) + 0.5) * 0.001
    log = -0.5 * ((r - mu) / sigma) ** 2
    weight = r**2 * np.exp(log - log.max())
    weight /= weight.sum()
    mean = float(weight @ r)
    std = math.sqrt(float(weight @ (r - mean) ** 2))
    got = line_of_sight(made([1.0], [mu], [sigma]), RA[0], DEC[0])
    assert (got.mean_mpc, got.std_mpc) == pytest.approx((mean, std), rel=1e-6)
    median = float(got.quantile(0.5))
    assert float(got.cdf(median)) == pytest.approx(0.5, abs=1e-9)
    assert float(weight[r <= median].sum()) == pytest.approx(0.5, abs=1e-4)
    assert float(got.density(mean)) == pytest.approx(float(np.interp(mean, r, weight)) / 0.001, rel=1e-4)
    back = from_moments(*moments(np.array([mu]), np.array([sigma])))
    assert (back.mu[0], back.sigma[0]) == pytest.approx((mu, sigma), rel=1e-7)


def test_moments_the_ansatz_cannot_have() -> None:
    got = from_moments(np.array([10.0, -1.0, np.nan, 10.0]), np.array([9.0, 1.0, 1.0, 0.0]))
    assert np.all(np.isinf(got.mu))
    assert np.all(got.norm == 0)


def test_normal_tail_is_that_of_the_standard_library() -> None:
    z = np.linspace(-9, 9, 1801) + 0.003
    assert upper_tail(z) == pytest.approx([0.5 * math.erfc(one / math.sqrt(2)) for one in z.tolist()], abs=1e-15)
    assert float(second_moment(np.array([0.0]))[0]) == pytest.approx(0.5)


@pytest.mark.parametrize(("tile", "distance"), [(0, 130.0), (1, 20.0), (2, 3.0), (3, 22.0)])
def test_level_is_the_quadrature_of_the_ansatz(tile: int, distance: float) -> None:
    node, weight = np.polynomial.legendre.leggauss(120)

    def held(mu: float, sigma: float, low: float, high: float) -> float:
        r = 0.5 * (high - low) * node + 0.5 * (high + low)
        return float(np.sum(weight * r**2 * np.exp(-0.5 * ((r - mu) / sigma) ** 2))) * 0.5 * (high - low)

    rows = list(zip([5.0, 3.0, 1.0, 0.5], [100.0, 60.0, -40.0, 5.0], [20.0, 30.0, 50.0, 10.0], strict=True))
    whole = [held(mu, sigma, 0.0, max(mu, 0) + 12 * sigma) for _, mu, sigma in rows]
    own = rows[tile][0] / whole[tile] * math.exp(-0.5 * ((distance - rows[tile][1]) / rows[tile][2]) ** 2)
    level = 0.0
    for (share, mu, sigma), total in zip(rows, whole, strict=True):
        square = 2 * math.log(share / total / own)
        if square > 0:
            low, high = max(0.0, mu - sigma * math.sqrt(square)), mu + sigma * math.sqrt(square)
            level += share / 9.5 * held(mu, sigma, low, high) / total if high > low else 0.0
    assert float(Volume(SKY).credible_level(RA[tile], DEC[tile], distance)) == pytest.approx(level, abs=1e-10)
