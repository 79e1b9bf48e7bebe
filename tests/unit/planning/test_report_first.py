"""A report on an event may be read before the cause of a request that is out, where the group's place was lost."""

from datetime import timedelta

from too_cases import AT2017GFO, MERGER, TRACK, policies, run

from nuncius.broker.planning.engine import Planner
from nuncius.broker.planning.footprints import footprint
from nuncius.broker.planning.telescope import CircleField
from nuncius.broker.sky.moc import moc_ascii
from nuncius.schemas import ObservationReport


def test_a_report_read_before_its_requests_cause_waits_for_it() -> None:
    (asked,) = run(Planner(policies()), TRACK)
    report = ObservationReport(
        report_id="theirs",
        thread_id=asked.event_thread,
        facility="others",
        state="completed",
        footprint=moc_ascii(footprint(CircleField(1.0), *AT2017GFO)),
        run_mode="live",
        issued_time=MERGER + timedelta(days=40),
    )
    again = Planner(policies())
    again.restore([asked])
    assert run(again, report) == ()
    assert run(again, TRACK) == ()
