"""Sky maps from bytes: every form that is read, and what is refused with what reason."""

import gzip
import pickle
from pathlib import Path

import healpy
import numpy as np
import pytest
from astropy.io import fits
from sky_files import flat, multi_order, random_tiling, table_bytes

from nuncius.broker.sky import SkyMap, fits_source, skymap_fits
from nuncius.broker.sky.healpix import DEG2_PER_SR
from nuncius.schemas.errors import LimitExceeded, MalformedAlert

RNG = np.random.default_rng(1)
RA = RNG.uniform(0, 360, 2000)
DEC = np.degrees(np.arcsin(RNG.uniform(-1, 1, 2000)))
ORDER, NUMBER = random_tiling(3)
UNIQ = (4 << (2 * ORDER)) + NUMBER
AREA = np.pi / 3 / 4.0**ORDER
DENSITY = RNG.uniform(0, 1, len(UNIQ))
DENSITY /= np.sum(DENSITY * AREA)
FLAT = RNG.uniform(0, 1, 12 * 32**2)


def expected_at(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    """Density of the random tiling, cell by cell."""
    out = np.zeros(len(ra))
    for order in np.unique(ORDER):
        here_order = np.equal(ORDER, order)
        pixel = healpy.ang2pix(1 << int(order), ra, dec, nest=True, lonlat=True)
        here = {int(n): d for n, d in zip(NUMBER[here_order], DENSITY[here_order], strict=True)}
        out += [here.get(int(p), 0.0) for p in pixel]
    return out


@pytest.mark.parametrize("compress", [False, True])
def test_a_multi_order_map_gives_its_densities(*, compress: bool) -> None:
    shuffled = RNG.permutation(len(UNIQ))
    sky = SkyMap.read(multi_order(UNIQ[shuffled], DENSITY[shuffled], compress=compress, OBJECT="S1", DISTMEAN=40.5))
    assert np.allclose(sky.probdensity(RA, DEC), expected_at(RA, DEC), rtol=1e-12)
    assert (sky.tiles, sky.order_max, sky.object_id) == (len(UNIQ), ORDER.max(), "S1")
    assert (sky.distance_mean_mpc, sky.distance_std_mpc) == (40.5, None)


def test_a_path_is_read_like_its_bytes_and_its_name_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "bayestar.fits"
    path.write_bytes(multi_order(UNIQ, DENSITY, compress=True))
    assert SkyMap.read(path).tiles == SkyMap.read(str(path)).tiles == len(UNIQ)


def test_unsigned_uniq_and_other_scales_are_read() -> None:
    unsigned = fits.Column("UNIQ", "K", bzero=1 << 63, array=UNIQ.astype(np.uint64))
    halved = fits.Column("PROBDENSITY", "D", bscale=2.0, array=DENSITY)
    sky = SkyMap.read(table_bytes([unsigned, halved], ORDERING="NUNIQ"))
    assert np.allclose(sky.probdensity(RA, DEC), expected_at(RA, DEC), rtol=1e-12)


def test_square_degrees_and_any_scale_are_normalised_per_steradian() -> None:
    per_deg2 = fits.Column("PROBDENSITY", "D", unit="deg-2", array=3 * DENSITY / DEG2_PER_SR)
    sky = SkyMap.read(table_bytes([fits.Column("UNIQ", "K", array=UNIQ), per_deg2], ORDERING="NUNIQ"))
    assert np.allclose(sky.probdensity(RA, DEC), expected_at(RA, DEC), rtol=1e-12)


@pytest.mark.parametrize("ordering", ["NESTED", "RING"])
@pytest.mark.parametrize("per_row", [1, 1024])
@pytest.mark.parametrize("compress", [False, True])
def test_a_flat_map_gives_its_densities(*, ordering: str, per_row: int, compress: bool) -> None:
    sky = SkyMap.read(flat(FLAT, ordering=ordering, per_row=per_row, compress=compress))
    pixel = healpy.ang2pix(32, RA, DEC, nest=ordering == "NESTED", lonlat=True)
    assert np.allclose(sky.probdensity(RA, DEC), FLAT[pixel] / FLAT.sum() * len(FLAT) / (4 * np.pi), rtol=1e-12)
    assert sky.order_max == 5


def test_a_flat_map_larger_than_a_piece_is_joined_where_it_is_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nuncius.broker.sky.skymap_fits._CHUNK_PIXELS", 1024)
    values = np.repeat(RNG.uniform(0, 1, 12 * 4**2), 4**3)
    sky = SkyMap.read(flat(values, compress=True))
    assert (sky.tiles, sky.order_max) == (12 * 4**2, 5)
    pixel = healpy.ang2pix(32, RA, DEC, nest=True, lonlat=True)
    assert np.allclose(sky.probdensity(RA, DEC), values[pixel] / values.sum() * len(values) / (4 * np.pi), rtol=1e-12)


@pytest.mark.parametrize("ordering", ["NESTED", "RING"])
def test_a_partial_map_is_zero_elsewhere(ordering: str) -> None:
    chosen = np.arange(100, 400)
    columns = [fits.Column("PIXEL", "J", array=chosen), fits.Column("PROB", "E", array=FLAT[chosen])]
    sky = SkyMap.read(table_bytes(columns, NSIDE=32, ORDERING=ordering, INDXSCHM="EXPLICIT"))
    pixel = healpy.ang2pix(32, RA, DEC, nest=ordering == "NESTED", lonlat=True)
    part = np.where(np.isin(pixel, chosen), FLAT[pixel].astype(np.float32), 0)
    scale = FLAT[chosen].astype(np.float32).astype(np.float64).sum() * np.pi / 3 / 32**2
    assert np.allclose(sky.probdensity(RA, DEC), part / scale, rtol=1e-6)
    assert sky.credible_level(*healpy.pix2ang(32, 5000, nest=ordering == "NESTED", lonlat=True)) == 1.0


def test_distance_layers_follow_their_tiles() -> None:
    layers = RNG.uniform(1, 2, (3, len(UNIQ)))
    layers[0, 5] = np.inf
    columns = [fits.Column("UNIQ", "K", array=UNIQ), fits.Column("PROBDENSITY", "D", array=DENSITY)]
    names = ("DISTMU", "DISTSIGMA", "DISTNORM")
    columns += [fits.Column(name, "D", array=layer) for name, layer in zip(names, layers, strict=True)]
    sky = SkyMap.read(table_bytes(columns, ORDERING="NUNIQ"))
    ra, dec = healpy.pix2ang(1 << int(ORDER[7]), int(NUMBER[7]), nest=True, lonlat=True)
    found = sky.distance(ra, dec)
    assert found is not None
    assert [float(layer) for layer in found] == [float(layer) for layer in layers[:, 7]]


def bad_table(values: list[float] | None = None, uniq: list[int] | None = None, **header: str | float) -> bytes:
    values = [1.0] * 12 if values is None else values
    uniq = [4 + n for n in range(12)] if uniq is None else uniq
    columns = [fits.Column("UNIQ", "K", array=uniq), fits.Column("PROBDENSITY", "D", array=values)]
    stated: dict[str, str | float] = {"ORDERING": "NUNIQ", **header}
    return table_bytes(columns, compress=False, **stated)


GOOD = bad_table()
REFUSED = {
    "empty": (b"", "it is empty"),
    "blanks": (b"\0" * 6000, "blanks or zeros"),
    "html": (b"<!DOCTYPE html><html>404</html>", "HTML"),
    "pointer": (b"bayestar.fits.gz", "names 'bayestar.fits.gz'"),
    "pickle": (pickle.dumps(np.ones(12)), "pickle"),
    "bzip2": (b"BZh91AY" + b"x" * 100, "something else than gzip"),
    "noise": (RNG.bytes(5000), "not a FITS file"),
    "cut header": (GOOD[:3000], "truncated"),
    "cut table": (GOOD[:5800], "truncated"),
    "cut gzip": (gzip.compress(GOOD)[:-30], "truncated gzip"),
    "gzip without its checksum": (gzip.compress(GOOD)[:-4], "its end and checksum are missing"),
    "gzip with a wrong checksum": (gzip.compress(GOOD)[:-8] + b"\0" * 8, "damaged gzip"),
    "gzip of html": (gzip.compress(b"<html>" * 2000), "inside not a FITS file: it looks like HTML"),
    "damaged gzip": (gzip.compress(GOOD)[:40] + b"\xff" * 400, "gzip"),
    "no pixels": (bad_table([], []), "without pixels"),
    "negative": (bad_table([1.0] * 11 + [-1.0]), "is -1.0 in cell 11 of order 0"),
    "nan": (bad_table([float("nan")] + [1.0] * 11), "PROBDENSITY is nan in cell 0"),
    "infinite": (bad_table([float("inf")] + [1.0] * 11), "is inf"),
    "all zero": (bad_table([0.0] * 12), "sums to 0"),
    "overlapping": (bad_table([1.0, 1.0], [4, 16]), "overlap"),
    "repeated": (bad_table([1.0, 1.0], [4, 4]), "overlap"),
    "uniq 3": (bad_table([1.0], [3]), "UNIQ 3 names no"),
    "uniq negative": (bad_table([1.0], [-7]), "UNIQ -7"),
    "uniq too large": (bad_table([1.0], [(16 << 58) + 1]), "beyond"),
    "ordering": (bad_table(ORDERING="PEANO"), "ordering 'PEANO'"),
    "galactic": (bad_table(COORDSYS="G"), "coordinate system 'G'"),
    "unit": (table_bytes([fits.Column("PROB", "E", unit="Jy", array=[1.0] * 12)], ORDERING="RING"), "'Jy'"),
    "nside": (flat(np.ones(48), NSIDE=4), "needs 192"),
    "nside 3": (flat(np.ones(108), NSIDE=3), "power of two"),
    "text column": (table_bytes([fits.Column("PROB", "4A", array=["a"] * 12)], ORDERING="RING"), "no plain number"),
    "coverage map": (table_bytes([fits.Column("UNIQ", "K", array=[4])], ORDERING="NUNIQ"), "UNIQ. A coverage map"),
    "no table": (gzip.decompress(gzip.compress(GOOD[:2880])), "columns found: none"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_with_its_reason(name: str) -> None:
    data, reason = REFUSED[name]
    with pytest.raises(MalformedAlert, match=reason):
        SkyMap.read(data)


@pytest.mark.parametrize("card", ["NAXIS1", "NAXIS2", "PCOUNT", "TFIELDS"])
@pytest.mark.parametrize("value", ["-1", "99999999999999999999", "1E9", "'x'", "T"])
def test_a_size_that_lies_is_refused_before_memory_is_asked_for(card: str, value: str) -> None:
    where = GOOD.index(card.ljust(8).encode() + b"= ")
    lying = GOOD[: where + 10] + value.rjust(20).encode() + GOOD[where + 30 :]
    if card == "PCOUNT":
        lying = lying.replace(b"PROBDENSITY", b"PEACEDENSIT")
    with pytest.raises((MalformedAlert, LimitExceeded)):
        SkyMap.read(lying)


def test_caps_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = GOOD + b"\0" * (64 << 20)
    with pytest.raises(LimitExceeded, match="800-fold"):
        SkyMap.read(gzip.compress(bomb, 9))
    with pytest.raises(LimitExceeded, match="header longer"):
        SkyMap.read(b"SIMPLE  =                    T".ljust(80) + b" " * 2880 * 70)
    monkeypatch.setattr(skymap_fits, "MAX_TILES", 1000)
    monkeypatch.setattr(skymap_fits, "_CHUNK_PIXELS", 256)
    with pytest.raises(LimitExceeded, match="more than 1000 different"):
        SkyMap.read(flat(FLAT, per_row=256))
    monkeypatch.setattr(skymap_fits, "MAX_FLAT_ORDER", 4)
    with pytest.raises(LimitExceeded, match="NSIDE 32; at most 16"):
        SkyMap.read(flat(FLAT))
    monkeypatch.setattr(fits_source, "MAX_INFLATED_BYTES", 8000)
    with pytest.raises(LimitExceeded, match="beyond 8000"):
        SkyMap.read(gzip.compress(GOOD))
    monkeypatch.setattr(fits_source, "MAX_FILE_BYTES", 100)
    with pytest.raises(LimitExceeded, match="at most 100"):
        SkyMap.read(GOOD)
