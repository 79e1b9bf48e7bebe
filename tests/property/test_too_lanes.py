"""Two lanes end where one planner over all policies does, whatever comes when to which of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from how_many import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from too_cases import AT2017GFO, GRB, GW, MAP_OUT, POLICIES, REAL_NULL, TRACK, coincidence, inputs, member, wide_camera

from nuncius.broker.planning.engine import Planner
from nuncius.broker.planning.footprints import footprint
from nuncius.broker.planning.lanes import LANES, Lane
from nuncius.broker.planning.policies_toml import load_policies
from nuncius.broker.planning.telescope import CircleField
from nuncius.broker.sky.moc import moc_ascii
from nuncius.schemas import Alert, Coincidence, ObservationReport, ToORequest

Record = Alert | Coincidence | ObservationReport

COMMON = """
source = "a test"
facility = "camera"
ask = "tiles"
tiles_max = 2
expires_h = 24.0
exposure_s = 60.0
max_airmass = 2.5
"""
ALL = load_policies(
    wide_camera("camera")
    + POLICIES
    + f"""
[[policy]]
name = "fields"
cause = "coincidence"
rules = ["gw-grb"]
max_expected_by_chance = 0.01
{COMMON}
[[policy]]
name = "fields of the track"
cause = "alert"
messengers = ["neutrino"]
min_p_astro = 0.3
{COMMON}
"""
)
"""One cause has policies of both lanes that ask different facilities, another one of both that ask at the same time."""


@st.composite
def coincidences(draw: st.DrawFn, revision: int) -> Coincidence:
    return coincidence(
        revision,
        state=draw(st.sampled_from(["active", "revised", "retracted"])),
        partner=member(GRB, retracted=draw(st.booleans())),
        significance=replace(REAL_NULL, expected_by_chance=draw(st.sampled_from([1e-6, 1.0]))),
        issued_time=MAP_OUT + timedelta(hours=draw(st.integers(0, 12))),
    )


@st.composite
def reports(draw: st.DrawFn, number: int) -> ObservationReport:
    return ObservationReport(
        report_id=f"theirs-{number}",
        thread_id=GW.thread_id,
        facility="others",
        state="completed",
        footprint=moc_ascii(footprint(CircleField(1.0), AT2017GFO[0] + number, AT2017GFO[1])),
        run_mode="live",
        issued_time=MAP_OUT + timedelta(hours=draw(st.integers(-1, 12))),
    )


@st.composite
def arrivals(draw: st.DrawFn) -> list[Record]:
    """A history in any order, some of it twice."""
    track = replace(TRACK, kind=draw(st.sampled_from(["update", "retraction"])), alert_id="nu-2")
    history: list[Record] = [
        *(GW, GRB, TRACK, track),
        *(draw(coincidences(n)) for n in range(1, 1 + draw(st.integers(0, 3)))),
        *(draw(reports(n)) for n in range(draw(st.integers(0, 2)))),
    ]
    return draw(st.permutations([*history, *draw(st.lists(st.sampled_from(history), max_size=3))]))


@dataclass
class Service:
    """A lane at work: how far it came, and the requests of both lanes."""

    lane: Lane
    asked: list[ToORequest]
    at: int = 0
    planner: Planner = field(init=False)

    def __post_init__(self) -> None:
        self.planner = Planner(self.lane.policies)

    def step(self, records: Sequence[Record], count: int, *, abort: bool) -> None:
        outcome = self.planner.step(inputs(*records[self.at : self.at + count]))
        if not abort:
            self.asked.extend(outcome.effects)
            self.planner.apply(outcome.delta)
            self.at = min(self.at + count, len(records))

    def restart(self, records: Sequence[Record]) -> None:
        self.planner = Planner(self.lane.policies)
        self.planner.apply(self.planner.learn(inputs(*records[: self.at])))
        self.planner.restore([one for one in self.asked if self.lane.owns(one.policy)])


def last(asked: Sequence[ToORequest]) -> dict[str, ToORequest]:
    """The last word on each request, without revision and record times."""
    return {one.request_id: replace(one, revision=0, idempotency_key="", issued_time=None) for one in asked}


@pytest.mark.long
@settings(max_examples=examples(40), deadline=None)
@given(records=arrivals(), data=st.data())
def test_both_lanes_end_where_one_planner_does(records: list[Record], data: st.DataObject) -> None:
    asked: list[ToORequest] = []
    services = [Service(Lane(name, ALL), asked) for name in LANES]
    while behind := [one for one in services if one.at < len(records)]:
        service = data.draw(st.sampled_from(behind))
        what = data.draw(st.sampled_from(["go", "go", "abort", "restart"]))
        if what == "restart":
            service.restart(records)
        service.step(records, data.draw(st.integers(1, 4)), abort=what == "abort")
    assert last(asked) == last(Planner(ALL).step(inputs(*records)).effects)
    revisions = [(one.request_id, one.revision) for one in asked]
    assert len(revisions) == len(set(revisions))
