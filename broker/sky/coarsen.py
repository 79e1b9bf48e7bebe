"""Flat maps back to the tiles they were made from: equal siblings become their parent, piece by piece."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from nuncius.broker.sky.healpix import BoolArray, FloatArray, IntArray, pixel

Columns = tuple[npt.NDArray[np.floating], ...]


def merge_equal(first: int, order: int, columns: Columns) -> Iterator[tuple[int, IntArray, Columns]]:
    """Cells of a run of NESTED pixels, the largest in which every column is constant.

    Parameters
    ----------
    first
        Number of the first pixel at ``order``; a multiple of the length where the length is a power of four.
    order
        Of the pixels.
    columns
        One value a pixel each, at least one column, all of one length: 4^k, or 12 * 4^k for the whole sphere.

    Yields
    ------
    order, numbers, columns
        Cells of one order. NaN equals nothing, so a pixel that holds one stays a cell of its own.
    """
    alive: BoolArray = np.ones(len(columns[0]), np.bool_)
    merged: BoolArray
    while True:
        count = len(alive)
        if order == 0 or count % 4:
            merged = np.zeros(0, np.bool_)
            lone = alive
        else:
            merged = np.all(alive.reshape(-1, 4), axis=1)
            for column in columns:
                four = column.reshape(-1, 4)
                merged &= (four[:, 0] == four[:, 1]) & (four[:, 2] == four[:, 3]) & (four[:, 0] == four[:, 2])
            lone = alive & ~np.repeat(merged, 4)
        index = np.flatnonzero(lone)
        if len(index):
            yield order, index + first, tuple(column[index] for column in columns)
        if not merged.any():
            return
        alive, order, first = merged, order - 1, first // 4
        columns = tuple(column[::4] for column in columns)


def ring_to_nested(order: int, ring: IntArray) -> IntArray:
    """NESTED numbers of RING pixels of one order (Gorski et al. 2005, section 4.1), by way of their centres."""
    nside = 1 << order
    cap = 2 * nside * (nside - 1)
    total = 12 * nside * nside
    south = ring >= total - cap
    mirror = np.where(south, total - 1 - ring, ring)
    polar = mirror < cap
    inner = np.where(polar, mirror, 0)
    circle = ((1 + np.sqrt(1 + 2 * inner.astype(np.float64))) / 2).astype(np.int64)
    circle -= inner < 2 * circle * (circle - 1)
    circle += inner >= 2 * circle * (circle + 1)
    along = inner - 2 * circle * (circle - 1)
    along = np.where(south, 4 * circle - 1 - along, along)
    cap_dec = 90 - np.degrees(2 * np.arcsin(circle / (nside * np.sqrt(6.0))))
    belt = np.where(polar | south, 0, ring - cap)
    row = belt // (4 * nside) + nside
    shift = np.where((row - nside) % 2 == 0, 0.5, 0.0)
    belt_dec = np.degrees(np.arcsin(np.clip((2 * nside - row) * 2 / (3 * nside), -1, 1)))
    at_cap = polar | south
    dec: FloatArray = np.where(at_cap, np.where(south, -cap_dec, cap_dec), belt_dec)
    ra: FloatArray = np.where(at_cap, (along + 0.5) * 90 / circle, (belt % (4 * nside) + shift) * 90 / nside)
    return pixel(ra, dec) >> (2 * (29 - order))
