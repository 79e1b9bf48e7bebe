"""A map written is a map read: by us, by astropy, by healpy's and the field's own reader."""

import io
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from nuncius.broker.sky import Cone, SkyMap, geometry
from nuncius.broker.sky.healpix import PIXELS
from nuncius.broker.sky.skymap_write import write_skymap

RNG = np.random.default_rng(2)
RA, DEC = RNG.uniform(0, 360, 3000), np.degrees(np.arcsin(RNG.uniform(-1, 1, 3000)))


def same(one: SkyMap, two: SkyMap) -> None:
    assert np.allclose(one.probdensity(RA, DEC), two.probdensity(RA, DEC), rtol=1e-13)
    first, second = one.distance(RA, DEC), two.distance(RA, DEC)
    assert (first is None) == (second is None)
    if first is not None and second is not None:
        assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(first, second, strict=True))


@pytest.mark.alerts
def test_a_real_map_comes_back(alerts_dir: Path) -> None:
    sky = SkyMap.read(alerts_dir / "gw" / "userguide" / "bayestar.multiorder.fits")
    data = write_skymap(sky)
    again = SkyMap.read(data)
    same(sky, again)
    assert (again.distance_mean_mpc, again.object_id, again.date_obs) == (
        sky.distance_mean_mpc,
        sky.object_id,
        sky.date_obs,
    )
    assert write_skymap(again)[2880:] == data[2880:]
    table = Table.read(io.BytesIO(data), format="fits")
    assert str(table["PROBDENSITY"].unit) == "1 / sr"
    assert table.meta["ORDERING"] == "NUNIQ"


def test_loose_ranges_are_cut_into_cells() -> None:
    ends = np.unique(RNG.integers(0, PIXELS, 40))
    sky = SkyMap.from_ranges(ends[:-1], ends[1:], RNG.random(39))
    same(sky, SkyMap.read(write_skymap(sky)))


def test_the_file_is_sound_and_always_the_same() -> None:
    sky = geometry(Cone(10, -20, 3, 0.9))
    assert sky is not None
    data = write_skymap(sky)
    assert data == write_skymap(sky)
    with fits.open(io.BytesIO(data)) as units:
        units.verify("exception")
        assert len(units) == 2
    assert len(data) % 2880 == 0


@pytest.mark.parametrize("name", ["a" * 65 + "'", "a" * 64 + "''", "'" * 80, "a" * 64 + "'b", "x" * 200])
def test_a_long_name_with_quotes_is_cut_between_characters(name: str) -> None:
    sky = SkyMap.from_ranges(np.zeros(1, np.int64), np.full(1, PIXELS), np.ones(1), object_id=name)
    with fits.open(io.BytesIO(write_skymap(sky))) as units:
        card = str(units[1].header.cards["OBJECT"])
        assert name.startswith(units[1].header["OBJECT"])
    text = card[10:].rstrip()
    assert text[0] == text[-1] == "'"
    assert text[1:-1].replace("''", "").count("'") == 0


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_distance_that_is_no_number_is_left_out(value: float) -> None:
    sky = SkyMap.from_ranges(np.zeros(1, np.int64), np.full(1, PIXELS), np.ones(1), distance_mean_mpc=value)
    with fits.open(io.BytesIO(write_skymap(sky))) as units:
        units.verify("exception")
        assert "DISTMEAN" not in units[1].header
