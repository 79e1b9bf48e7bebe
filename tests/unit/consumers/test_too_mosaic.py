"""The sky of an instrument of many detectors: their area, their gaps, and no more cells than it takes."""

import math

import pytest

from nuncius.broker.sky import moc_ascii, pixel
from nuncius.broker.sky.ranges import area_deg2, contains
from nuncius.consumers.too.treasure_map_in import turned
from nuncius.consumers.too.treasure_map_sky import Place, mosaic

CENTRE = (350.0, 60.0)


def square(east: float, north: float, side: float) -> list[Place]:
    half = side / 2
    corners = ((-half, -half), (half, -half), (half, half), (-half, half))
    return [turned((east + x, north + y), *CENTRE, 30.0) for x, y in corners]


def at(east: float, north: float) -> Place:
    return turned((east, north), *CENTRE, 30.0)


def test_sixty_detectors_hold_their_area_and_not_their_gaps() -> None:
    rings = [square(0.16 * i - 0.88, 0.33 * j - 0.66, 0.14) for i in range(12) for j in range(5)]
    seen = mosaic(rings, CENTRE)
    assert area_deg2(*seen) == pytest.approx(60 * 0.14**2, rel=0.02)
    inside, gap = at(0.08, 0.0), at(0.0, 0.0)
    assert contains(seen, pixel([inside[0], gap[0]], [inside[1], gap[1]])).tolist() == [True, False]
    assert len(moc_ascii(seen)) < 60_000


@pytest.mark.parametrize("side", [0.02, 1.0, 20.0])
def test_one_detector_of_any_size(side: float) -> None:
    """A gnomonic square is not one of these; its area by the polygon's angles is near side² where it is small."""
    seen = mosaic([square(0.0, 0.0, side)], CENTRE)
    assert area_deg2(*seen) == pytest.approx(side**2, rel=0.02)


def test_a_detector_with_a_notch_does_not_see_it() -> None:
    ring = [at(*p) for p in ((-1, -1), (1, -1), (1, 1), (0, 0), (-1, 1))]
    seen = mosaic([ring], CENTRE)
    assert area_deg2(*seen) == pytest.approx(3.0, rel=0.02)
    notch = at(0.0, 0.5)
    assert not contains(seen, pixel(*notch)).any()


def test_the_outline_of_a_hemisphere() -> None:
    ring = [(ra, -1.0) for ra in range(0, 360, 10)]
    seen = mosaic([[(float(ra), dec) for ra, dec in ring]], (0.0, -90.0))
    assert area_deg2(*seen) == pytest.approx(2 * math.pi * (1 - math.sin(math.radians(1.0))) * 3282.806, rel=0.01)


def test_detectors_smaller_than_a_cell_are_no_field() -> None:
    far = [square(9.0, 0.0, 1e-3), square(-9.0, 0.0, 1e-3)]
    with pytest.raises(ValueError, match="too small"):
        mosaic(far, CENTRE)
