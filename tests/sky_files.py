"""Sky-map files for the tests, written by astropy so that our reader meets another's writer."""

import gzip
import io

import numpy as np
import numpy.typing as npt
from astropy.io import fits

Array = npt.NDArray[np.float64]


def table_bytes(columns: list[fits.Column], *, compress: bool = False, **header: str | float) -> bytes:
    """A FITS file of one binary table."""
    table = fits.BinTableHDU.from_columns(columns)
    for key, value in header.items():
        table.header[key.replace("_", "-")] = value
    out = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(out)
    return gzip.compress(out.getvalue(), 1) if compress else out.getvalue()


def multi_order(uniq: npt.NDArray[np.int64], density: Array, *, compress: bool = False, **header: str | float) -> bytes:
    """A multi-order map."""
    columns = [fits.Column("UNIQ", "K", array=uniq), fits.Column("PROBDENSITY", "D", unit="sr-1", array=density)]
    return table_bytes(columns, compress=compress, ORDERING="NUNIQ", COORDSYS="C", **header)


def flat(
    values: Array, *, ordering: str = "NESTED", per_row: int = 1024, compress: bool = False, **header: str | float
) -> bytes:
    """A flat map of the whole sky, ``per_row`` pixels a row."""
    per_row = min(per_row, len(values))
    rows = values.reshape(-1, per_row)
    column = fits.Column("PROB", f"{per_row}D", unit="pix-1", array=rows if per_row > 1 else values)
    nside = round((len(values) / 12) ** 0.5)
    stated: dict[str, str | float] = {"NSIDE": nside, "ORDERING": ordering, "INDXSCHM": "IMPLICIT", **header}
    return table_bytes([column], compress=compress, **stated)


def random_tiling(seed: int, *, tiles: int = 400) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Orders and numbers of cells that cover the sphere once, cut at random."""
    rng = np.random.default_rng(seed)
    cells = [(0, number) for number in range(12)]
    while len(cells) < tiles:
        order, number = cells.pop(int(rng.integers(len(cells))))
        if order < 14:
            cells += [(order + 1, 4 * number + child) for child in range(4)]
        else:
            cells.append((order, number))
    found = np.array(cells, np.int64)
    return found[:, 0], found[:, 1]
