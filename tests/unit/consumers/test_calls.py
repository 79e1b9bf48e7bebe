"""A call that does not come back holds up its own request, and nothing else; what it says in the end is learned."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event
from typing import Final

import pytest
from too_cases import MERGER, request

from nuncius.broker.planning.lifecycle import SILENT
from nuncius.consumers.adapter import answer
from nuncius.consumers.calls import Calls, Patience, Slow, UnderWay
from nuncius.consumers.delivery import FAULT, Outbox
from nuncius.consumers.outside import Guarded
from nuncius.schemas import Retry, ToORequest, ToOStatus

NOW = MERGER + timedelta(hours=12)
IMPATIENT = Patience(held_s=0.02, unknown_s=60.0, most=2)
ENDED_S: Final = 10.0


@dataclass
class Scope:
    """A real adapter whose calls about requests named ``stuck…`` end when they are let go."""

    go: Event = field(default_factory=Event)
    calls: list[str] = field(default_factory=list)
    back: list[str] = field(default_factory=list)

    name: Final = "scope"
    real: Final = True
    public: Final = False

    def submit(self, wanted: ToORequest, _standing: str) -> ToOStatus:
        return self._call("submit", wanted, answer(wanted, "accepted", self.name, reference="17"))

    def cancel(self, gone: ToORequest, _standing: str) -> ToOStatus:
        return self._call("cancel", gone, answer(gone, "cancelled", self.name))

    def look(self, asked: ToORequest, _standing: str) -> ToOStatus | None:
        return self._call("look", asked, answer(asked, "scheduled", self.name))

    def _call(self, what: str, about: ToORequest, status: ToOStatus) -> ToOStatus:
        self.calls.append(f"{what} {about.idempotency_key}")
        if about.request_id.startswith("stuck"):
            assert self.go.wait(ENDED_S)
        self.back.append(what)
        return status


@pytest.fixture
def scope() -> Iterator[Scope]:
    made = Scope()
    yield made
    made.go.set()


def told(outbox: Outbox, minutes: float = 0.0) -> list[tuple[str, int, str]]:
    return [(one.request_id, one.revision, one.state) for one in outbox.deliver(now=NOW + timedelta(minutes=minutes))]


def come_back(guarded: Guarded, ident: str = "stuck") -> None:
    """Until the call has ended; the test's own time-out is the bound."""
    while (left := guarded.late(ident)) is not None and left[1] is None:
        Event().wait(0.001)


def test_others_are_asked_and_told_to_drop_it_meanwhile(scope: Scope) -> None:
    outbox = Outbox(Guarded(scope, IMPATIENT))
    outbox.take([request(ident="stuck", priority=2), request(ident="other")])
    assert told(outbox) == [("stuck", 1, "sent"), ("other", 1, "sent"), ("other", 1, "accepted")]
    outbox.take([request(2, "other", state="cancelled")])
    assert told(outbox, 10) == [("other", 2, "cancelled")]
    assert scope.calls == ["submit stuck/1", "submit other/1", "cancel other/2"]


def test_its_answer_is_learned_when_it_comes(scope: Scope) -> None:
    guarded = Guarded(scope, IMPATIENT)
    outbox = Outbox(guarded)
    outbox.take([request(ident="stuck")])
    assert told(outbox) == [("stuck", 1, "sent")]
    assert told(outbox, 60) == []
    scope.go.set()
    come_back(guarded)
    (status,) = outbox.deliver(now=NOW + timedelta(minutes=61))
    assert (status.state, status.reference) == ("accepted", "17")
    assert told(outbox, 70) == []
    assert scope.calls == ["submit stuck/1"]


def test_after_long_its_outcome_is_unknown_which_is_said_once_and_nothing_is_asked_twice(scope: Scope) -> None:
    guarded = Guarded(scope, Patience(held_s=0.02, unknown_s=0.0))
    outbox = Outbox(guarded)
    outbox.take([request(ident="stuck")])
    list(outbox.deliver(now=NOW))
    (lost,) = outbox.deliver(now=NOW + timedelta(seconds=1))
    assert (lost.state, lost.detail.startswith(FAULT)) == ("sent", True)
    (held,) = outbox.deliver(now=NOW + timedelta(minutes=6))
    assert (held.state, held.detail) == ("proposed", "held back: the call before has not come back")
    assert told(outbox, 20) == []
    assert scope.calls == ["submit stuck/1"]
    scope.go.set()
    come_back(guarded)
    assert told(outbox, 21) == [("stuck", 1, "accepted")]
    assert told(outbox, 22) == []


def test_its_own_withdrawal_waits_for_it_and_people_are_told(scope: Scope) -> None:
    guarded = Guarded(scope, Patience(held_s=0.02, unknown_s=0.0))
    outbox = Outbox(guarded)
    outbox.take([request(ident="stuck")])
    list(outbox.deliver(now=NOW))
    outbox.take([request(2, "stuck", state="cancelled")])
    said = [one for minute in range(1, 30) for one in outbox.deliver(now=NOW + timedelta(minutes=minute))]
    assert {one.state for one in said} == {"sent", "not_cancelled"}
    assert [one.detail.startswith(SILENT) for one in said if one.state == "not_cancelled"] == [True]
    scope.go.set()
    come_back(guarded)
    assert told(outbox, 40) == [("stuck", 1, "accepted"), ("stuck", 2, "cancelled")]
    assert scope.calls == ["submit stuck/1", "cancel stuck/2"]


def test_a_withdrawal_that_hangs_is_not_repeated_and_ends(scope: Scope) -> None:
    guarded = Guarded(scope, IMPATIENT)
    outbox = Outbox(guarded)
    outbox.take([request(ident="stuck")])
    outbox.learn([answer(request(ident="stuck"), "accepted", "scope")])
    outbox.take([request(2, "stuck", state="cancelled")])
    assert (told(outbox), told(outbox, 5)) == ([], [])
    scope.go.set()
    come_back(guarded)
    assert told(outbox, 6) == [("stuck", 2, "cancelled")]
    assert scope.calls == ["cancel stuck/2"]


def test_a_log_that_is_folded_anew_forgets_no_call(scope: Scope) -> None:
    guarded = Guarded(scope, IMPATIENT)
    before = Outbox(guarded)
    before.take([request(ident="stuck")])
    said = list(before.deliver(now=NOW))
    again = Outbox(guarded)
    again.take([request(ident="stuck")])
    again.learn(said)
    assert told(again, 60) == []
    scope.go.set()
    come_back(guarded)
    assert told(again, 61) == [("stuck", 1, "accepted")]
    assert scope.calls == ["submit stuck/1"]


def test_an_answer_that_was_not_written_comes_again(scope: Scope) -> None:
    guarded = Guarded(scope, IMPATIENT)
    outbox = Outbox(guarded)
    outbox.take([request(ident="stuck")])
    said = list(outbox.deliver(now=NOW))
    scope.go.set()
    come_back(guarded)
    assert next(outbox.deliver(now=NOW)).state == "accepted"  # the disk is full, say
    again = Outbox(guarded)
    again.take([request(ident="stuck")])
    again.learn(said)
    assert told(again, 60) == [("stuck", 1, "accepted")]


def test_so_many_hang_that_nothing_more_is_asked_but_withdrawals_go_out(scope: Scope) -> None:
    outbox = Outbox(Guarded(scope, IMPATIENT))
    outbox.learn([answer(request(ident="there"), "accepted", "scope")])
    outbox.take([request(ident="stuck a"), request(ident="stuck b"), request(ident="there")])
    assert told(outbox) == [("stuck a", 1, "sent"), ("stuck b", 1, "sent")]
    outbox.take([request(ident="new"), request(2, "there", state="cancelled")])
    assert told(outbox, 1) == [("there", 2, "cancelled"), ("new", 1, "proposed")]
    assert told(outbox, 2) == []
    scope.go.set()


def test_a_look_that_hangs_holds_up_no_withdrawal(scope: Scope) -> None:
    outbox = Outbox(Guarded(scope, Patience(held_s=0.02, unknown_s=0.0)))
    outbox.take([request(ident="stuck", expires=NOW + timedelta(days=1))])
    outbox.learn([answer(request(ident="stuck"), "accepted", "scope")])
    looked = [one for minute in range(5) for one in outbox.look(now=NOW + timedelta(minutes=minute))]
    assert [(one.state, one.detail.startswith(FAULT)) for one in looked] == [("proposed", True)]
    outbox.take([request(2, "stuck", state="cancelled")])
    told(outbox, 6)
    assert scope.calls == ["look stuck/1", "cancel stuck/2"]


def test_what_it_raised_is_raised_where_it_is_asked_for() -> None:
    calls: Calls[int] = Calls("place", Patience(held_s=ENDED_S))

    def fails() -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        calls.make("one", fails, 1)


def test_one_at_a_time_about_one_thing() -> None:
    calls: Calls[bool] = Calls("place", Patience(held_s=0.01))
    go = Event()
    with pytest.raises(Slow):
        calls.make("one", go.wait, 5)
    with pytest.raises(UnderWay, match="the call before has not come back"):
        calls.make("one", go.wait, 5)
    with pytest.raises(UnderWay, match="1 calls to place have not come back"):
        calls.make("another", go.wait, 1)
    assert issubclass(Slow, Retry)
    go.set()
