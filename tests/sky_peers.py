"""What benches of the sky share: real and made maps, events, points, and both sides timed in turn."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from astropy.table import Table

from nuncius.broker.sky import SkyMap
from nuncius.broker.sky.compiled import load
from nuncius.broker.sky.errors import fisher
from nuncius.broker.sky.healpix import ORDER, position
from nuncius.broker.sky.profile import Fisher

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Points(NamedTuple):
    """Positions, ICRS degrees."""

    ra: Floats
    dec: Floats


def ratio(theirs: Callable[[], object], ours: Callable[[], object], rounds: int = 15) -> tuple[float, float]:
    """How many times longer they take, and our milliseconds: medians; one call of each a round, after a warm-up."""
    load()
    theirs()
    ours()
    ratios, own = [], []
    for _ in range(rounds):
        begin = time.perf_counter()
        theirs()
        between = time.perf_counter()
        ours()
        end = time.perf_counter()
        ratios.append((between - begin) / (end - between))
        own.append(1e3 * (end - between))
    return median(ratios), median(own)


def all_sky(count: int, seed: int = 3) -> Points:
    """Points uniform on the sphere."""
    rng = np.random.default_rng(seed)
    return Points(rng.uniform(0, 360, count), np.degrees(np.arcsin(rng.uniform(-1, 1, count))))


def inside(sky: SkyMap, count: int, seed: int = 3) -> Points:
    """Points drawn from a map."""
    rng = np.random.default_rng(seed)
    held = sky.density * sky.solid_angle_sr
    tile = rng.choice(sky.tiles, count, p=held / held.sum())
    pixels = sky.start[tile] + (rng.random(count) * (sky.stop - sky.start)[tile]).astype(np.int64)
    return Points(*position(np.full(count, ORDER), pixels))


def userguide_map(alerts_dir: Path) -> SkyMap:
    """A real BAYESTAR map: 19 200 tiles down to order 11."""
    return SkyMap.read(alerts_dir / "gw" / "userguide" / "bayestar.multiorder.fits")


def real_maps(alerts_dir: Path) -> list[SkyMap]:
    """The multi-order maps among the real alerts."""
    paths = sorted((alerts_dir / "gw").rglob("*.fits"))
    return [SkyMap.read(path) for path in paths if path.stat().st_size > 600_000]


def cut_finer(sky: SkyMap, tiles: int) -> SkyMap:
    """The map with its most probable tiles cut in four, their densities made a little different, until it has many."""
    rng = np.random.default_rng(6)
    start, stop, density = sky.start, sky.stop, sky.density
    while len(start) < tiles:
        few = min(len(start), (tiles - len(start) + 2) // 3)
        chosen = np.argsort(-density * (stop - start))[:few]
        kept = np.ones(len(start), np.bool_)
        kept[chosen] = False
        quarter = (stop - start)[chosen] // 4
        parts = start[chosen][:, None] + quarter[:, None] * np.arange(4)
        values = density[chosen][:, None] * rng.uniform(0.9, 1.1, (few, 4))
        start = np.concatenate((start[kept], parts.ravel()))
        stop = np.concatenate((stop[kept], (parts + quarter[:, None]).ravel()))
        density = np.concatenate((density[kept], values.ravel()))
    return SkyMap.from_ranges(start, stop, density)


def table_of(sky: SkyMap) -> Table:
    """The map as others want it: UNIQ and PROBDENSITY."""
    order = ORDER - np.round(np.log2((sky.stop - sky.start).astype(np.float64)) / 2).astype(np.int64)
    uniq = (np.int64(4) << (2 * order)) + (sky.start >> (2 * (ORDER - order)))
    by_name = np.argsort(uniq)
    return Table({"UNIQ": uniq[by_name], "PROBDENSITY": sky.density[by_name]})


def events(count: int, maps: list[SkyMap]) -> list[SkyMap | Fisher]:
    """Four circles of 0.1 to 20 degrees (log-uniform) to each real map."""
    rng = np.random.default_rng(5)
    found: list[SkyMap | Fisher] = []
    for number in range(count):
        ra, dec = rng.uniform(0, 360), float(np.degrees(np.arcsin(rng.uniform(-1, 1))))
        circle = fisher(ra, dec, float(10 ** rng.uniform(-1, np.log10(20))), 0.9)
        found.append(maps[number % len(maps)] if number % 5 == 4 else circle)
    return found
