"""Where fields may lie, and which cells each of them holds."""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from nuncius.broker.planning.cells import Cells
from nuncius.broker.planning.footprints import half_tangents, reach_deg
from nuncius.broker.planning.telescope import CircleField, FieldOfView
from nuncius.broker.sky.healpix import BoolArray, FloatArray, IntArray

_SLACK: Final = 1e-9
_AT_ONCE: Final = 128
"""Fields whose cells are gathered together: what is worked on stays in the processor's cache."""


class Centres(NamedTuple):
    """Centres of fields, ICRS degrees, arrays of one shape."""

    ra_deg: FloatArray
    dec_deg: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Bands:
    """A grid of fields over the sky: bands of declination of one height, fields evenly along each.

    Parameters
    ----------
    columns
        Fields of each band, from south to north.
    """

    columns: IntArray

    @classmethod
    def of(cls, field: FieldOfView, overlap: float, position_angle_deg: float = 0.0) -> Self:
        """The grid whose neighbours have a share of width and height in common at least.

        Parameters
        ----------
        field
            A circle counts with the square inside it, a turned rectangle with the largest upright one inside it.
        overlap
            Below 1; negative for gaps. From 0 on circles leave no gap. Sides of rectangles are great circles and
            bands are not: with 0, slivers up to (width^2 / 8) tan(declination) high stay open between bands.
        position_angle_deg
            Of the upper edge of the fields, north through east.

        Raises
        ------
        ValueError
            The overlap is 1 or more.
        """
        if not overlap < 1:
            raise ValueError(f"overlap {overlap}; expected a share below 1")
        width, height = (side * (1 - overlap) for side in upright_deg(field, position_angle_deg))
        rows = math.ceil(180 / height - _SLACK)
        middle = np.abs(-90 + (np.arange(rows) + 0.5) * (180 / rows))
        # along the side of the band that is nearer to the equator neighbours lie farthest apart
        widest = np.cos(np.radians(np.maximum(middle - 90 / rows, 0.0)))
        return cls(np.maximum(np.ceil(360 * widest / width - _SLACK), 1).astype(np.int64))

    def everywhere(self) -> Centres:
        """All fields, by declination and right ascension."""
        row = np.repeat(np.arange(len(self.columns)), self.columns)
        return self._centres(row, np.arange(len(row)) - np.repeat(np.cumsum(self.columns) - self.columns, self.columns))

    def near(self, cells: Cells) -> Centres:
        """The field nearest to each cell, each field once, by declination and right ascension."""
        rows = len(self.columns)
        row = np.clip(((cells.dec_deg + 90) * (rows / 180)).astype(np.int64), 0, rows - 1)
        columns = self.columns[row]
        column = np.clip((cells.ra_deg * (columns / 360)).astype(np.int64), 0, columns - 1)
        _, first = np.unique(row * int(self.columns.max()) + column, return_index=True)
        return self._centres(row[first], column[first])

    def _centres(self, row: IntArray, column: IntArray) -> Centres:
        dec = np.asarray(-90 + (row + 0.5) * (180 / len(self.columns)), np.float64)
        return Centres((column + 0.5) * 360 / self.columns[row], dec)


def members(
    field: FieldOfView, centres: Centres, cells: Cells, position_angle_deg: float = 0.0
) -> npt.NDArray[np.int32]:
    """Cells that have their centre in each field, its upper edge turned north through east.

    Of shape (fields, most cells of any); rows are filled up with the number of all cells.
    """
    height = upright_deg(field)[1] / 16
    band = ((cells.dec_deg + 90) / height).astype(np.int64)
    sorted_by = np.lexsort((cells.ra_deg, band))
    key = band[sorted_by] * 1000.0 + cells.ra_deg[sorted_by]
    around = field if position_angle_deg == 0 else CircleField(reach_deg(field))
    owner, begin, end = _intervals(around, centres, height)
    low, high = np.searchsorted(key, begin, side="left"), np.searchsorted(key, end, side="right")
    count = high - low
    numbers = sorted_by.astype(np.int32)
    points = np.ascontiguousarray(cells.points[sorted_by].T)
    rows: list[npt.NDArray[np.int32]] = []
    first_of = np.searchsorted(owner, np.arange(len(centres.ra_deg) + 1))
    for begin_field in range(0, len(centres.ra_deg), _AT_ONCE):
        end_field = min(begin_field + _AT_ONCE, len(centres.ra_deg))
        part = slice(first_of[begin_field], first_of[end_field])
        some = Centres(centres.ra_deg[begin_field:end_field], centres.dec_deg[begin_field:end_field])
        of_some = owner[part] - begin_field
        rows.append(_rows(field, some, position_angle_deg, of_some, low[part], count[part], points, numbers))
    widest = max(one.shape[1] for one in rows)
    out = np.full((len(centres.ra_deg), widest), len(cells.ra_deg), np.int32)
    for n, one in enumerate(rows):
        out[n * _AT_ONCE : n * _AT_ONCE + len(one), : one.shape[1]] = one
    return out


def _rows(
    field: FieldOfView,
    centres: Centres,
    position_angle_deg: float,
    owner: IntArray,
    low: IntArray,
    count: IntArray,
    points: FloatArray,
    sorted_by: npt.NDArray[np.int32],
) -> npt.NDArray[np.int32]:
    """Cells of some fields, from stretches of the sorted cells; the points, shape (3, n), are sorted likewise."""
    total = int(count.sum())
    place = np.arange(total) - np.repeat(np.cumsum(count) - count - low, count)
    of_field = np.bincount(owner, count, len(centres.ra_deg)).astype(np.int64)
    kept = _held(field, centres, position_angle_deg, of_field, points[:, place])
    entry = np.repeat(np.arange(len(of_field)), of_field)[kept]
    found = np.bincount(entry, minlength=len(of_field))
    out = np.full((len(of_field), max(int(found.max(initial=0)), 1)), points.shape[1], np.int32)
    out[entry, np.arange(len(entry)) - np.repeat(np.cumsum(found) - found, found)] = sorted_by[place[kept]]
    return out


def _held(
    field: FieldOfView, centres: Centres, position_angle_deg: float, count: IntArray, points: FloatArray
) -> BoolArray:
    """`footprints.inside` for fields with ``count`` points each, shape (3, n): a few sines a field."""
    ra, dec = np.radians(centres.ra_deg), np.radians(centres.dec_deg)
    x, y, z = points
    sin_ra, cos_ra = np.repeat(np.sin(ra), count), np.repeat(np.cos(ra), count)
    sin_dec, cos_dec = np.repeat(np.sin(dec), count), np.repeat(np.cos(dec), count)
    outward = x * cos_ra + y * sin_ra
    ahead = outward * cos_dec + z * sin_dec
    if isinstance(field, CircleField):
        return np.asarray(ahead >= math.cos(math.radians(field.radius_deg)))
    across, along = half_tangents(field)
    east, north = y * cos_ra - x * sin_ra, z * cos_dec - outward * sin_dec
    if position_angle_deg:
        cos, sin = math.cos(math.radians(position_angle_deg)), math.sin(math.radians(position_angle_deg))
        east, north = cos * east - sin * north, sin * east + cos * north
    return np.asarray((ahead > 0) & (np.abs(east) <= across * ahead) & (np.abs(north) <= along * ahead))


def _intervals(field: FieldOfView, centres: Centres, height: float) -> tuple[IntArray, FloatArray, FloatArray]:
    """Field, and first and last key, of every stretch of a band that may lie in a field."""
    low, high, half = _box(field, centres)
    first, last = np.floor((low + 90) / height).astype(np.int64), np.floor((high + 90) / height).astype(np.int64)
    count = last - first + 1
    owner = np.repeat(np.arange(len(first)), count)
    base = 1000.0 * (np.arange(len(owner)) - np.repeat(np.cumsum(count) - count - first, count))
    ra, half = centres.ra_deg[owner] % 360, np.minimum(half[owner], 180.0)
    whole = half >= 180
    begin, end = np.where(whole, 0.0, ra - half), np.where(whole, 360.0, ra + half)
    before, after = begin < 0, end > 360
    owners = np.concatenate([owner, owner[before], owner[after]])
    by_owner = np.argsort(owners, kind="stable")
    first_key = np.concatenate([base + np.maximum(begin, 0.0), base[before] + begin[before] + 360, base[after]])
    last_key = np.concatenate([base + np.minimum(end, 360.0), base[before] + 360, base[after] + end[after] - 360])
    return owners[by_owner], first_key[by_owner], last_key[by_owner]


def _box(field: FieldOfView, centres: Centres) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Lowest and highest declination, and half the width in right ascension, of each field."""
    dec = np.radians(centres.dec_deg)
    reach = math.radians(reach_deg(field))
    if isinstance(field, CircleField):
        sine = math.sin(min(reach, math.pi / 2)) / np.maximum(np.cos(dec), 1e-12)
        half = np.where(np.abs(dec) + reach < math.pi / 2, np.arcsin(np.minimum(sine, 1.0)), math.pi)
    else:
        across, along = half_tangents(field)
        ahead = np.cos(dec) - along * np.abs(np.sin(dec))
        half = np.where(ahead > 0, np.arctan2(across, ahead), math.pi)
    return (
        np.maximum(centres.dec_deg - math.degrees(reach) - _SLACK, -90.0),
        np.minimum(centres.dec_deg + math.degrees(reach) + _SLACK, 90.0),
        np.degrees(half) + _SLACK,
    )


def upright_deg(field: FieldOfView, position_angle_deg: float = 0.0) -> tuple[float, float]:
    """Width and height of the largest upright rectangle in a field; of a circle those of the square inside it.

    A rectangle a by b fits into one w by h that is turned by t where a |cos t| + b |sin t| <= w and a |sin t| +
    b |cos t| <= h. Its area is largest where both are equal, or where one is and both of its terms are.
    """
    if isinstance(field, CircleField):
        side = math.sqrt(2) * field.radius_deg
        return side, side
    quarter = round(position_angle_deg / 90)
    rest = math.radians(position_angle_deg - 90 * quarter)
    width, height = (field.height_deg, field.width_deg) if quarter % 2 else (field.width_deg, field.height_deg)
    cos, sin = math.cos(rest), abs(math.sin(rest))
    if width >= height and height <= width * 2 * sin * cos:
        return height / (2 * sin), height / (2 * cos)
    if height >= width and width <= height * 2 * sin * cos:
        return width / (2 * cos), width / (2 * sin)
    square = cos**2 - sin**2
    return (width * cos - height * sin) / square, (height * cos - width * sin) / square
