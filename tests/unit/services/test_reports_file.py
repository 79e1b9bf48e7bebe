"""Pointings from a user's file: what is read, and what is said of a line that is wrong."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from too_cases import MERGER, request
from too_tiles import tile

from nuncius.broker.planning.policies_toml import shipped
from nuncius.broker.planning.telescope import RectangleField
from nuncius.broker.services.plan_found import Plan, tiles_of
from nuncius.broker.services.plan_tables import ecsv
from nuncius.broker.services.reports import reports_of
from nuncius.broker.services.reports_file import Context, read_reports
from nuncius.broker.services.too_book import Entry
from nuncius.broker.sky.healpix import pixel
from nuncius.broker.sky.ranges import area_deg2, contains
from nuncius.broker.sky.region import moc_ranges
from nuncius.consumers.adapter import answer
from nuncius.schemas import ObservationReport, SettingsError

NOW = MERGER + timedelta(days=2)
CONTEXT = Context(shipped().telescopes, frozenset({"lvk:S170817", "lvk:S190814bv", "icecube:1_1"}), NOW)
ROW: dict[str, Any] = {"facility": "DECam", "thread_id": "lvk:S170817", "ra": 197.45, "dec": -23.38}


def read(folder: Path, *rows: dict[str, Any]) -> tuple[ObservationReport, ...]:
    file = folder / "mine.jsonl"
    file.write_bytes(b"\n".join(orjson.dumps(row) for row in rows))
    return read_reports(file, CONTEXT)


def test_a_line_of_json_is_a_report_and_the_telescope_brings_its_field(tmp_path: Path) -> None:
    said = {"start": "2017-08-17T23:33:00", "stop": "2017-08-18T01:34:00+02:00", "depth": 22.1, "depth_unit": "ab_mag"}
    (one,) = read(tmp_path, ROW | said | {"filter": "i", "found": "ztf:a, ztf:b", "instrument": "DECam"})
    assert (one.time_start, one.time_stop) == (
        datetime(2017, 8, 17, 23, 33, tzinfo=UTC),
        datetime(2017, 8, 17, 23, 34, tzinfo=UTC),
    )
    assert (one.state, one.depth, one.found, one.run_mode, one.issued_time) == (
        "completed",
        22.1,
        ("ztf:a", "ztf:b"),
        "live",
        NOW,
    )
    # 2.2 degrees across
    assert area_deg2(*moc_ranges(one.footprint)) == pytest.approx(3.80, rel=0.01)


@pytest.mark.parametrize(
    ("stated", "deg2"),
    [
        ({"radius_deg": 0.5}, 0.785),
        ({"width_deg": 2.0, "height_deg": 1.0, "position_angle": 30.0}, 2.0),
        ({"footprint": "5/4941-4943"}, 3 * 41252.96 / 12288),
    ],
)
def test_a_field_is_stated_in_three_ways(tmp_path: Path, stated: dict[str, Any], deg2: float) -> None:
    (one,) = read(tmp_path, ROW | {"facility": "mine"} | stated)
    assert area_deg2(*moc_ranges(one.footprint)) == pytest.approx(deg2, rel=0.01)


@pytest.mark.parametrize(("stated", "angle"), [({}, 90.0), ({"position_angle": 0.0}, 0.0)])
def test_a_row_without_an_angle_has_that_of_the_telescope(tmp_path: Path, stated: dict[str, Any], angle: float) -> None:
    long = replace(shipped().telescopes["ZTF"], name="long", field=RectangleField(4.0, 1.0), position_angle_deg=90.0)
    (tmp_path / "mine.jsonl").write_bytes(orjson.dumps(ROW | {"facility": "long", "dec": 0.0} | stated))
    (one,) = read_reports(tmp_path / "mine.jsonl", replace(CONTEXT, telescopes={"long": long}))
    assert one.position_angle_deg == angle
    # a degree and a half to the north lies in the field only where its long side runs north
    north = contains(moc_ranges(one.footprint), pixel(np.array([197.45]), np.array([1.5])))
    assert north.tolist() == [angle == 90.0]


def test_the_prefix_of_an_event_may_be_left_out(tmp_path: Path) -> None:
    (one,) = read(tmp_path, ROW | {"thread_id": "S190814bv"})
    assert one.thread_id == "lvk:S190814bv"


def test_the_same_pointing_has_the_same_name_each_time(tmp_path: Path) -> None:
    one, two = read(tmp_path, ROW, ROW | {"filter": "z"})
    assert one.report_id != two.report_id
    assert read(tmp_path, ROW) == (one,)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"ra": 361.0}, "line 2: ra: "),
        ({"dec": "north"}, "line 2: dec: "),
        ({"dec": None}, "line 2: ra and dec missing"),
        ({"facility": "mine"}, "line 2: the field missing: state footprint"),
        ({"facility": ""}, "line 2: facility: "),
        ({"state": "done"}, "line 2: state: "),
        ({"radius": 1.0}, "line 2: radius: unknown column"),
        ({"width_deg": 1.0}, "line 2: width_deg and height_deg go together"),
        ({"depth": 21.0}, "line 2: depth and depth_unit"),
        ({"start": "yesterday"}, "line 2: start: "),
        ({"start": "2017-08-18", "stop": "2017-08-17"}, "line 2: stop lies before start"),
        ({"stop": "2031-01-01"}, "line 2: completed, but it ends at 2031-01-01 00:00:00 UTC, after now"),
        ({"thread_id": "lvk:S170818"}, "line 2: thread_id: no event 'lvk:S170818' on this log"),
        ({"footprint": "5/99999999"}, "line 2: footprint: MOC cell"),
        ({}, "stands in line 1"),
    ],
)
def test_a_line_that_is_wrong_is_named_with_its_column_and_the_reason(
    tmp_path: Path, wrong: dict[str, Any], says: str
) -> None:
    with pytest.raises(SettingsError, match=r"mine\.jsonl, line 2: ") as caught:
        read(tmp_path, ROW, ROW | wrong)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no pointing in it"),
        (b"[1, 2]", "line 1: write one JSON object a line"),
        (b"facility,ra\n", "line 1: neither ECSV"),
        (b"# %ECSV 1.0\n# ---\n# datatype: nothing\na b\n1 2\n", "no ECSV table that can be read"),
    ],
)
def test_a_file_of_another_kind_is_refused_in_words(tmp_path: Path, data: bytes, says: str) -> None:
    file = tmp_path / "mine.txt"
    file.write_bytes(data)
    with pytest.raises(SettingsError) as caught:
        read_reports(file, CONTEXT)
    assert says in str(caught.value)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.ecsv: No such file"):
        read_reports(tmp_path / "none.ecsv", CONTEXT)


def test_a_plans_table_comes_back_as_reports_under_the_names_of_its_fields(tmp_path: Path) -> None:
    fields = (tile(1, 197.0), tile(2, 200.0), tile(3, 203.0))
    asked = request(facility="DECam", ask="tiles", tiles=fields, event_thread="lvk:S170817")
    telescope = shipped().telescopes["DECam"]
    made = Plan(
        entry=Entry((asked,), ()),
        tiles=tiles_of(asked),
        telescope=telescope,
        sites=telescope.sites,
        limits=telescope.limits,
        sky=None,
    )
    file = tmp_path / "plan.ecsv"
    lines = ecsv(made).splitlines(keepends=True)
    file.write_bytes(b"".join([*lines[:-2], lines[-1]]))  # the second field was clouded out
    told = read_reports(file, CONTEXT)
    automatic = reports_of(asked, replace(answer(asked, "observed", "lco"), time=NOW), {"DECam": telescope})
    assert told == (automatic[0], automatic[2])
    broken = lines[-1].replace(b"-23.5", b"-93.5")
    file.write_bytes(b"".join([*lines[:-1], broken]))
    with pytest.raises(SettingsError, match=rf"plan\.ecsv, line {len(lines)}: dec: "):
        read_reports(file, CONTEXT)
