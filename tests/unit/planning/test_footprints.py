"""What a field holds: its area, its outline, and its cells, held against the gnomonic projection."""

from datetime import timedelta

import numpy as np
import pytest
from tiling_cases import START, in_field

from nuncius.broker.planning.cells import Cells
from nuncius.broker.planning.footprints import area_deg2, corners, footprint, inside, reach_deg
from nuncius.broker.planning.placing import Bands, Centres, members
from nuncius.broker.planning.telescope import CircleField, FieldOfView, RectangleField
from nuncius.broker.sky import pixel, separation_deg
from nuncius.broker.sky.healpix import FloatArray, vectors
from nuncius.broker.sky.ranges import area_deg2 as area_of
from nuncius.broker.sky.ranges import contains
from nuncius.schemas.plan import PlannedTile

FIELDS = [CircleField(1.5), RectangleField(3.0, 2.0), RectangleField(40.0, 60.0)]
PLACES = [(10.0, 0.0), (0.0, 45.0), (359.9, -60.0), (200.0, 89.5), (77.0, -90.0)]


def tile(ra: float, dec: float) -> PlannedTile:
    return PlannedTile(
        number=1,
        site="",
        ra=ra,
        dec=dec,
        start=START,
        stop=START + timedelta(seconds=1),
        exposure_s=1.0,
        airmass=1.0,
        probability=0.0,
    )


def around(ra: float, dec: float, reach: float, count: int = 4000) -> tuple[FloatArray, FloatArray]:
    """Points all around a place, out to twice the reach."""
    rng = np.random.default_rng(3)
    centre = vectors([ra], [dec])[0]
    points = centre + 2 * np.radians(reach) * rng.normal(size=(count, 3)) / np.sqrt(3)
    points /= np.linalg.norm(points, axis=1)[:, None]
    return np.degrees(np.arctan2(points[:, 1], points[:, 0])) % 360, np.degrees(np.arcsin(points[:, 2]))


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(("ra", "dec"), PLACES)
def test_points_inside(field: FieldOfView, ra: float, dec: float) -> None:
    points = around(ra, dec, reach_deg(field))
    truth = in_field(field, tile(ra, dec), *points)
    count = len(points[0])
    assert np.array_equal(inside(field, np.full(count, ra), np.full(count, dec), vectors(*points)), truth)
    found = members(field, Centres(np.array([ra]), np.array([dec])), Cells(*points, np.ones(count)))
    assert sorted(found[0][found[0] < count].tolist()) == np.flatnonzero(truth).tolist()
    assert np.all(separation_deg(ra, dec, points[0][truth], points[1][truth]) <= reach_deg(field) + 1e-9)
    assert 50 < truth.sum() < count


@pytest.mark.parametrize("field", FIELDS[:2])
@pytest.mark.parametrize(("ra", "dec"), PLACES)
def test_outlines(field: FieldOfView, ra: float, dec: float) -> None:
    seen = footprint(field, ra, dec)
    assert area_of(*seen) == pytest.approx(area_deg2(field), rel=0.005)
    points = around(ra, dec, reach_deg(field))
    agreed = contains(seen, pixel(*points)) == in_field(field, tile(ra, dec), *points)
    assert agreed.mean() > 0.99
    for corner in corners(field, ra, dec):
        assert separation_deg(ra, dec, *corner) == pytest.approx(reach_deg(field))


def test_a_turned_field_is_the_field_turned() -> None:
    field = RectangleField(4.0, 1.0)
    north, east = vectors([10.0], [1.5]), vectors([11.5], [0.0])
    centre = np.array([10.0]), np.array([0.0])
    assert not inside(field, *centre, north)
    assert inside(field, *centre, east)
    assert inside(field, *centre, north, 90.0)
    assert not inside(field, *centre, east, 90.0)
    tilted = vectors([11.0], [1.0])
    assert inside(field, *centre, tilted, -45.0)
    assert not inside(field, *centre, tilted, 45.0)


@pytest.mark.parametrize(
    ("field", "overlap"), [(CircleField(6.0), 0.0), (RectangleField(3.0, 5.0), 0.1), (RectangleField(9.0, 5.0), 0.3)]
)
def test_bands_cover_the_sky(field: FieldOfView, overlap: float) -> None:
    grid = Bands.of(field, overlap).everywhere()
    rng = np.random.default_rng(1)
    ra, dec = rng.uniform(0, 360, 3000), np.degrees(np.arcsin(rng.uniform(-1, 1, 3000)))
    found = members(field, grid, Cells(ra, dec, np.ones(3000)))
    assert len(np.unique(found)) == 3001  # and the filling
    near = Bands.of(field, overlap).near(Cells(ra[:5], dec[:5], np.ones(5)))
    for one, other in zip(*near, strict=True):
        assert np.any((grid.ra_deg == one) & (grid.dec_deg == other))
    with pytest.raises(ValueError, match="below 1"):
        Bands.of(field, 1.0)
