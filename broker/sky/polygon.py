"""Spherical polygons, their sides great circles, as ranges and regions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from nuncius.broker.sky.cover import Cover, Verdict, check_order, check_position, descend, fitting_order
from nuncius.broker.sky.healpix import ORDER, BoolArray, FloatArray, IntArray, vectors
from nuncius.broker.sky.moc import moc_ascii
from nuncius.schemas.errors import LimitExceeded
from nuncius.schemas.localization import Region

MAX_VERTICES: Final = 512
SIDE_LEAST_RAD: Final = 1e-8
"""Shorter sides, 2 mas, have no direction left."""
_TOUCH: Final = 1e-12
_BORDER_ORDERS: Final = 3
"""A region's smallest cells are so many orders finer than an eighth of the radius of a circle of its area."""


@dataclass(frozen=True, slots=True, eq=False)
class Polygon:
    """A simple polygon, its inside to the left of its sides and at most half of the sphere.

    Parameters
    ----------
    vertices
        Unit vectors, shape (n, 3), in order.
    poles
        Unit vectors that stand on each side's great circle, towards the inside, shape (n, 3).
    ahead
        Unit vectors along each side at its first vertex, shape (n, 3).
    length
        Of the sides, radians.
    area_sr
        Solid angle inside.
    """

    vertices: FloatArray
    poles: FloatArray
    ahead: FloatArray
    length: FloatArray
    area_sr: float

    @classmethod
    def of(cls, vertices: Sequence[tuple[float, float]]) -> Self:
        """From (ra, dec) in ICRS degrees, in either sense around; the first need not be repeated.

        Raises
        ------
        ValueError
            Fewer than three vertices, one not on the sky, a side of no length or of half a circle, sides that meet
            elsewhere than in their common vertex, or the whole of a great circle, neither of whose sides is smaller.
        LimitExceeded
            More than `MAX_VERTICES`.
        """
        if len(vertices) > MAX_VERTICES:
            raise LimitExceeded(f"polygon of {len(vertices)} vertices; at most {MAX_VERTICES} are read")
        for ra, dec in vertices:
            check_position(ra, dec)
        points = vectors([ra for ra, _ in vertices], [dec for _, dec in vertices])
        if len(points) > 1 and np.linalg.norm(points[0] - points[-1]) < SIDE_LEAST_RAD:
            points = points[:-1]
        if len(points) < 3:
            raise ValueError(f"a polygon needs three vertices, this one has {len(points)}")
        found = cls._leftward(points)
        _check_simple(found)
        if found.area_sr > 2 * math.pi:
            found = cls._leftward(points[::-1])
        if found.area_sr > 2 * math.pi - 1e-9:
            raise ValueError("polygon that halves the sphere: neither of its sides is the smaller one")
        return found

    @classmethod
    def _leftward(cls, points: FloatArray) -> Self:
        """What is to the left of the sides; the area is 2 pi minus the turns at the vertices (Gauss and Bonnet)."""
        after = np.roll(points, -1, axis=0)
        # a x b, without loss for neighbours
        cross = 0.5 * np.cross(after + points, after - points)
        sine = np.linalg.norm(cross, axis=1)
        length = np.arctan2(sine, np.einsum("ij,ij->i", points, after))
        if np.any(sine < SIDE_LEAST_RAD):
            where = int(np.argmin(sine))
            raise ValueError(f"polygon whose side from vertex {where} has no length or is half a circle long")
        poles = cross / sine[:, None]
        ahead = np.cross(poles, points)
        arriving = np.cross(np.roll(poles, 1, axis=0), points)
        turn = np.arctan2(
            np.einsum("ij,ij->i", points, np.cross(arriving, ahead)), np.einsum("ij,ij->i", arriving, ahead)
        )
        if np.any(np.abs(turn) > math.pi - 1e-9):
            raise ValueError(f"polygon that turns back at vertex {int(np.argmax(np.abs(turn)))}")
        return cls(points, poles, ahead, length, float(2 * math.pi - turn.sum()))

    def border_rad(self, points: FloatArray) -> tuple[FloatArray, BoolArray]:
        """Distance of unit vectors, shape (m, 3), from the border, and whether each lies inside.

        The nearest point of the border decides: no other part of it lies between. Where it is a vertex, the inside is
        the wedge between its two sides.
        """
        height = points @ self.poles.T
        along = np.arctan2(points @ self.ahead.T, points @ self.vertices.T)
        beside = (along >= 0) & (along <= self.length)
        flat = np.hypot(points @ self.ahead.T, points @ self.vertices.T)
        chord = np.linalg.norm(points[:, None, :] - self.vertices, axis=2)
        to_vertex = 2 * np.arcsin(np.minimum(chord / 2, 1.0))
        to_side = np.where(beside, np.arctan2(np.abs(height), flat), math.pi + 1)
        side, vertex = np.argmin(to_side, axis=1), np.argmin(to_vertex, axis=1)
        row = np.arange(len(points))
        left = height > 0
        before = vertex - 1
        convex = np.einsum("ij,ij->i", self.poles[before], self.ahead[vertex]) > 0
        both, either = left[row, before] & left[row, vertex], left[row, before] | left[row, vertex]
        side_nearer = to_side[row, side] <= to_vertex[row, vertex]
        inside = np.where(side_nearer, left[row, side], np.where(convex, both, either))
        return np.minimum(to_side[row, side], to_vertex[row, vertex]), inside


def polygon_cover(shape: Polygon, *, order: int | None = None) -> Cover:
    """Cover of a polygon; where ``order`` is left out, as for a circle of its area.

    Raises
    ------
    ValueError
        The order is not in [0, 29].
    LimitExceeded
        The border has too many cells: ask for a smaller order.
    """

    def judged(ra: FloatArray, dec: FloatArray, ball: float) -> Verdict:
        apart, inside = shape.border_rad(vectors(ra, dec))
        return Verdict(inside | (apart <= ball), inside & (apart > ball))

    return descend(judged, _order(shape) if order is None else check_order(order))


def polygon(vertices: Sequence[tuple[float, float]], containment: float = 0.9, *, order: int | None = None) -> Region:
    """The region inside a polygon: every cell that it touches.

    Parameters
    ----------
    vertices
        (ra, dec) in ICRS degrees, in order around it; the inside is the smaller side.
    containment
        Probability inside.
    order
        Of the smallest cells; where it is left out they are a 64th of the radius of a circle of the same area wide.

    Raises
    ------
    ValueError, LimitExceeded
        As in `Polygon.of` and `polygon_cover`.
    """
    shape = Polygon.of(vertices)
    finest = min(_order(shape) + _BORDER_ORDERS, ORDER) if order is None else order
    return Region(moc_ascii(polygon_cover(shape, order=finest).ranges), containment)


def _order(shape: Polygon) -> int:
    return fitting_order(math.degrees(math.sqrt(max(shape.area_sr, SIDE_LEAST_RAD**2) / math.pi)))


def _check_simple(shape: Polygon) -> None:
    """ValueError where two sides meet that are not neighbours."""
    n = len(shape.vertices)
    one, two = np.triu_indices(n, 2)
    apart = ~((one == 0) & (two == n - 1))
    one, two = one[apart], two[apart]
    meeting = np.cross(shape.poles[one], shape.poles[two])
    size = np.linalg.norm(meeting, axis=1)
    skew = size > _TOUCH
    at = meeting / np.where(skew, size, 1.0)[:, None]
    crossing = skew & np.logical_or(*((_on(shape, one, s * at) & _on(shape, two, s * at)) for s in (1.0, -1.0)))
    # sides of one great circle: they meet where a vertex of one lies on the other
    after_one, after_two = (one + 1) % n, (two + 1) % n
    flat = np.zeros(len(one), np.bool_)
    for side, vertex in ((one, two), (one, after_two), (two, one), (two, after_one)):
        flat |= _on(shape, side, shape.vertices[vertex])
    bad = np.flatnonzero(crossing | (~skew & flat))
    if len(bad):
        raise ValueError(f"polygon that crosses itself: sides {one[bad[0]]} and {two[bad[0]]} meet")


def _on(shape: Polygon, side: IntArray, point: FloatArray) -> BoolArray:
    """Whether a point of a side's great circle lies on the side."""
    along = np.arctan2(
        np.einsum("ij,ij->i", point, shape.ahead[side]), np.einsum("ij,ij->i", point, shape.vertices[side])
    )
    on: BoolArray = (along >= -_TOUCH) & (along <= shape.length[side] + _TOUCH)
    return on
