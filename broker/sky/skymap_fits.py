"""Probability sky maps from FITS: multi-order or flat, whole or partial sky, plain or gzipped. Told by content."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nuncius.broker.sky.coarsen import Columns, merge_equal, ring_to_nested
from nuncius.broker.sky.fits_header import (
    Column,
    Table,
    Value,
    data_bytes,
    padded,
    read_header,
    table_layout,
    text,
    whole,
)
from nuncius.broker.sky.fits_source import Source, open_source
from nuncius.broker.sky.healpix import DEG2_PER_SR, ORDER, FloatArray, IntArray, cell_area_sr, cell_range, cells_of
from nuncius.schemas.errors import LimitExceeded, MalformedAlert

MAX_UNITS = 16
MAX_TILES = 12 << 20
"""As many as pixels of a flat order-10 map."""
MAX_FLAT_ORDER = 11
LARGEST = 1e100
"""Of a stated value: a certain place of one order-29 pixel has 3e17 per steradian, and squares must not overflow."""

_CHUNK_BYTES = 32 << 20
_CHUNK_PIXELS = 1 << 20
_DENSITY_NAMES = ("PROBDENSITY", "PROB", "PROBABILITY")
_DISTANCE_NAMES = ("DISTMU", "DISTSIGMA", "DISTNORM")
_FRAMES = {"", "C", "Q", "ICRS", "CELESTIAL", "EQUATORIAL", "J2000", "FK5"}
_SIGN = np.int64(-(1 << 63))


@dataclass(frozen=True, slots=True, eq=False)
class Tiles:
    """What a file states, before it is sorted and normalised: order-29 ranges, density per steradian, distances."""

    start: IntArray
    stop: IntArray
    density: FloatArray
    distance: FloatArray | None
    order_max: int
    header: Mapping[str, Value]


def read_tiles(data: bytes) -> Tiles:
    """Tiles of the first table that holds a probability map.

    Raises
    ------
    MalformedAlert
        Not FITS, truncated, no such table, or a value out of its range.
    LimitExceeded
        Larger or more compressed than any sky map.
    """
    source = open_source(data)
    source.skip(padded(data_bytes(read_header(source))))
    seen: list[str] = []
    for _ in range(MAX_UNITS):
        if source.at_end():
            break
        header = read_header(source)
        if header.get("XTENSION") == "BINTABLE":
            table = table_layout(header)
            value = table.column(*_DENSITY_NAMES)
            if value is not None:
                tiles = _read_table(source, table, value)
                source.close()
                return tiles
            seen += [column.name for column in table.columns]
        source.skip(padded(data_bytes(header)))
    columns = ", ".join(seen[:16]) or "none"
    raise MalformedAlert(
        f"FITS without a probability column ({' or '.join(_DENSITY_NAMES)}); columns found: {columns}."
        " A coverage map (MOC) is a region, no sky map"
    )


def _read_table(source: Source, table: Table, value: Column) -> Tiles:
    frame = text(table.header, "COORDSYS").upper()
    if frame not in _FRAMES:
        raise MalformedAlert(f"sky map in coordinate system {frame!r}; only equatorial ones are read", "COORDSYS")
    distances = [column for name in _DISTANCE_NAMES if (column := table.column(name)) is not None]
    columns = (value, *(distances if len(distances) == len(_DISTANCE_NAMES) else ()))
    for column in columns:
        if column.dtype is None or column.repeat != value.repeat or column.repeat < 1:
            raise MalformedAlert(f"column {column.name} is no plain number like {value.name}", column.name)
    if table.rows < 1:
        raise MalformedAlert("sky map without pixels", "NAXIS2")
    source.require(table.rows * table.row_bytes)
    ordering = text(table.header, "ORDERING").upper()
    uniq = table.column("UNIQ")
    if uniq is not None and ordering in {"NUNIQ", "UNIQ", ""}:
        return _multi_order(source, table, uniq, columns)
    if ordering not in {"NESTED", "NEST", "RING"}:
        raise MalformedAlert(f"sky map in ordering {ordering!r}; NUNIQ, NESTED and RING are read", "ORDERING")
    cells = table.column("PIXEL", "PIX", "IPIX")
    if cells is not None and text(table.header, "INDXSCHM").upper() != "IMPLICIT":
        return _explicit(source, table, cells, columns, ring=ordering == "RING")
    return _implicit(source, table, columns, ring=ordering == "RING")


def _multi_order(source: Source, table: Table, uniq: Column, columns: tuple[Column, ...]) -> Tiles:
    names, values = _whole_table(source, table, uniq, columns)
    if names.min() < 4:
        raise MalformedAlert(f"UNIQ {names.min()} names no HEALPix cell", "UNIQ")
    order, number = cells_of(names)
    if order.max() > ORDER or np.any(number >= np.int64(12) << (2 * order)):
        raise MalformedAlert("UNIQ names a cell beyond the sphere or beyond order 29", "UNIQ")
    return _tiles((order, number), values, columns, table, flat_order=None)


def _explicit(source: Source, table: Table, cells: Column, columns: tuple[Column, ...], *, ring: bool) -> Tiles:
    order = _flat_order(table, None)
    names, values = _whole_table(source, table, cells, columns)
    if names.min() < 0 or names.max() >= 12 << (2 * order):
        raise MalformedAlert(f"{cells.name} names a pixel beyond the sphere at order {order}", cells.name)
    number = ring_to_nested(order, names) if ring else names
    return _tiles((np.full(len(number), order), number), values, columns, table, flat_order=order)


def _implicit(source: Source, table: Table, columns: tuple[Column, ...], *, ring: bool) -> Tiles:
    per_row = columns[0].repeat
    count = table.rows * per_row
    order = _flat_order(table, count)
    pieces: list[tuple[int, IntArray, Columns]] = []
    if ring:
        if count > MAX_TILES:
            raise LimitExceeded(f"flat RING map of {count} pixels; at most {MAX_TILES} are read")
        parts = list(_chunks(source, table, columns, max(1, _CHUNK_BYTES // table.row_bytes)))
        target = ring_to_nested(order, np.arange(count))
        nested = tuple(np.empty(count, column[0].dtype) for column in zip(*parts, strict=True))
        for out, column in zip(nested, zip(*parts, strict=True), strict=True):
            out[target] = np.concatenate(column)
        pieces.extend(merge_equal(0, order, nested))
    else:
        run = _CHUNK_PIXELS
        while run > 1 and (run // per_row * table.row_bytes > _CHUNK_BYTES):
            run //= 4
        if count <= run or run % per_row:
            run = count
        if run > MAX_TILES or run // per_row * table.row_bytes > 4 * _CHUNK_BYTES:
            raise LimitExceeded(f"flat map in rows of {per_row} pixels, {count} in all, cannot be read piece by piece")
        first = tiles = 0
        for part in _chunks(source, table, columns, run // per_row):
            merged = list(merge_equal(first, order, part))
            tiles += sum(len(numbers) for _, numbers, _ in merged)
            if tiles > MAX_TILES:
                raise LimitExceeded(f"flat map of more than {MAX_TILES} different pixels")
            pieces += merged
            first += len(part[0])
    orders = np.concatenate([np.full(len(numbers), level) for level, numbers, _ in pieces])
    number = np.concatenate([numbers for _, numbers, _ in pieces])
    values = tuple(np.concatenate(column) for column in zip(*(piece[2] for piece in pieces), strict=True))
    return _tiles((orders, number), values, columns, table, flat_order=order)


def _flat_order(table: Table, count: int | None) -> int:
    """Order of a flat map from NSIDE, from its number of pixels, or from both where both are there."""
    nside = whole(table.header, "NSIDE", default=0, upper=1 << ORDER)
    if nside == 0 and count is not None and count % 12 == 0:
        nside = round((count // 12) ** 0.5)
    if nside < 1 or nside & (nside - 1):
        raise MalformedAlert(f"NSIDE is {nside}, expected a power of two", "NSIDE")
    order = nside.bit_length() - 1
    if count is not None and count != 12 * nside * nside:
        raise MalformedAlert(f"flat map of {count} pixels; NSIDE {nside} needs {12 * nside * nside}", "NSIDE")
    if count is not None and order > MAX_FLAT_ORDER:
        raise LimitExceeded(f"flat map of NSIDE {nside}; at most {1 << MAX_FLAT_ORDER} is read, use a multi-order map")
    return order


def _chunks(source: Source, table: Table, columns: tuple[Column, ...], rows: int) -> Iterator[Columns]:
    """Native columns of ``rows`` rows at a time, TSCAL and TZERO applied."""
    dtype = table.row_dtype(*columns)
    for first in range(0, table.rows, rows):
        count = min(rows, table.rows - first)
        part = np.frombuffer(source.take(count * table.row_bytes), dtype)
        yield tuple(_native(part[f"c{index}"], column) for index, column in enumerate(columns))


def _whole_table(source: Source, table: Table, cells: Column, columns: tuple[Column, ...]) -> tuple[IntArray, Columns]:
    """Cell names and values of a table that names its cells."""
    if table.rows * cells.repeat > MAX_TILES:
        raise LimitExceeded(f"sky map of {table.rows * cells.repeat} tiles; at most {MAX_TILES} are read")
    if cells.dtype is None or cells.dtype[-2:] not in {"i2", "i4", "i8"} or cells.repeat != columns[0].repeat:
        raise MalformedAlert(f"column {cells.name} is not of whole numbers, one a value", cells.name)
    unsigned = cells.dtype == ">i8" and (cells.scale, cells.zero) == (1, 1 << 63)
    if not unsigned and (cells.scale, cells.zero) != (1, 0):
        raise MalformedAlert(f"column {cells.name} has an odd TSCAL or TZERO", cells.name)
    dtype = table.row_dtype(cells, *columns)
    if not unsigned and _is_of_words(table, (cells, *columns)):
        # all columns of 8 bytes, as LIGO, Virgo and KAGRA write them: one pass turns the bytes of all
        words = np.frombuffer(source.take(table.rows * table.row_bytes), ">u8").astype(np.uint64)
        by_column = words.reshape(table.rows, -1).T
        floats = tuple(by_column[column.offset // 8].view(np.float64) for column in columns)
        return by_column[cells.offset // 8].view(np.int64), floats
    names: list[IntArray] = []
    values: list[Columns] = []
    rows = max(1, _CHUNK_BYTES // table.row_bytes)
    for first in range(0, table.rows, rows):
        count = min(rows, table.rows - first)
        part = np.frombuffer(source.take(count * table.row_bytes), dtype)
        name = part["c0"].reshape(-1).astype(np.int64)
        names.append(name ^ _SIGN if unsigned else name)
        values.append(tuple(_native(part[f"c{index}"], column) for index, column in enumerate(columns, start=1)))
    if len(names) == 1:
        return names[0], values[0]
    return np.concatenate(names), tuple(np.concatenate(column) for column in zip(*values, strict=True))


def _is_of_words(table: Table, columns: tuple[Column, ...]) -> bool:
    first, *others = columns
    plain = all(column.dtype == ">f8" and (column.scale, column.zero) == (1, 0) for column in others)
    aligned = all(column.offset % 8 == 0 and column.repeat == 1 for column in columns)
    small = table.row_bytes % 8 == 0 and table.rows * table.row_bytes <= _CHUNK_BYTES
    return plain and aligned and small and first.dtype == ">i8"


def _native(raw: npt.NDArray[Any], column: Column) -> npt.NDArray[np.floating]:
    """Values in this machine's byte order, TSCAL and TZERO applied; single precision stays so, to compare quickly."""
    flat = raw.reshape(-1)
    if (column.scale, column.zero) != (1, 0):
        scaled: FloatArray = flat.astype(np.float64) * column.scale + column.zero
        return scaled
    return flat.astype(np.float32) if column.dtype == ">f4" else flat.astype(np.float64)


def _tiles(
    cells: tuple[IntArray, IntArray],
    values: Columns,
    columns: tuple[Column, ...],
    table: Table,
    *,
    flat_order: int | None,
) -> Tiles:
    """Values as stated to densities, cells (orders, numbers) to ranges.

    ``flat_order`` is the order of the pixels that the values of a flat map are of; None where each is of its cell.
    """
    order, number = cells
    stated = np.asarray(values[0], np.float64)
    possible = (stated >= 0) & (stated <= LARGEST)
    if not possible.all():
        bad = int(np.flatnonzero(~possible)[0])
        raise MalformedAlert(
            f"{columns[0].name} is {stated[bad]} in cell {number[bad]} of order {order[bad]};"
            f" expected 0 to {LARGEST:g}",
            columns[0].name,
        )
    unit = columns[0].unit.lower().replace(" ", "").replace("**", "").replace("^", "")
    if unit in {"sr-1", "1/sr"} or (columns[0].name == "PROBDENSITY" and unit == ""):
        density = stated
    elif unit in {"deg-2", "1/deg2"}:
        density = stated * DEG2_PER_SR
    elif unit in {"", "pix-1", "1/pix", "1/pixel", "pixel-1", "prob", "probability"}:
        density = stated / cell_area_sr(order if flat_order is None else flat_order)
    else:
        raise MalformedAlert(f"{columns[0].name} is in {columns[0].unit!r}; expected sr-1, deg-2 or pix-1", "TUNIT")
    distance = np.array(values[1:], np.float64) if len(values) > 1 else None
    start, stop = cell_range(order, number)
    order_max = int(order.max()) if flat_order is None else flat_order
    return Tiles(start, stop, density, distance, order_max, table.header)
