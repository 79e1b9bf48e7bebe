"""How much of a plan stays when a real event's map is revised, beside planning anew, and what it costs."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tiling_cases import PARANAL, telescope

from nuncius.broker.planning.joint import TelescopePlan, plan_jointly
from nuncius.broker.planning.telescope import CircleField
from nuncius.broker.sky import SkyMap

pytestmark = [pytest.mark.bench, pytest.mark.alerts]
CAMERA = telescope("bench", PARANAL, field=CircleField(1.5))
CASES = {
    "GW150914": (
        "gw_followup/bayestar_gstlal_C01.fits.gz",
        "GWsky/LALInference_skymap.fits.gz",
        "2015-09-14T09:50:45Z",
    ),
    "S190814bv": (
        "LIGO_O3/S190814bv/bayestar.multiorder.fits,1",
        "LIGO_O3/S190814bv/LALInference.v1.multiorder.fits",
        "2019-08-14T21:10:39Z",
    ),
}


def plan(sky: SkyMap, start: datetime, stop: datetime, earlier: tuple[TelescopePlan, ...] = ()) -> TelescopePlan:
    (made,) = plan_jointly(sky, (CAMERA,), start=start, stop=stop, exposure_s=120.0, tiles_max=60, earlier=earlier)
    return made


def kept(made: TelescopePlan, ahead: set[tuple[float, float, datetime]]) -> int:
    return sum((tile.ra, tile.dec, tile.start) in ahead for tile in made.tiles)


@pytest.mark.parametrize("event", CASES)
def test_a_new_map_in_the_middle_of_a_plan(event: str, alerts_dir: Path, measured: Callable[..., None]) -> None:
    first_map, second_map, when = CASES[event]
    began = datetime.fromisoformat(when)
    stop = began + timedelta(hours=48)
    first = plan(SkyMap.read(alerts_dir / "gw" / first_map), began + timedelta(minutes=31), stop)
    now = first.tiles[len(first.tiles) // 3].stop
    ahead = {(tile.ra, tile.dec, tile.start) for tile in first.tiles if tile.start >= now}
    sky = SkyMap.read(alerts_dir / "gw" / second_map)
    clock = [time.process_time()]
    anew = plan(sky, now, stop)
    clock.append(time.process_time())
    follows = plan(sky, now, stop, (first,))
    clock.append(time.process_time())
    held = sum(tile.probability for tile in follows.tiles if tile.start >= now)
    assert held >= 0.93 * anew.probability
    assert kept(follows, ahead) >= kept(anew, ahead)
    measured(
        ahead=len(ahead),
        kept_anew=kept(anew, ahead),
        kept=kept(follows, ahead),
        probability_anew=anew.probability,
        probability=held,
        processor_anew_s=clock[1] - clock[0],
        processor_s=clock[2] - clock[1],
    )
