"""What the extra ``client`` gives is enough: reading over HTTP, filtering and plotting, without the server's parts."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

from commands import environment
from http_here import serving
from matching_alerts import cone, grb, gw
from road import put

from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.local import open_local

SCRIPT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"fastapi", "starlette", "uvicorn", "numba", "llvmlite", "faust"}:
            raise ModuleNotFoundError(f"{name} is not installed", name=name)

sys.meta_path.insert(0, Absent())

import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
from nuncius.consumers import subscribe
from nuncius.filters import matches, parse_filter

asked = dict(broker=sys.argv[1], until_end=True, filter="messenger = 'photon' AND radius_deg < 20")
(batch,) = subscribe("alerts", **asked).batches()
frame = batch.to_polars()
assert frame["thread_id"].to_list() == ["fermi-gbm:1", "fermi-gbm:2"], frame
assert batch.to_astropy()["ra"].unit == "deg"
near = parse_filter("CONTAINS(POINT(ra, dec), CIRCLE(10, 20, 1)) = 1", "alerts")
assert [matches(near, record) for record in batch.records] == [True, False]
local = subscribe("alerts", broker=sys.argv[2], until_end=True, filter=asked["filter"])
assert [record.alert_id for record in local] == frame["alert_id"].to_list()
figure, axes = plt.subplots(subplot_kw={"projection": "mollweide"})
axes.scatter(frame["ra"].to_numpy() * 0.0174533 - 3.1415, frame["dec"].to_numpy() * 0.0174533)
figure.savefig("sky.png")
"""


def test_reading_filtering_and_plotting_need_no_part_of_the_server(tmp_path: Path) -> None:
    log = open_local(tmp_path / "log", utc_now)
    log.create(topics.TOPICS)
    with closing(log), serving(log) as port:
        here, there = cone(10.0, 20.0, 5.0), cone(200.0, -40.0, 8.0)
        put(log, [gw("lvk:S1"), grb("fermi-gbm:1", localizations=here), grb("fermi-gbm:2", localizations=there)])
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, f"http://127.0.0.1:{port}", f"local:{tmp_path / 'log'}"],
            cwd=tmp_path,
            env=environment(tmp_path),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "sky.png").stat().st_size > 1000
