"""The sky inside a field of view: which directions it holds, and its outline as pixels."""

import math
from typing import Final

import numpy as np

from nuncius.broker.planning.telescope import CircleField, FieldOfView, RectangleField
from nuncius.broker.sky.cover import Cover, circle_cover, fitting_order
from nuncius.broker.sky.healpix import DEG2_PER_SR, ORDER, BoolArray, FloatArray, cell_range, position, vectors
from nuncius.broker.sky.polygon import Polygon, polygon_cover
from nuncius.broker.sky.ranges import Ranges, spelled, union

_BORDER_ORDERS: Final = 4
"""Cells of an outline are so many orders finer than an eighth of the radius: a 128th of it."""


def reach_deg(field: FieldOfView) -> float:
    """Largest distance of a point of the field from its centre."""
    if isinstance(field, CircleField):
        return field.radius_deg
    across, along = half_tangents(field)
    return math.degrees(math.atan(math.hypot(across, along)))


def area_deg2(field: FieldOfView) -> float:
    """Solid angle of the field, square degrees."""
    if isinstance(field, CircleField):
        return 4 * math.pi * math.sin(math.radians(field.radius_deg) / 2) ** 2 * DEG2_PER_SR
    across, along = half_tangents(field)
    # of a pyramid: 4 asin(sin a sin b), half angles a and b of its faces
    sine = math.sin(math.atan(across)) * math.sin(math.atan(along))
    return 4 * math.asin(sine) * DEG2_PER_SR


def inside(
    field: FieldOfView, ra_deg: FloatArray, dec_deg: FloatArray, points: FloatArray, position_angle_deg: float = 0.0
) -> BoolArray:
    """Whether directions lie in fields, borders inside, one direction a field.

    A rectangle is what a flat detector sees: its sides are great circles, and it is as wide and as high as stated
    through its centre.

    Parameters
    ----------
    field
        What is seen at once.
    ra_deg, dec_deg
        Centres, ICRS degrees, shape (n,).
    points
        Unit vectors, shape (n, 3).
    position_angle_deg
        Of the upper edge, north through east.
    """
    centre = vectors(ra_deg, dec_deg)
    if isinstance(field, CircleField):
        chord = np.linalg.norm(points - centre, axis=-1)
        return np.asarray(chord <= 2 * math.sin(math.radians(field.radius_deg) / 2))
    east, north = axes(ra_deg, dec_deg, position_angle_deg)
    ahead = np.einsum("ij,ij->i", points, centre)
    across, along = half_tangents(field)
    return np.asarray(
        (ahead > 0)
        & (np.abs(np.einsum("ij,ij->i", points, east)) <= across * ahead)
        & (np.abs(np.einsum("ij,ij->i", points, north)) <= along * ahead)
    )


def axes(ra_deg: FloatArray, dec_deg: FloatArray, position_angle_deg: float) -> tuple[FloatArray, FloatArray]:
    """Unit vectors, shape (n, 3), to the right edge (east at angle 0) and to the upper edge of fields."""
    ra, dec, turn = np.radians(ra_deg), np.radians(dec_deg), math.radians(position_angle_deg)
    east = np.stack([-np.sin(ra), np.cos(ra), np.zeros_like(ra)], axis=-1)
    north = np.stack([-np.sin(dec) * np.cos(ra), -np.sin(dec) * np.sin(ra), np.cos(dec)], axis=-1)
    return math.cos(turn) * east - math.sin(turn) * north, math.sin(turn) * east + math.cos(turn) * north


def corners(
    field: FieldOfView, ra_deg: float, dec_deg: float, position_angle_deg: float = 0.0
) -> tuple[tuple[float, float], ...]:
    """Corners of a rectangle, or 32 points on a circle, as (ra, dec) in ICRS degrees, from north through east."""
    centre = vectors([ra_deg], [dec_deg])[0]
    east, north = (axis[0] for axis in axes(np.array([ra_deg]), np.array([dec_deg]), position_angle_deg))
    if isinstance(field, CircleField):
        turn = 2 * np.pi * np.arange(32) / 32
        radius = math.radians(field.radius_deg)
        across, along = math.sin(radius) * np.sin(turn), math.sin(radius) * np.cos(turn)
        ahead = np.full(32, math.cos(radius))
    else:
        width, height = half_tangents(field)
        across, along = np.array([width, width, -width, -width]), np.array([height, -height, -height, height])
        ahead = np.ones(4)
    point = ahead[:, None] * centre + across[:, None] * east + along[:, None] * north
    ra = np.degrees(np.arctan2(point[:, 1], point[:, 0])) % 360
    dec = np.degrees(np.arctan2(point[:, 2], np.hypot(point[:, 0], point[:, 1])))
    return tuple(zip(ra.tolist(), dec.tolist(), strict=True))


def footprint(field: FieldOfView, ra_deg: float, dec_deg: float, position_angle_deg: float = 0.0) -> Ranges:
    """Pixels of a field: all cells whose centre lies in it, a 128th of its radius wide on the border.

    Parameters
    ----------
    field, position_angle_deg
        As in `inside`.
    ra_deg, dec_deg
        Centre, ICRS degrees.
    """
    order = min(fitting_order(reach_deg(field)) + _BORDER_ORDERS, ORDER)
    cover = _cover(field, ra_deg, dec_deg, position_angle_deg, order)
    shift = 2 * (ORDER - order)
    border = spelled(Ranges(cover.start[~cover.full] >> shift, cover.stop[~cover.full] >> shift))
    points = vectors(*position(order, border))
    count = len(border)
    kept = inside(field, np.full(count, ra_deg), np.full(count, dec_deg), points, position_angle_deg)
    first, after = cell_range(order, border[kept])
    return union(np.concatenate([cover.start[cover.full], first]), np.concatenate([cover.stop[cover.full], after]))


def _cover(field: FieldOfView, ra_deg: float, dec_deg: float, position_angle_deg: float, order: int) -> Cover:
    if isinstance(field, CircleField):
        return circle_cover(ra_deg, dec_deg, field.radius_deg, order=order)
    return polygon_cover(Polygon.of(corners(field, ra_deg, dec_deg, position_angle_deg)), order=order)


def half_tangents(field: RectangleField) -> tuple[float, float]:
    """Tangents of half the width and half the height."""
    half = (math.radians(min(side, 179.9)) / 2 for side in (field.width_deg, field.height_deg))
    across, along = half
    return math.tan(across), math.tan(along)
