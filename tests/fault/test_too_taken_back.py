"""No request outlives its cause: retractions and changed policies, at deaf and stubborn facilities too."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from road import decoded
from too_cases import (
    GRB,
    GRB_SWIFT,
    GW,
    MAP_OUT,
    POLICIES,
    REAL_NULL,
    TRACK,
    candidate_list,
    coincidence,
    member,
)
from too_log import lay
from too_night import Night, Telescope

from nuncius.broker.planning.policies_toml import load_policies
from nuncius.broker.services.delivering import Delivering, Route
from nuncius.broker.services.planning import planners
from nuncius.broker.services.runner import drain
from nuncius.broker.services.too_book import book
from nuncius.broker.transport import topics
from nuncius.schemas import Alert, CandidateList, Coincidence, Pair, ToORequest

AUTOMATIC = POLICIES.replace("expires_h", "approval = false\nexpires_h").replace("2.0\napproval = false", "2.0")
"""The policies of `too_cases`, none of which waits for a person."""

TRACK_OUT = datetime(2017, 9, 22, 20, 57, tzinfo=UTC)

Record = Alert | Coincidence | CandidateList


@dataclass
class House:
    """Planning and two telescopes on one log: ``imager`` and ``spectrograph`` are asked by each."""

    night: Night
    policies: str = AUTOMATIC
    second: Telescope = field(default_factory=lambda: Telescope("second"))

    def __post_init__(self) -> None:
        self.open()

    @property
    def telescopes(self) -> tuple[Telescope, Telescope]:
        return self.night.telescope, self.second

    def open(self) -> None:
        self.planning = planners(self.night.log, load_policies(self.policies))
        self.other = Delivering(self.night.log, Route(adapter=self.second), self.night.clock)

    def close(self) -> None:
        for planner in self.planning:
            planner.close()
        self.other.close()

    def restart(self, policies: str) -> None:
        """Everything stops, and starts with these policies."""
        self.close()
        self.policies = policies
        self.night.restart()
        self.open()
        self.work()

    def come(self, *records: Record) -> None:
        """Records onto the log, and all the work that follows."""
        lay(self.night.log, *records)
        self.work()

    def work(self) -> None:
        drain((*self.planning, self.night.service, self.other))

    def hours(self, count: float) -> None:
        for _ in range(int(count * 12)):
            self.night.now += timedelta(minutes=5)
            self.work()

    @property
    def last(self) -> dict[str, ToORequest]:
        """The last revision by policy."""
        return {one.policy: one for one in decoded(self.night.log, topics.TOO_REQUESTS.name)}


@pytest.fixture
def house() -> Iterator[House]:
    with ExitStack() as stack:
        night = stack.enter_context(Night(now=MAP_OUT + timedelta(hours=1)))
        made = House(night)
        stack.callback(made.close)
        yield made


def track_seen(house: House) -> None:
    """The track came years later: so does the night."""
    house.night.now = TRACK_OUT
    house.come(TRACK)


TWO = coincidence(2, others=(Pair(partner=member(GRB_SWIFT), dt_s=1.0, overlap=9.0, significance=REAL_NULL),))
ONE_LEFT = replace(
    TWO,
    revision=3,
    state="revised",
    partner=member(GRB_SWIFT),
    others=(replace(TWO.others[0], partner=member(GRB, retracted=True)),),
)
RETRACTIONS: dict[str, tuple[tuple[Record, ...], Record]] = {
    "pair": ((GW, GRB, coincidence()), coincidence(2, state="retracted")),
    "candidate": ((GW, candidate_list()), candidate_list(2, state="retracted")),
    "track": ((TRACK,), replace(TRACK, alert_id="nu-2", kind="retraction", issued_time=None)),
}


@pytest.mark.parametrize("policy", RETRACTIONS)
@pytest.mark.parametrize("trouble", ["none", "deaf from the retraction on", "deaf from the beginning"])
def test_what_followed_from_it_is_taken_back_everywhere(house: House, policy: str, trouble: str) -> None:
    records, retraction = RETRACTIONS[policy]
    if policy == "track":
        track_seen(house)
    house.second.deaf = trouble == "deaf from the beginning"
    house.come(*records)
    ident = house.last[policy].request_id
    assert house.last[policy].state == "proposed"
    assert house.night.telescope.holds == {ident: 1}
    house.second.deaf = trouble != "none"
    house.second.holds = {ident: 1}
    house.come(retraction)
    assert house.night.telescope.holds == {}
    if trouble != "none":
        house.hours(2)
        assert house.second.holds
        assert len(house.second.asked("cancel")) > 20
        house.night.restart()
        house.second.deaf = False
        house.hours(0.1)
    assert house.second.holds == {}
    assert house.night.said(ident, "second")[-1][1] == "cancelled"
    for telescope in house.telescopes:
        calls = len(telescope.calls)
        house.hours(0.5)
        assert len(telescope.calls) == calls


def test_what_a_telescope_will_not_drop_is_said_to_people(house: House) -> None:
    house.come(GW, GRB, coincidence())
    house.second.stubborn = True
    house.come(coincidence(2, state="retracted"))
    house.hours(2)
    (entry,) = book(house.night.log)
    assert entry.state == "not_cancelled"
    (last,) = (s for s in entry.told if s.state == "not_cancelled")
    assert (last.adapter, last.detail) == ("second", "the shutter is open")
    assert house.second.asked("cancel") == [f"{entry.latest.request_id}/2"]


def test_a_member_taken_back_is_scored_anew_and_not_blindly_cancelled(house: House) -> None:
    house.come(GW, GRB, GRB_SWIFT, TWO)
    house.come(ONE_LEFT)
    rescored = house.last["pair"]
    assert rescored.state == "proposed"
    assert "Swift" in rescored.reason
    assert [telescope.asked("cancel") for telescope in house.telescopes] == [[], []]
    nobody = replace(ONE_LEFT, revision=4, partner=member(GRB_SWIFT, retracted=True))
    house.come(nobody)
    assert house.last["pair"].state == "cancelled"
    assert [telescope.holds for telescope in house.telescopes] == [{}, {}]


def without(policy: str) -> str:
    """The policies but one."""
    return "[[policy]]".join(part for part in AUTOMATIC.split("[[policy]]") if f'name = "{policy}"' not in part)


@pytest.mark.parametrize(
    "policies",
    [
        without("pair"),
        AUTOMATIC.replace('name = "pair"', 'name = "pair"\nenabled = false'),
        AUTOMATIC.replace('name = "pair"', 'name = "renamed"'),
        AUTOMATIC.replace('rules = ["gw-grb"]', 'rules = ["gw-frb"]'),
        AUTOMATIC.replace("max_expected_by_chance = 0.01", "max_expected_by_chance = 1e-9"),
        AUTOMATIC.replace('facility = "imager"', 'facility = "another"'),
    ],
    ids=["removed", "disabled", "renamed", "other rules", "stricter", "other facility"],
)
def test_what_no_policy_asks_any_more_is_taken_back_at_the_next_start(house: House, policies: str) -> None:
    house.come(GW, GRB, coincidence())
    ident = house.last["pair"].request_id
    assert [telescope.holds for telescope in house.telescopes] == [{ident: 1}] * 2
    house.restart(policies)
    assert house.last["pair"].state in {"cancelled", "rejected"}
    assert [telescope.holds for telescope in house.telescopes] == [{}, {}]
    house.restart(AUTOMATIC)
    assert (house.last["pair"].state, house.last["pair"].revision) == ("proposed", 3)
    assert [telescope.holds for telescope in house.telescopes] == [{ident: 3}] * 2


def test_an_edited_policy_revises_what_is_out(house: House) -> None:
    house.come(GW, GRB, coincidence())
    house.restart(AUTOMATIC.replace("exposure_s = 60.0", "exposure_s = 90.0"))
    (revised,) = {telescope.asked()[-1] for telescope in house.telescopes}
    assert (revised, house.last["pair"].exposure_s) == (house.last["pair"].idempotency_key, 90.0)


def test_a_start_with_the_same_policies_says_nothing(house: House) -> None:
    house.come(GW, GRB, coincidence())
    before = [decoded(house.night.log, topic.name) for topic in (topics.TOO_REQUESTS, topics.TOO_STATUS)]
    for _ in range(2):
        house.restart(AUTOMATIC)
    assert [decoded(house.night.log, topic.name) for topic in (topics.TOO_REQUESTS, topics.TOO_STATUS)] == before


def test_a_new_policy_asks_nothing_for_what_came_before_it(house: House) -> None:
    house.policies = without("pair")
    house.close()
    house.open()
    house.come(GW, GRB, coincidence(), candidate_list())
    house.restart(AUTOMATIC)
    assert house.last.keys() == {"candidate"}
