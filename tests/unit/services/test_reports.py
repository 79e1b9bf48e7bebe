"""What a facility observed is reported once, whatever the order of records and the restarts between them."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest
from too_cases import AT2017GFO, MERGER, request
from too_log import lay
from too_tiles import tile

from nuncius.broker.planning.footprints import area_deg2 as field_deg2
from nuncius.broker.planning.policies_toml import shipped
from nuncius.broker.planning.telescope import RectangleField
from nuncius.broker.services.outcome import values
from nuncius.broker.services.reports import Reporting, reports_of
from nuncius.broker.services.runner import drain
from nuncius.broker.services.worker import Worker
from nuncius.broker.sky.healpix import pixel
from nuncius.broker.sky.ranges import area_deg2, contains
from nuncius.broker.sky.region import moc_ranges
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log
from nuncius.consumers.adapter import answer
from nuncius.schemas import ObservationReport, ToORequest, ToOStatus
from nuncius.schemas.codec import decode

TELESCOPES = shipped().telescopes
ASKED = request(
    facility="DECam",
    ask="tiles",
    tiles=(tile(1, 197.0), tile(2, 200.0)),
    event_thread="lvk:S170817",
)
SEEN = replace(answer(ASKED, "observed", "lco", "done"), time=MERGER + timedelta(hours=13))


def work(log: Log) -> None:
    """One life of the service."""
    worker = Worker(log, Reporting(TELESCOPES))
    drain((worker,))
    worker.close()


def told(log: Log) -> list[ObservationReport]:
    return [decode(ObservationReport, value) for value in values(log, topics.OBSERVATIONS.name)]


@pytest.mark.parametrize("angle", [None, 90.0])
def test_a_pointing_is_reported_with_the_angle_that_was_asked_for(angle: float | None) -> None:
    long = replace(TELESCOPES["ZTF"], field=RectangleField(4.0, 1.0))
    asked = request(facility="ZTF", event_thread="lvk:S170817", position_angle_deg=angle)
    where = asked.position
    assert where is not None
    (one,) = reports_of(asked, replace(SEEN, request_id=asked.request_id), {"ZTF": long})
    assert one.position_angle_deg == (angle or 0.0)
    north = contains(moc_ranges(one.footprint), pixel([where.ra], [where.dec + 1.5]))
    assert north.tolist() == [angle == 90.0]


@pytest.mark.parametrize("facility", ["DECam", "ZTF"])
def test_each_field_is_reported_with_the_sky_it_covers(facility: str) -> None:
    first, second = reports_of(replace(ASKED, facility=facility), SEEN, TELESCOPES)
    assert (first.report_id, second.report_id) == ("r/1/1", "r/1/2")
    assert (first.thread_id, first.facility, first.instrument) == ("lvk:S170817", facility, facility)
    assert (first.state, first.run_mode, first.request_id) == ("completed", "live", "r")
    assert (first.time_start, first.time_stop) == (ASKED.tiles[0].start, ASKED.tiles[0].stop)
    assert first.issued_time == SEEN.time
    covered = moc_ranges(first.footprint)
    assert area_deg2(*covered) == pytest.approx(field_deg2(TELESCOPES[facility].field), rel=0.01)
    assert contains(covered, pixel([197.0, 200.9], [-23.5, -30.0])).tolist() == [True, False]


def test_only_fields_that_the_facility_says_it_took_are_reported() -> None:
    assert [one.report_id for one in reports_of(ASKED, replace(SEEN, taken=(2,)), TELESCOPES)] == ["r/1/2"]
    assert reports_of(ASKED, replace(SEEN, taken=()), TELESCOPES) == ()


def test_a_pointing_states_no_time_and_an_unknown_field_of_view_gives_no_report() -> None:
    pointing = request(facility="DECam", event_thread="lvk:S170817")
    (one,) = reports_of(pointing, SEEN, TELESCOPES)
    assert (one.ra, one.dec) == AT2017GFO
    assert (one.time_start, one.time_stop) == (None, None)
    assert reports_of(replace(pointing, facility="spectrographs"), SEEN, TELESCOPES) == ()


def test_in_any_order_and_with_any_copies_each_field_is_told_once(log: Log) -> None:
    accepted = answer(ASKED, "accepted", "lco")
    again = replace(SEEN, adapter="other")
    records: tuple[ToORequest | ToOStatus, ...] = (ASKED, accepted, SEEN, again)
    for number, order in enumerate(permutations(records)):
        ident = f"request {number}"
        for one in order:
            lay(log, replace(one, request_id=ident))
    work(log)
    assert sorted(one.report_id for one in told(log)) == sorted(f"request {n}/1/{k}" for n in range(24) for k in (1, 2))


def test_a_restart_between_request_and_status_loses_nothing_and_doubles_nothing(log: Log) -> None:
    for one in (SEEN, ASKED, SEEN, replace(ASKED, revision=2), replace(SEEN, revision=2)):
        lay(log, one)
        work(log)
    assert [one.report_id for one in told(log)] == ["r/1/1", "r/1/2", "r/2/1", "r/2/2"]


def test_what_was_only_recorded_or_refused_is_no_observation(log: Log) -> None:
    lay(log, ASKED, answer(ASKED, "recorded", "recorder"), answer(ASKED, "rejected", "lco"))
    work(log)
    assert told(log) == []
