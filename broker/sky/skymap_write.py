"""A sky map as a multi-order FITS file, the same bytes for the same map."""

import math
from typing import Final

import numpy as np

from nuncius.broker.sky.fits_header import BLOCK, padded
from nuncius.broker.sky.healpix import ORDER, IntArray
from nuncius.broker.sky.ranges import Ranges, cells
from nuncius.broker.sky.skymap import SkyMap

_COLUMNS: Final = (("PROBDENSITY", "sr-1"), ("DISTMU", "Mpc"), ("DISTSIGMA", "Mpc"), ("DISTNORM", "Mpc-2"))


def write_skymap(sky: SkyMap) -> bytes:
    """The map as LIGO, Virgo and KAGRA write theirs: a binary table of UNIQ, PROBDENSITY, and distance layers if any.

    Ranges that are no cells are cut into the fewest. Reading it back gives the same density everywhere.
    """
    order, number = cells(Ranges(sky.start, sky.stop))
    of_range = np.searchsorted(sky.start, number << (2 * (ORDER - order)), side="right") - 1
    uniq: IntArray = (np.int64(4) << (2 * order)) + number
    by_name = np.argsort(uniq, kind="stable")
    layers = [sky.density, sky.distance_mu, sky.distance_sigma, sky.distance_norm]
    values = [layer for layer in layers if layer is not None]
    names = [name for (name, _), layer in zip(_COLUMNS, layers, strict=True) if layer is not None]
    rows = np.empty(len(uniq), [("UNIQ", ">i8"), *((name, ">f8") for name in names)])
    rows["UNIQ"] = uniq[by_name]
    for name, value in zip(names, values, strict=True):
        rows[name] = value[of_range[by_name]]
    table = rows.tobytes()
    header = [
        _card("XTENSION", "BINTABLE"),
        _card("BITPIX", 8),
        _card("NAXIS", 2),
        _card("NAXIS1", rows.dtype.itemsize),
        _card("NAXIS2", len(rows)),
        _card("PCOUNT", 0),
        _card("GCOUNT", 1),
        _card("TFIELDS", 1 + len(names)),
        *_column(1, "UNIQ", "K", ""),
        *(
            card
            for place, (name, unit) in enumerate((c for c in _COLUMNS if c[0] in names), start=2)
            for card in _column(place, name, "D", unit)
        ),
        _card("PIXTYPE", "HEALPIX"),
        _card("ORDERING", "NUNIQ"),
        _card("COORDSYS", "C"),
        _card("MOCORDER", int(order.max())),
        _card("INDXSCHM", "EXPLICIT"),
        *(_card(key, text) for key, text in (("OBJECT", sky.object_id), ("DATE-OBS", sky.date_obs)) if text),
        _card("CREATOR", sky.creator or "nuncius"),
        *(
            _card(key, value)
            for key, value in (("DISTMEAN", sky.distance_mean_mpc), ("DISTSTD", sky.distance_std_mpc))
            if value is not None and math.isfinite(value)
        ),
    ]
    primary = [_card("SIMPLE", value=True), _card("BITPIX", 8), _card("NAXIS", 0), _card("EXTEND", value=True)]
    return _unit(primary) + _unit(header) + table.ljust(padded(len(table)), b"\0")


def _column(place: int, name: str, form: str, unit: str) -> list[str]:
    cards = [_card(f"TTYPE{place}", name), _card(f"TFORM{place}", form)]
    return [*cards, _card(f"TUNIT{place}", unit)] if unit else cards


def _card(key: str, value: str | float | bool) -> str:  # noqa: FBT001  a FITS value may be logical
    if isinstance(value, bool):
        text = f"{'T' if value else 'F':>20}"
    elif isinstance(value, str):
        printable = "".join(c for c in value if " " <= c <= "~").replace("'", "''")[:66]
        # a quote is written twice: none is cut in half
        quotes = len(printable) - len(printable.rstrip("'"))
        printable = printable[: len(printable) - quotes % 2]
        text = f"'{printable:<8}'"
    else:
        text = f"{value!r:>20}".upper()
    return f"{key:<8}= {text}"[:80].ljust(80)


def _unit(cards: list[str]) -> bytes:
    text = "".join([*cards, "END".ljust(80)]).encode("ascii")
    return text.ljust(-(-len(text) // BLOCK) * BLOCK)
