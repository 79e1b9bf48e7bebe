"""The Treasure Map: fields out as planned, completed and cancelled, others' fields in as reports."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from fakes.server import running
from fakes.treasure_map import INSTRUMENT, TOKEN, USER, Map
from pydantic import SecretStr
from too_cases import request
from too_tiles import tile

from nuncius.broker.planning.bands import Band, Lights
from nuncius.broker.sky import moc_ranges, pixel
from nuncius.consumers.too.treasure_map import TreasureMap
from nuncius.consumers.too.treasure_map_in import TreasureMapReader, observation, turned
from nuncius.consumers.too.treasure_map_rows import Pointing, TreasureMapSettings, completed, mark, planned
from nuncius.schemas import Retry
from nuncius.schemas.plan import ObservationReport

EVENT = "lvk:S190814bv"
TILES = (tile(1, 197.0), tile(2, 198.5))
WANTED = request(event_thread=EVENT, ask="tiles", tiles=TILES)


def settings(url: str = "https://treasuremap.space") -> TreasureMapSettings:
    known = {
        "url": f"{url}/api/v1",
        "allowed_hosts": ["treasuremap.space", "127.0.0.1"],
        "username": USER,
        "instrument_id": INSTRUMENT,
        "bands": {"ip": "i"},
        "timeout_s": 10.0,
    }
    return TreasureMapSettings.model_validate(known)


@pytest.fixture
def there() -> Iterator[tuple[Map, TreasureMap]]:
    state = Map()
    with running(state) as url:
        adapter = TreasureMap(settings(url), SecretStr(TOKEN))
        yield state, adapter
        adapter.close()


def test_a_tile_is_a_planned_pointing_in_the_maps_fields() -> None:
    first, second = planned(WANTED, settings())
    assert first == {
        "ra": 197.0,
        "dec": -23.5,
        "instrumentid": INSTRUMENT,
        "time": f"2017-08-17T23:46:04.{mark('r'):06d}",
        "status": "planned",
        "band": "i",
        "pos_angle": 0.0,
    }
    assert second["time"] == f"2017-08-17T23:51:04.{mark('r'):06d}"


@pytest.mark.parametrize(
    ("wanted", "stated", "told"),
    [
        ("rp", {}, {"band": "r"}),
        ("C3", {}, {"band": "other"}),
        ("", {}, {"band": "other"}),
        ("C3", {"C3": Band.between(650e-9, 660e-9)}, {"band": "other", "central_wave": 6550.0, "bandwidth": 100.0}),
        ("z", {"z": Band.between(800e-9, 1000e-9)}, {"band": "z", "central_wave": 9000.0, "bandwidth": 2000.0}),
    ],
)
def test_a_filter_is_told_in_the_maps_name_and_its_light_where_the_telescope_states_it(
    there: tuple[Map, TreasureMap], wanted: str, stated: dict[str, Band], told: dict[str, Any]
) -> None:
    state, _ = there
    one = replace(WANTED, filter=wanted, tiles=tuple(replace(field, filter=wanted) for field in TILES))
    lights = Lights({one.facility: stated})
    known = {"band", "central_wave", "bandwidth"}
    rows = planned(one, settings(), lights)
    assert [{key: row[key] for key in row.keys() & known} for row in rows] == [told, told]
    row = completed(report(filter=wanted, facility=one.facility), settings(), lights)
    if wanted:
        assert not isinstance(row, str)
        assert {key: row[key] for key in row.keys() & known} == told
    adapter = TreasureMap(settings(state.url), SecretStr(TOKEN), lights=lights)
    assert adapter.submit(one, "").state == "accepted"
    adapter.close()


def test_a_pointing_is_told_with_the_angle_that_it_asks_for() -> None:
    (row,) = planned(request(event_thread=EVENT, position_angle_deg=130.0), settings())
    assert row["pos_angle"] == 130.0


def test_only_what_changed_is_told_again(there: tuple[Map, TreasureMap]) -> None:
    state, adapter = there
    assert adapter.submit(WANTED, "").state == "accepted"
    later = request(2, event_thread=EVENT, ask="tiles", tiles=(TILES[0], tile(2, 201.0)))
    assert adapter.submit(later, "").reference == "1000"
    assert sorted(state.planned()) == [(197.0, -23.5), (201.0, -23.5)]
    assert [len(call.json["pointings"]) for call in state.asked if call.path.endswith("/pointings")] == [2, 1]


def test_a_request_without_a_known_reference_finds_its_own_fields_alone(there: tuple[Map, TreasureMap]) -> None:
    state, adapter = there
    adapter.submit(WANTED, "")
    adapter.submit(request(ident="s", event_thread=EVENT, tiles=(tile(1, 10.0),)), "")
    gone = adapter.cancel(request(2, state="cancelled", event_thread=EVENT), "")
    assert (gone.state, gone.detail) == ("cancelled", "2 fields cancelled")
    assert state.planned() == [(10.0, -23.5)]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"event_thread": "fermi-gbm:1"}, "no event of LVK"),
        ({"event_thread": EVENT, "tiles": (), "window_start": None}, "no planned time"),
    ],
)
def test_what_the_map_cannot_show_is_recorded_only(
    there: tuple[Map, TreasureMap], changed: dict[str, Any], says: str
) -> None:
    _, adapter = there
    status = adapter.submit(replace(request(tiles=TILES), **changed), "")
    assert status.state == "recorded"
    assert says in status.detail


def test_an_event_that_the_map_does_not_know_yet_is_told_again_later(there: tuple[Map, TreasureMap]) -> None:
    state, adapter = there
    asked = replace(WANTED, event_thread="lvk:S240101a")
    with pytest.raises(Retry, match="does not know S240101a yet"):
        adapter.submit(asked, "")
    state.events.add("S240101a")
    assert adapter.submit(asked, "").state == "accepted"


def report(**changed: Any) -> ObservationReport:
    known: dict[str, Any] = {
        "report_id": "ours-1",
        "thread_id": EVENT,
        "facility": "imager",
        "state": "completed",
        "footprint": "5/1",
        "ra": 197.0,
        "dec": -23.5,
        "time_start": datetime(2017, 8, 17, 23, 47, tzinfo=UTC),
        "filter": "ip",
        "depth": 22.5,
        "depth_unit": "ab_mag",
        "request_id": "r",
        "run_mode": "live",
    }
    return ObservationReport(**(known | changed))


def test_what_was_observed_replaces_what_was_planned(there: tuple[Map, TreasureMap]) -> None:
    state, adapter = there
    adapter.submit(WANTED, "")
    assert adapter.publish(report()) == ""
    assert state.planned() == [(198.5, -23.5)]
    (done,) = [row for row in state.rows.values() if row["status"] == "completed"]
    assert (done["depth"], done["depth_unit"], done["time"]) == (22.5, "ab_mag", "2017-08-17T23:47:00")


def test_an_observation_without_a_depth_is_not_told(there: tuple[Map, TreasureMap]) -> None:
    state, adapter = there
    assert adapter.publish(report(depth=None)) == "it states no depth"
    assert state.asked == []


def test_fields_of_others_become_reports_with_their_sky() -> None:
    state = Map()
    state.add(
        "S190814bv", position="POINT (-163 -23.5)", time="2019-08-14T23:00:00", status="completed", band="i", depth=22.0
    )
    state.add("S190814bv", position="POINT (12 -25)", time="2019-08-14T23:00:00", status="planned", instrumentid=7)
    state.add("S190814bv", USER, position="POINT (1 1)", time="2019-08-14T23:00:00", status="planned")
    with running(state) as url:
        reader = TreasureMapReader(settings(url))
        coverage = reader.read("S190814bv", "live")
        reader.close()
    (one,) = coverage.reports
    assert (one.report_id, one.thread_id, one.facility) == ("treasure-map:1000", EVENT, "DECam")
    assert (one.state, one.ra, one.dec, one.depth) == ("completed", 197.0, -23.5, 22.0)
    assert one.time_start == datetime(2019, 8, 14, 23, tzinfo=UTC)
    assert one.issued_time == datetime(2019, 8, 14, 22, tzinfo=UTC)
    assert [covers(one.footprint, *place) for place in ((197.0, -23.5), (198.0, -23.5), (197.0, -22.9))] == [
        True,
        True,
        False,
    ]
    assert coverage.unread == ("pointing 1001 of DECam: its instrument has no footprint",)


def test_a_position_angle_turns_north_through_east() -> None:
    east = turned((0.0, 1.0), 100.0, 0.0, 90.0)
    assert east == pytest.approx((101.0, 0.0), abs=1e-9)
    assert turned((0.0, 1.0), 100.0, 40.0, 0.0) == pytest.approx((100.0, 41.0), abs=1e-9)
    assert turned((1.0, 0.0), 359.5, 0.0, 0.0) == pytest.approx((0.5, 0.0), abs=1e-9)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"position": "POINT (x y)"}, "its place is"),
        ({"status": "dreamt"}, "dreamt"),
    ],
)
def test_a_row_that_cannot_be_read_says_why(row: dict[str, str], says: str) -> None:
    known = {"id": 1, "position": "POINT (1 2)", "instrumentid": 1, "status": "planned"}
    with pytest.raises(ValueError, match=says):
        observation(Pointing.model_validate(known | row), ["POLYGON ((-1 -1, 1 -1, 0 1, -1 -1))"], "S1", "live")


def covers(moc: str, ra: float, dec: float) -> bool:
    ranges = moc_ranges(moc)
    where = int(pixel(ra, dec))
    return bool(((ranges.start <= where) & (where < ranges.stop)).any())
