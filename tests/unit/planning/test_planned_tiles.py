"""Plans of fields as requests: one a telescope, together, knowing what others saw, taken back with their cause."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from too_cases import AT2017GFO, MERGER, alert, inputs, run, wide_camera, wide_tiles

from nuncius.broker.planning.engine import Planner
from nuncius.broker.planning.joint import TelescopePlan, observed_sky
from nuncius.broker.planning.policies_toml import load_policies
from nuncius.broker.sky.moc import moc_ascii
from nuncius.schemas import Alert, ObservationReport, ToORequest

TILING = (
    wide_camera("wide", "camera")
    + """
[[telescope]]
name = "narrow"
sites = ["Cerro Tololo"]
radius_deg = 0.5
slew_deg_s = 1.0
settle_s = 5.0
readout_s = 10.0
max_airmass = 3.0
sun_altitude_max_deg = -12.0
source = "a test"

[[policy]]
name = "tiles"
source = "a test"
cause = "alert"
messengers = ["gravitational_wave"]
max_area_deg2 = 200.0
facilities = ["wide", "narrow"]
ask = "tiles"
tiles_max = 12
expires_h = 24.0
exposure_s = 60.0
filter = "r"
max_airmass = 2.5
"""
)


def gw(alert_id: str = "gw-1", radius: float = 3.0, hours: float = 1.0, **changed: Any) -> Alert:
    known = alert(alert_id, "lvk:S170817", AT2017GFO, radius, messenger="gravitational_wave", facility="LVK")
    return replace(known, event_class="cbc", issued_time=MERGER + timedelta(hours=hours), **changed)


@pytest.fixture
def planner() -> Planner:
    return Planner(load_policies(TILING))


def by_name(requests: tuple[ToORequest, ...]) -> dict[str, ToORequest]:
    return {request.facility: request for request in requests}


def test_each_telescope_gets_its_part_and_no_place_counts_twice(planner: Planner) -> None:
    asked = by_name(run(planner, gw()))
    assert set(asked) == {"wide", "narrow"}
    wide, narrow = asked["wide"], asked["narrow"]
    assert (wide.state, wide.ask, wide.site) == ("proposed", "tiles", "Las Campanas")
    assert (wide.instrument, narrow.instrument) == ("camera", "")
    assert 0 < len(wide.tiles) <= 12
    assert [tile.number for tile in wide.tiles] == list(range(1, len(wide.tiles) + 1))
    assert all(one.stop <= two.start for one, two in zip(wide.tiles, wide.tiles[1:], strict=False))
    assert wide.tiles[0].start >= MERGER + timedelta(hours=1)
    assert (wide.window_start, wide.window_stop) == (wide.tiles[0].start, wide.tiles[-1].stop)
    assert (wide.probability or 0) + (narrow.probability or 0) <= 1.0
    assert "hold" in wide.reason


def test_a_region_that_is_too_large_is_rejected_for_all(planner: Planner) -> None:
    asked = by_name(run(planner, gw(radius=12.0)))
    assert {request.state for request in asked.values()} == {"rejected"}
    assert all("too large" in request.reason and not request.tiles for request in asked.values())


@pytest.mark.parametrize(
    ("bound", "says"),
    [
        ("max_radius_deg = 2.9", "a radius of 3 deg, at most 2.9 wanted"),
        ("max_area_deg2 = 28.0", "28.3 deg² is too large: at most 28 deg² wanted"),
    ],
)
def test_both_bounds_of_a_region_hold_for_fields_too(bound: str, says: str) -> None:
    strict = Planner(load_policies(TILING.replace("max_area_deg2 = 200.0", bound)))
    assert all(says in request.reason for request in run(strict, gw()))


def test_a_telescope_that_adds_next_to_nothing_is_left_alone() -> None:
    tiny = TILING.replace("radius_deg = 0.5", "radius_deg = 0.08")
    asked = by_name(run(Planner(load_policies(tiny)), gw()))
    assert asked["wide"].state == "proposed"
    assert asked["narrow"].state == "rejected"
    assert "of the map only" in asked["narrow"].reason
    assert not asked["narrow"].tiles
    alone = tiny.replace('facilities = ["wide", "narrow"]', 'facility = "narrow"')
    (request,) = run(Planner(load_policies(alone)), gw())
    assert request.state == "proposed"


def test_one_field_is_told_as_one() -> None:
    (request,) = run(Planner(load_policies(wide_tiles(most=1, hours=24.0))), gw())
    assert "; 1 field of 60 s holds " in request.reason


def test_a_policy_may_say_from_which_site_its_fields_are_taken() -> None:
    text = wide_tiles(most=4, hours=24.0).replace('ask = "tiles"', 'ask = "tiles"\nsites = ["Siding Spring"]')
    (request,) = run(Planner(load_policies(text)), gw())
    assert {tile.site for tile in request.tiles} == {"Siding Spring"}


def test_a_retraction_cancels_every_part(planner: Planner) -> None:
    run(planner, gw())
    gone = by_name(run(planner, gw("gw-2", hours=2.0, kind="retraction", localizations=())))
    assert {name: request.state for name, request in gone.items()} == {"wide": "cancelled", "narrow": "cancelled"}
    assert not any(request.tiles for request in gone.values())


def test_what_others_saw_before_the_update_is_left_out_and_what_comes_later_moves_nothing(planner: Planner) -> None:
    first = by_name(run(planner, gw()))["wide"]
    telescopes = load_policies(TILING).telescopes
    seen = observed_sky([TelescopePlan(telescope="wide", tiles=first.tiles)], [telescopes["wide"]])
    report = ObservationReport(
        report_id="theirs",
        thread_id="lvk:S170817",
        facility="others",
        state="completed",
        footprint=moc_ascii(seen),
        run_mode="live",
        issued_time=MERGER + timedelta(hours=3),
    )
    assert run(planner, report) == ()
    after = by_name(run(planner, gw("gw-2", hours=4.0, kind="update")))["wide"]
    assert "left out" in after.reason
    assert (after.probability or 0.0) < 0.2 * (first.probability or 0.0)
    other = Planner(load_policies(TILING))
    at_once = other.step(inputs(gw(), gw("gw-2", hours=4.0, kind="update"), report))
    assert by_name(at_once.effects)["wide"].tiles == after.tiles


def test_a_report_that_cannot_be_read_covers_nothing_and_ends_nothing(planner: Planner) -> None:
    broken = ObservationReport(
        report_id="theirs",
        thread_id="lvk:S170817",
        facility="others",
        state="completed",
        footprint="29/not a map",
        run_mode="live",
        issued_time=MERGER + timedelta(minutes=30),
    )
    run(planner, broken)
    assert by_name(run(planner, gw()))["wide"].state == "proposed"
