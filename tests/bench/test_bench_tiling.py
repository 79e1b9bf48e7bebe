"""Plans on real maps beside tilepy and gwemopt: the same map, site, camera and hours, in turn, one judge for all.

The judge knows only pointings: each counts from the end of its exposure on, for the pixels of the map (healpy) within
its field, if astropy says that the field's centre is high enough and the sky dark. The peers live in an environment of
their own, ``NUNCIUS_TILING_PEERS`` (a folder with ``bin/python`` and the ephemeris ``de440s.bsp``). Nothing is
asserted about time.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import astropy.units as u
import healpy
import numpy as np
import pytest
from astropy.coordinates import AltAz, EarthLocation, SkyCoord, get_sun
from astropy.table import Table
from astropy.time import Time
from astropy.utils import iers

from nuncius.broker.planning.joint import plan_jointly
from nuncius.broker.planning.policies_toml import shipped
from nuncius.broker.planning.telescope import CircleField, Telescope
from nuncius.broker.planning.tiling import plan_tiles
from nuncius.broker.planning.visibility import Limits
from nuncius.broker.sky import SkyMap
from nuncius.broker.sky.healpix import FloatArray

pytestmark = [pytest.mark.bench, pytest.mark.alerts, pytest.mark.filterwarnings("ignore")]  # peers warn
NSIDE = 512
EXPOSURE_S, CADENCE_S, HOURS, TILES_MAX = 120.0, 140.0, 24.0, 200
CASES = {
    "23 deg2": ("LIGO_O3/S190814bv/LALInference.v1.fits.gz", "Paranal", "2019-08-14T21:10:39+00:00"),
    "398 deg2": ("tilepy/927563_lalinference.fits.gz", "Paranal", "2019-04-26T15:21:55+00:00"),
    "1130 deg2": ("LIGO_O3/S190426c/LALInference1.fits", "Palomar", "2019-04-26T15:21:55+00:00"),
    "7246 deg2": ("LIGO_O3/S190718y/bayestar.multiorder.fits", "Paranal", "2019-07-18T14:35:12+00:00"),
}


class Pointings(NamedTuple):
    """A plan: beginnings of exposures, centres in ICRS degrees, and the seconds it took to make."""

    begin: Time
    ra: FloatArray
    dec: FloatArray
    seconds: float


@pytest.fixture(autouse=True)
def _bundled_tables() -> Iterator[None]:
    with iers.conf.set_temp("auto_download", False), iers.conf.set_temp("auto_max_age", None):
        yield


@pytest.fixture
def peers() -> Path:
    folder = os.environ.get("NUNCIUS_TILING_PEERS")
    if not folder:
        pytest.skip("tilepy and gwemopt need an environment of their own: name its folder in NUNCIUS_TILING_PEERS")
    return Path(folder)


def camera(site: str) -> Telescope:
    return Telescope(
        name="bench",
        sites=(shipped().sites[site],),
        instrument="round",
        field=CircleField(1.5),
        slew_deg_s=2.0,
        settle_s=5.0,
        readout_s=10.0,
        limits=Limits(min_altitude_deg=30.0, sun_altitude_max_deg=-12.0),
    )


def ours(path: Path, telescope: Telescope, start: datetime) -> Pointings:
    began = time.perf_counter()
    tiles = plan_tiles(
        SkyMap.read(path),
        telescope,
        start=start,
        stop=start + timedelta(hours=HOURS),
        exposure_s=EXPOSURE_S,
        tiles_max=TILES_MAX,
    )
    seconds = time.perf_counter() - began
    begin = [tile.start.replace(tzinfo=None).isoformat() for tile in tiles]
    return Pointings(moments(begin), np.array([t.ra for t in tiles]), np.array([t.dec for t in tiles]), seconds)


def moments(words: list[str]) -> Time:
    return Time(words, format="isot", scale="utc") if words else Time(np.zeros(0), format="mjd", scale="utc")


def theirs(name: str, folder: Path, scratch: Path, path: Path, telescope: Telescope, start: datetime) -> Pointings:
    site, field = telescope.sites[0], telescope.field
    job: dict[str, Any] = {
        "map": str(path),
        "lat_deg": site.lat_deg,
        "lon_deg": site.lon_deg,
        "height_m": site.height_m,
        "sun_deg": int(telescope.limits.sun_altitude_max_deg),
        "altitude_deg": telescope.limits.min_altitude_deg,
        "airmass_max": 2.0,
        "radius_deg": field.radius_deg if isinstance(field, CircleField) else None,
        "exposure_s": EXPOSURE_S,
        "cadence_s": CADENCE_S,
        "slew_deg_s": telescope.slew_deg_s,
        "readout_s": telescope.readout_s,
        "tiles_max": TILES_MAX,
        "hours": HOURS,
        "start": start.isoformat(),
        "times": 1,
    }
    ephemeris = scratch / "de440s.bsp"
    if not ephemeris.exists():
        ephemeris.symlink_to(folder / "de440s.bsp")
    script = Path(__file__).with_name("tiling_peers.py")
    done = subprocess.run(
        [folder / "bin" / "python", script, name, json.dumps(job)],
        cwd=scratch,
        env={**os.environ, "HOME": str(scratch)},
        capture_output=True,
        text=True,
        check=True,
        timeout=1200,
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    return Pointings(
        moments([row[0] for row in answer["rows"]]),
        np.array([row[1] for row in answer["rows"]]),
        np.array([row[2] for row in answer["rows"]]),
        min(answer["seconds"]),
    )


def flat(path: Path) -> FloatArray:
    """Probability of the pixels of order 9, NESTED."""
    table = Table.read(path, hdu=1)
    if "UNIQ" not in table.colnames:
        held = np.asarray(healpy.read_map(path, nest=True), np.float64)
        return np.asarray(healpy.ud_grade(held, NSIDE, power=-2, order_in="NEST", order_out="NEST"), np.float64)
    uniq = np.asarray(table["UNIQ"], np.int64)
    order = np.floor(np.log2(uniq / 4) / 2).astype(int)
    number = uniq - 4 * 4**order
    held = np.asarray(table["PROBDENSITY"]) * (np.pi / 3 / 4.0**order)
    out = np.zeros(healpy.nside2npix(NSIDE))
    fine = order >= 9
    np.add.at(out, number[fine] >> 2 * (order[fine] - 9), held[fine])
    for one, first, probability in zip(order[~fine], number[~fine], held[~fine], strict=True):
        count = 4 ** (9 - one)
        out[first * count : (first + 1) * count] += probability / count
    return np.asarray(out / out.sum(), np.float64)


class Verdict(NamedTuple):
    """What a plan is worth: probability after the first dark hour and at the end, mean over the dark time, flaws."""

    one_hour: float
    end: float
    mean: float
    unseen: int
    rushed: int


def judged(plan: Pointings, sky: FloatArray, telescope: Telescope, dark: tuple[Time, Time]) -> Verdict:
    """Coverage by pointings that can be seen, by the ends of their exposures."""
    site, limits = telescope.sites[0], telescope.limits
    place = EarthLocation.from_geodetic(site.lon_deg * u.deg, site.lat_deg * u.deg, site.height_m * u.m)
    if not len(plan.ra):
        return Verdict(0.0, 0.0, 0.0, 0, 0)
    seen = np.ones(len(plan.ra), np.bool_)
    for offset_s in (0.0, EXPOSURE_S):
        frame = AltAz(obstime=plan.begin + offset_s * u.s, location=place)
        target = SkyCoord(plan.ra * u.deg, plan.dec * u.deg).transform_to(frame)
        sun = get_sun(frame.obstime).transform_to(frame)
        seen &= (target.alt.deg >= limits.min_altitude_deg - 0.1) & (sun.alt.deg <= limits.sun_altitude_max_deg + 0.1)
    centres = SkyCoord(plan.ra * u.deg, plan.dec * u.deg)
    move_s = centres[1:].separation(centres[:-1]).deg / telescope.slew_deg_s + telescope.settle_s + telescope.readout_s
    rushed = int(np.sum((plan.begin[1:] - plan.begin[:-1]).sec < EXPOSURE_S + move_s - 0.1))
    free, held = sky.copy(), np.zeros(len(plan.ra))
    for n in np.flatnonzero(seen).tolist():
        centre = healpy.ang2vec(plan.ra[n], plan.dec[n], lonlat=True)
        inside = healpy.query_disc(NSIDE, centre, np.radians(telescope.field.radius_deg), nest=True)  # type: ignore[union-attr]  # the camera is round
        held[n] = free[inside].sum()
        free[inside] = 0.0
    end_s = (plan.begin - dark[0]).sec + EXPOSURE_S
    span_s = (dark[1] - dark[0]).sec
    mean = float(np.sum(held * np.clip(span_s - end_s, 0, None)) / span_s)
    return Verdict(float(held[end_s <= 3600].sum()), float(held.sum()), mean, int(np.sum(~seen)), rushed)


def dark_time(telescope: Telescope, start: datetime) -> tuple[Time, Time]:
    """First and last dark minute of the hours to plan."""
    site = telescope.sites[0]
    place = EarthLocation.from_geodetic(site.lon_deg * u.deg, site.lat_deg * u.deg, site.height_m * u.m)
    minutes = Time(start.replace(tzinfo=None), scale="utc") + np.arange(0, HOURS * 60) * u.min
    sun = get_sun(minutes).transform_to(AltAz(obstime=minutes, location=place))
    dark = minutes[sun.alt.deg <= telescope.limits.sun_altitude_max_deg]
    return dark[0], dark[-1]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("case", list(CASES))
def test_plans_beside_the_peers(
    case: str, alerts_dir: Path, tmp_path: Path, peers: Path, measured: Callable[..., None]
) -> None:
    name, site, began = CASES[case]
    path, telescope, start = alerts_dir / "gw" / name, camera(site), datetime.fromisoformat(began)
    sky, dark = flat(path), dark_time(telescope, start)
    hours = (dark[1] - dark[0]).to_value(u.h)
    figures: dict[str, float] = {}
    ours(path, telescope, start)
    for planner in ("nuncius", "tilepy", "gwemopt"):
        if planner == "nuncius":
            plan = min((ours(path, telescope, start) for _ in range(3)), key=lambda one: one.seconds)
        else:
            plan = theirs(planner, peers, tmp_path, path, telescope, start)
        worth = judged(plan, sky, telescope, dark)
        figures |= {f"{planner}_{key}": value for key, value in worth._asdict().items()}
        figures |= {
            f"{planner}_per_hour": worth.end / hours,
            f"{planner}_fields": len(plan.ra),
            f"{planner}_seconds": plan.seconds,
        }
        if planner == "nuncius":
            assert (worth.unseen, worth.rushed) == (0, 0)
    fastest = min(figures["tilepy_seconds"], figures["gwemopt_seconds"])
    measured(**figures, hours=hours, fastest_peer_over_ours=fastest / figures["nuncius_seconds"], goal=10)


def test_three_telescopes_on_one_map(alerts_dir: Path, measured: Callable[..., None]) -> None:
    sky = SkyMap.read(alerts_dir / "gw" / CASES["1130 deg2"][0])
    start = datetime.fromisoformat(CASES["1130 deg2"][2])
    team = [camera(site) for site in ("Palomar", "Roque de los Muchachos", "Maunakea")]
    team = [replace(one, name=one.sites[0].name) for one in team]
    began = time.perf_counter()
    plans = plan_jointly(sky, team, start=start, stop=start + timedelta(hours=HOURS), exposure_s=EXPOSURE_S)
    seconds = time.perf_counter() - began
    assert all(plan.tiles for plan in plans)
    measured(
        seconds=seconds,
        goal_below=10,
        probability=sum(plan.probability for plan in plans),
        fields=sum(len(plan.tiles) for plan in plans),
    )
