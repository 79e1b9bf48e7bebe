"""Laws of levels in space: they do not depend on how a map is cut, and broken layers break nothing."""

import numpy as np
from how_many import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from nuncius.broker.sky import SkyMap
from nuncius.broker.sky.combine import combined
from nuncius.broker.sky.distance import normalised, whole_sky
from nuncius.broker.sky.healpix import cell_range, position
from nuncius.broker.sky.volume import Volume

RA, DEC = position(0, np.arange(12))
TILES = st.lists(st.tuples(st.floats(0.01, 10), st.floats(-50, 500), st.floats(2, 100)), min_size=2, max_size=12)
LAYER = st.floats(allow_nan=True, allow_infinity=True)


def made(rows: list[tuple[float, float, float]], cut: int = 0) -> SkyMap:
    """Tiles of order 0, each cut into 4^cut."""
    weight, mu, sigma = (np.repeat(column, 4**cut) for column in np.array(rows).T)
    return SkyMap.from_ranges(
        *cell_range(cut, np.arange(len(mu))), weight, distance=np.stack((mu, sigma, normalised(mu, sigma)))
    )


@settings(max_examples=examples(40))
@given(TILES, st.floats(0, 400))
def test_cutting_tiles_in_four_changes_nothing(rows: list[tuple[float, float, float]], distance: float) -> None:
    one, four = Volume(made(rows)), Volume(made(rows, 1))
    at = RA[: len(rows)], DEC[: len(rows)]
    level = one.credible_level(*at, distance)
    assert np.allclose(level, four.credible_level(*at, distance), atol=1e-10)
    assert np.all((level >= 0) & (level <= 1))
    assert np.allclose(one.volume([0.5, 0.9]), four.volume([0.5, 0.9]), rtol=1e-8)


@settings(max_examples=examples(40))
@given(TILES)
def test_denser_is_never_of_a_higher_level(rows: list[tuple[float, float, float]]) -> None:
    space = Volume(made(rows))
    distance = np.linspace(0, 600, 8)[:, None]
    density = space.density(RA[: len(rows)], DEC[: len(rows)], distance).reshape(-1)
    level = space.credible_level(RA[: len(rows)], DEC[: len(rows)], distance).reshape(-1)
    assert np.all(np.diff(level[np.argsort(-density, kind="stable")]) >= -1e-12)


@settings(max_examples=examples(60))
@given(st.tuples(LAYER, LAYER, LAYER), st.floats(0, 1e6))
def test_broken_layers_give_numbers(layer: tuple[float, float, float], distance: float) -> None:
    good = np.array([100.0, 20.0, normalised(np.array([100.0]), np.array([20.0]))[0]])
    sky = SkyMap.from_ranges(*cell_range(0, np.arange(2)), np.ones(2), distance=np.stack((good, layer), axis=1))
    space = Volume(sky)
    level = space.credible_level(RA[:2], DEC[:2], distance)
    assert np.all((level >= 0) & (level <= 1))
    assert np.isfinite(whole_sky(sky).mean_mpc)
    assert np.all(np.isfinite(combined(sky, sky).density))
