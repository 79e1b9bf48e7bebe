"""How much of a plan stays when a real event's map is revised, beside planning anew, and what it costs."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tiling_cases import PARANAL, START, blob, telescope

from nuncius.broker.planning.joint import TelescopePlan, plan_jointly
from nuncius.broker.planning.telescope import CircleField, Telescope
from nuncius.broker.sky import SkyMap

pytestmark = [pytest.mark.bench, pytest.mark.alerts]
CAMERA = telescope("bench", PARANAL, field=CircleField(1.5))
SMALL = telescope("bench", PARANAL, field=CircleField(1.1))
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


@dataclass(frozen=True)
class Revision:
    """A map that comes after another one, an event's time, and who looks."""

    before: SkyMap
    after: SkyMap
    began: datetime
    camera: Telescope

    def plan(self, sky: SkyMap, start: datetime, earlier: tuple[TelescopePlan, ...] = ()) -> TelescopePlan:
        stop = self.began + timedelta(hours=48)
        looks = (self.camera,)
        (made,) = plan_jointly(sky, looks, start=start, stop=stop, exposure_s=120.0, tiles_max=60, earlier=earlier)
        return made


def kept(made: TelescopePlan, ahead: set[tuple[float, float, datetime]]) -> int:
    return sum((tile.ra, tile.dec, tile.start) in ahead for tile in made.tiles)


def followed(one: Revision, measured: Callable[..., None]) -> tuple[int, int]:
    """How many fields ahead stay after a third of the first plan: in a plan made anew, and in one that follows."""
    first = one.plan(one.before, one.began + timedelta(minutes=31))
    now = first.tiles[len(first.tiles) // 3].stop
    ahead = {(tile.ra, tile.dec, tile.start) for tile in first.tiles if tile.start >= now}
    clock = [time.process_time()]
    anew = one.plan(one.after, now)
    clock.append(time.process_time())
    follows = one.plan(one.after, now, (first,))
    clock.append(time.process_time())
    held = sum(tile.probability for tile in follows.tiles if tile.start >= now)
    assert held >= 0.93 * anew.probability
    measured(
        ahead=len(ahead),
        kept_anew=kept(anew, ahead),
        kept=kept(follows, ahead),
        probability_anew=anew.probability,
        probability=held,
        processor_anew_s=clock[1] - clock[0],
        processor_s=clock[2] - clock[1],
    )
    return kept(anew, ahead), kept(follows, ahead)


@pytest.mark.parametrize("event", CASES)
def test_a_new_map_in_the_middle_of_a_plan(event: str, alerts_dir: Path, measured: Callable[..., None]) -> None:
    first_map, second_map, when = CASES[event]
    before, after = SkyMap.read(alerts_dir / "gw" / first_map), SkyMap.read(alerts_dir / "gw" / second_map)
    stays_anew, stays = followed(Revision(before, after, datetime.fromisoformat(when), CAMERA), measured)
    assert stays >= stays_anew


@pytest.mark.parametrize("moved_deg", [3.0, 6.0, 9.0, 12.0])
def test_a_map_that_moved_and_shrank(moved_deg: float, measured: Callable[..., None]) -> None:
    """From 10 to 8 degrees: what is kept may be worth too little as a whole."""
    maps = blob(60.0, -20.0, 10.0), blob(60.0 + moved_deg, -20.0)
    stays_anew, stays = followed(Revision(*maps, START, SMALL), measured)
    assert stays > stays_anew
