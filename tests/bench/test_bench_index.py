"""Many active events at once, against a loop over mocpy's coverage maps: exact pairs first, then ratios in turn."""

import time
from collections.abc import Callable
from pathlib import Path

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import Latitude, Longitude
from mocpy import MOC
from sky_peers import Points, all_sky, events, ratio, real_maps

from nuncius.broker.sky import SkyMap
from nuncius.broker.sky.footprint import footprint
from nuncius.broker.sky.healpix import ORDER
from nuncius.broker.sky.index import RegionIndex
from nuncius.broker.sky.profile import Fisher

pytestmark = [pytest.mark.bench, pytest.mark.alerts, pytest.mark.filterwarnings("ignore")]  # peers warn
LEVEL = 0.9
ROWS = 10_000


def coverage(shape: SkyMap | Fisher) -> MOC:
    """The region as a coverage map; of a circle with cells of about an eighth of its radius."""
    if isinstance(shape, SkyMap):
        held = shape.levels <= LEVEL
        ranges = np.stack((shape.start[held], shape.stop[held]), axis=1).astype(np.uint64)
        return MOC.from_depth29_ranges(ORDER, ranges)
    radius = shape.radius_deg(LEVEL)
    order = int(np.clip(np.ceil(np.log2(58.6 * 8 / radius)), 0, ORDER))
    return MOC.from_cone(
        lon=Longitude(shape.ra * u.deg), lat=Latitude(shape.dec * u.deg), radius=radius * u.deg, max_depth=order
    )


@pytest.mark.parametrize(("count", "goal"), [(100, 70), (1000, 200)])
def test_candidates_against_events(alerts_dir: Path, measured: Callable[..., None], count: int, goal: int) -> None:
    shapes = events(count, real_maps(alerts_dir))
    points = all_sky(ROWS)
    index = RegionIndex[int]()
    began = time.perf_counter()
    regions = {number: footprint(shape, LEVEL) for number, shape in enumerate(shapes)}
    made = time.perf_counter()
    for number, region in regions.items():
        index.add({number: region})
    added = time.perf_counter()
    longitude, latitude = points.ra * u.deg, points.dec * u.deg
    coverages = [coverage(shape) for shape in shapes]

    def theirs() -> list[np.ndarray]:
        return [moc.contains_lonlat(longitude, latitude) for moc in coverages]

    _pairs_are_exact(index, shapes, points)
    surely = sum(int(np.count_nonzero(np.asarray(s.credible_level(*points)) <= LEVEL)) for s in shapes)
    assert surely <= sum(int(np.count_nonzero(held)) for held in theirs()) < 1.2 * surely
    times, own = ratio(theirs, lambda: index.find(*points), 7)
    measured(
        mocpy_over_ours=times,
        goal=goal,
        ours_ns_a_row=own / ROWS * 1e6,
        pairs_a_row=surely / ROWS,
        region_ms=1e3 * (made - began) / count,
        add_ms=1e3 * (added - made) / count,
    )


def test_ten_times_the_events(alerts_dir: Path, measured: Callable[..., None]) -> None:
    maps, points = real_maps(alerts_dir), all_sky(ROWS)
    few, many = RegionIndex[int](), RegionIndex[int]()
    few.add({n: footprint(shape, LEVEL) for n, shape in enumerate(events(100, maps))})
    many.add({n: footprint(shape, LEVEL) for n, shape in enumerate(events(1000, maps))})
    times, _ = ratio(lambda: many.find(*points), lambda: few.find(*points), 21)
    measured(a_thousand_over_a_hundred=times, goal_at_most=4)


def _pairs_are_exact(index: RegionIndex[int], shapes: list[SkyMap | Fisher], points: Points) -> None:
    hits = index.find(*points)
    keys = np.array([index.key(slot) for slot in hits.slot.tolist()])
    assert len({*zip(hits.row.tolist(), keys.tolist(), strict=True)}) == len(hits.row)
    for number, shape in enumerate(shapes):
        expected = np.flatnonzero(np.asarray(shape.credible_level(*points)) <= LEVEL)
        assert np.array_equal(np.sort(hits.row[keys == number]), expected)
