"""The vendors' own clients, unmodified, against our stand-ins, and their own rules on what our adapters send.

They want packages that ours do not go with (older python-dateutil, lalsuite), so they run in a Python of their own::

    python3.11 -m venv V && V/bin/pip install swifttools==4.0.5 p2api==1.2.1 gwtm-api==0.2.0
    NUNCIUS_VENDOR_PYTHON=V/bin/python pytest -m soak tests/contract/test_vendor_clients.py
"""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from fakes import eso_p2, swift, treasure_map
from fakes.server import running
from pydantic import SecretStr
from too_cases import MERGER, request
from too_doors import HERE, treasure
from too_tiles import tile

from nuncius.consumers.too.swift import Swift
from nuncius.consumers.too.swift_form import SwiftSettings, form
from nuncius.consumers.too.treasure_map_in import turned

pytestmark = pytest.mark.soak

PYTHON = os.environ.get("NUNCIUS_VENDOR_PYTHON", "")

SWIFT = """
import json, sys
from swifttools.swift_too import TOO, TOORequests
user, secret = sys.argv[1:]
too = TOO(username=user, shared_secret=secret, target_name="AT2017gfo", target_type="kilonova", ra=197.45, dec=-23.38,
          poserr=0.1, instrument="UVOT", urgency=1, obs_type="Light Curve", opt_mag=17.5, opt_filt="g",
          exp_time_per_visit=1000, num_of_visits=1, monitoring_freq="1 day", exp_time_just="deep",
          science_just="why", immediate_objective="look", uvot_mode=0x9999)
print(json.dumps([too.server_validate(), too.submit(), too.status.status, too.status.too_id, too.status.errors]))
there = TOORequests(username=user, shared_secret=secret, limit=10, detail=True)
print(json.dumps([one.too_id for one in there.entries]))
"""

SWIFT_RULES = """
import json, sys
from swifttools.swift_too.swift.toorequest import SwiftTOOPostSchema
for sent in json.load(sys.stdin):
    read = SwiftTOOPostSchema.model_validate(sent)
    burst = str(read.grb_triggertime)
    print(json.dumps([read.ra, read.dec, read.exposure, read.validate_only, burst, read.urgency.name]))
"""

MAP = """
import datetime, json
import gwtm_api
from gwtm_api import Pointing
gwtm_api.configure()
ours = Pointing.get(graceid="S170817")
print(json.dumps([[p.ra, p.dec, p.status, p.band, p.instrumentid, p.time.isoformat()] for p in ours]))
made = Pointing(ra=15.0, dec=-24.0, instrumentid=38, time=datetime.datetime(2017, 8, 18, 1, 2, 3), status="completed",
                depth=22.0, depth_unit="ab_mag", band="r", pos_angle=50.0)
made.post(graceid="S170817")
print(json.dumps([made.id, made.status]))
"""

FOOTPRINT = """
import json, sys
from gwtm_api.instrument import Footprint
for ra, dec, angle in json.load(sys.stdin):
    print(json.dumps(Footprint(kwdict={"instrumentid": 38, "footprint": sys.argv[1]}).project(ra, dec, angle)))
"""

P2 = """
import json, sys
import p2api.p2api as p2
url, user, password, run, template = sys.argv[1:]
p2.API_URL["demo"], p2.LOGIN_URL["demo"] = url + "/v1", url + "/login"
api = p2.ApiConnection("demo", user, password)
folder, _ = api.createFolder(int(run), "from p2api")
ob, _ = api.duplicateOB(int(template), folder["containerId"])
ob, version = api.getOB(ob["obId"])
ob["target"].update(name="AT2017gfo", ra="13:09:48.085", dec="-23:22:53.342")
api.saveOB(ob, version)
said, _ = api.verifyOB(ob["obId"], True)
ticket, _ = api.triggerToO(containerId=folder["containerId"], phone="+49", notify="a@b.org,c@d.org",
                           executeWithin="OneNight", calibrations="", comments="now")
items, _ = api.getItems(folder["containerId"])
print(json.dumps([said["observable"], sorted(ticket), [item["itemType"] for item in items]]))
"""


def run(script: str, *arguments: str, home: Path, given: object = None, **environ: str) -> list[Any]:
    """What the script printed, one JSON value a line."""
    if not PYTHON:
        pytest.skip("NUNCIUS_VENDOR_PYTHON names no Python with the vendors' clients")
    known: Mapping[str, str] = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    done = subprocess.run(
        [PYTHON, "-W", "ignore", "-c", script, *arguments],
        input=orjson.dumps(given),
        env={**known, **environ},
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    return [orjson.loads(line) for line in done.stdout.splitlines() if line.startswith((b"[", b"{"))]


def test_swifts_client_is_content_with_our_stand_in(tmp_path: Path) -> None:
    api = swift.SwiftApi()
    api.lists_all = True
    with running(api) as url:
        said, listed = run(SWIFT, swift.USER, swift.SECRET, home=tmp_path, SWIFT_TOO_API_URL=f"{url}/api/v4")
    assert said == [True, True, "Accepted", 21000, []]
    assert listed == [21000]


def test_swifts_own_schema_takes_what_our_adapter_sends(tmp_path: Path) -> None:
    known = {"username": swift.USER, "science": "why", "exposure_reason": "why so long"}
    api = swift.SwiftApi()
    with running(api) as url:
        adapter = Swift(SwiftSettings.model_validate(HERE | known | {"url": f"{url}/api/v4"}), SecretStr(swift.SECRET))
        assert adapter.submit(request(), "").state == "accepted"
        adapter.close()
    sent: list[dict[str, str]] = [
        call.form for call in api.seen if call.path.endswith("/swift/too") and call.method == "POST"
    ]
    burst = request(event_thread="fermi-gbm:524666471", event_time=MERGER, preempt=True)
    sent.append(form(burst, SwiftSettings.model_validate(known | {"target_type": "GRB"})))
    ra, dec = request().ra, request().dec
    assert run(SWIFT_RULES, home=tmp_path, given=sent) == [
        [ra, dec, 61, True, "None", "HIGH"],
        [ra, dec, 61, False, "None", "HIGH"],
        [ra, dec, 61, False, "2017-08-17 12:41:04.430000", "HIGHEST"],
    ]


def test_the_treasure_maps_client_reads_our_fields_and_writes_its_own(tmp_path: Path) -> None:
    with treasure() as case:
        assert isinstance(case.fake, treasure_map.Map)
        case.adapter.submit(case.asked(tiles=(tile(1, 197.0),)), "")
        environ = {"GWTM_BASE_URL": f"{case.fake.url}/api/v1", "GWTM_API_TOKEN": treasure_map.TOKEN}
        ours, theirs = run(MAP, home=tmp_path, **environ)
    assert [one[:5] for one in ours] == [[-163.0, -23.5, "planned", "i", treasure_map.INSTRUMENT]]
    assert ours[0][5].startswith("2017-08-17T23:46:04.")
    assert theirs == [1001, "completed"]


def test_a_footprint_lies_where_the_maps_client_draws_it_but_turns_the_other_way(tmp_path: Path) -> None:
    wanted = [(197.45, -23.38, 0.0), (359.5, 60.0, 0.0), (10.0, 40.0, 30.0)]
    drawn = run(FOOTPRINT, treasure_map.SQUARE, home=tmp_path, given=wanted)
    corners = [(-1.0, -0.5), (1.0, -0.5), (1.0, 0.5), (-1.0, 0.5), (-1.0, -0.5)]
    for (ra, dec, angle), theirs in zip(wanted, drawn, strict=True):
        ours = [turned(corner, ra, dec, -angle) for corner in corners]
        assert [value for place in ours for value in place] == pytest.approx(
            [v for place in theirs for v in place], abs=6e-4
        )


def test_p2s_client_is_content_with_our_stand_in(tmp_path: Path) -> None:
    api = eso_p2.P2()
    with running(api) as url:
        arguments = (url, eso_p2.USER, eso_p2.PASSWORD, str(eso_p2.RUN), str(eso_p2.TEMPLATE))
        assert run(P2, *arguments, home=tmp_path) == [[True, ["ticket"], ["OB"]]]
    assert api.executed == ["from p2api"]
    assert api.triggers[eso_p2.RUN + 1].notify == ["a@b.org", "c@d.org"]
