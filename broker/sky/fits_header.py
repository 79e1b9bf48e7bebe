"""FITS headers (FITS 4.0, sections 4 and 7.3): cards to values, and a binary table's layout, checked before use."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nuncius.broker.sky.fits_source import Source
from nuncius.schemas.errors import LimitExceeded, MalformedAlert

BLOCK = 2880
MAX_HEADER_BLOCKS = 64
MAX_COLUMNS = 64
MAX_ROW_BYTES = 1 << 24

Value = str | int | float | bool

_CARDS = BLOCK // 80
_STRING = re.compile(r"'((?:[^']|'')*)'")
_TFORM = re.compile(r"(\d{0,9})([LXBIJKAEDCMPQ])")
_WIDTH = {"L": 1, "B": 1, "A": 1, "I": 2, "J": 4, "K": 8, "E": 4, "D": 8, "C": 8, "M": 16, "P": 8, "Q": 16}
_DTYPE = {"B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a binary table.

    Parameters
    ----------
    name
        Upper case.
    repeat
        Elements a row.
    unit
        As stated, without blanks; empty where missing.
    offset
        Bytes from the start of the row.
    dtype
        Element type; None for what is not a plain number.
    scale, zero
        TSCAL and TZERO.
    """

    name: str
    repeat: int
    unit: str
    offset: int
    dtype: str | None
    scale: int | float = 1
    zero: int | float = 0


@dataclass(frozen=True, slots=True)
class Table:
    """Layout of a binary table: columns, bytes a row, number of rows, and all header values."""

    columns: tuple[Column, ...]
    row_bytes: int
    rows: int
    header: Mapping[str, Value]

    def column(self, *names: str) -> Column | None:
        """The first column that bears one of the names."""
        return next((column for column in self.columns if column.name in names), None)

    def row_dtype(self, *columns: Column) -> np.dtype[np.void]:
        """Structured type of one row that shows only the given columns, named ``c0``, ``c1`` and so on."""
        return np.dtype(
            {
                "names": [f"c{index}" for index in range(len(columns))],
                "formats": [(column.dtype, (column.repeat,)) for column in columns],
                "offsets": [column.offset for column in columns],
                "itemsize": self.row_bytes,
            }
        )


def read_header(source: Source) -> dict[str, Value]:
    """Header values of the unit that starts here; the source then stands at its data.

    Raises
    ------
    LimitExceeded
        No END within `MAX_HEADER_BLOCKS` blocks.
    MalformedAlert
        A card that is not ASCII, or the file ends within the header.
    """
    values: dict[str, Value] = {}
    for _ in range(MAX_HEADER_BLOCKS):
        where = source.position
        try:
            block = bytes(source.take(BLOCK)).decode("ascii")
        except UnicodeDecodeError as error:
            raise MalformedAlert(f"FITS header at byte {where} holds bytes that are not ASCII") from error
        for index in range(_CARDS):
            card = block[80 * index : 80 * index + 80]
            key = card[:8].rstrip()
            if key == "END":
                return values
            if card[8:10] == "= " and key not in values:
                value = _value(card[10:])
                if value is not None:
                    values[key] = value
    raise LimitExceeded(f"FITS header longer than {MAX_HEADER_BLOCKS} blocks")


def data_bytes(header: Mapping[str, Value]) -> int:
    """Length of the unit's data without padding (FITS 4.0, equation 2).

    Raises
    ------
    MalformedAlert
        A size is missing, negative or not a whole number.
    """
    axes = whole(header, "NAXIS", upper=999)
    size = 1 if axes else 0
    for axis in range(1, axes + 1):
        size *= whole(header, f"NAXIS{axis}")
    bits = header.get("BITPIX")
    if bits not in {8, 16, 32, 64, -32, -64} or isinstance(bits, (str, bool)):
        raise MalformedAlert(f"FITS: BITPIX is {bits!r}", "BITPIX")
    groups = whole(header, "GCOUNT", default=1)
    return abs(int(bits)) // 8 * groups * (whole(header, "PCOUNT", default=0) + size)


def padded(size: int) -> int:
    """Length with the padding to whole blocks."""
    return -(-size // BLOCK) * BLOCK


def whole(header: Mapping[str, Value], key: str, *, default: int | None = None, upper: int = 1 << 62) -> int:
    """A whole number in [0, upper] of the header, or the default where the key is missing."""
    value = header.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= upper:
        raise MalformedAlert(f"FITS: {key} is {value!r}, expected a whole number from 0 to {upper}", key)
    return value


def text(header: Mapping[str, Value], key: str) -> str:
    """A header value as text without blanks around it; empty where missing."""
    value = header.get(key, "")
    return value.strip() if isinstance(value, str) else str(value)


def number(header: Mapping[str, Value], key: str) -> float | None:
    """A finite number of the header; None where missing or something else."""
    value = header.get(key)
    if isinstance(value, (str, bool)) or value is None:
        return None
    return float(value) if abs(value) < 1e300 else None


def table_layout(header: Mapping[str, Value]) -> Table:
    """Columns of a binary table.

    Raises
    ------
    MalformedAlert
        The columns do not fill the row, or a format cannot be read.
    LimitExceeded
        More than `MAX_COLUMNS` columns, or rows of more than `MAX_ROW_BYTES`.
    """
    fields = whole(header, "TFIELDS")
    row_bytes = whole(header, "NAXIS1")
    if fields > MAX_COLUMNS or row_bytes > MAX_ROW_BYTES:
        raise LimitExceeded(f"FITS table of {fields} columns and {row_bytes} bytes a row")
    if header.get("NAXIS") != 2 or header.get("BITPIX") != 8:
        raise MalformedAlert("FITS binary table whose NAXIS is not 2 or BITPIX not 8", "NAXIS")
    columns: list[Column] = []
    offset = 0
    for index in range(1, fields + 1):
        form = _TFORM.match(text(header, f"TFORM{index}").upper())
        if form is None:
            raise MalformedAlert(f"FITS: TFORM{index} is {header.get(f'TFORM{index}')!r}", f"TFORM{index}")
        repeat, code = int(form[1] or 1), form[2]
        scale, zero = header.get(f"TSCAL{index}", 1), header.get(f"TZERO{index}", 0)
        if isinstance(scale, (str, bool)) or isinstance(zero, (str, bool)):
            raise MalformedAlert(f"FITS: TSCAL{index} or TZERO{index} is not a number", f"TSCAL{index}")
        name, unit = text(header, f"TTYPE{index}").upper(), text(header, f"TUNIT{index}")
        columns.append(Column(name, repeat, unit, offset, _DTYPE.get(code), scale, zero))
        offset += -(-repeat // 8) if code == "X" else repeat * _WIDTH[code]
    if offset != row_bytes:
        raise MalformedAlert(f"FITS: columns fill {offset} bytes of a row of {row_bytes}", "NAXIS1")
    return Table(tuple(columns), row_bytes, whole(header, "NAXIS2"), header)


def _value(field: str) -> Value | None:
    """The value of a card; None for an undefined one or one that cannot be read."""
    stripped = field.strip()
    if stripped.startswith("'"):
        found = _STRING.match(stripped)
        return found[1].replace("''", "'").rstrip() if found else None
    word = stripped.split("/", 1)[0].strip()
    if word in {"T", "F"}:
        return word == "T"
    if len(word) > 40:
        return None
    try:
        return int(word)
    except ValueError:
        pass
    try:
        return float(word.replace("D", "E").replace("d", "e"))
    except ValueError:
        return None
