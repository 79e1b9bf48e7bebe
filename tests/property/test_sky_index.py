"""The index of regions finds exactly the regions that hold a point, whatever was added, replaced and dropped before."""

import numpy as np
import pytest
from how_many import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from nuncius.broker.sky import SkyMap, index
from nuncius.broker.sky.compiled import load
from nuncius.broker.sky.errors import fisher
from nuncius.broker.sky.footprint import footprint
from nuncius.broker.sky.healpix import PIXELS
from nuncius.broker.sky.index import RegionIndex
from nuncius.broker.sky.profile import Fisher

load()
LEVEL = 0.9
RNG = np.random.default_rng(8)
RA = np.concatenate((RNG.uniform(0, 360, 1500), [0, 0, 0, 360, 180, 359.999999]))
DEC = np.concatenate((np.degrees(np.arcsin(RNG.uniform(-1, 1, 1500))), [90, -90, 0, 45, 0, -41.8]))


def made_map(seed: int) -> SkyMap:
    rng = np.random.default_rng(seed)
    cut = np.unique(rng.integers(0, PIXELS, 60))
    return SkyMap.from_ranges(cut[:-1:2], cut[1::2], rng.random(len(cut) // 2))


circles = st.builds(
    lambda ra, dec, radius: fisher(ra, dec, radius, 0.9),
    st.one_of(st.floats(0, 360), st.sampled_from((0.0, 359.9999))),
    st.one_of(st.floats(-90, 90), st.sampled_from((-90.0, 90.0))),
    st.floats(0.01, 170),
)
shapes = st.one_of(circles, st.integers(0, 50).map(made_map))
actions = st.lists(st.tuples(st.integers(0, 12), st.one_of(st.none(), shapes, shapes)), min_size=1, max_size=25)


def held_by(shape: SkyMap | Fisher, slack: float = 0.0) -> set[int]:
    level = np.asarray(shape.credible_level(RA, DEC))
    return set(np.flatnonzero(level <= LEVEL + slack).tolist())


@pytest.mark.parametrize("compiled", [True, False])
@settings(max_examples=examples(25))
@given(history=actions)
def test_any_history(*, compiled: bool, history: list[tuple[int, SkyMap | Fisher | None]]) -> None:
    regions: RegionIndex[int] = RegionIndex()
    known: dict[int, SkyMap | Fisher] = {}
    with pytest.MonkeyPatch.context() as patch:
        if not compiled:
            patch.setattr(index, "kernels", lambda _: None)
        for key, shape in history:
            if shape is None:
                regions.drop(key)
                known.pop(key, None)
            else:
                regions.add({key: footprint(shape, LEVEL)})
                known[key] = shape
            assert (key in regions) == (key in known)
        found: dict[int, list[int]] = {key: [] for key in known}
        hits = regions.find(RA, DEC)
        for row, slot in zip(hits.row.tolist(), hits.slot.tolist(), strict=True):
            found[regions.key(slot)].append(row)
    assert len(regions) == len(known)
    for key, shape in known.items():
        assert len(found[key]) == len(set(found[key]))
        # a point on a circle's very border may be in it: what looks the credible level up decides
        assert held_by(shape) <= set(found[key]) <= held_by(shape, 1e-7 if isinstance(shape, Fisher) else 0.0)


def test_all_at_once_is_one_by_one() -> None:
    shapes = {key: fisher(17.0 * key % 360, 5.0 * key % 90 - 45, 1.0 + key % 20, 0.9) for key in range(60)}
    together, single = RegionIndex[int](), RegionIndex[int]()
    together.add({key: footprint(shape, LEVEL) for key, shape in shapes.items()})
    for key, shape in shapes.items():
        single.add({key: footprint(shape, LEVEL)})
    pairs = [
        sorted((row, one.key(slot)) for row, slot in zip(*(c.tolist() for c in one.find(RA, DEC)), strict=True))
        for one in (together, single)
    ]
    assert pairs[0] == pairs[1]
    assert len(pairs[0]) > 100


def test_nothing_is_found_in_nothing() -> None:
    regions = RegionIndex[str]()
    assert len(regions.find(RA, DEC).row) == 0
    regions.add({"a": footprint(fisher(10, 10, 5, 0.9), LEVEL)})
    regions.drop("a", "unknown")
    assert len(regions.find(RA, DEC).row) == len(regions) == 0
    assert len(regions.find([], []).row) == 0
