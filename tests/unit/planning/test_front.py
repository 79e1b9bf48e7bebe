"""The short cuts of the search answer as the long ways do: fields by falling gain, and fields near a place."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from tiling_cases import PALOMAR, START, telescope

from nuncius.broker.planning.coverage import Coverage, Fields, Pool
from nuncius.broker.planning.front import Front
from nuncius.broker.planning.sightlines import Sight, nights, spells
from nuncius.broker.sky.healpix import FloatArray, vectors

LEAST = 0.05


def spread(seed: int, count: int) -> FloatArray:
    """Directions over the whole sky, the poles among them."""
    rng = np.random.default_rng(seed)
    dec = np.degrees(np.arcsin(rng.uniform(-1, 1, count)))
    dec[:2] = 90.0, -90.0
    return vectors(rng.uniform(0, 360, count), dec)


@pytest.mark.parametrize("count", [0, 1, 30, 1024, 1025, 9000])
def test_fields_come_by_falling_gain_while_gains_fall_and_fields_are_struck_off(count: int) -> None:
    rng = np.random.default_rng(count)
    gain, maybe = rng.integers(0, 50, count) / 50, rng.random(count) < 0.9
    front, alive = Front(maybe, LEAST), maybe.copy()
    for _ in range(6):
        left = np.flatnonzero(alive & (gain > LEAST))
        expected = left[np.argsort(-gain[left], kind="stable")]
        got = [few.now for few in front.falling(gain)]
        assert np.concatenate([np.zeros(0, np.int64), *got]).tolist() == expected.tolist()
        struck = expected[: len(expected) // 5]
        front.strike(struck)
        alive[struck] = False
        gain = np.where(rng.random(count) < 0.3, gain * rng.random(count), gain)


@pytest.mark.parametrize("apart_deg", [0.0, 3.0, 95.0, 180.0, 200.0])
def test_near_are_all_fields_within_the_distance_and_no_others(apart_deg: float) -> None:
    points = spread(1, 2000)
    fields = Fields(points, 0.01, np.zeros((2000, 1), np.int32))
    for point in points[:40]:
        angle = np.degrees(np.arccos(np.clip(points @ point, -1, 1)))
        expected = np.flatnonzero(angle <= apart_deg + 1e-4)
        assert np.isin(np.flatnonzero(angle < apart_deg - 1e-4), fields.near(point, np.radians(apart_deg))).all()
        assert np.isin(fields.near(point, np.radians(apart_deg)), expected).all()


def test_gains_of_two_telescopes_are_what_is_left_of_their_cells() -> None:
    """Three cells in a row; the large field holds the first two, small ones one each."""
    points = vectors(np.array([10.0, 11.0, 12.0]), np.zeros(3))
    large = Fields(points[:1], 0.03, np.array([[0, 1]], np.int32))
    small = Fields(points, 0.005, np.array([[0], [1], [2]], np.int32))
    pool = Pool((large, small), np.array([0.5, 0.3, 0.2]))
    seen = Coverage(pool)
    assert seen.gain.tolist() == [0.8, 0.5, 0.3, 0.2]
    assert seen.add(2) == 0.3
    assert seen.gain.tolist() == [0.5, 0.5, 0.0, 0.2]
    assert seen.in_order([1, 0, 3]) == [0.5, 0.3, 0.2]
    assert Coverage(pool).gain.tolist() == [0.8, 0.5, 0.3, 0.2]


def test_a_sight_asked_bit_by_bit_answers_as_asked_at_once() -> None:
    """A mountain to the south parts some nights in two, so that rows grow wider as they are asked for."""
    mountain = ((0.0, 0.0), (150.0, 0.0), (160.0, 60.0), (200.0, 60.0), (210.0, 0.0))
    walled = replace(telescope("T", PALOMAR), horizon=mountain)
    (*_, night) = nights(walled, START, START + timedelta(hours=24))
    rng = np.random.default_rng(3)
    ra, dec = rng.uniform(0, 360, 300), rng.uniform(-90, 90, 300)
    whole = spells(walled, night, ra, dec, START, 300.0)
    sight, width = Sight(walled, night, ra, dec, START, 300.0), whole.first_s.shape[1]
    order = rng.permutation(300)
    for few in (order[:50], order[25:200], order):
        found = sight.spells(few)
        assert found.first_s.tolist() == whole.first_s[few][:, : found.first_s.shape[1]].tolist()
        assert found.last_s.tolist() == whole.last_s[few][:, : found.last_s.shape[1]].tolist()
        assert not np.isfinite(whole.first_s[few][:, found.first_s.shape[1] :]).any()
    assert sight.spells(order).first_s.shape[1] == width == 2
