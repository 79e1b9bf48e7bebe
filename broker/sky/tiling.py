"""Profiles to maps: cells are cut in four until the density hardly varies across each."""

import numpy as np

from nuncius.broker.sky.healpix import (
    ORDER,
    FloatArray,
    IntArray,
    cell_area_sr,
    cell_radius_rad,
    cell_range,
    position,
)
from nuncius.broker.sky.profile import Profile
from nuncius.broker.sky.skymap import SkyMap

TOLERANCE = 3e-4
"""Largest probability by which a cell may be uneven."""
MAX_CELLS = 24_000


def tile_profile(profile: Profile, *, tolerance: float = TOLERANCE) -> SkyMap:
    """A normalised map of a profile, of a few thousand cells.

    A cell is cut while (largest - smallest density in it) * its area exceeds ``tolerance`` of the whole; both bounds
    follow from the profile's slope, so a narrow peak inside a coarse cell is never missed. Where that would need
    more than `MAX_CELLS` cells of one order, the tolerance is doubled.
    """
    total = profile.total
    number: IntArray = np.arange(12)
    done: list[tuple[IntArray, IntArray, FloatArray]] = []
    for order in range(ORDER + 1):
        value, low, high = _bounds(profile, order, number)
        uneven = (high - low) * cell_area_sr(order) > tolerance * total
        if order == ORDER:
            uneven[:] = False
        while np.count_nonzero(uneven) > MAX_CELLS // 4:
            tolerance *= 2
            uneven = (high - low) * cell_area_sr(order) > tolerance * total
        even = ~uneven
        if even.any():
            start, stop = cell_range(order, number[even])
            done.append((start, stop, _mean(profile, order, number[even]) if order < ORDER else value[even]))
        if not uneven.any():
            break
        number = (number[uneven][:, None] * 4 + np.arange(4)).reshape(-1)
    start, stop, density = (np.concatenate(column) for column in zip(*done, strict=True))
    kept = density > 0
    return SkyMap.from_ranges(start[kept], stop[kept], density[kept])


def _bounds(profile: Profile, order: int, number: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Density at cell centres, and bounds of it over the cells."""
    coordinate = profile.coordinate(*position(order, number))
    reach = profile.slope * cell_radius_rad(order)
    return (
        profile.density(coordinate),
        profile.density(coordinate + reach),
        profile.density(np.maximum(coordinate - reach, 0.0)),
    )


def _mean(profile: Profile, order: int, number: IntArray) -> FloatArray:
    """Mean density over cells from the centres of their four parts."""
    inside = (number[:, None] * 4 + np.arange(4)).reshape(-1)
    value = profile.density(profile.coordinate(*position(order + 1, inside)))
    mean: FloatArray = value.reshape(-1, 4).mean(axis=1)
    return mean
