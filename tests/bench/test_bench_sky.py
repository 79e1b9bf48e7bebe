"""Points in sky maps, overlaps and notices against the field's libraries: equal answers first, then ratios in turn.

``goal`` is what the project set itself; nothing is asserted about time.
"""

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path

import astropy.units as u
import healpy
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from sky_peers import Floats, Ints, Points, all_sky, cut_finer, inside, ratio, table_of, userguide_map

from nuncius.broker.sky import SkyMap, SkyMapRef, map_overlap, pixel
from nuncius.producers import parse

astropy_healpix = pytest.importorskip("astropy_healpix", reason="a peer: `make bench` installs it")

pytestmark = [pytest.mark.bench, pytest.mark.alerts, pytest.mark.filterwarnings("ignore")]  # peers warn
MANY = 200_000


class Recipe:
    """The look-up that the LIGO/Virgo/KAGRA user guide recommends (multi-order maps), prepared once."""

    def __init__(self, table: Table) -> None:
        order, number = astropy_healpix.uniq_to_level_ipix(table["UNIQ"])
        self._index = np.asarray(number * (2 ** (29 - order)) ** 2)
        self._sorter = np.argsort(self._index)
        self._density = np.asarray(table["PROBDENSITY"])

    def density(self, points: Points) -> Floats:
        pixels = astropy_healpix.lonlat_to_healpix(points.ra * u.deg, points.dec * u.deg, 1 << 29, order="nested")
        found = np.searchsorted(self._index, pixels, side="right", sorter=self._sorter) - 1
        return np.asarray(self._density[self._sorter[found]])


def test_pixels_against_healpy(measured: Callable[..., None]) -> None:
    points = all_sky(MANY)

    def theirs() -> Ints:
        return np.asarray(healpy.ang2pix(1 << 29, points.ra, points.dec, nest=True, lonlat=True))

    assert np.array_equal(pixel(*points), theirs())
    times, own = ratio(theirs, lambda: pixel(*points))
    measured(healpy_over_ours=times, ours_ns_a_point=own / MANY * 1e6)


@pytest.mark.parametrize("tiles", [19_200, 196_608])
@pytest.mark.parametrize("where", ["all sky", "inside"])
def test_points_against_the_recipe(alerts_dir: Path, measured: Callable[..., None], tiles: int, where: str) -> None:
    sky = cut_finer(userguide_map(alerts_dir), tiles)
    assert sky.tiles == tiles
    points = all_sky(MANY) if where == "all sky" else inside(sky, MANY)
    recipe = Recipe(table_of(sky))
    assert np.array_equal(sky.probdensity(*points), recipe.density(points))
    times, own = ratio(lambda: recipe.density(points), lambda: sky.probdensity(*points))
    pixels, _ = ratio(lambda: sky.at(*points), lambda: healpy.ang2pix(1 << 29, *points, nest=True, lonlat=True))
    measured(recipe_over_ours=times, goal=5, ours_ns_a_point=own / MANY * 1e6, five_columns_over_bare_ang2pix=pixels)


@pytest.mark.parametrize(("tiles", "goal"), [(19_200, 5), (196_608, 20)])
def test_points_against_crossmatch(alerts_dir: Path, measured: Callable[..., None], tiles: int, goal: int) -> None:
    crossmatch = pytest.importorskip("ligo.skymap.postprocess.crossmatch").crossmatch
    sky = cut_finer(userguide_map(alerts_dir), tiles)
    table, points = table_of(sky), all_sky(MANY)
    coordinates = SkyCoord(*points, unit="deg")
    theirs = crossmatch(table, coordinates)
    ours = sky.at(*points)
    assert np.allclose(ours.density, theirs.probdensity, rtol=1e-12)
    assert np.allclose(ours.level, theirs.searched_prob, atol=1e-9)
    times, own = ratio(lambda: crossmatch(table, coordinates), lambda: sky.at(*points), 5)
    measured(crossmatch_over_ours=times, goal=goal, ours_ms=own)


def test_first_points_on_a_new_map(alerts_dir: Path, measured: Callable[..., None]) -> None:
    crossmatch = pytest.importorskip("ligo.skymap.postprocess.crossmatch").crossmatch
    known = userguide_map(alerts_dir)
    table, points = table_of(known), all_sky(10_000)
    coordinates = SkyCoord(*points, unit="deg")
    shuffled = np.random.default_rng(1).permutation(known.tiles)
    start, stop, density = known.start[shuffled], known.stop[shuffled], known.density[shuffled]

    def ours() -> tuple[Floats, Floats]:
        values = SkyMap.from_ranges(start, stop, density).at(*points)
        return values.density, values.level

    theirs = crossmatch(table, coordinates)
    assert np.allclose(ours()[0], theirs.probdensity, rtol=1e-9)
    assert np.allclose(ours()[1], theirs.searched_prob, atol=1e-9)
    times, own = ratio(lambda: crossmatch(table, coordinates), ours)
    recipe, _ = ratio(lambda: Recipe(table).density(points), ours)
    measured(crossmatch_over_ours=times, goal=8, recipe_for_density_alone_over_ours=recipe, ours_ms=own)


def test_overlap_against_raven(alerts_dir: Path, measured: Callable[..., None]) -> None:
    raven = pytest.importorskip("ligo.raven.search").skymap_overlap_integral
    one = userguide_map(alerts_dir)
    two = SkyMap.read(alerts_dir / "gw" / "LIGO_O3" / "S190426c" / "LALInference1.fits")
    first, second = table_of(one), table_of(two)
    names = np.asarray(first["UNIQ"]), np.asarray(second["UNIQ"])
    values = np.asarray(first["PROBDENSITY"]), np.asarray(second["PROBDENSITY"])

    def theirs() -> float:
        return float(raven(values[0], values[1], se_skymap_uniq=names[0], ext_skymap_uniq=names[1]))

    exact = _by_parts(one, two)
    assert abs(map_overlap(one, two) / exact - 1) <= 1e-12
    assert theirs() == pytest.approx(exact, rel=0.1)
    times, own = ratio(theirs, lambda: map_overlap(one, two))
    measured(raven_over_ours=times, goal=300, ours_ms=own, raven_error=abs(theirs() / exact - 1))


def test_notice_against_table_read(alerts_dir: Path, measured: Callable[..., None]) -> None:
    notice = (alerts_dir / "gw" / "userguide" / "MS181101ab-initial.json").read_bytes()

    def theirs() -> Table:
        return Table.read(io.BytesIO(base64.b64decode(json.loads(notice)["event"]["skymap"])), format="fits")

    def ours() -> SkyMap:
        shape = parse(notice).localizations[0].shape
        assert isinstance(shape, SkyMapRef)
        assert shape.data is not None
        return SkyMap.read(shape.data)

    assert np.allclose(np.sort(ours().density), np.sort(theirs()["PROBDENSITY"]), rtol=1e-9)
    times, own = ratio(theirs, ours)
    measured(json_and_table_read_over_ours=times, goal=8, ours_ms=own)


def _by_parts(one: SkyMap, two: SkyMap) -> float:
    """The overlap by another route: both maps looked up in the pieces between all their ends, summed exactly."""
    ends = np.unique(np.concatenate((one.start, one.stop, two.start, two.stop)))
    piece, size = ends[:-1], np.diff(ends)
    import math

    products = []
    for sky in (one, two):
        tile = np.searchsorted(sky.start, piece, side="right") - 1
        products.append(np.where((tile >= 0) & (piece < sky.stop[tile]), sky.density[tile], 0.0))
    return 4 * math.pi * math.fsum((products[0] * products[1] * size).tolist()) * (4 * math.pi / (12 << 58))
