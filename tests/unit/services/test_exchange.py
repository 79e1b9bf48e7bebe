"""Where others looked comes in from the Treasure Map, where we looked goes out: once each, over restarts and faults."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from fakes.server import Call, running
from fakes.treasure_map import INSTRUMENT, TOKEN, USER, Map
from road import Failing, decoded, put
from too_cases import AT2017GFO, GW, MERGER, request, wide_camera
from too_log import lay

from nuncius.broker.adapters import boards
from nuncius.broker.planning.policies_toml import load_policies
from nuncius.broker.services.exchange import Exchanging
from nuncius.broker.services.planning import planners
from nuncius.broker.services.runner import drain, drain_patiently
from nuncius.broker.sky import moc_ranges, pixel
from nuncius.broker.sky.ranges import contains
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log
from nuncius.schemas import ObservationReport, ToORequest, ToOStatus

EVENT = "lvk:S170817"
WANTED = request(event_thread=EVENT)
LOOKED = {"position": f"POINT ({AT2017GFO[0]} {AT2017GFO[1]})", "time": "2017-08-17T15:00:00"}
OURS = ObservationReport(
    report_id="night-1/7",
    thread_id=EVENT,
    facility="imager",
    state="completed",
    footprint="5/1",
    ra=197.0,
    dec=-23.5,
    time_start=MERGER + timedelta(hours=11),
    filter="i",
    depth=22.5,
    depth_unit="ab_mag",
    run_mode="live",
)


class Moody(Map):
    """A map that makes its trouble with whoever reads, too."""

    def asks(self, call: Call) -> bool:
        return call.path.endswith("pointings")


@dataclass
class Night:
    """A served map, a log, and the service that stands between them."""

    log: Log
    map: Moody
    url: str
    now: datetime = MERGER + timedelta(hours=3)
    said: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    token: str = TOKEN

    def service(self, log: Log | None = None) -> Exchanging:
        table: dict[str, Any] = {
            "kind": "treasure_map",
            "facilities": ["imager"],
            "credential": "TM_TOKEN",
            "url": f"{self.url}/api/v1",
            "allowed_hosts": ["127.0.0.1"],
            "username": USER,
            "instrument_id": INSTRUMENT,
            "timeout_s": 2.0,
        }
        made = boards([table | self.settings], {"TM_TOKEN": self.token})
        return Exchanging(log or self.log, made, lambda: self.now, self.said.append)

    def life(self) -> None:
        """A start, all that is due, and an end."""
        service = self.service()
        drain((service,))
        service.close()

    def others(self) -> list[ObservationReport]:
        return [one for one in decoded(self.log, topics.OBSERVATIONS.name) if one.report_id.startswith("treasure-map:")]

    def shared(self) -> list[ToOStatus]:
        return [one for one in decoded(self.log, topics.TOO_STATUS.name) if one.adapter == "shared-treasure-map"]

    def completed(self) -> list[dict[str, Any]]:
        return [row for row in self.map.rows.values() if (row["username"], row["status"]) == (USER, "completed")]


@pytest.fixture
def night(log: Log) -> Iterator[Night]:
    state = Moody()
    put(log, (GW,))
    with running(state) as url:
        yield Night(log, state, url)


def test_what_others_report_is_written_once_and_again_where_it_changed(night: Night) -> None:
    row = night.map.add("S170817", status="planned", band="i", **LOOKED)
    night.map.add("S170817", USER, status="completed", band="i", **LOOKED)
    lay(night.log, WANTED)
    night.life()
    night.life()
    (one,) = night.others()
    assert (one.thread_id, one.facility, one.state, one.run_mode) == (EVENT, "DECam", "planned", "live")
    night.map.rows[row] |= {"status": "completed", "depth": 21.0, "depth_unit": "ab_mag"}
    night.life()
    night.life()
    assert [one.state for one in night.others()] == ["planned", "completed"]


@pytest.mark.parametrize(
    "changed",
    [
        {"state": "cancelled"},
        {"state": "rejected"},
        {"reality": "injection"},
        {"run_mode": "replay"},
        {"expires": MERGER + timedelta(hours=3)},
        {"event_thread": "fermi-gbm:1"},
        {"event_thread": "lvk:S190814bv"},
    ],
)
def test_only_for_real_live_unexpired_requests_of_a_known_event_the_map_is_asked(
    night: Night, changed: dict[str, Any]
) -> None:
    lay(night.log, replace(WANTED, **changed), replace(OURS, depth=None))
    night.life()
    assert night.map.seen == []


@pytest.mark.parametrize(("days", "asked"), [(1.0, 1), (0.1, 0)])
def test_events_without_a_request_are_looked_at_for_so_many_days(night: Night, days: float, asked: int) -> None:
    night.settings = {"days": days}
    night.life()
    assert len(night.map.seen) == asked


def test_the_map_is_asked_again_after_a_pause_and_seldom_while_it_fails(night: Night) -> None:
    lay(night.log, WANTED)
    service = night.service()
    drain((service,))
    asked = []
    for minutes, trouble in ((4, ""), (2, ""), (6, "broken"), (6, "broken"), (6, "broken"), (6, ""), (6, "")):
        night.map.trouble = "broken" if trouble else ""
        night.now += timedelta(minutes=minutes)
        drain((service,))
        asked.append(len(night.map.seen))
    assert asked == [1, 2, 3, 4, 4, 5, 6]
    (line,) = night.said
    assert "503" in line
    service.close()


def test_what_we_observed_is_told_once(night: Night) -> None:
    lay(night.log, OURS)
    night.life()
    night.life()
    (done,) = night.completed()
    assert (done["depth"], done["band"], done["time"]) == (22.5, "i", "2017-08-17T23:41:04.430000")
    (status,) = night.shared()
    assert (status.reference, status.state, status.facility) == ("night-1/7", "recorded", "imager")
    lay(night.log, replace(OURS, found=("ztf:at2017gfo",)))
    night.life()
    assert len(night.completed()) == len(night.shared()) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"run_mode": "replay"},
        {"run_mode": "drill"},
        {"state": "planned"},
        {"facility": "another"},
        {"thread_id": "lvk:MS170817"},
        {"thread_id": "lvk:S190814bv"},
        {"report_id": "treasure-map:1000"},
    ],
)
def test_nothing_else_is_told(night: Night, changed: dict[str, Any]) -> None:
    put(night.log, (replace(GW, alert_id="m", thread_id="lvk:MS170817", reality="test"),), slot="more")
    lay(night.log, replace(OURS, **changed))
    night.life()
    assert night.map.seen == []


def test_one_notice_that_is_a_test_makes_its_event_one(night: Night) -> None:
    put(night.log, (replace(GW, alert_id="m", reality="injection"),), slot="more")
    lay(night.log, OURS, WANTED)
    night.life()
    assert night.map.seen == []


def test_an_event_that_was_only_replayed_is_exchanged_with_nobody(night: Night) -> None:
    put(night.log, (replace(GW, alert_id="n", thread_id="lvk:S170818a", run_mode="replay"),), slot="more")
    lay(night.log, replace(OURS, thread_id="lvk:S170818a"), replace(WANTED, event_thread="lvk:S170818a"))
    night.life()
    assert night.map.seen == []


def test_an_event_that_was_taken_back_is_not_looked_at_for_days(night: Night) -> None:
    put(night.log, (replace(GW, alert_id="n", kind="retraction"),), slot="more")
    night.settings = {"days": 1.0}
    night.life()
    assert night.map.seen == []


def test_many_pointings_are_written_in_slices_of_one_listing(night: Night) -> None:
    for number in range(51):
        night.map.add("S170817", status="completed", time="2017-08-17T15:00:00", position=f"POINT ({number} -20)")
    lay(night.log, WANTED)
    night.life()
    assert [one.report_id for one in night.others()] == [f"treasure-map:{1000 + n}" for n in range(51)]
    assert len([call for call in night.map.seen if call.path.endswith("/pointings")]) == 1


def test_what_states_no_time_of_its_own_was_told_when_it_was_read(night: Night) -> None:
    night.map.add("S170817", status="completed", datecreated=None, **LOOKED)
    lay(night.log, WANTED)
    night.life()
    night.now += timedelta(hours=1)
    night.life()
    (one,) = night.others()
    assert one.issued_time == MERGER + timedelta(hours=3)


def test_an_account_that_is_refused_is_no_refusal_of_the_report(night: Night) -> None:
    lay(night.log, OURS)
    night.token = "an-old-one"  # noqa: S105  a made-up one
    night.life()
    assert (night.shared(), night.completed(), "401" in night.said[0]) == ([], [], True)
    night.token = TOKEN
    night.life()
    assert len(night.completed()) == 1


def test_what_the_map_did_not_take_is_told_again_only_when_it_changed(night: Night) -> None:
    lay(night.log, replace(OURS, depth=None, depth_unit=""))
    night.life()
    night.life()
    assert [one.detail for one in night.shared()] == ["not taken: it states no depth, depth_unit"]
    lay(night.log, OURS)
    night.life()
    assert len(night.completed()) == 1
    assert [one.detail.partition(":")[0] for one in night.shared()] == ["not taken", "taken"]


def test_a_depth_in_the_settings_stands_for_one_that_a_report_does_not_state(night: Night) -> None:
    night.settings = {"depth": 20.5}
    lay(night.log, replace(OURS, depth=None, depth_unit=""))
    night.life()
    (done,) = night.completed()
    assert (done["depth"], done["depth_unit"]) == (20.5, "ab_mag")


@pytest.mark.parametrize("trouble", ["lost", "lost after", "broken", "rubbish"])
def test_an_answer_that_was_lost_makes_no_second_pointing(night: Night, trouble: Any) -> None:
    lay(night.log, OURS)
    night.map.trouble = trouble
    night.life()
    assert night.shared() == []
    night.map.trouble = ""
    night.life()
    assert len(night.completed()) == len(night.shared()) == 1


def test_an_event_that_the_map_does_not_know_yet_holds_no_other_up(night: Night) -> None:
    put(night.log, (replace(GW, alert_id="n", thread_id="lvk:S170818a"),), slot="more")
    lay(night.log, replace(OURS, thread_id="lvk:S170818a", report_id="a"), OURS)
    service = night.service()
    drain((service,))
    assert [one.reference for one in night.shared()] == ["night-1/7"]
    night.map.events.add("S170818a")
    night.now += timedelta(minutes=6)
    drain((service,))
    assert [one.reference for one in night.shared()] == ["night-1/7", "a"]
    service.close()


@pytest.mark.parametrize("fault", ["retry", "lost", "unknown"])
def test_a_commit_that_fails_doubles_nothing(night: Night, fault: str) -> None:
    night.map.add("S170817", status="completed", **LOOKED)
    lay(night.log, WANTED, OURS)
    faults = iter([fault, fault])
    failing = Failing(night.log, lambda _: next(faults, ""))
    service = night.service(failing)
    drain_patiently((service,), lambda _: None, night.said.append, 60.0)
    service.close()
    assert len(failing.failed) == 2
    assert len(night.others()) == len(night.completed()) == len(night.shared()) == 1


def test_a_pointing_that_cannot_be_read_is_told_once(night: Night) -> None:
    night.map.add("S170817", status="completed", instrumentid=7, **LOOKED)
    lay(night.log, WANTED)
    service = night.service()
    drain((service,))
    night.now += timedelta(minutes=6)
    drain((service,))
    assert night.said == [f"treasure-map: {EVENT}: pointing 1000 of DECam: its instrument has no footprint"]
    service.close()


POLICY = (
    wide_camera("imager")
    + """
[[policy]]
name = "tiles"
source = "a test"
cause = "alert"
messengers = ["gravitational_wave"]
facilities = ["imager"]
ask = "tiles"
tiles_max = 4
expires_h = 24.0
exposure_s = 60.0
max_airmass = 2.5
"""
)


@pytest.mark.parametrize(("told", "less"), [("2017-08-17T19:00:00", "less"), ("2017-08-17T23:00:00", "")])
def test_the_next_plan_leaves_out_what_others_had_told_before_the_second_notice(
    night: Night, told: str, less: str
) -> None:
    def plan() -> ToORequest:
        workers = planners(night.log, load_policies(POLICY))
        drain(workers)
        for worker in workers:
            worker.close()
        last: ToORequest = decoded(night.log, topics.TOO_REQUESTS.name)[-1]
        return last

    first = plan()
    row = night.map.add("S170817", status="completed", **LOOKED)
    night.map.rows[row]["datecreated"] = told
    night.life()
    (seen,) = night.others()
    assert contains(moc_ranges(seen.footprint), pixel(*AT2017GFO))
    assert plan() == first
    put(night.log, (replace(GW, alert_id="gw-2", issued_time=MERGER + timedelta(hours=8)),), slot="more")
    later = plan()
    assert (first.revision, later.revision) == (1, 2)
    assert ("left out" in later.reason) == bool(less)
    assert ((later.probability or 1.0) < (first.probability or 0.0)) == bool(less)
