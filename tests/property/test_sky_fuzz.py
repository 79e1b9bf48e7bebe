"""Bytes that are nearly sky maps: every one gives a sound map or a Quarantine, nothing else."""

import gzip

import numpy as np
import pytest
from how_many import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sky_files import flat, multi_order

from nuncius.broker.sky import SkyMap, moc_ranges
from nuncius.broker.sky.healpix import PIXEL_AREA_SR, PIXELS
from nuncius.schemas.errors import Quarantine

MULTI = multi_order(np.arange(4, 64), np.concatenate((np.zeros(12), np.arange(1.0, 49.0))), DISTMEAN=40.0, OBJECT="S1")
FLAT = flat(np.arange(1.0, 193.0), per_row=16)
RING = flat(np.arange(1.0, 193.0), ordering="RING", per_row=1)
SEEDS = (MULTI, FLAT, RING)


def check(data: bytes) -> None:
    """Either refused, or a map that keeps its promises."""
    try:
        sky = SkyMap.read(data)
    except Quarantine:
        return
    assert sky.start[0] >= 0
    assert sky.stop[-1] <= PIXELS
    assert np.all(sky.stop > sky.start)
    assert np.all(sky.start[1:] >= sky.stop[:-1])
    assert np.all(np.isfinite(sky.density) & (sky.density >= 0))
    assert np.sum(sky.density * (sky.stop - sky.start)) * PIXEL_AREA_SR == pytest.approx(1.0)
    assert 0 < sky.credible_level(10.0, 20.0) <= 1
    assert 0 < sky.area(0.9) < 41253


@settings(max_examples=examples(250), suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0, 11_000), st.binary(min_size=1, max_size=30)), max_size=6)
)
def test_overwritten_bytes(seed: bytes, edits: list[tuple[int, bytes]]) -> None:
    data = bytearray(seed)
    for where, piece in edits:
        data[where : where + len(piece)] = piece
    check(bytes(data))


@settings(max_examples=examples(100))
@given(seed=st.sampled_from(SEEDS), length=st.integers(0, 12_000), compress=st.booleans())
def test_a_file_cut_anywhere(*, seed: bytes, length: int, compress: bool) -> None:
    check((gzip.compress(seed) if compress else seed)[:length])


CARDS = (
    *("NAXIS", "NAXIS1", "NAXIS2", "PCOUNT", "GCOUNT", "TFIELDS", "BITPIX", "XTENSION"),
    *("TFORM1", "TFORM2", "TTYPE1", "TTYPE2", "TUNIT1", "TUNIT2", "TZERO1", "TSCAL1"),
    *("ORDERING", "NSIDE", "COORDSYS", "INDXSCHM", "DISTMEAN"),
)
values = st.one_of(
    st.integers(-(10**25), 10**25).map(str),
    st.floats().map(str),
    st.sampled_from(
        ["'1024E'", "'D'", "'1PE(9)'", "'0E'", "'UNIQ'", "'PROB'", "'NUNIQ'", "'RING'", "'NESTED'", "T", "''"]
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40),
)


@settings(max_examples=examples(250))
@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.sampled_from(CARDS), values), min_size=1, max_size=4))
def test_cards_with_other_values(seed: bytes, cards: list[tuple[str, str]]) -> None:
    data = seed
    for key, value in cards:
        where = data.rfind(key.ljust(8).encode() + b"= ")
        if where >= 0:
            card = f"{key:8}= {value:>20}"[:80].ljust(80).encode()
            data = data[:where] + card + data[where + 80 :]
    check(data)


@given(st.binary(max_size=4000), st.sampled_from([b"", b"\x1f\x8b\x08", b"SIMPLE  =", MULTI[:5760]]))
def test_noise(noise: bytes, start: bytes) -> None:
    check(start + noise)


@given(st.text("0123456789/-, s", max_size=40))
def test_moc_text(text: str) -> None:
    try:
        start, stop = moc_ranges(text)
    except Quarantine:
        return
    assert start[0] >= 0
    assert stop[-1] <= PIXELS
    assert np.all(stop > start)
    assert np.all(start[1:] > stop[:-1])
