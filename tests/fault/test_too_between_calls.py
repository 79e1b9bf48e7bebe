"""What happens between two calls to a telescope is heeded before the second: news on the log, and the clock."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import cast

import pytest
from road import Failing, FailingWriter
from too_night import EVENING, Night, gone, wanted

from nuncius.broker.transport.port import Log, Transaction, Writer
from nuncius.consumers.adapter import answer
from nuncius.schemas import ToORequest

LATE = EVENING + timedelta(seconds=30)


def taken_back(night: Night) -> None:
    night.put(gone(2, "b"))


def refused(night: Night) -> None:
    night.says("Ana", "rejected", wanted(ident="b"))


def expired(night: Night) -> None:
    night.now = LATE


def revised(night: Night) -> None:
    night.put(wanted(2, "b", needs_approval=True))


@pytest.fixture
def night() -> Iterator[Night]:
    with Night() as made:
        yield made


@pytest.mark.parametrize("event", [taken_back, refused, expired, revised])
def test_what_comes_while_one_is_asked_is_heeded_before_the_next(night: Night, event: Callable[[Night], None]) -> None:
    def first_takes_its_time(asked: ToORequest) -> None:
        if asked.request_id == "a":
            event(night)

    night.telescope.meanwhile = first_takes_its_time
    night.put(wanted(ident="a"), wanted(ident="b", expires=LATE), wanted(ident="c"))
    night.deliver()
    assert night.telescope.asked() == ["a/1", "c/1"]


def test_a_no_behind_much_talk_of_others_is_heeded(night: Night) -> None:
    night.deliver()
    night.tell(*(answer(wanted(ident=f"other {n}"), "recorded", "recorder") for n in range(1200)))
    night.says("Ana", "rejected", wanted())
    night.put(wanted())
    night.deliver()
    assert night.telescope.calls == []


class Stalling(FailingWriter):
    """A writer whose first commit of a status takes an hour."""

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with self.inner.transaction() as tx:
            yield tx
        self.owner.plan(self.slot)


class StallingLog(Failing):
    """A log with such writers."""

    def writer(self, slot: str) -> Writer:
        return cast("Writer", Stalling(self, slot, self.log.writer(slot)))


def test_what_expired_while_the_log_was_slow_is_not_asked(night: Night) -> None:
    slots: list[str] = []

    def first_is_slow(slot: str) -> str:
        slots.append(slot)
        if len(slots) == 1:
            night.now = LATE
        return ""

    night.service.close()
    night.log = cast("Log", StallingLog(night.log, first_is_slow))
    night.start()
    night.put(wanted(expires=LATE))
    slots.clear()
    night.now = EVENING
    night.deliver()
    night.hours(0.2)
    assert night.telescope.asked() == []
    assert night.said()[-1] == (1, "cancelled")


def test_looking_at_many_holds_up_no_request(night: Night) -> None:
    """Each look takes twenty seconds, sixty requests stand at the telescope."""
    telescope = night.telescope
    night.put(*(wanted(ident=f"{n:02}") for n in range(60)))
    night.deliver()
    asked_at: list[datetime] = []

    def slowly(_: ToORequest) -> None:
        if telescope.calls[-1] == "submit new/1":
            asked_at.append(night.now)
        elif telescope.calls[-1].startswith("look"):
            night.now += timedelta(seconds=20)
            if len(telescope.asked("look")) == 5:
                asked_at.append(night.now)
                night.put(wanted(ident="new"))

    telescope.meanwhile = slowly
    night.hours(0.2, every_s=10.0)
    came, went = asked_at
    assert went - came <= timedelta(seconds=20)
    assert len(set(telescope.asked("look"))) > 10


def test_nobody_asks_for_ever_after_what_the_telescope_never_speaks_of(night: Night) -> None:
    night.put(wanted(expires=EVENING + timedelta(hours=1)))
    night.deliver()
    night.hours(26, every_s=600.0)
    seen = len(night.telescope.asked("look"))
    assert 100 < seen <= 25 * 6
    night.hours(5, every_s=600.0)
    assert len(night.telescope.asked("look")) == seen
