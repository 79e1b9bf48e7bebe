"""A probability sky map as sorted ranges of order-29 pixels. It is never flattened to a high order."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Self, TypeVar, overload

import numpy as np
import numpy.typing as npt

from nuncius.broker.sky import healpix
from nuncius.broker.sky.fits_header import number, text
from nuncius.broker.sky.fits_source import MAX_FILE_BYTES
from nuncius.broker.sky.healpix import DEG2_PER_SR, PIXEL_AREA_SR, PIXELS, FloatArray, IntArray
from nuncius.broker.sky.lookup import Lookup, order_of, taken
from nuncius.broker.sky.ranges import Ranges
from nuncius.broker.sky.skymap_fits import read_tiles
from nuncius.schemas.errors import LimitExceeded, MalformedAlert

_Number = TypeVar("_Number", np.int64, np.float64)


class Distance(NamedTuple):
    """Distance layers at positions (Singer et al. 2016, ApJL 829, L15): location and scale in Mpc, norm in Mpc^-2."""

    mu: FloatArray
    sigma: FloatArray
    norm: FloatArray


class Values(NamedTuple):
    """What a map says at positions, arrays of one shape.

    Density per steradian (0 outside the map), 2-D credible level (1 outside), and the distance layers as in `Distance`
    (NaN outside the map, or where it has none).
    """

    density: FloatArray
    level: FloatArray
    mu: FloatArray
    sigma: FloatArray
    norm: FloatArray


class _Ranking(NamedTuple):
    """Tiles by falling density: level of each tile (as stored), cumulative probability and area with a leading zero."""

    level: FloatArray
    probability: FloatArray
    area_sr: FloatArray


@dataclass(frozen=True, eq=False, kw_only=True)
class SkyMap:
    """Probability on the sky.

    Parameters
    ----------
    start, stop
        Order-29 NESTED pixel ranges [start, stop), sorted, disjoint. What they leave out has density zero.
    density
        Per steradian, one a range; the integral is 1.
    distance_mu, distance_sigma, distance_norm
        Distance layers, one a range; None where the file has none. ``distance_mu`` may be infinite.
    order_max
        HEALPix order of the finest tile (of a flat file: its own).
    distance_mean_mpc, distance_std_mpc
        Of the whole map, as the header states.
    object_id, date_obs, creator
        Header facts; empty where missing.
    """

    start: IntArray
    stop: IntArray
    density: FloatArray
    distance_mu: FloatArray | None = None
    distance_sigma: FloatArray | None = None
    distance_norm: FloatArray | None = None
    order_max: int
    distance_mean_mpc: float | None = None
    distance_std_mpc: float | None = None
    object_id: str = ""
    date_obs: str = ""
    creator: str = ""

    @classmethod
    def read(cls, source: str | Path | bytes) -> Self:
        """Reads a FITS map from a file or from its bytes.

        Multi-order (UNIQ) and flat maps (NESTED or RING, whole or partial sky), plain or gzipped, told by their
        content. Equal siblings of a flat map become one tile. The result is normalised.

        Raises
        ------
        MalformedAlert, LimitExceeded
            The bytes are at fault; the text says what and where.
        OSError
            The file cannot be opened.
        """
        if isinstance(source, bytes):
            data = source
        else:
            path = Path(source)
            if path.stat().st_size > MAX_FILE_BYTES:
                raise LimitExceeded(f"sky map file of {path.stat().st_size} bytes; at most {MAX_FILE_BYTES} are read")
            data = path.read_bytes()
        tiles = read_tiles(data)
        header = tiles.header
        return cls.from_ranges(
            tiles.start,
            tiles.stop,
            tiles.density,
            distance=tiles.distance,
            order_max=tiles.order_max,
            distance_mean_mpc=number(header, "DISTMEAN"),
            distance_std_mpc=number(header, "DISTSTD"),
            object_id=text(header, "OBJECT"),
            date_obs=text(header, "DATE-OBS"),
            creator=text(header, "CREATOR"),
        )

    @classmethod
    def from_ranges(
        cls,
        start: IntArray,
        stop: IntArray,
        density: FloatArray,
        *,
        distance: FloatArray | None = None,
        order_max: int | None = None,
        distance_mean_mpc: float | None = None,
        distance_std_mpc: float | None = None,
        object_id: str = "",
        date_obs: str = "",
        creator: str = "",
    ) -> Self:
        """A map from ranges in any order and densities in any scale: sorted, checked, normalised.

        ``distance`` has shape (3, n): location, scale, norm.

        Raises
        ------
        MalformedAlert
            Ranges overlap, are empty or leave the sphere, a density is negative, or the map holds no probability.
        """
        if len(start) == 0:
            raise MalformedAlert("sky map without tiles")
        # files hold few runs that rise already, which a stable sort only merges; the copies are the map's own
        by_place = np.argsort(start, kind="stable")
        start, stop = np.asarray(start, np.int64)[by_place], np.asarray(stop, np.int64)[by_place]
        density = np.asarray(density, np.float64)[by_place]
        distance = None if distance is None else np.asarray(distance, np.float64)[:, by_place]
        if start[0] < 0 or stop[-1] > PIXELS or np.any(stop <= start):
            raise MalformedAlert("sky map with an empty tile or one beyond the sphere")
        if np.any(stop[:-1] > start[1:]):
            where = int(np.flatnonzero(stop[:-1] > start[1:])[0])
            raise MalformedAlert(f"sky map whose tiles overlap at order-29 pixel {start[where + 1]}")
        total = float(np.sum(density * ((stop - start) * PIXEL_AREA_SR)))
        if density.min() < 0:
            raise MalformedAlert(f"sky map with a density of {density.min()}; expected >= 0")
        if not 0 < total < np.inf:
            raise MalformedAlert(f"sky map whose probability sums to {total}")
        layers = (None, None, None) if distance is None else tuple(_frozen(layer) for layer in distance)
        return cls(
            start=_frozen(start),
            stop=_frozen(stop),
            density=_frozen(density / total),
            distance_mu=layers[0],
            distance_sigma=layers[1],
            distance_norm=layers[2],
            order_max=_finest(start, stop) if order_max is None else order_max,
            distance_mean_mpc=distance_mean_mpc,
            distance_std_mpc=distance_std_mpc,
            object_id=object_id,
            date_obs=date_obs,
            creator=creator,
        )

    @property
    def tiles(self) -> int:
        """Number of ranges."""
        return len(self.start)

    @property
    def ranges(self) -> Ranges:
        """The ranges, without what is in them."""
        return Ranges(self.start, self.stop)

    @property
    def solid_angle_sr(self) -> FloatArray:
        """Of each range."""
        return np.asarray((self.stop - self.start) * PIXEL_AREA_SR, np.float64)

    @property
    def levels(self) -> FloatArray:
        """Credible level of each range, as `credible_level` gives it."""
        return self._ranking.level

    def tile(self, pixels: IntArray) -> IntArray:
        """Index of the range that holds each order-29 pixel; -1 where none does."""
        return self._lookup.find(np.asarray(pixels, np.int64))

    def at(self, ra: npt.ArrayLike, dec: npt.ArrayLike) -> Values:
        """Everything the map says at positions (ICRS degrees), looked up once."""
        index = self.tile(healpix.pixel(ra, dec))
        unknown = np.full(index.shape, np.nan)
        layers = (self.distance_mu, self.distance_sigma, self.distance_norm)
        return Values(
            taken(self.density, index, 0.0),
            taken(self._ranking.level, index, 1.0),
            *(unknown if layer is None else taken(layer, index, np.nan) for layer in layers),
        )

    @overload
    def probdensity(self, ra: float, dec: float) -> float: ...
    @overload
    def probdensity(self, ra: npt.ArrayLike, dec: npt.ArrayLike) -> float | FloatArray: ...
    def probdensity(self, ra: npt.ArrayLike, dec: npt.ArrayLike) -> float | FloatArray:
        """Probability density at positions (ICRS degrees), per steradian; scalars give a float."""
        return self._at(self.density, 0.0, ra, dec)

    @overload
    def credible_level(self, ra: float, dec: float) -> float: ...
    @overload
    def credible_level(self, ra: npt.ArrayLike, dec: npt.ArrayLike) -> float | FloatArray: ...
    def credible_level(self, ra: npt.ArrayLike, dec: npt.ArrayLike) -> float | FloatArray:
        """Searched probability: that of all tiles as dense as the one at the position or denser, that one included.

        In (0, 1]; 1 outside the map. The convention of ligo.skymap, except that tiles of equal density share one
        level, so that it does not depend on how the map is cut into tiles.
        """
        return self._at(self._ranking.level, 1.0, ra, dec)

    @overload
    def area(self, level: float) -> float: ...
    @overload
    def area(self, level: npt.ArrayLike) -> float | FloatArray: ...
    def area(self, level: npt.ArrayLike) -> float | FloatArray:
        """Area of the smallest region that holds a probability, square degrees; linear between tiles.

        Raises
        ------
        ValueError
            A level lies outside [0, 1].
        """
        wanted = np.asarray(level, np.float64)
        if not np.all((wanted >= 0) & (wanted <= 1)):
            raise ValueError("a credible level lies outside [0, 1]")
        rank = self._ranking
        out: FloatArray = np.asarray(np.interp(wanted, rank.probability, rank.area_sr) * DEG2_PER_SR)
        return float(out) if out.ndim == 0 else out

    def distance(self, ra: npt.ArrayLike, dec: npt.ArrayLike) -> Distance | None:
        """Distance layers at positions, NaN outside the map; None where the map has none."""
        if self.distance_mu is None or self.distance_sigma is None or self.distance_norm is None:
            return None
        index = self.tile(healpix.pixel(ra, dec))
        layers = (self.distance_mu, self.distance_sigma, self.distance_norm)
        return Distance(*(taken(layer, index, np.nan) for layer in layers))

    def maximum(self) -> tuple[float, float]:
        """Centre of the densest tile, ICRS degrees; of equally dense ones the first in NESTED order."""
        return self._centre(int(np.argmax(self.density)))

    def mean(self) -> tuple[float, float]:
        """Direction of the mean unit vector, ICRS degrees; meaningless where the map is symmetric on the sphere."""
        ra, dec = self.centres
        x, y, z = (self.density * self.solid_angle_sr) @ healpix.vectors(ra, dec)
        return float(np.degrees(np.arctan2(y, x)) % 360), float(np.degrees(np.arctan2(z, np.hypot(x, y))))

    @cached_property
    def centres(self) -> tuple[FloatArray, FloatArray]:
        """Right ascension and declination of the tiles' centres, ICRS degrees (of loose ranges: a pixel half way)."""
        middle = (self.start + self.stop) >> 1
        aligned = _orders(self.start, self.stop)
        shift = 2 * (healpix.ORDER - aligned)
        ra, dec = healpix.position(aligned, self.start >> shift)
        loose = (self.start >> shift) << shift != self.start
        loose |= (self.stop - self.start) != np.int64(1) << shift
        if loose.any():
            ra_loose, dec_loose = healpix.position(healpix.ORDER, middle)
            ra, dec = np.where(loose, ra_loose, ra), np.where(loose, dec_loose, dec)
        return ra, dec

    def _centre(self, index: int) -> tuple[float, float]:
        ra, dec = self.centres
        return float(ra[index]), float(dec[index])

    @cached_property
    def _ranking(self) -> _Ranking:
        falling = order_of(-self.density)
        dense = self.density[falling]
        area = self.solid_angle_sr[falling]
        probability = np.cumsum(dense * area)
        probability /= probability[-1]
        last_equal = np.append(np.flatnonzero(dense[1:] != dense[:-1]), len(dense) - 1)
        level = np.empty_like(probability)
        level[falling] = np.repeat(probability[last_equal], np.diff(last_equal, prepend=-1))
        level[self.density == 0] = 1.0
        support = int(np.searchsorted(-dense, 0.0, side="left"))
        return _Ranking(
            level,
            np.concatenate(([0.0], probability[:support])),
            np.concatenate(([0.0], np.cumsum(area[:support]))),
        )

    def _at(self, values: FloatArray, outside: float, ra: npt.ArrayLike, dec: npt.ArrayLike) -> float | FloatArray:
        out = taken(values, self.tile(healpix.pixel(ra, dec)), outside)
        return float(out) if out.ndim == 0 else out

    @cached_property
    def _lookup(self) -> Lookup:
        return Lookup(self.start, self.stop)


def _frozen(values: npt.NDArray[_Number]) -> npt.NDArray[_Number]:
    values.flags.writeable = False
    return values


def _orders(start: IntArray, stop: IntArray) -> IntArray:
    """Order of each range taken as one cell: from its length, rounded to the finer one."""
    length = (stop - start).astype(np.float64)
    return np.clip(healpix.ORDER - np.floor(np.log2(length) / 2 + 1e-9).astype(np.int64), 0, healpix.ORDER)


def _finest(start: IntArray, stop: IntArray) -> int:
    """Order of the finest cell that the ends of the ranges need."""
    ends = int(np.bitwise_or.reduce(start | stop))
    zeros = (ends & -ends).bit_length() - 1
    return max(0, healpix.ORDER - zeros // 2)
