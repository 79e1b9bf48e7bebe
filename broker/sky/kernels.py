"""Loops over points and ranges, compiled by numba: serial, and kept on disk.

Each does the operations of a numpy twin in their order: `healpix.pixel`, `healpix.vectors`, `healpix.cells_of`,
`lookup.Lookup.find`, `lookup.taken`, `overlap.map_overlap`, `index.RegionIndex.find`. No fast-math and no fused
multiplications, so both give the same bits.
"""

from collections.abc import Callable
from typing import TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

from nuncius.broker.sky.healpix import COSINE, NSIDE, ORDER, RADIANS, SINE, BoolArray, FloatArray, IntArray

F = TypeVar("F", bound=Callable[..., object])

_LAST = NSIDE - 1
_SIDE = float(NSIDE)
S1, S2, S3, S4, S5, S6, S7, S8 = SINE
C1, C2, C3, C4, C5, C6, C7, C8 = COSINE


def compiled(function: F) -> F:
    """Compile on first use; the machine code is kept beside the source or in the user's cache folder."""
    loop = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    return cast("F", loop)


@compiled
def pixels(ra: FloatArray, dec: FloatArray, out: IntArray) -> None:
    """Order-29 NESTED pixels of positions in degrees: `healpix.pixel` without its checks.

    Written without branches, so that the compiler works on several points at once.
    """
    for i in range(ra.size):
        quarter = ra[i] / 90.0
        quarter = quarter - 4.0 * np.floor(quarter * 0.25)
        quarter = 0.0 if quarter >= 4.0 else quarter
        height = abs(dec[i])
        steep = height > 45.0
        angle = (90.0 - height if steep else height) * RADIANS
        w = angle * angle
        sine = angle + angle * (w * (S1 + w * (S2 + w * (S3 + w * (S4 + w * (S5 + w * (S6 + w * (S7 + w * S8))))))))
        cosine = 1.0 + w * (C1 + w * (C2 + w * (C3 + w * (C4 + w * (C5 + w * (C6 + w * (C7 + w * C8)))))))
        z_abs = cosine if steep else sine
        slope = 0.75 * (-z_abs if dec[i] < 0 else z_abs)
        belt = z_abs <= 2 / 3
        north = dec[i] > 0

        rising = 0.5 + quarter - slope
        falling = 0.5 + quarter + slope
        lap_rising = np.floor(rising)
        lap_falling = np.floor(falling)
        one = np.int32(lap_rising)
        two = np.int32(lap_falling)
        belt_face = ((one & 3) | 4) if one == two else ((one & 3) if one < two else ((two & 3) | 8))

        lap = np.floor(quarter)
        along = quarter - lap
        width = _SIDE * (sine if steep else cosine) / np.sqrt((1.0 + z_abs) / 3.0)
        east = np.int32(min(along * width, _SIDE - 1.0))
        west = np.int32(min((1.0 - along) * width, _SIDE - 1.0))
        corner = np.int32(lap)

        face = belt_face if belt else (corner if north else corner + 8)
        x = np.int64(np.int32((falling - lap_falling) * _SIDE) if belt else (_LAST - west if north else np.int64(east)))
        y = np.int64(
            _LAST - np.int32((rising - lap_rising) * _SIDE) if belt else (_LAST - east if north else np.int64(west))
        )
        x = (x | (x << 16)) & 0x0000FFFF0000FFFF
        y = (y | (y << 16)) & 0x0000FFFF0000FFFF
        x = (x | (x << 8)) & 0x00FF00FF00FF00FF
        y = (y | (y << 8)) & 0x00FF00FF00FF00FF
        x = (x | (x << 4)) & 0x0F0F0F0F0F0F0F0F
        y = (y | (y << 4)) & 0x0F0F0F0F0F0F0F0F
        x = (x | (x << 2)) & 0x3333333333333333
        y = (y | (y << 2)) & 0x3333333333333333
        x = (x | (x << 1)) & 0x5555555555555555
        y = (y | (y << 1)) & 0x5555555555555555
        out[i] = (np.int64(face) << (2 * ORDER)) | x | (y << 1)


@compiled
def _sine_cosine(angle_deg: float) -> tuple[float, float]:
    quarter = np.floor(angle_deg / 90.0 + 0.5)
    angle = (angle_deg - 90.0 * quarter) * RADIANS
    w = angle * angle
    sine = angle + angle * (w * (S1 + w * (S2 + w * (S3 + w * (S4 + w * (S5 + w * (S6 + w * (S7 + w * S8))))))))
    cosine = 1.0 + w * (C1 + w * (C2 + w * (C3 + w * (C4 + w * (C5 + w * (C6 + w * (C7 + w * C8)))))))
    turn = quarter - 4.0 * np.floor(quarter * 0.25)
    odd = (turn == 1.0) | (turn == 3.0)
    return (
        (-1.0 if turn >= 2.0 else 1.0) * (cosine if odd else sine),
        (-1.0 if (turn == 1.0) | (turn == 2.0) else 1.0) * (sine if odd else cosine),
    )


@compiled
def vectors(ra: FloatArray, dec: FloatArray, out: FloatArray) -> None:
    """Unit vectors (points, 3) of positions in degrees: `healpix.vectors`."""
    for i in range(ra.size):
        sin_ra, cos_ra = _sine_cosine(ra[i])
        sin_dec, cos_dec = _sine_cosine(dec[i])
        out[i, 0] = cos_dec * cos_ra
        out[i, 1] = cos_dec * sin_ra
        out[i, 2] = sin_dec


@compiled
def tabulate(start: IntArray, shift: int, table: npt.NDArray[np.int32]) -> None:
    """How many of the sorted starts lie before each cell of 2^shift pixels, and in all."""
    cell = 0
    for i in range(start.size):
        while cell <= start[i] >> shift:
            table[cell] = i
            cell += 1
    while cell < table.size:
        table[cell] = start.size
        cell += 1


@compiled
def find(
    points: IntArray, start: IntArray, stop: IntArray, table: npt.NDArray[np.int32], shift: int, out: IntArray
) -> None:
    """Index of the range that holds each pixel, -1 where none does.

    The table names the ranges of a cell; among many the place is guessed as if they were of one size, which near
    neighbours are, and searched from there in growing steps; bisection ends it.
    """
    for i in range(points.size):
        point = points[i]
        cell = point >> shift
        if cell < 0 or cell >= table.size - 1:
            out[i] = -1
            continue
        low = np.int64(table[cell])
        high = np.int64(table[cell + 1])
        if high - low > 8:
            guess = low + np.int64((high - low) * ((point - (cell << shift)) / (np.int64(1) << shift)))
            step = 1
            if start[guess] <= point:
                low = guess + 1
                while low + step < high and start[low + step] <= point:
                    low += step
                    step <<= 1
                high = min(high, low + step)
            else:
                high = guess
                while high - step > low and start[high - step] > point:
                    high -= step
                    step <<= 1
                low = max(low, high - step)
        while low < high:
            middle = (low + high) >> 1
            if start[middle] <= point:
                low = middle + 1
            else:
                high = middle
        out[i] = low - 1 if low > 0 and point < stop[low - 1] else -1


@compiled
def take(index: IntArray, column: FloatArray, outside: float, out: FloatArray) -> None:
    """Values of a column at indices; ``outside`` where the index is negative."""
    for i in range(index.size):
        out[i] = column[index[i]] if index[i] >= 0 else outside


@compiled
def product(
    start_a: IntArray,
    stop_a: IntArray,
    density_a: FloatArray,
    start_b: IntArray,
    stop_b: IntArray,
    density_b: FloatArray,
    area: float,
) -> float:
    """Integral of density a times density b over two sorted lists of disjoint ranges, ``area`` a pixel.

    Two pointers, moved without a branch. What each addition rounds off is summed by itself (Knuth's TwoSum), so the
    result is that of `math.fsum`.
    """
    i = j = 0
    total = rest = 0.0
    while i < start_a.size and j < start_b.size:
        end_a, end_b = stop_a[i], stop_b[j]
        length = max(min(end_a, end_b) - max(start_a[i], start_b[j]), 0)
        part = density_a[i] * density_b[j] * (length * area)
        joint = total + part
        added = joint - total
        rest += (total - (joint - added)) + (part - added)
        total = joint
        i += 1 if end_a <= end_b else 0
        j += 1 if end_b <= end_a else 0
    return total + rest


@compiled
def cells(uniq: IntArray, order: IntArray, number: IntArray) -> None:
    """Order and number of cells by their UNIQ names >= 4; files list them by order, so the last one is tried first."""
    k = 0
    for i in range(uniq.size):
        while uniq[i] >> (2 * k + 4):
            k += 1
        while not uniq[i] >> (2 * k + 2):
            k -= 1
        order[i] = k
        number[i] = uniq[i] - (np.int64(4) << (2 * k))


@compiled
def count_entries(interval: IntArray, first: IntArray) -> int:
    """How many entries the intervals have; negative intervals have none."""
    total = 0
    for i in range(interval.size):
        if interval[i] >= 0:
            total += first[interval[i] + 1] - first[interval[i]]
    return total


@compiled
def list_entries(
    interval: IntArray,
    first: IntArray,
    entries: npt.NDArray[np.int32],
    alive: BoolArray,
    row: IntArray,
    slot: IntArray,
) -> tuple[int, int]:
    """Rows and slots of the living entries: the sure ones from the front, those on an edge from the back.

    Returns how many are sure, and where the others begin.
    """
    n, m = 0, row.size
    for i in range(interval.size):
        if interval[i] >= 0:
            for place in range(first[interval[i]], first[interval[i] + 1]):
                entry = entries[place]
                if alive[entry >> 1]:
                    if entry & 1:
                        m -= 1
                        row[m] = i
                        slot[m] = entry >> 1
                    else:
                        row[n] = i
                        slot[n] = entry >> 1
                        n += 1
    return n, m


@compiled
def within(
    ra: FloatArray, dec: FloatArray, circles: FloatArray, row: IntArray, slot: IntArray, inside: BoolArray
) -> None:
    """Whether points lie in circles, each a unit vector and a squared chord: `index.RegionIndex.find`."""
    for i in range(row.size):
        sin_ra, cos_ra = _sine_cosine(ra[row[i]])
        sin_dec, cos_dec = _sine_cosine(dec[row[i]])
        x = cos_dec * cos_ra - circles[slot[i], 0]
        y = cos_dec * sin_ra - circles[slot[i], 1]
        z = sin_dec - circles[slot[i], 2]
        inside[i] = (x * x + y * y) + z * z <= circles[slot[i], 3]
