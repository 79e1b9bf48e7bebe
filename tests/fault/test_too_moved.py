"""A facility moved to another adapter, and an adapter taken out of the settings: nothing stands without a word."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Self

import pytest
from road import decoded
from too_log import lay
from too_night import EVENING, Telescope, gone, wanted

from nuncius.broker.planning.lifecycle import BACK, LEFT, MOVED, PERSON
from nuncius.broker.planning.told import SEEN
from nuncius.broker.services.delivering import Delivering, Route, acquainted
from nuncius.broker.services.left_behind import said_to_be_left, watching_left
from nuncius.broker.services.runner import drain
from nuncius.broker.services.too_book import Entry, book
from nuncius.broker.services.too_doctor import examine_requests
from nuncius.broker.services.too_watch import Watching
from nuncius.broker.transport import topics
from nuncius.broker.transport.local import open_local
from nuncius.broker.transport.port import Log
from nuncius.consumers.adapter import answer
from nuncius.schemas import ToORequest, ToOStatus

IMAGER = frozenset({"imager"})
OTHER = frozenset({"spectrograph"})


@dataclass
class Yard:
    """A log, two telescopes, and a broker whose settings say which of them serves which facilities."""

    old: Telescope = field(default_factory=lambda: Telescope("old"))
    new: Telescope = field(default_factory=lambda: Telescope("new"))
    now = EVENING
    log: Log = field(init=False)
    said: list[str] = field(default_factory=list)
    works: tuple[Delivering | Watching, ...] = ()

    def __post_init__(self) -> None:
        self.log = open_local(None, lambda: self.now)
        self.log.create(topics.TOPICS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.log.close()

    def stop(self) -> None:
        for one in self.works:
            one.close()
        self.works = ()

    def start(self, **serves: frozenset[str] | None) -> None:
        """The broker stops, and starts with such settings."""
        self.stop()
        known: Mapping[str, Telescope] = {"old": self.old, "new": self.new}
        routes = acquainted(*(Route(adapter=known[name], facilities=which) for name, which in serves.items()))
        self.works = (
            *(Delivering(self.log, route, lambda: self.now) for route in routes),
            watching_left(self.log, serves, lambda: self.now, self.said.append),
        )
        self.work()

    def put(self, *records: ToORequest | ToOStatus) -> None:
        lay(self.log, *records)
        self.work()

    def work(self, seconds: float = 10.0) -> None:
        for _ in range(5):
            self.now += timedelta(seconds=seconds / 5)
            drain(self.works)

    def told(self, adapter: str) -> list[tuple[int, str]]:
        return [(one.revision, one.state) for one in self.statuses(adapter)]

    def statuses(self, adapter: str) -> list[ToOStatus]:
        return [one for one in decoded(self.log, topics.TOO_STATUS.name) if one.adapter == adapter]

    def entry(self) -> Entry:
        (found,) = book(self.log)
        return found


@pytest.fixture
def yard() -> Iterator[Yard]:
    with Yard() as made:
        made.start(old=IMAGER, new=OTHER)
        made.put(wanted())
        assert made.old.holds == {"r": 1}
        yield made


def test_what_was_moved_is_taken_back_there_before_it_is_asked_here(yard: Yard) -> None:
    yard.start(old=OTHER, new=IMAGER)
    assert (yard.old.holds, yard.new.holds) == ({}, {"r": 1})
    assert yard.told("old") == [(1, "sent"), (1, "accepted"), (1, "proposed"), (1, "cancelled")]
    assert yard.statuses("old")[2].detail.startswith(MOVED)
    assert yard.told("new")[-2:] == [(1, "sent"), (1, "accepted")]
    every = decoded(yard.log, topics.TOO_STATUS.name)
    order = [(one.adapter, one.state) for one in every]
    assert order.index(("old", "cancelled")) < order.index(("new", "sent"))
    assert yard.entry().state == "accepted"
    calls = len(yard.old.calls)
    yard.start(old=OTHER, new=IMAGER)
    assert (len(yard.old.calls), yard.new.asked()) == (calls, ["r/1"])


def test_while_the_old_one_does_not_answer_the_new_one_waits_and_says_so(yard: Yard) -> None:
    yard.old.deaf = True
    yard.start(old=OTHER, new=IMAGER)
    yard.work(3600)
    assert yard.new.asked() == []
    (held,) = yard.statuses("new")
    assert "still stands at old, to be taken back there first" in held.detail
    assert len(yard.old.asked("cancel")) > 3
    yard.start(old=OTHER, new=IMAGER)
    yard.old.deaf = False
    yard.work(1500)
    assert (yard.old.holds, yard.new.holds) == ({}, {"r": 1})


def test_what_the_old_one_will_not_drop_is_said_and_the_new_one_asks(yard: Yard) -> None:
    yard.old.stubborn = True
    yard.start(old=OTHER, new=IMAGER)
    assert (yard.old.holds, yard.new.holds) == ({"r": 1}, {"r": 1})
    assert yard.told("old")[-1] == (1, "not_cancelled")
    assert yard.statuses("new")[-2].detail == "asking, although it may still stand at old"
    assert yard.old.asked("cancel") == ["r/1"]
    yard.put(gone())
    assert yard.new.holds == {}
    assert yard.told("old")[-1] == (2, "not_cancelled")


def test_moved_and_back_it_stands_at_one_at_the_most_and_a_later_revision_is_asked(yard: Yard) -> None:
    yard.start(old=OTHER, new=IMAGER)
    yard.start(old=IMAGER, new=OTHER)
    assert (yard.old.holds, yard.new.holds) == ({}, {})
    assert yard.statuses("old")[-1].state == "rejected"
    assert "moved" in yard.statuses("old")[-1].detail
    assert yard.entry().state == "rejected"
    yard.put(wanted(2))
    assert (yard.old.holds, yard.new.holds) == ({"r": 2}, {})


def test_what_had_expired_is_left_alone(yard: Yard) -> None:
    yard.now += timedelta(hours=48)
    yard.start(old=OTHER, new=IMAGER)
    yard.start(new=IMAGER)
    assert (yard.old.asked("cancel"), yard.new.calls, yard.said) == ([], [], [])


def test_what_stands_at_an_adapter_that_is_gone_is_said_on_the_log_and_to_the_operator_once(yard: Yard) -> None:
    for _ in range(3):
        yard.start(new=OTHER)
    assert yard.told("old")[2:] == [(1, "proposed")]
    assert yard.statuses("old")[-1].detail.startswith(LEFT)
    assert [line[:30] for line in yard.said] == ["request r still stands at old "] * 3
    (left,) = said_to_be_left(yard.entry(), yard.now)
    assert left.adapter == "old"
    (finding,) = examine_requests(yard.log, ["new"], yard.now)
    assert (finding.verdict, "call them" in finding.detail) == ("wrong", True)
    assert list(examine_requests(yard.log, ["new", "old"], yard.now)) == []
    assert yard.entry().state == "accepted"


def test_what_is_taken_back_at_an_adapter_that_is_gone_is_an_alarm_until_it_is_there_again(yard: Yard) -> None:
    yard.start(new=OTHER)
    yard.put(gone())
    last = yard.statuses("old")[-1]
    assert (last.revision, last.state, last.reference) == (2, "not_cancelled", "r")
    assert yard.entry().state == "not_cancelled"
    yard.start(new=OTHER)
    assert yard.statuses("old")[-1] == last
    yard.start(old=IMAGER, new=OTHER)
    assert yard.old.holds == {}
    assert yard.told("old")[-2:] == [(2, "proposed"), (2, "cancelled")]
    assert yard.statuses("old")[-2].detail.startswith(BACK)
    assert said_to_be_left(yard.entry(), yard.now) == ()


def test_what_a_new_adapter_asks_beside_one_that_is_gone_says_so(yard: Yard) -> None:
    yard.start(new=IMAGER)
    assert yard.new.holds == {"r": 1}
    assert yard.statuses("new")[-2].detail == "asking, although it may still stand at old"
    assert yard.statuses("old")[-1].detail.startswith(LEFT)


def test_people_desks_and_those_who_were_told_are_no_adapters_that_are_gone(yard: Yard) -> None:
    for name in ("tell-shift", f"{SEEN}old", "shared-map", "recorder"):
        yard.put(answer(wanted(), "recorded", name))
    yard.put(replace(answer(wanted(), "approved", PERSON), who="Ana"), answer(wanted(), "accepted", "desk-imager"))
    yard.start(old=IMAGER, new=OTHER)
    assert yard.said == []


def test_two_brokers_with_unlike_settings_do_not_talk_for_ever(yard: Yard) -> None:
    *_, watching = yard.works
    watching.close()
    other = watching_left(yard.log, ["new"], lambda: yard.now, yard.said.append)
    yard.works = (*yard.works[:-1], other)
    yard.work(600)
    assert yard.told("old")[2:] == [(1, "proposed")]
    for one in yard.works[:-1]:
        one.reopen()
    yard.work(600)
    assert [one.detail[:5] for one in yard.statuses("old")[2:]] == [LEFT[:5], BACK[:5]]
