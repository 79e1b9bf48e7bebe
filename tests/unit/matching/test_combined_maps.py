"""A pair of wide regions is published with the map of one source that both are of."""

import numpy as np
import pytest
from matching_alerts import T0, cone, grb, gw

from nuncius.broker.matching import Associate, PublishCoincidence, shipped_rules
from nuncius.broker.sky import SkyMap
from nuncius.broker.sky.healpix import cell_range
from nuncius.broker.sky.skymap_write import write_skymap
from nuncius.schemas import Alert, Coincidence, Localization, SkyMapRef
from nuncius.schemas.ids import digest

NOW = T0.replace(year=T0.year + 1)


def published(*alerts: Alert) -> list[PublishCoincidence]:
    engine = Associate(shipped_rules())
    outcome = engine.step(alerts, (), {}, NOW)
    engine.apply(outcome.delta)
    for record in engine.published():
        assert not isinstance(record, Coincidence) or record.combined_map is None or record.combined_map.data is None
    return [effect for effect in outcome.effects if isinstance(effect, PublishCoincidence)]


def test_two_wide_circles() -> None:
    (found,) = published(gw(localizations=cone(80, 10, 6)), grb(localizations=cone(84, 10, 4)))
    named = found.record.combined_map
    assert named is not None
    assert named.nbytes == len(found.combined_map)
    sky = SkyMap.read(found.combined_map)
    ra, dec = sky.mean()
    # two circles of 6 and 4 degrees weigh as 1/36 to 1/16: the product lies at 80 + 4 * 36 / 52
    assert abs(ra - (80 + 4 * 36 / 52)) < 0.1
    assert abs(dec - 10) < 0.1
    assert sky.area(0.9) < np.pi * 4**2
    assert published(gw(localizations=cone(80, 10, 6)), grb(localizations=cone(84, 10, 4))) == [found]


def test_a_small_circle_needs_none_and_exclusion_has_none() -> None:
    (small,) = published(gw(localizations=cone(80, 10, 6)), grb(localizations=cone(80, 10, 0.05)))
    assert small.record.combined_map is None
    (apart,) = published(gw(localizations=cone(80, 10, 1.5)), grb(localizations=cone(260, -10, 1.5)))
    assert apart.record.combined_map is None
    (nowhere,) = published(gw(localizations=cone(80, 10, 6)), grb(localizations=()))
    assert nowhere.record.combined_map is None


def whole_sky_at(mpc: float) -> tuple[Localization, ...]:
    start, stop = cell_range(0, np.arange(12))
    layers = np.stack([np.full(12, mpc), np.full(12, 1.0), np.full(12, mpc**-2)])
    data = write_skymap(SkyMap.from_ranges(start, stop, np.ones(12), distance=layers))
    return (Localization(SkyMapRef(digest(data), len(data), None, data)),)


def test_distances_that_exclude_each_other_stop_nothing() -> None:
    (agree,) = published(gw(localizations=whole_sky_at(100)), grb(localizations=whole_sky_at(101)))
    assert agree.record.combined_map is not None
    (found,) = published(gw(localizations=whole_sky_at(100)), grb(localizations=whole_sky_at(10_000)))
    assert found.record.state == "active"
    assert found.record.combined_map is None


def test_a_map_too_large_for_the_log_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = gw(localizations=cone(80, 10, 6)), grb(localizations=cone(84, 10, 4))
    (whole,) = published(*wide)
    size = len(whole.combined_map)
    monkeypatch.setattr("nuncius.broker.matching.regions.MAX_PACKET_BYTES", size)
    assert published(*wide) == [whole]
    monkeypatch.setattr("nuncius.broker.matching.regions.MAX_PACKET_BYTES", size - 1)
    (found,) = published(*wide)
    assert found.record.combined_map is None
    assert found.record.state == "active"
    assert found.record.overlap == whole.record.overlap
