"""Sky maps against the field's libraries: equal answers first, then both sides in turn, the median of the ratios."""

import io
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import healpy
import numpy as np
import numpy.typing as npt
import pytest
from astropy.table import Table

from nuncius.broker.sky import SkyMap, map_overlap, pixel

pytestmark = [pytest.mark.bench, pytest.mark.alerts]
ROUNDS = 15
Numbers = float | npt.NDArray[np.float64]


def ratio(theirs: Callable[[], object], ours: Callable[[], object]) -> tuple[float, float]:
    """How many times longer they take, and our milliseconds; one call of each a round."""
    ratios, own = [], []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        theirs()
        between = time.perf_counter()
        ours()
        end = time.perf_counter()
        ratios.append((between - begin) / (end - between))
        own.append(1e3 * (end - between))
    return median(ratios), median(own)


@pytest.fixture
def data(alerts_dir: Path) -> bytes:
    return (alerts_dir / "gw" / "userguide" / "bayestar.multiorder.fits").read_bytes()


@pytest.fixture
def places() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    return rng.uniform(0, 360, 10_000), np.degrees(np.arcsin(rng.uniform(-1, 1, 10_000)))


def test_read(data: bytes, measured: Callable[..., None]) -> None:
    table = Table.read(io.BytesIO(data), format="fits")
    assert np.allclose(np.sort(SkyMap.read(data).density), np.sort(table["PROBDENSITY"]), rtol=1e-9)
    times, own = ratio(lambda: Table.read(io.BytesIO(data), format="fits"), lambda: SkyMap.read(data))
    measured(astropy_over_ours=times, ours_ms=own)


def test_pixels(places: tuple[np.ndarray, np.ndarray], measured: Callable[..., None]) -> None:
    ra, dec = places
    assert np.array_equal(pixel(ra, dec), healpy.ang2pix(1 << 29, ra, dec, nest=True, lonlat=True))
    times, own = ratio(lambda: healpy.ang2pix(1 << 29, ra, dec, nest=True, lonlat=True), lambda: pixel(ra, dec))
    measured(healpy_over_ours=times, ours_ms=own)


def test_points_and_areas(
    data: bytes, places: tuple[np.ndarray, np.ndarray], measured: Callable[..., None], tmp_path: Path
) -> None:
    crossmatch = pytest.importorskip("ligo.skymap.postprocess.crossmatch").crossmatch
    read_sky_map = pytest.importorskip("ligo.skymap.io").read_sky_map
    coordinates = pytest.importorskip("astropy.coordinates").SkyCoord(*places, unit="deg")
    (tmp_path / "map.fits").write_bytes(data)
    table = read_sky_map(str(tmp_path / "map.fits"), moc=True)
    for layer in ("DISTMU", "DISTSIGMA", "DISTNORM"):
        table.remove_column(layer)

    def ours() -> tuple[Numbers, Numbers, Numbers]:
        sky = SkyMap.read(data)
        return sky.probdensity(*places), sky.credible_level(*places), sky.area([0.5, 0.9])

    theirs = crossmatch(table, coordinates, contours=[0.5, 0.9])
    density, level, area = ours()
    assert np.allclose(density, theirs.probdensity, rtol=1e-9)
    assert np.allclose(level, theirs.searched_prob, atol=1e-9)
    assert np.allclose(area, theirs.contour_areas, rtol=1e-9)
    times, own = ratio(lambda: crossmatch(table, coordinates, contours=[0.5, 0.9]), ours)
    measured(ligo_skymap_over_ours_with_reading=times, ours_ms=own)


def test_overlap(data: bytes, alerts_dir: Path, measured: Callable[..., None]) -> None:
    one = SkyMap.read(data)
    two = SkyMap.read(alerts_dir / "gw" / "LIGO_O3" / "S190426c" / "LALInference1.fits")

    def flat(order: int = 9) -> float:
        """The usual way: both maps flat at one order."""
        ra, dec = healpy.pix2ang(1 << order, np.arange(12 << (2 * order)), nest=True, lonlat=True)
        return 4 * np.pi * float(np.mean(np.multiply(one.probdensity(ra, dec), two.probdensity(ra, dec)))) * 4 * np.pi

    assert map_overlap(one, two) == pytest.approx(flat(), rel=0.01)
    began = time.perf_counter()
    flat()
    flat_ms = 1e3 * (time.perf_counter() - began)
    _, own = ratio(lambda: None, lambda: map_overlap(one, two))
    measured(flat_order_9_over_ours=flat_ms / own, ours_ms=own)
