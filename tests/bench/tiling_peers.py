"""Other planners on a map: run with the Python of an environment that has them, one JSON job in, one answer out.

``python tiling_peers.py tilepy|gwemopt '{"map": ..., ...}'``; the working folder must hold the planetary ephemeris that
tilepy asks for, ``de440s.bsp``. The last line of standard output is the answer: seconds from the file to the list, and
the list: beginning (ISO), right ascension and declination of every pointing.
"""

import contextlib
import importlib
import io
import json
import logging
import sys
import time
import warnings
from datetime import datetime
from pathlib import Path
from typing import Any

Row = tuple[str, float, float]


def tilepy(job: dict[str, Any]) -> list[Row]:
    """Its two-dimensional greedy planner: for each run in turn the field that holds most."""
    units = importlib.import_module("astropy.units")
    campaign = importlib.import_module("tilepy.include.CampaignDefinition")
    maps = importlib.import_module("tilepy.include.MapManagement")
    planner = importlib.import_module("tilepy.include.TilingDetermination")
    asked = campaign.ObservationParameters(
        obs_name="bench",
        event_name="bench",
        lat=job["lat_deg"] * units.deg,
        lon=job["lon_deg"] * units.deg,
        height=job["height_m"] * units.m,
        sunDown=job["sun_deg"],
        moonDown=90,
        maxZenith=90 - job["altitude_deg"],
        minMoonSourceSeparation=0,
        FOV=job["radius_deg"],
        maxRuns=job["tiles_max"],
        maxNights=1,
        duration=job["cadence_s"] / 60,
        minDuration=job["exposure_s"] / 60,
        useGreytime=False,
        minProbcut=1e-4,
        secondRound=False,
        distCut=0.0,
        percentageMOC=0.9,
        reducedNside=64,
        HRnside=512,
        skymap=job["map"],
        mode="healpix",
        obsTime=datetime.fromisoformat(job["start"]),
    )
    sky = maps.SkyMap(asked, maps.create_map_reader(asked))
    found = planner.PGWinFoV(sky, "bench", asked, ".")
    table = found[0] if isinstance(found, tuple) else found
    return [(str(row["Time[UTC]"]).replace(" ", "T"), float(row["RA[deg]"]), float(row["DEC[deg]"])) for row in table]


def gwemopt(job: dict[str, Any]) -> list[Row]:
    """Its coverage-map tiles and its default scheduler, ``greedy_slew``, one exposure a tile."""
    times = importlib.import_module("astropy.time")
    arguments = importlib.import_module("gwemopt.args")
    coverage = importlib.import_module("gwemopt.coverage")
    mocs = importlib.import_module("gwemopt.moc")
    segments = importlib.import_module("gwemopt.segments")
    tiles = importlib.import_module("gwemopt.tiles")
    reading = importlib.import_module("gwemopt.io.skymap")
    params = importlib.import_module("gwemopt.params")
    here = Path.cwd()
    for folder in ("CONFIG_DIR", "TESSELATION_DIR"):
        setattr(params, folder, here)
    stated = {
        "filt": "r",
        "magnitude": 20.0,
        "exposuretime": job["exposure_s"],
        "latitude": job["lat_deg"],
        "longitude": job["lon_deg"],
        "elevation": job["height_m"],
        "FOV_coverage": job["radius_deg"],
        "FOV": job["radius_deg"],
        "FOV_coverage_type": "circle",
        "FOV_type": "circle",
        "tesselationFile": f"bench-{job['radius_deg']}.tess",
        "slew_rate": job["slew_deg_s"],
        "readout": job["readout_s"],
        "horizon": job["altitude_deg"],
        "overhead_per_exposure": job["cadence_s"] - job["exposure_s"],
        "moon_constraint": 0.0,
    }
    (here / "bench.config").write_text("".join(f"{key} {value}\n" for key, value in stated.items()), "utf-8")
    words = [
        *("--telescopes", "bench", "--geometry", "2d", "--doTiles", "--doSchedule", "--doSingleExposure"),
        *("--filters", "r", "--exposuretimes", str(job["exposure_s"]), "--Tobs", f"0.0,{job['hours'] / 24}"),
        *("--airmass", str(job["airmass_max"]), "--gpstime", str(times.Time(job["start"][:19], scale="utc").gps)),
    ]
    asked = params.params_struct(arguments.parse_args(words))
    asked["skymap"] = job["map"]
    asked, sky = reading.read_skymap(asked)
    asked = segments.get_telescope_segments(asked)
    made = tiles.moc(asked, sky, mocs.create_moc(asked, map_struct=sky))
    _, plan = coverage.timeallocation(asked, sky, made)
    rows = plan["data"][plan["data"][:, 2].argsort()][: job["tiles_max"]]
    return [(str(times.Time(row[2], format="mjd", scale="utc").isot), float(row[0]), float(row[1])) for row in rows]


def main() -> None:
    """Plans twice, the first time to load what is loaded once; tells how long the second took."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    plan = {"tilepy": tilepy, "gwemopt": gwemopt}[sys.argv[1]]
    job = json.loads(sys.argv[2])
    seconds: list[float] = []
    rows: list[Row] = []
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        for _ in range(job["times"]):
            began = time.perf_counter()
            rows = plan(job)
            seconds.append(time.perf_counter() - began)
    print(json.dumps({"seconds": seconds, "rows": rows}))


if __name__ == "__main__":
    main()
