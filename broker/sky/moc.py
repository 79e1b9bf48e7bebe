"""Coverage maps (MOC 2.0, space dimension) of every form: FITS, JSON and ASCII are read, JSON and ASCII written."""

import json
from typing import Final

import numpy as np

from nuncius.broker.sky.fits_header import Table, data_bytes, padded, read_header, table_layout, text
from nuncius.broker.sky.fits_source import Source, open_source
from nuncius.broker.sky.healpix import ORDER, PIXELS, IntArray, cell_range
from nuncius.broker.sky.ranges import Ranges, cells, union
from nuncius.broker.sky.region import MAX_MOC_CHARACTERS, moc_ranges
from nuncius.broker.sky.skymap_fits import MAX_TILES, MAX_UNITS
from nuncius.schemas.errors import LimitExceeded, MalformedAlert

_UNIQ_FROM: Final = np.int64(4) << (2 * np.arange(ORDER + 2))
"""Smallest UNIQ of each order, 4^(order + 1) (MOC 2.0, section 4.3.1), and of the one that no longer is."""


def read_moc(data: bytes | str) -> Ranges:
    """Pixels of a coverage map, its form told by its content.

    FITS, plain or gzipped, in ordering NUNIQ (MOC 1.1) or RANGE (MOC 2.0); JSON, ``{"order": [cells]}``; ASCII as in
    `region.moc_ranges`.

    Raises
    ------
    MalformedAlert
        No MOC of the space dimension in equatorial coordinates, without cells, cut short, or with a cell beyond the
        sphere.
    LimitExceeded
        Larger than any MOC.
    """
    if isinstance(data, bytes):
        if data.startswith((b"SIMPLE", b"\x1f\x8b")):
            return _from_fits(data)
        if len(data) > MAX_MOC_CHARACTERS:
            raise LimitExceeded(f"MOC of {len(data)} bytes; at most {MAX_MOC_CHARACTERS} are read")
        try:
            data = data.decode("ascii")
        except UnicodeDecodeError as error:
            raise MalformedAlert(f"MOC that is neither FITS nor ASCII, at byte {error.start}", "moc") from error
    return _from_json(data) if data.lstrip().startswith("{") else moc_ranges(data.strip())


def moc_ascii(ranges: Ranges) -> str:
    """A MOC as ASCII: the fewest cells, ``order/number number first-last``, orders rising.

    Raises
    ------
    ValueError
        The set is empty: a MOC without cells is no place.
    """
    return " ".join(
        f"{order}/" + " ".join(str(first) if first == last else f"{first}-{last}" for first, last in _runs(number))
        for order, number in _by_order(ranges)
    )


def moc_json(ranges: Ranges) -> str:
    """A MOC as JSON, ``{"order": [cells]}``; ValueError as in `moc_ascii`."""
    return json.dumps({str(order): number.tolist() for order, number in _by_order(ranges)})


def _by_order(ranges: Ranges) -> list[tuple[int, IntArray]]:
    order, number = cells(ranges)
    if len(order) == 0:
        raise ValueError("a MOC without cells is no place")
    present, first = np.unique(order, return_index=True)
    return list(zip(present.tolist(), np.split(number, first[1:]), strict=True))


def _runs(number: IntArray) -> list[tuple[int, int]]:
    """First and last of each run of sorted numbers that follow each other."""
    start, stop = union(number, number + 1)
    return list(zip(start.tolist(), (stop - 1).tolist(), strict=True))


def _from_json(data: str) -> Ranges:
    if len(data) > MAX_MOC_CHARACTERS:
        raise LimitExceeded(f"MOC of {len(data)} characters; at most {MAX_MOC_CHARACTERS} are read")
    try:
        stated = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise MalformedAlert(f"MOC that is no JSON: {error}", "moc") from error
    start: list[IntArray] = []
    stop: list[IntArray] = []
    for key, numbers in stated.items():
        order = int(key) if key in _ORDERS else None
        if order is None or not isinstance(numbers, list):
            raise MalformedAlert(
                f"MOC in JSON with {key[:20]!r}; expected an order from 0 to {ORDER} and a list", "moc"
            )
        bad = [n for n in numbers if type(n) is not int or not 0 <= n < 12 << (2 * order)]
        if bad:
            raise MalformedAlert(f"MOC cell {str(bad[0])[:40]} is not on the sphere at order {order}", "moc")
        first, after = cell_range(order, np.array(numbers, np.int64))
        start.append(first)
        stop.append(after)
    if not any(len(piece) for piece in start):
        raise MalformedAlert("MOC without cells", "moc")
    return union(np.concatenate(start), np.concatenate(stop))


_ORDERS: Final = frozenset(map(str, range(ORDER + 1)))


def _from_fits(data: bytes) -> Ranges:
    source = open_source(data)
    source.skip(padded(data_bytes(read_header(source))))
    for _ in range(MAX_UNITS):
        if source.at_end():
            break
        header = read_header(source)
        if header.get("XTENSION") == "BINTABLE":
            ranges = _from_table(source, table_layout(header))
            source.close()
            return ranges
        source.skip(padded(data_bytes(header)))
    raise MalformedAlert("FITS without a table: no MOC", "moc")


def _from_table(source: Source, table: Table) -> Ranges:
    stated = {key: text(table.header, key).upper() for key in ("ORDERING", "MOCDIM", "COORDSYS", "PIXTYPE")}
    ordering = stated["ORDERING"]
    if ordering not in {"NUNIQ", "RANGE", "RANGE29"} or stated["MOCDIM"] not in {"", "SPACE"}:
        raise MalformedAlert(f"FITS table that is no MOC of the space dimension: {stated}", "ORDERING")
    if stated["COORDSYS"] not in {"", "C"} or stated["PIXTYPE"] not in {"", "HEALPIX"}:
        raise MalformedAlert(f"MOC that is not of equatorial HEALPix cells: {stated}", "COORDSYS")
    if len(table.columns) != 1 or table.columns[0].dtype not in {">i2", ">i4", ">i8"}:
        raise MalformedAlert("MOC whose table is not one column of whole numbers", "TFORM1")
    column = table.columns[0]
    count = table.rows * column.repeat
    if (column.scale, column.zero) != (1, 0):
        raise MalformedAlert("MOC with TSCAL or TZERO", "TZERO1")
    if count > MAX_TILES:
        raise LimitExceeded(f"MOC of {count} numbers; at most {MAX_TILES} are read")
    if count == 0:
        raise MalformedAlert("MOC without cells", "NAXIS2")
    source.require(table.rows * table.row_bytes)
    numbers = np.frombuffer(source.take(table.rows * table.row_bytes), column.dtype).astype(np.int64)
    return _from_uniq(numbers) if ordering == "NUNIQ" else _from_pairs(numbers)


def _from_uniq(names: IntArray) -> Ranges:
    """Cells of UNIQ numbers, 4 * 4^order + cell, in [4^(order + 1), 4^(order + 2))."""
    if names.min() < _UNIQ_FROM[0] or names.max() >= _UNIQ_FROM[-1]:
        raise MalformedAlert("UNIQ names a cell beyond the sphere or beyond order 29", "UNIQ")
    order = np.searchsorted(_UNIQ_FROM, names, side="right") - 1
    return union(*cell_range(order, names - _UNIQ_FROM[order]))


def _from_pairs(numbers: IntArray) -> Ranges:
    if len(numbers) % 2:
        raise MalformedAlert("MOC of ranges whose last one has no end", "NAXIS2")
    start, stop = numbers[::2], numbers[1::2]
    if np.any(start < 0) or np.any(stop > PIXELS) or np.any(start >= stop):
        raise MalformedAlert("MOC with a range that is empty or beyond the sphere", "RANGE")
    return union(start, stop)
