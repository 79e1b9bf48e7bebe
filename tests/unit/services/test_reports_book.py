"""Who looked where, read back: no place counts twice, a later report of a name replaces the earlier."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from too_cases import AT2017GFO, MERGER, alert
from too_log import lay_bytes

from nuncius.broker.planning.footprints import area_deg2, footprint
from nuncius.broker.planning.telescope import CircleField
from nuncius.broker.planning.tiling import held
from nuncius.broker.services.outcome import values
from nuncius.broker.services.reports_book import followed, reports_on, threads_on, write_reports
from nuncius.broker.sky.moc import moc_ascii
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log
from nuncius.schemas import ObservationReport
from nuncius.schemas.codec import encode

WIDE, RADIUS90 = CircleField(1.5), 2.0


def report(name: str, ra: float = AT2017GFO[0], **changed: Any) -> ObservationReport:
    known = ObservationReport(
        report_id=name,
        thread_id="lvk:S170817",
        facility="Swope",
        state="completed",
        footprint=moc_ascii(footprint(WIDE, ra, AT2017GFO[1])),
        time_start=MERGER + timedelta(hours=11),
        time_stop=MERGER + timedelta(hours=11, minutes=1),
        run_mode="live",
        issued_time=MERGER + timedelta(hours=12),
    )
    return replace(known, **changed)


@pytest.fixture
def event(log: Log) -> Log:
    """A log with an event whose 90 % circle has a radius of two degrees."""
    one = alert("gw-1", "lvk:S170817", AT2017GFO, RADIUS90)
    writer = log.writer("test")
    with writer.transaction() as tx:
        tx.send(topics.EVENTS.name, encode(one), key=b"gw")
    writer.close()
    return log


def test_records_that_cannot_be_read_hide_no_other(event: Log) -> None:
    for topic in (topics.EVENTS, topics.OBSERVATIONS):
        lay_bytes(event, topic.name, b"of another version")
    assert write_reports(event, [report("a")], "test-reports") == 1
    assert threads_on(event) == {"lvk:S170817"}
    (one,) = followed(event, None)
    assert one.together.probability == pytest.approx(held(WIDE, RADIUS90), abs=0.005)


def test_the_union_of_fields_is_what_is_held(event: Log) -> None:
    away = AT2017GFO[0] + 90.0
    told = [report("a"), report("b", facility="DECam"), report("c", ra=away, facility="DECam")]
    assert write_reports(event, told, "test-reports") == 3
    (one,) = followed(event, None)
    share = held(WIDE, RADIUS90)
    assert (one.thread_id, one.together.completed) == ("lvk:S170817", 3)
    assert one.together.probability == pytest.approx(share, abs=0.005)
    assert one.together.area_deg2 == pytest.approx(2 * area_deg2(WIDE), rel=0.01)
    assert [(s.facility, s.completed) for s in one.shares] == [("DECam", 2), ("Swope", 1)]
    assert [s.probability for s in one.shares] == pytest.approx([share, share], abs=0.005)
    assert (one.shares[1].first, one.shares[1].last) == (told[0].time_start, told[0].time_stop)


def test_planned_fields_count_for_what_they_would_add(event: Log) -> None:
    write_reports(event, [report("a"), report("b", state="planned")], "test-reports")
    (one,) = followed(event, "S170817")
    assert (one.together.completed, one.together.planned) == (1, 1)
    assert one.together.planned_probability == pytest.approx(0.0, abs=1e-9)
    write_reports(event, [report("a", state="cancelled")], "test-reports")
    (one,) = followed(event, "lvk:S170817")
    assert (one.together.completed, one.together.probability) == (0, 0.0)
    assert one.together.planned_probability == pytest.approx(held(WIDE, RADIUS90), abs=0.005)


def test_a_file_sent_again_writes_nothing_and_a_changed_report_replaces_the_first(event: Log) -> None:
    assert write_reports(event, [report("a"), report("b")], "test-reports") == 2
    later = MERGER + timedelta(days=1)
    again = [report("a", issued_time=later), report("b", issued_time=later, filter="i")]
    assert write_reports(event, again, "test-reports") == 1
    assert len(list(values(event, topics.OBSERVATIONS.name))) == 3
    assert [one.filter for one in reports_on(event)] == ["", "i"]


def test_an_event_without_a_map_has_areas_alone(event: Log) -> None:
    write_reports(event, [report("a", thread_id="lvk:S2")], "test-reports")
    (one,) = followed(event, None)
    assert (one.together.probability, one.together.planned_probability) == (None, None)
    assert one.together.area_deg2 == pytest.approx(area_deg2(WIDE), rel=0.01)
    assert followed(event, "lvk:S170817") == ()
    assert threads_on(event) == {"lvk:S170817"}


def test_a_footprint_that_cannot_be_read_is_no_place(event: Log) -> None:
    write_reports(event, [report("a", footprint="99/1"), report("b")], "test-reports")
    (one,) = followed(event, None)
    assert one.together.area_deg2 == pytest.approx(area_deg2(WIDE), rel=0.01)
