"""Coverage maps of every form against mocpy, and what is refused."""

import io
import json

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from mocpy import MOC

from nuncius.broker.sky.cover import circle_cover
from nuncius.broker.sky.moc import moc_ascii, moc_json, read_moc
from nuncius.broker.sky.ranges import NOTHING, Ranges, cells, difference
from nuncius.schemas.errors import LimitExceeded, MalformedAlert


def cone(ra: float, dec: float, radius: float, order: int) -> MOC:
    return MOC.from_cone(lon=ra * units.deg, lat=dec * units.deg, radius=radius * units.deg, max_depth=order)


MOCS = [
    cone(10, 20, 5, 9),
    cone(0, 90, 0.01, 16),
    cone(0, -89.9, 1e-5, 29),
    MOC.from_string("0/0-11"),
    cone(0, 0, 80, 5),
]


def ranges_of(moc: MOC) -> Ranges:
    start, stop = np.asarray(moc.to_depth29_ranges, np.int64).reshape(-1, 2).T
    return Ranges(start, stop)


def same(one: Ranges, two: Ranges) -> bool:
    return np.array_equal(one.start, two.start) and np.array_equal(one.stop, two.stop)


def file_of(hdus: fits.HDUList) -> bytes:
    out = io.BytesIO()
    hdus.writeto(out)
    return out.getvalue()


def table(values: list[int], **cards: object) -> bytes:
    unit = fits.BinTableHDU.from_columns([fits.Column("UNIQ", "1K", array=np.array(values, np.int64))])
    unit.header.update({"ORDERING": "NUNIQ", "COORDSYS": "C", "PIXTYPE": "HEALPIX"} | cards)
    return file_of(fits.HDUList([fits.PrimaryHDU(), unit]))


@pytest.mark.parametrize("moc", MOCS)
def test_every_form_that_mocpy_writes_is_read(moc: MOC) -> None:
    expected = ranges_of(moc)
    assert same(read_moc(moc.to_string(format="ascii")), expected)
    assert same(read_moc(json.dumps(moc.serialize(format="json"))), expected)
    assert same(read_moc(file_of(moc.serialize(format="fits"))), expected)
    order, number = cells(expected)
    assert same(read_moc(table(((np.int64(4) << (2 * order)) + number).tolist())), expected)


@pytest.mark.parametrize("moc", MOCS)
def test_mocpy_reads_what_is_written(moc: MOC) -> None:
    ours = ranges_of(moc)
    assert same(ranges_of(MOC.from_string(moc_ascii(ours))), ours)
    assert same(ranges_of(MOC.from_string(moc_json(ours), format="json")), ours)
    # the fewest cells: as many as mocpy's own normal form has
    assert sum(map(len, json.loads(moc_json(ours)).values())) == sum(map(len, moc.serialize(format="json").values()))


@pytest.mark.parametrize(("ra", "dec", "radius"), [(10, 20, 5), (0, 90, 1), (0, 0, 0.01), (200, -60, 40)])
def test_a_circle_holds_the_cells_inside_that_mocpy_finds(ra: float, dec: float, radius: float) -> None:
    order = int(np.ceil(np.log2(60 / radius))) + 3
    cover = circle_cover(ra, dec, radius, order=order)
    # neither misses a cell that the other knows to lie inside; mocpy may add cells beyond the border
    assert (
        len(
            difference(
                Ranges(cover.start[cover.full], cover.stop[cover.full]), ranges_of(cone(ra, dec, radius, order))
            ).start
        )
        == 0
    )
    width = 60 / 2**order
    assert len(difference(ranges_of(cone(ra, dec, radius - 2 * width, order)), cover.ranges).start) == 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        "{",
        "{}",
        '{"4": []}',
        '{"30": [1]}',
        '{"4": [-1]}',
        '{"4": [3072]}',
        '{"4": [1.5]}',
        '{"4": [true]}',
        '{"4": 7}',
        '{"+4": [1]}',
        '{"4": [' + "9" * 5000 + "]}",
        '{"4": ' + "[" * 100_000,
        table([3]),
        table([-5]),
        table([1 << 62]),
        table([]),
        table([4], COORDSYS="G"),
        table([4], MOCDIM="TIME"),
        table([4], ORDERING="NESTED"),
        table([0, 5, 7], ORDERING="RANGE"),
        table([5, 5], ORDERING="RANGE"),
        table([0, (12 << 58) + 1], ORDERING="RANGE"),
        table([-1, 5], ORDERING="RANGE"),
        table([4] * 1000)[:-2880],
        file_of(fits.HDUList([fits.PrimaryHDU()])),
    ],
)
def test_what_is_no_moc_is_refused(data: bytes | str) -> None:
    with pytest.raises(MalformedAlert):
        read_moc(data)


def test_what_is_too_long_is_refused() -> None:
    for data in ("0/1" + " 1" * (1 << 22), b" " * (1 << 23), "{" + " " * (1 << 23)):
        with pytest.raises(LimitExceeded):
            read_moc(data)


def test_nothing_is_no_moc() -> None:
    with pytest.raises(ValueError, match="without cells"):
        moc_ascii(NOTHING)
