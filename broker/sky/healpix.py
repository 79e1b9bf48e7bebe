"""HEALPix NESTED arithmetic at order 29: positions to pixels and pixels to positions.

Written out from Gorski et al. 2005 (ApJ 622, 759), sections 4 and 5, so that looking up a point needs no library
whose import takes seconds, and so that a compiled twin can work on several points at once. A *cell* is (order, pixel
number); a *range* is [start, stop) in pixels of order 29.
"""

import math

import numpy as np
import numpy.typing as npt

from nuncius.broker.sky.compiled import kernels

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

ORDER = 29
PIXELS = 12 << (2 * ORDER)
"""Number of order-29 pixels on the sphere."""
PIXEL_AREA_SR = 4 * math.pi / PIXELS
DEG2_PER_SR = math.degrees(1) ** 2

NSIDE = 1 << ORDER
RADIANS = math.pi / 180
SINE = tuple((-1) ** k / math.factorial(2 * k + 1) for k in range(1, 9))
COSINE = tuple((-1) ** k / math.factorial(2 * k) for k in range(1, 9))
"""Taylor coefficients from x^3 and x^2 on. Up to 45 degrees the rest is below 1e-17: no mathematics library is asked,
so that a position has one pixel on every machine, with numba and without.
"""

_SPREAD = (
    (16, 0x0000FFFF0000FFFF),
    (8, 0x00FF00FF00FF00FF),
    (4, 0x0F0F0F0F0F0F0F0F),
    (2, 0x3333333333333333),
    (1, 0x5555555555555555),
)
_ROW = np.array([2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4])
_COLUMN = np.array([1, 3, 5, 7, 0, 2, 4, 6, 1, 3, 5, 7])


def pixel(ra: npt.ArrayLike, dec: npt.ArrayLike) -> IntArray:
    """Order-29 NESTED pixel of each position.

    Parameters
    ----------
    ra, dec
        ICRS degrees, any shapes that broadcast; ``ra`` is taken modulo 360, -90 <= dec <= 90.

    Raises
    ------
    ValueError
        A position is not finite, or a declination lies outside [-90, 90].
    """
    ra_deg, dec_deg = np.broadcast_arrays(np.asarray(ra, np.float64), np.asarray(dec, np.float64))
    if not (np.all(np.isfinite(ra_deg)) and np.all(np.abs(dec_deg) <= 90)):
        raise ValueError("a position is not finite or its declination lies outside [-90, 90]: check it before look-up")
    loops = kernels(ra_deg.size)
    if loops is None:
        return _pixels(ra_deg, dec_deg)
    out = np.empty(ra_deg.shape, np.int64)
    loops.pixels(np.ascontiguousarray(ra_deg).reshape(-1), np.ascontiguousarray(dec_deg).reshape(-1), out.reshape(-1))
    return out


def _pixels(ra_deg: FloatArray, dec_deg: FloatArray) -> IntArray:
    """The numpy twin of `kernels.pixels`: the same operations in the same order, so the same bits."""
    quarter = ra_deg / 90.0
    quarter = quarter - 4.0 * np.floor(quarter * 0.25)
    quarter = np.where(quarter >= 4.0, 0.0, quarter)
    height = np.abs(dec_deg)
    steep = height > 45.0
    angle = np.where(steep, 90.0 - height, height) * RADIANS
    w = angle * angle
    sine = angle + angle * (w * _series(SINE, w))
    cosine = 1.0 + w * _series(COSINE, w)
    z_abs = np.where(steep, cosine, sine)
    slope = 0.75 * np.where(dec_deg < 0, -z_abs, z_abs)
    belt = z_abs <= 2 / 3

    rising = 0.5 + quarter - slope
    falling = 0.5 + quarter + slope
    lap_rising = np.floor(rising)
    lap_falling = np.floor(falling)
    one, two = lap_rising.astype(np.int64), lap_falling.astype(np.int64)
    # laps run to 5 where rounding carries a right ascension just below 360 over it: faces count modulo four
    face = np.where(one == two, (one & 3) | 4, np.where(one < two, one & 3, (two & 3) | 8))
    x = ((falling - lap_falling) * NSIDE).astype(np.int64)
    y = NSIDE - 1 - ((rising - lap_rising) * NSIDE).astype(np.int64)

    if not np.all(belt):
        lap = np.floor(quarter)
        along = quarter - lap
        corner = lap.astype(np.int64)
        # sqrt(3 (1 - |z|)) written through cos(dec): exact near the poles, where 1 - |z| loses all its digits
        width = NSIDE * np.where(steep, sine, cosine) / np.sqrt((1.0 + z_abs) / 3.0)
        east = np.minimum(along * width, NSIDE - 1.0).astype(np.int64)
        west = np.minimum((1.0 - along) * width, NSIDE - 1.0).astype(np.int64)
        north = dec_deg > 0
        face = np.where(belt, face, np.where(north, corner, corner + 8))
        x = np.where(belt, x, np.where(north, NSIDE - 1 - west, east))
        y = np.where(belt, y, np.where(north, NSIDE - 1 - east, west))
    out: IntArray = (face << (2 * ORDER)) | _spread(x) | (_spread(y) << 1)
    return out


def _series(coefficients: tuple[float, ...], w: FloatArray) -> FloatArray:
    """The polynomial of Horner's scheme, highest power first."""
    out: FloatArray = coefficients[-2] + w * coefficients[-1]
    for coefficient in reversed(coefficients[:-2]):
        out = coefficient + w * out
    return out


def position(order: npt.ArrayLike, number: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Right ascension and declination of cell centres, ICRS degrees; 0 <= ra < 360."""
    order, number = np.broadcast_arrays(np.asarray(order, np.int64), np.asarray(number, np.int64))
    face = number >> (2 * order)
    inside = number - (face << (2 * order))
    scale = np.ldexp(1.0, -order.astype(np.int32))
    x = (_gather(inside) + 0.5) * scale
    y = (_gather(inside >> 1) + 0.5) * scale
    row = _ROW[face] - x - y
    polar = np.clip(np.where(row < 1, row, 4 - row), 0, 1)
    third = polar * polar / 3
    dec = np.where(
        (row < 1) | (row > 3),
        np.copysign(90 - np.degrees(2 * np.arcsin(np.sqrt(third / 2))), 2 - row),
        np.degrees(np.arcsin(np.clip((2 - row) * 2 / 3, -1, 1))),
    )
    eighths = np.mod(_COLUMN[face] * polar + x - y, 8.0)
    ra = np.mod(45.0 * eighths / np.where(polar > 0, polar, 1), 360.0)
    return ra, dec


def vectors(ra: npt.ArrayLike, dec: npt.ArrayLike) -> FloatArray:
    """Unit vectors, shape (..., 3), of positions in degrees."""
    ra_deg, dec_deg = np.broadcast_arrays(np.asarray(ra, np.float64), np.asarray(dec, np.float64))
    out: FloatArray = np.empty((*ra_deg.shape, 3))
    loops = kernels(ra_deg.size)
    if loops is not None:
        flat = np.ascontiguousarray(ra_deg).reshape(-1), np.ascontiguousarray(dec_deg).reshape(-1)
        loops.vectors(*flat, out.reshape(-1, 3))
        return out
    sin_ra, cos_ra = _sine_cosine(ra_deg)
    sin_dec, cos_dec = _sine_cosine(dec_deg)
    out[..., 0], out[..., 1], out[..., 2] = cos_dec * cos_ra, cos_dec * sin_ra, sin_dec
    return out


def _sine_cosine(angle_deg: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Sine and cosine by the series of `pixel`; the numpy twin of what `kernels.vectors` does."""
    quarter = np.floor(angle_deg / 90.0 + 0.5)
    angle = (angle_deg - 90.0 * quarter) * RADIANS
    w = angle * angle
    sine = angle + angle * (w * _series(SINE, w))
    cosine = 1.0 + w * _series(COSINE, w)
    turn = quarter - 4.0 * np.floor(quarter * 0.25)
    odd = (turn == 1.0) | (turn == 3.0)
    return (
        np.where(turn >= 2.0, -1.0, 1.0) * np.where(odd, cosine, sine),
        np.where((turn == 1.0) | (turn == 2.0), -1.0, 1.0) * np.where(odd, sine, cosine),
    )


def cell_radius_rad(order: int) -> float:
    """Largest distance from the centre of a cell of this order to its corners, radians."""
    nside = 1 << order
    edge_z = 2 / 3
    edge_phi = math.pi / (4 * nside)
    corner_z = 1 - (1 - 1 / nside) ** 2 / 3
    dot = edge_z * corner_z + math.sqrt((1 - edge_z**2) * (1 - corner_z**2)) * math.cos(edge_phi)
    cross_xy = math.sqrt(1 - edge_z**2), math.sqrt(1 - corner_z**2)
    chord2 = (
        (cross_xy[0] * math.cos(edge_phi) - cross_xy[1]) ** 2
        + (cross_xy[0] * math.sin(edge_phi)) ** 2
        + (edge_z - corner_z) ** 2
    )
    # the arc cosine loses its digits at high order, the chord at none
    return math.acos(dot) if order == 0 else 2 * math.asin(math.sqrt(chord2) / 2)


def cells_near(ra: float, dec: float, radius_rad: float, finest: int = ORDER) -> tuple[int, IntArray]:
    """Order and numbers of at most four cells that hold every point within a distance of a position in degrees.

    All twelve of order 0 where the circle reaches over the border of one. Along a base cell each of its coordinates,
    0 to 1, changes by at most 1.5 a radian: the derivatives of Gorski et al. 2005, equations 8, 9, 17 and 18, are
    largest in the polar caps, ((2/pi)^2 3/2 / cos(t/2)^2 + 3/2 cos(t/2)^2)^1/2 < 1.5 at the colatitude t of z = 2/3.
    """
    place = pixel(ra, dec)
    face = int(place) >> (2 * ORDER)
    reach = math.ceil(min(1.5 * radius_rad, 1.0) * NSIDE) + 1
    x, y = int(_gather(place & (NSIDE * NSIDE - 1))), int(_gather((place & (NSIDE * NSIDE - 1)) >> 1))
    low, high = (x - reach, y - reach), (x + reach, y + reach)
    if min(low) < 0 or max(high) >= NSIDE:
        return 0, np.arange(12)
    order = max(0, min(finest, ORDER - (2 * reach).bit_length()))
    shift = ORDER - order
    columns = np.arange(low[0] >> shift, (high[0] >> shift) + 1)
    rows = np.arange(low[1] >> shift, (high[1] >> shift) + 1)
    return order, ((face << (2 * order)) | _spread(columns) | (_spread(rows) << 1)[:, None]).reshape(-1)


def cell_area_sr(order: npt.ArrayLike) -> FloatArray:
    """Solid angle of a cell, steradian."""
    return np.asarray(math.pi / 3 * np.ldexp(1.0, -2 * np.asarray(order, np.int32)), np.float64)


def cells_of(uniq: IntArray) -> tuple[IntArray, IntArray]:
    """Order and number of cells by their UNIQ names, 4 * 4^order + number; all >= 4."""
    loops = kernels(uniq.size)
    if loops is not None:
        orders, numbers = np.empty(uniq.size, np.int64), np.empty(uniq.size, np.int64)
        loops.cells(uniq, orders, numbers)
        return orders, numbers
    # frexp is exact here only up to 2^53: the top bit of larger numbers may round up, so look at the upper half first
    high = uniq >> 32
    bits = np.where(high > 0, np.frexp(high.astype(np.float64))[1] + 32, np.frexp((uniq & 0xFFFFFFFF) * 1.0)[1])
    order = (bits.astype(np.int64) - 3) // 2
    return order, uniq - (np.int64(4) << (2 * order))


def cell_range(order: npt.ArrayLike, number: npt.ArrayLike) -> tuple[IntArray, IntArray]:
    """First order-29 pixel of each cell, and the one after its last."""
    order, number = np.asarray(order, np.int64), np.asarray(number, np.int64)
    shift = 2 * (ORDER - order)
    return number << shift, (number + 1) << shift


def _spread(bits: IntArray) -> IntArray:
    """Moves bit k to bit 2k, for 32 bits."""
    out = bits
    for shift, mask in _SPREAD:
        out = (out | (out << shift)) & mask
    return out


def _gather(bits: IntArray) -> IntArray:
    """Moves bit 2k to bit k: the inverse of `_spread`, odd bits ignored."""
    out = bits & 0x5555555555555555
    for shift, mask in (
        (1, 0x3333333333333333),
        (2, 0x0F0F0F0F0F0F0F0F),
        (4, 0x00FF00FF00FF00FF),
        (8, 0x0000FFFF0000FFFF),
    ):
        out = (out | (out >> shift)) & mask
    return (out | (out >> 16)) & 0x00000000FFFFFFFF
