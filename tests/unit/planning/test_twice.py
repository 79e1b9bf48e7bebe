"""Two policies that want the same look of one facility: one asks, the other waits behind it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest
from road import decoded
from too_cases import MERGER, NOWHERE, request
from too_night import Night
from too_tiles import tile

from nuncius.broker.planning.lifecycle import PERSON, Held, Life
from nuncius.broker.planning.twice import ByEvent, asked_already, doubled, same_look
from nuncius.broker.transport import topics
from nuncius.consumers.adapter import answer
from nuncius.schemas import ToORequest
from nuncius.schemas.vocabulary import RequestState

NOW: Final = MERGER + timedelta(hours=12)
BURST: Final[dict[str, Any]] = {"event_class": "supernova_neutrino", "event_time": MERGER}
PLAN: Final[dict[str, Any]] = {"ask": "tiles", "tiles": (tile(1, 197.0),), "target_name": "lvk:S1"}
NETWORK: Final = {**BURST, "event_thread": "snews:1", "target_name": "snews:1"}
LATER: Final = {**NETWORK, "event_time": MERGER + timedelta(seconds=10)}


def first(**changed: Any) -> ToORequest:
    known = {"policy": "first", "event_thread": "fermi-gbm:1", "target_name": "fermi-gbm:1", "exposure_s": 60.0}
    return request(1, "a", **(known | changed))


def second(**changed: Any) -> ToORequest:
    known = {"policy": "second", "event_thread": "fermi-gbm:1", "target_name": "fermi-gbm:1", "exposure_s": 60.0}
    return request(1, "b", **(known | changed))


@pytest.mark.parametrize(
    ("one", "wanted"),
    [
        ({}, {}),
        ({}, {"exposure_s": 600.0, "priority": 5.0}),
        ({"radius_deg": 1.0}, {"dec": -24.0}),
        ({"event_thread": "lvk:S1"}, {}),
        ({"event_thread": "lvk:S1", "follows": ("x", "y")}, {"event_thread": "lvk:S2", "follows": ("y",)}),
        ({**PLAN, "event_thread": "lvk:S1"}, {**PLAN, "event_thread": "lvk:S1", "tiles": (tile(1, 20.0),)}),
        ({**NOWHERE, **BURST}, {**NOWHERE, **LATER}),
        (BURST, {**NOWHERE, **NETWORK}),
        (NOWHERE, NOWHERE),
    ],
)
def test_the_same_look(one: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert same_look(first(**one), second(**wanted))
    by_event = ByEvent()
    by_event.put(first(**one))
    assert list(by_event.like(second(**wanted))) == ["a"]


def test_what_is_asked_for_other_events_is_not_compared() -> None:
    by_event = ByEvent()
    by_event.put(first(follows=("x",), event_class="grb"))
    by_event.put(first(request_id="c", event_thread="", target_name="", follows=("y",)))
    others = {"event_thread": "fermi-gbm:2", "target_name": "fermi-gbm:2", "event_class": "grb"}
    assert not list(by_event.like(second(**others)))


@pytest.mark.parametrize(
    ("one", "wanted"),
    [
        ({}, {"facility": "another"}),
        ({}, {"filter": "g"}),
        ({}, {"reality": "test"}),
        ({}, {"run_mode": "replay"}),
        ({}, {"cause_kind": "skyportal"}),
        ({}, {"dec": -24.0}),
        ({}, {"target_name": "fermi-gbm:2", "event_thread": "fermi-gbm:2"}),
        ({"event_thread": ""}, {"event_thread": "", "target_name": "AT2017gfo"}),
        ({"event_thread": "lvk:S1"}, {"event_thread": "lvk:S1", "target_name": "ztf:a"}),
        (PLAN, {}),
        (PLAN, {**PLAN, "ask": "galaxies"}),
        (NOWHERE, {}),
        ({**NOWHERE, **BURST}, {**NOWHERE, **NETWORK, "event_time": MERGER + timedelta(seconds=11)}),
        ({**NOWHERE, **BURST}, {**NOWHERE, **NETWORK, "event_class": "grb"}),
        ({**NOWHERE, **BURST}, {**NOWHERE, **NETWORK, "event_time": None}),
    ],
)
def test_another_look(one: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert not same_look(first(**one), second(**wanted))


HELD: Final = Held("policy first asked for it already, request a; it takes over from there", None)


@pytest.mark.parametrize(
    ("changed", "told", "held"),
    [
        ({}, [], None),
        ({}, ["sent"], HELD),
        ({}, ["sent", "accepted"], HELD),
        ({}, ["sent", "accepted", "scheduled", "observed"], HELD),
        ({}, ["sent", "accepted", "rejected"], None),
        ({}, ["sent", "rejected"], None),
        ({}, ["sent", "accepted", "expired"], None),
        ({"exposure_s": 30.0}, ["sent", "accepted"], HELD),
        ({"exposure_s": 30.0}, ["sent", "accepted", "observed"], None),
        ({"state": "cancelled"}, ["sent", "accepted"], None),
        ({"expires": NOW}, ["sent", "accepted"], None),
        ({"priority": 0.5}, ["sent", "accepted"], None),
        ({"priority": 9.0}, ["sent", "accepted"], HELD),
    ],
)
def test_it_waits_while_the_other_stands_and_takes_over_from_its_end(
    changed: dict[str, Any], told: list[RequestState], held: Held | None
) -> None:
    other = Life(revisions=(first(**changed),))
    for state in told:
        other = other.with_status(answer(other.latest, state, "telescope"))
    assert asked_already(Life(revisions=(second(),)), [other], NOW) == held


def test_of_all_that_is_wanted_each_that_waits_is_named_with_who_goes_first() -> None:
    third = request(1, "c", policy="third", event_thread="fermi-gbm:2", target_name="fermi-gbm:2")
    network = request(1, "d", policy="network", **NOWHERE, **NETWORK)
    detectors = request(1, "e", policy="detectors", **NOWHERE, **BURST, event_thread="superk:1", target_name="superk:1")
    high, gone = second(priority=2.0), first(request_id="f", state="rejected")
    assert list(doubled([first(), third, high, gone, detectors, network])) == [(high, first()), (network, detectors)]


def test_a_persons_no_to_the_first_lets_the_second_go() -> None:
    standing = Life(revisions=(first(),), told=(answer(first(), "sent", "telescope"),))
    declined = standing.with_status(answer(first(), "rejected", PERSON))
    assert asked_already(Life(revisions=(second(),)), [declined], NOW) is None


def test_nothing_waits_behind_itself() -> None:
    life = Life(revisions=(second(),), told=(answer(second(), "sent", "telescope"),))
    assert asked_already(life, [life], NOW) is None


def test_a_facility_gets_one_of_two_and_the_other_once_the_first_is_gone() -> None:
    high = second(priority=2.0)
    with Night() as night:
        night.put(first(), high)
        night.deliver()
        assert night.telescope.asked() == ["b/1"]
        (waits,) = [one for one in decoded(night.log, topics.TOO_STATUS.name) if one.request_id == "a"]
        assert (waits.state, waits.detail) == (
            "proposed",
            "held back: policy second asked for it already, request b; it takes over from there",
        )
        night.restart()
        night.put(replace(high, revision=2, idempotency_key="b/2", state="cancelled"))
        night.deliver()
        assert night.telescope.asked() == ["b/1", "a/1"]
        assert night.telescope.holds == {"a": 1}
