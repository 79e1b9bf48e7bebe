"""``nuncius too plan``, ``report`` and ``reports`` on a log: a plan in its files, and what was looked at of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

import orjson
import pytest
from astropy.coordinates import SkyCoord
from astropy.io.votable import parse
from astropy.table import Table
from astropy.time import Time
from icalendar import Calendar
from too_cases import AT2017GFO, MERGER, alert, request, wide_camera
from too_log import lay

from nuncius.broker.cli.root import run
from nuncius.broker.planning.engine import Inputs, Planner
from nuncius.broker.planning.policies_toml import load_policies
from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.local import open_local
from nuncius.broker.transport.port import Log
from nuncius.schemas import ToORequest
from nuncius.schemas.codec import encode

POLICIES = (
    wide_camera("wide", "camera")
    + """
[[policy]]
name = "tiles"
source = "a test"
cause = "alert"
messengers = ["gravitational_wave"]
max_area_deg2 = 200.0
facility = "wide"
ask = "tiles"
tiles_max = 4
expires_h = 24.0
exposure_s = 60.0
filter = "r"
max_airmass = 2.5

[[policy]]
name = "one"
source = "a test"
cause = "alert"
messengers = ["gravitational_wave"]
facility = "single"
sites = ["Palomar", "Las Campanas"]
expires_h = 24.0
exposure_s = 300.0
max_airmass = 2.5
"""
)
GW = replace(
    alert("gw-1", "lvk:S170817", AT2017GFO, 3.0, messenger="gravitational_wave", facility="LVK", event_class="cbc"),
    issued_time=MERGER + timedelta(hours=1),
)


@contextmanager
def opened(folder: Path) -> Iterator[Log]:
    log = open_local(folder, utc_now)
    log.create(topics.TOPICS)
    yield log
    log.close()


@pytest.fixture(scope="module")
def made() -> tuple[ToORequest, ...]:
    """What the policies ask for."""
    return Planner(load_policies(POLICIES)).step(Inputs(alerts=[GW])).effects


@pytest.fixture
def asked(made: tuple[ToORequest, ...]) -> dict[str, str]:
    """Ids of the requests, by policy."""
    return {one.policy: one.request_id for one in made}


@pytest.fixture
def home(tmp_path: Path, made: tuple[ToORequest, ...], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with settings, policies, and a log that holds the event and its two requests."""
    (tmp_path / "policies.toml").write_text(POLICIES)
    (tmp_path / "nuncius.toml").write_text('policies = "policies.toml"\n')
    with opened(tmp_path / "log") as log:
        writer = log.writer("test")
        with writer.transaction() as tx:
            tx.send(topics.EVENTS.name, encode(GW), key=GW.thread_id.encode())
            for one in made:
                tx.send(topics.TOO_REQUESTS.name, encode(one), key=one.request_id.encode())
        writer.close()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NUNCIUS_BROKER", f"local:{tmp_path / 'log'}")
    return tmp_path


def test_a_plan_goes_into_every_file_that_is_named(
    home: Path, asked: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    files = ["--plot", "plan.png", "--ecsv", "plan.ecsv", "--obsloctap", "plan.xml", "--ics", "plan.ics"]
    assert run(["too", "plan", asked["tiles"], *files]) == 0
    told = capsys.readouterr().out
    assert "wide: lvk:S170817 (4 fields of 60 s r), policy tiles" in told
    assert (home / "plan.png").read_bytes().startswith(b"\x89PNG")
    table = Table.read(home / "plan.ecsv", format="ascii.ecsv")
    assert list(table["number"]) == [1, 2, 3, 4]
    assert (table.meta["policy"], table.meta["instrument"], table.meta["event_thread"]) == (
        "tiles",
        "camera",
        "lvk:S170817",
    )
    rows = parse(home / "plan.xml", verify="exception").get_first_table().to_table()
    assert list(rows["s_ra"]) == list(table["ra"])
    (entry,) = Calendar.from_ical((home / "plan.ics").read_bytes()).walk("VEVENT")
    assert entry["LOCATION"] == "Las Campanas"


def test_one_pointing_and_json(asked: dict[str, str], home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["too", "plan", asked["one"], "--obsloctap", "rows.ecsv", "--hide-target"]) == 0
    assert "one field, at any time until" in capsys.readouterr().out
    (row,) = Table.read(home / "rows.ecsv", format="ascii.ecsv")
    assert row["facility_name"] == "single"
    assert "197.4" not in (home / "rows.ecsv").read_text()
    assert run(["too", "plan", asked["tiles"], "--json"]) == 0
    record = orjson.loads(capsys.readouterr().out)
    assert [tile["number"] for tile in record["tiles"]] == [1, 2, 3, 4]
    assert record["stands"] == "proposed"


def test_all_that_is_asked_for_an_event_is_one_table_and_one_picture(
    home: Path, made: tuple[ToORequest, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    files = ["--plot", "all.svg", "--ecsv", "all.ecsv", "--obsloctap", "all.xml", "--ics", "all.ics"]
    assert run(["too", "plan", "S170817", *files]) == 0
    told = capsys.readouterr().out
    assert "wide: lvk:S170817 (4 fields of 60 s r), policy tiles" in told
    assert "single: lvk:S170817 (300 s), policy one" in told
    assert "together: 5 fields of 2 requests" in told
    drawn = (home / "all.svg").read_text()
    words = drawn[drawn.index("<desc>") : drawn.index("</desc>")]
    assert "A, wide, 4 fields of 60 s r, " in words
    assert "A4: RA " in words
    assert "B, single, 300 s " in words
    table = Table.read(home / "all.ecsv", format="ascii.ecsv")
    planned = {one.request_id: one for one in made}
    assert list(table["facility"]) == ["wide"] * 4 + ["single"]
    assert list(table["number"]) == [1, 2, 3, 4, 1]
    assert set(table["request_id"]) == set(planned) == set(table.meta["requests"])
    assert (table.meta["frame"], table.meta["time_scale"]) == ("ICRS", "UTC")
    places = SkyCoord(table["ra"], table["dec"], frame=table.meta["frame"].lower())
    starts = Time(list(table["start"]), scale=table.meta["time_scale"].lower())
    for row, place, start in zip(table, places, starts, strict=True):
        one = planned[row["request_id"]]
        if one.tiles:
            tile = one.tiles[row["number"] - 1]
            assert place.separation(SkyCoord(tile.ra, tile.dec, unit="deg")).arcsec < 1e-6
            assert start.to_datetime(UTC) == tile.start.replace(microsecond=tile.start.microsecond // 1000 * 1000)
    assert (table["exposure"].quantity.to_value("min") == [1, 1, 1, 1, 5]).all()
    rows = parse(home / "all.xml", verify="exception").get_first_table().to_table()
    assert list(rows["facility_name"]) == ["wide"] * 4 + ["single"]
    assert rows["t_min"].unit == "d"
    assert Time(rows["t_min"][0], format="mjd", scale="utc").unix == pytest.approx(starts[0].unix, abs=1e-3)
    entries = Calendar.from_ical((home / "all.ics").read_bytes()).walk("VEVENT")
    assert {str(entry["UID"]) for entry in entries} == {f"{ident}@nuncius" for ident in planned}


def test_the_table_of_an_event_says_whose_each_field_is_where_one_telescope_alone_has_a_plan(
    home: Path, made: tuple[ToORequest, ...]
) -> None:
    (pointing,) = (one for one in made if not one.tiles)
    with opened(home / "log") as log:
        lay(log, replace(pointing, revision=2, state="cancelled", window_start=None, window_stop=None))
    assert run(["too", "plan", "S170817", "--ecsv", "all.ecsv"]) == 0
    assert list(Table.read(home / "all.ecsv", format="ascii.ecsv")["facility"]) == ["wide"] * 4


def test_plans_together_as_json_and_what_they_hold(
    asked: dict[str, str], home: Path, made: tuple[ToORequest, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "policies.toml").write_text(POLICIES + wide_camera("single"))
    assert run(["too", "plan", "lvk:S170817", "--json"]) == 0
    *requests, summary = map(orjson.loads, capsys.readouterr().out.splitlines())
    assert {one["request_id"] for one in requests} == set(asked.values())
    assert (summary["type"], summary["name"], summary["fields"]) == ("plans_together", "lvk:S170817", 5)
    (tiles,) = (one for one in made if one.tiles)
    # the pointing lies on the middle of the map, where fields of the plan lie too: it adds next to nothing to them
    assert summary["map_probability"] >= (tiles.probability or 0.0) - 0.01
    assert summary["map_probability"] <= 1.0


def test_an_alert_that_cannot_be_read_costs_the_map_no_more_than_itself(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with opened(home / "log") as log:
        writer = log.writer("stranger")
        with writer.transaction() as tx:
            tx.send(topics.EVENTS.name, b"rubbish", key=GW.thread_id.encode())
        writer.close()
    assert run(["too", "plan", "lvk:S170817", "--plot", "all.png"]) == 0
    assert "together: 5 fields of 2 requests" in capsys.readouterr().out


def test_a_joint_table_without_what_was_not_taken_is_a_report(
    home: Path, made: tuple[ToORequest, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["too", "plan", "S170817", "--ecsv", "all.ecsv"]) == 0
    table = Table.read(home / "all.ecsv", format="ascii.ecsv")
    table[:3].write(home / "taken.ecsv", format="ascii.ecsv")
    capsys.readouterr()
    assert run(["too", "report", "taken.ecsv"]) == 0
    assert capsys.readouterr().out.startswith("3 reports on lvk:S170817;")
    assert run(["too", "reports", "lvk:S170817"]) == 0
    assert "wide camera: 3 fields" in capsys.readouterr().out
    assert {one.facility for one in made} == {"wide", "single"}


def test_what_was_looked_at_is_told_from_the_plans_own_table_and_read_back(
    asked: dict[str, str], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["too", "reports"]) == 0
    assert "nobody reported yet" in capsys.readouterr().err
    assert run(["too", "plan", asked["tiles"], "--ecsv", "plan.ecsv"]) == 0
    planned = Table.read(home / "plan.ecsv", format="ascii.ecsv")
    capsys.readouterr()
    assert run(["too", "report", "plan.ecsv"]) == 0
    assert capsys.readouterr().out.startswith("4 reports on lvk:S170817;")
    assert run(["too", "report", "plan.ecsv"]) == 0
    assert "4 stood there already" in capsys.readouterr().out
    assert run(["too", "reports", "--json"]) == 0
    together = orjson.loads(capsys.readouterr().out)["together"]
    assert together["completed"] == 4
    assert together["probability"] == pytest.approx(sum(planned["probability"]), abs=0.01)
    assert run(["too", "reports", "lvk:S170817"]) == 0
    assert "wide camera: 4 fields" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["plan", "zz"], "no request 'zz'"),
        (["plan", "ID", "--obsloctap", "rows.fits"], "rows.fits: name a file that ends in .ecsv, .xml, .vot"),
        (["plan", "ID", "--hide-target"], "--hide-target is about the file of --obsloctap"),
        (["plan", "ID", "--ecsv", "no/such/folder.ecsv"], "cannot write no/such/folder.ecsv: No such file"),
        (["plan", "ID", "--plot", "plan.docx"], "cannot draw plan.docx"),
        (["report", "nothing.ecsv"], "nothing.ecsv: No such file"),
    ],
)
@pytest.mark.usefixtures("home")
def test_what_cannot_be_is_said_in_one_line(
    asked: dict[str, str], capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    assert run(["too", *(asked["tiles"] if word == "ID" else word for word in words)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line


@pytest.mark.parametrize(
    ("facility", "says"), [("wide", "1.00  "), ("single", "no airmass: it is not known where the telescope stands")]
)
def test_a_pointing_from_outside_has_the_airmass_of_the_only_site_or_a_word(
    home: Path, facility: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # a day at Las Campanas, whose latitude the target has: it culminates in the zenith
    start = MERGER.replace(month=4)
    one = replace(
        request(ident="from-outside", facility=facility, policy="skyportal", cause_kind="skyportal"),
        dec=-29.003,
        window_start=start,
        window_stop=start + timedelta(days=1),
    )
    with opened(home / "log") as log:
        lay(log, one)
    assert run(["too", "plan", "from-outside", "--plot", "plan.png"]) == 0
    told = capsys.readouterr().out
    assert says in told
    assert "nan" not in told
