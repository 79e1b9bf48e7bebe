"""A plan as ECSV and as ObsLocTAP rows, read back by astropy and held against the standard's own table."""

import io
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

import numpy as np
import pytest
from astropy.io.votable import parse
from astropy.table import Table
from astropy.time import Time
from too_cases import AT2017GFO, MERGER, request
from too_tiles import tile

from nuncius.broker.planning.bands import Band, band_of
from nuncius.broker.planning.policies_toml import shipped
from nuncius.broker.services.plan_found import Plan, tiles_of
from nuncius.broker.services.plan_obsloctap import obsplan, status_of, stc_s
from nuncius.broker.services.plan_tables import ecsv, lines
from nuncius.broker.services.too_book import Entry
from nuncius.consumers.adapter import answer
from nuncius.schemas import ToORequest, ToOStatus
from nuncius.schemas.vocabulary import RequestState

SPACE, TIME, EM = "Char.SpatialAxis.", "Char.TimeAxis.", "Char.SpectralAxis."
STANDARD = {
    "t_planning": ("d", None, None),
    "target_name": (None, "Target.name", "meta.id;src"),
    "obs_id": (None, "DataID.observationID", "meta.id"),
    "obs_collection": (None, "DataID.collection", "meta.id"),
    "s_ra": ("deg", f"{SPACE}Coverage.Location.Coord.Position2D.Value2.C1", "pos.eq.ra"),
    "s_dec": ("deg", f"{SPACE}Coverage.Location.Coord.Position2D.Value2.C2", "pos.eq.dec"),
    "s_fov": ("deg", f"{SPACE}Coverage.Bounds.Extent.diameter", "phys.angSize;instr.fov"),
    "s_region": (None, f"{SPACE}Coverage.Support.Area", "pos.outline;obs.field"),
    "s_resolution": ("arcsec", f"{SPACE}Resolution.Refval.value", "pos.angResolution"),
    "t_min": ("d", f"{TIME}Coverage.Bounds.Limits.StartTime", "time.start;obs.exposure"),
    "t_max": ("d", f"{TIME}Coverage.Bounds.Limits.StopTime", "time.end;obs.exposure"),
    "t_exptime": ("s", f"{TIME}Coverage.Support.Extent", "time.duration;obs.exposure"),
    "t_resolution": ("s", f"{TIME}Resolution.Refval.value", "time.resolution"),
    "em_min": ("m", f"{EM}Coverage.Bounds.Limits.LoLimit", "em.wl;stat.min"),
    "em_max": ("m", f"{EM}Coverage.Bounds.Limits.HiLimit", "em.wl;stat.max"),
    "em_res_power": (None, f"{EM}Resolution.ResolPower.refVal", "spect.resolution"),
    "o_ucd": (None, "Char.ObservableAxis.ucd", "meta.ucd"),
    "pol_states": (None, "Char.PolarizationAxis.stateList", "meta.code;phys.polarization"),
    "pol_xel": (None, "Char.PolarizationAxis.numBins", "meta.number"),
    "facility_name": (None, "Provenance.ObsConfig.Facility.name", "meta.id;instr.tel"),
    "instrument_name": (None, "Provenance.ObsConfig.Instrument.name", "meta.id;instr"),
    "t_plan_exptime": ("s", f"{TIME}Coverage.Support.Extent", "time.duration;obs.exposure"),
    "category": (None, None, None),
    "priority": (None, None, None),
    "execution_status": (None, None, None),
    "tracking_type": (None, None, None),
}
"""ObsLocTAP 1.0, table "TAP Schema description": unit, utype, UCD."""

TILED = request(
    facility="ZTF",
    policy="gw-grb-imaging",
    ask="tiles",
    tiles=(tile(1, 197.0), replace(tile(2, 200.0), target_name="NGC 4993")),
    probability=0.2,
    site="Las Campanas",
    event_thread="lvk:S170817",
    event_time=MERGER,
)


def plan(one: ToORequest = TILED, *told: ToOStatus) -> Plan:
    telescope = shipped().telescopes.get(one.facility)
    return Plan(
        entry=Entry((one,), told),
        tiles=tiles_of(one),
        telescope=telescope,
        sites=(shipped().sites["Las Campanas"],),
        limits=shipped().telescopes["ZTF"].limits,
        sky=None,
        map_sha256="ab" * 32,
    )


def read(data: bytes) -> Any:
    return Table.read(data.decode().splitlines(), format="ascii.ecsv")


def votable(one: Plan) -> Any:
    return parse(io.BytesIO(obsplan(one).votable()), verify="exception")


def test_the_table_comes_back_from_astropy_with_units_and_what_it_is_about() -> None:
    table = read(ecsv(plan()))
    assert table["ra"].unit == "deg"
    assert table["exposure"].unit == "s"
    assert list(table["number"]) == [1, 2]
    assert list(table["ra"]) == [197.0, 200.0]
    assert Time(table["start"][0], scale="utc").to_datetime(UTC) == TILED.tiles[0].start
    meta = {name: table.meta[name] for name in ("request_id", "policy", "cause_id", "map_sha256", "event_thread")}
    assert meta == {
        "request_id": "r",
        "policy": "gw-grb-imaging",
        "cause_id": "c",
        "map_sha256": "ab" * 32,
        "event_thread": "lvk:S170817",
    }


def test_a_pointing_has_its_window_and_no_probability() -> None:
    (row,) = read(ecsv(plan(request(airmass_min=1.25, site="Las Campanas"))))
    assert (row["start"], row["airmass"]) == ("2017-08-17T23:41:04.430", 1.25)
    assert np.ma.is_masked(row["probability"])
    told = "\n".join(lines(plan(request(site="Las Campanas"))))
    assert "at any time until 2017-08-18 01:41:04" in told


def test_people_read_the_sum_of_what_is_covered() -> None:
    assert "10.00  20.00  Las Campanas  NGC 4993" in list(lines(plan()))[-1]


def test_every_column_is_there_in_the_standards_own_words() -> None:
    fields = {field.name: field for field in votable(plan()).get_first_table().fields}
    said = {
        name: (None if fields[name].unit is None else str(fields[name].unit), fields[name].utype, fields[name].ucd)
        for name in STANDARD
    }
    assert said == STANDARD
    assert set(fields) - set(STANDARD) == {"reality", "run_mode"}
    assert fields["s_region"].xtype == "adql:REGION"
    assert {fields[name].datatype for name in ("pol_xel", "priority")} == {"long"}


def test_the_votable_names_its_table_its_coordinates_and_its_time() -> None:
    whole = votable(plan())
    assert whole.get_first_table().utype == "ivo://ivoa.net/std/obsloctap#table-1.0"
    assert [(system.ID, system.system) for system in whole.iter_coosys()] == [("icrs", "ICRS")]
    (times,) = whole.iter_timesys()
    assert (times.timeorigin, times.timescale) == (2400000.5, "UTC")


def test_rows_state_what_is_planned_and_nothing_that_is_not_known() -> None:
    first, second = votable(plan()).get_first_table().to_table()
    start, stop = (Time(moment).mjd for moment in (TILED.tiles[0].start, TILED.tiles[0].stop))
    assert (first["t_min"], first["t_max"]) == pytest.approx((start, stop), abs=1e-9)
    assert first["t_planning"] == pytest.approx(Time(TILED.issued_time).mjd, abs=1e-9)
    assert (first["obs_id"], second["obs_id"]) == ("r/1", "r/2")
    assert (first["target_name"], second["target_name"]) == ("AT2017gfo", "NGC 4993")
    assert (first["execution_status"], first["category"], first["tracking_type"]) == ("Planned", "Fixed", "Sidereal")
    assert np.ma.is_masked(first["t_exptime"]) or np.isnan(first["t_exptime"])
    assert first["t_plan_exptime"] == 120.0
    unknown = read(obsplan(plan()).ecsv())[0]
    assert all(np.ma.is_masked(unknown[name]) for name in ("pol_xel", "pol_states", "s_resolution"))


def test_the_light_of_a_known_filter_is_stated_and_that_of_another_is_not() -> None:
    known, unknown = (
        read(obsplan(plan(replace(TILED, tiles=(replace(TILED.tiles[0], filter=name),)))).ecsv())[0]
        for name in ("ip", "C3")
    )
    # CTIO/DECam.i_filter at the SVO: 7836.21 and 1468.29 Å
    assert (known["em_min"], known["em_max"]) == pytest.approx((7.1020650e-7, 8.5703550e-7), rel=1e-9)
    assert known["em_res_power"] == pytest.approx(5.33696, rel=1e-5)
    assert (known["o_ucd"], known["t_resolution"]) == ("phot.flux", 120.0)
    assert all(np.ma.is_masked(unknown[name]) for name in ("em_min", "em_max", "em_res_power", "o_ucd"))


def test_a_telescopes_own_filter_has_the_light_that_its_table_states() -> None:
    made = plan()
    assert made.telescope is not None
    own = replace(made.telescope, filters={"ip": Band.between(700e-9, 800e-9)})
    row = read(obsplan(replace(made, telescope=own)).ecsv())[0]
    assert (row["em_min"], row["em_max"]) == pytest.approx((7e-7, 8e-7), rel=1e-12)
    assert row["em_res_power"] == pytest.approx(7.5)


@pytest.mark.parametrize("spelled", ["r", "rp", "r'", "sdssr", "ztfr", "ps1::r"])
def test_a_filter_has_one_light_however_it_is_spelled(spelled: str) -> None:
    assert band_of(spelled) == band_of("r") is not None
    assert band_of("R") != band_of("r")
    assert band_of("") is None


NOT_NULL = ("t_planning", "obs_id", "facility_name", "category", "priority", "execution_status", "tracking_type")
WHEN_SCHEDULED = ("t_min", "t_max", "t_exptime")
"""ObsLocTAP 1.0, table "ObsPlan columns description": its constraints."""


@pytest.mark.parametrize("one", [TILED, request(facility="somewhere", filter="H-alpha"), request(site="Las Campanas")])
@pytest.mark.parametrize("said", [(), ("accepted", "scheduled"), ("accepted", "observed"), ("rejected",)])
def test_what_must_not_be_null_is_not(one: ToORequest, said: tuple[RequestState, ...]) -> None:
    told = [answer(one, state, "telescope") for state in said]
    for row in obsplan(plan(one, *told)).hidden().rows:
        named = dict(zip(STANDARD, row, strict=False))
        needed = NOT_NULL + (WHEN_SCHEDULED if named["execution_status"] in {"Scheduled", "Performed"} else ())
        assert [name for name in needed if named[name] is None] == []


def test_rows_of_a_request_for_the_team_only_show_no_target() -> None:
    assert obsplan(plan(replace(TILED, team_only=True))) == obsplan(plan()).hidden()


def test_an_airmass_that_is_not_known_is_a_dash_with_a_word() -> None:
    told = list(lines(plan(request())))
    assert "nan" not in "\n".join(told)
    assert told[-1].startswith("no airmass: ")
    assert list(lines(plan(request(airmass_min=1.25))))[-1].startswith("one field")


def test_a_polygon_is_counted_counter_clockwise_as_seen_from_inside() -> None:
    words = stc_s(shipped().telescopes["ZTF"].field, TILED.tiles[0]).split()
    assert words[:2] == ["POLYGON", "ICRS"]
    ra, dec = np.array(words[2:], float).reshape(-1, 2).T
    # seen from inside, east is to the left
    x, y = -(ra - 197.0) * np.cos(np.radians(dec)), dec
    assert np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) > 0
    # through the centre it is as high as stated
    assert 0.5 * (dec.max() - dec.min()) == pytest.approx(6.86 / 2, rel=0.01)
    assert stc_s(shipped().telescopes["DECam"].field, TILED.tiles[0]) == "CIRCLE ICRS 197.000000 -23.500000 1.1"


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ((), "Planned"),
        (("sent", "accepted"), "Planned"),
        (("accepted", "scheduled"), "Scheduled"),
        (("accepted", "observed"), "Performed"),
        (("sent", "rejected"), "Aborted"),
        (("accepted", "expired"), "Unscheduled"),
        (("accepted", "scheduled", "cancelled"), "Unscheduled"),
    ],
)
def test_the_life_of_a_request_in_the_standards_words(said: tuple[RequestState, ...], status: str) -> None:
    told = [answer(TILED, state, "telescope") for state in said]
    assert status_of(Entry((TILED,), tuple(told))) == status
    exposed = obsplan(plan(TILED, *told)).rows[0][list(STANDARD).index("t_exptime")]
    assert (exposed == 120.0) == (status in {"Scheduled", "Performed"})


def test_the_plan_changed_when_the_facility_spoke_and_not_when_somebody_was_told() -> None:
    accepted = replace(answer(TILED, "accepted", "telescope"), time=MERGER + timedelta(hours=7))
    noted = replace(answer(TILED, "recorded", "recorder"), time=MERGER + timedelta(hours=9))
    row = obsplan(plan(TILED, accepted, noted)).rows[0]
    assert row[0] == pytest.approx(Time(accepted.time).mjd, abs=1e-9)


def test_what_a_facility_will_not_drop_is_scheduled_still() -> None:
    gone = replace(TILED, revision=2, state="cancelled")
    kept = answer(gone, "not_cancelled", "telescope")
    assert status_of(Entry((TILED, gone), (kept,))) == "Scheduled"


def test_of_a_confidential_target_time_and_facility_are_shown_and_no_more() -> None:
    shown, hidden = (dict(zip([*STANDARD], rows[0], strict=False)) for rows in _both())
    for name in ("target_name", "s_ra", "s_dec", "s_region"):
        assert shown[name] is not None
        assert hidden[name] is None, name
    for name in ("t_min", "t_max", "facility_name", "t_plan_exptime", "execution_status"):
        assert hidden[name] == shown[name] is not None
    text = obsplan(plan()).hidden().votable().decode()
    assert not any(secret in text for secret in ("AT2017gfo", "NGC 4993", "197", "-23.5", "gw-grb"))


def _both() -> tuple[tuple[tuple[Any, ...], ...], tuple[tuple[Any, ...], ...]]:
    made = obsplan(plan())
    return made.rows, made.hidden().rows


@pytest.mark.parametrize(("changed", "priority"), [({"preempt": True}, 2), ({}, 1), ({"priority": 0.5}, 0)])
def test_priority_in_three_steps(changed: dict[str, Any], priority: int) -> None:
    assert obsplan(plan(replace(TILED, **changed))).rows[0][list(STANDARD).index("priority")] == priority


def test_a_pointing_of_no_known_telescope_has_no_region() -> None:
    one = request(facility="somewhere", site="Las Campanas", window_stop=MERGER + timedelta(hours=14))
    row = dict(zip(STANDARD, obsplan(plan(one)).rows[0], strict=False))
    assert (row["s_region"], row["s_fov"], row["category"]) == (None, None, "Window")
    assert (row["s_ra"], row["s_dec"]) == AT2017GFO
    assert row["t_max"] - row["t_min"] == pytest.approx(3 / 24)
