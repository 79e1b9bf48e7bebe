"""A telescope's desk keeps the same promises on the log and over HTTP."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import time, timedelta
from itertools import count
from typing import Any, Literal

import pytest
from desk_here import FACILITY, NOW, Room, asked, room
from desk_served import PATIENT, served
from pydantic import SecretStr
from too_cases import request

from nuncius.broker.app import open_log
from nuncius.broker.planning.restraint import Restraint
from nuncius.broker.services.too_doctor import examine_requests
from nuncius.broker.settings import Settings
from nuncius.broker.transport.port import Fenced
from nuncius.consumers.desk.answers import AnswerError
from nuncius.consumers.desk.handing import Handing
from nuncius.consumers.desk.over_http import DeskOverHttp
from nuncius.consumers.desk.seat import Run
from nuncius.schemas import Retry

NUMBERS = count(10_000_000)


@dataclass
class There:
    """A room, and desks of one kind as processes that begin now have them."""

    here: Room
    kind: Literal["log", "http"]
    port: int = 0
    restraints: Any = None

    @contextmanager
    def desk(self, **more: Any) -> Iterator[Handing]:
        run = f"run-{next(NUMBERS)}"
        if self.kind == "log":
            with self.here.desk(run=Run(run, "log"), **more) as desk:
                yield desk
            return
        with ExitStack() as stack:
            port = stack.enter_context(served(self.here, replace(PATIENT, **more))) if more else self.port
            over = DeskOverHttp(f"http://127.0.0.1:{port}", FACILITY, run, SecretStr(""))
            stack.callback(over.close)
            yield over


@pytest.fixture(params=["log", "http"])
def there(request: pytest.FixtureRequest) -> Iterator[There]:
    with room() as here, ExitStack() as stack:
        port = stack.enter_context(served(here)) if request.param == "http" else 0
        yield There(here, request.param, port)


def test_a_request_is_handed_over_once_and_its_answers_are_on_the_log(there: There) -> None:
    here = there.here
    here.ask(request())
    with there.desk() as desk:
        task = desk.next_task()
        assert task is not None
        assert (task.action, task.request, task.reference, task.again) == ("observe", request(), "", False)
        assert here.states() == ["sent 1"]
        assert asked(desk) == []
        desk.answer("r", "accepted", reference="OB-17", note="tonight")
        desk.answer("r", "accepted", reference="OB-17", note="tonight")
        desk.answer("r", "scheduled")
        last = desk.answer("r", "observed", note="3 x 60 s")
        assert asked(desk) == []
    assert here.states() == ["sent 1", "accepted 1", "scheduled 1", "observed 1"]
    assert last == here.told()[-1]
    assert (last.reference, last.detail, last.time, last.facility) == ("OB-17", "3 x 60 s", NOW, "imager")
    with there.desk() as desk:
        assert asked(desk) == []


@pytest.mark.parametrize(
    ("lacks", "why"),
    [
        ({"reality": "test"}, "not asked: not real"),
        ({"reality": "injection"}, "not asked: not real"),
        ({"run_mode": "replay"}, "not asked: not live"),
        ({"run_mode": "drill"}, "not asked: not live"),
        ({"expires": NOW}, "expired before the facility accepted it"),
        ({"expires": None}, "expired before the facility accepted it"),
    ],
)
def test_what_the_gate_forbids_is_not_handed_over_and_the_log_says_why(
    there: There, lacks: dict[str, Any], why: str
) -> None:
    there.here.ask(request(**lacks))
    with there.desk() as desk:
        assert asked(desk) == []
        with pytest.raises(AnswerError, match="was not handed over"):
            desk.answer("r", "accepted")
    assert [status.detail for status in there.here.told()] == [why]


def test_a_persons_yes_is_waited_for_and_a_no_takes_back(there: There) -> None:
    here = there.here
    here.ask(request(needs_approval=True))
    with there.desk() as desk:
        assert asked(desk) == []
        with pytest.raises(AnswerError, match="waits for a person's yes"):
            desk.answer("r", "accepted")
        here.person("yes")
        assert asked(desk) == ["observe r/1"]
        desk.answer("r", "accepted", reference="OB-17")
        here.person("no")
        task = desk.next_task()
        assert task is not None
        assert (task.action, task.reference) == ("take_back", "OB-17")
        desk.answer("r", "cancelled")
        assert asked(desk) == []
    assert here.states() == ["sent 1", "accepted 1", "sent 1", "cancelled 1"]


def test_a_revision_replaces_and_a_cancellation_takes_back_in_order(there: There) -> None:
    here = there.here
    with there.desk() as desk:
        here.ask(request(1))
        assert asked(desk) == ["observe r/1"]
        desk.answer("r", "accepted", reference="OB-17")
        here.ask(request(2))
        assert asked(desk) == ["observe r/2"]
        with pytest.raises(AnswerError, match="revision 1 was superseded by revision 2"):
            desk.answer("r", "scheduled", revision=1)
        desk.answer("r", "accepted", revision=2)
        here.ask(request(3, state="cancelled"))
        assert asked(desk) == ["take_back r/3"]
        with pytest.raises(AnswerError, match="revision 3 takes it back: answer cancelled or not_cancelled"):
            desk.answer("r", "accepted", revision=3)
        desk.answer("r", "not_cancelled", note="the shutter is open")
        assert asked(desk) == []
        desk.answer("r", "cancelled", note="by telephone")
    assert here.states() == ["sent 1", "accepted 1", "sent 2", "accepted 2", "sent 3", "not_cancelled 3", "cancelled 3"]


def test_what_was_never_handed_over_is_not_taken_back(there: There) -> None:
    there.here.ask(request(1), request(2, state="cancelled"), request(1, "s"), request(1, "t", facility="another"))
    with there.desk() as desk:
        assert asked(desk) == ["observe s/1"]


def test_what_was_not_answered_comes_again_at_the_next_start_at_once(there: There) -> None:
    there.here.ask(request(1))
    for expected in ("observe r/1", "observe r/1 again", "observe r/1 again"):
        with there.desk() as desk:
            assert asked(desk) == [expected]
    with there.desk() as desk:
        there.here.ask(request(2, state="cancelled"))
        assert asked(desk) == ["take_back r/2"]
    with there.desk() as desk:
        assert asked(desk) == ["take_back r/2 again"]
        desk.answer("r", "cancelled")
    with there.desk() as desk:
        assert asked(desk) == []


def test_a_desk_that_is_opened_anew_remembers_what_it_handed_out(there: There) -> None:
    there.here.ask(request(1), request(1, "s"))
    with there.desk() as desk:
        assert asked(desk) == ["observe r/1", "observe s/1"]
        desk.reopen()
        assert asked(desk) == []
        desk.answer("s", "accepted")
    assert [state for state in there.here.states() if state.startswith("accepted")] == ["accepted 1"]


def test_what_expired_unanswered_is_taken_back(there: There) -> None:
    there.here.ask(request(1))
    with there.desk() as desk:
        assert asked(desk) == ["observe r/1"]
        there.here.now = NOW + timedelta(days=30)
        there.here.ask(request(1, "s"))
        assert asked(desk) == ["take_back r/1"]
        desk.answer("r", "cancelled")
        assert asked(desk) == []


def test_a_task_is_judged_when_it_is_handed_over_not_before(there: There) -> None:
    there.here.ask(request(1), request(1, "s"), request(1, "t"))
    with there.desk() as desk:
        first = desk.next_task()
        there.here.ask(request(2, "s", state="cancelled"))
        assert first is not None
        assert (first.request.request_id, asked(desk)) == ("r", ["observe t/1"])


def test_quotas_and_quiet_hours_hold_where_they_are_known(there: There) -> None:
    there.here.ask(request(1, "a"), request(1, "b"))
    with there.desk(restraints={"pair": Restraint(quota=1)}) as desk:
        assert asked(desk) == ["observe a/1"]
        assert "the quota of 1 requests in 24 h is used" in there.here.told()[-1].detail
    there.here.ask(request(1, "c"))
    there.here.now = NOW + timedelta(hours=24)
    quiet = Restraint(quiet=((time(0), time(23, 59)),))
    with there.desk(restraints={"pair": quiet}) as desk:
        assert "observe c/1" not in asked(desk)
        there.here.person("yes", ident="c")
        assert "observe c/1" in asked(desk)


def test_the_highest_priority_comes_first(there: There) -> None:
    there.here.ask(request(1, "a"), request(1, "b", priority=5.0))
    with there.desk() as desk:
        assert asked(desk) == ["observe b/1", "observe a/1"]


def test_a_newer_desk_ends_the_older_for_good_and_an_answer_from_elsewhere_ends_none(there: There) -> None:
    there.here.ask(request(1))
    with there.desk() as older:
        assert asked(older) == ["observe r/1"]
        with there.here.desk(slot="elsewhere") as other:
            other.answer("r", "accepted", reference="by hand")
        with there.desk() as newer:
            there.here.ask(request(2))
            assert asked(newer) == ["observe r/2"]
            for _ in range(2):
                with pytest.raises(Fenced):
                    older.next_task()
            assert asked(newer) == []


@pytest.mark.parametrize("first", ["log", "http"])
def test_a_newer_desk_of_the_other_kind_ends_the_older(first: Literal["log", "http"]) -> None:
    with room() as here, served(here) as port:
        kinds = {"log": There(here, "log"), "http": There(here, "http", port)}
        second: Literal["log", "http"] = "http" if first == "log" else "log"
        here.ask(request(1))
        with kinds[first].desk() as older:
            assert asked(older) == ["observe r/1"]
            with kinds[second].desk() as newer:
                assert asked(newer) == ["observe r/1 again"]
                here.ask(request(1, "s"))
                with pytest.raises(Fenced):
                    patiently(older)
                assert asked(newer) == ["observe s/1"]


def patiently(desk: Handing) -> Any:
    """What a loop does: a desk that is away is opened anew."""
    try:
        return desk.next_task()
    except Retry:
        desk.reopen()
        return desk.next_task()


def test_an_answer_alone_takes_what_may_go_out(there: There) -> None:
    there.here.ask(request(1))
    with there.desk() as desk:
        desk.answer("r", "accepted", reference="by hand")
    assert there.here.states() == ["sent 1", "accepted 1"]


def test_the_beginning_of_an_id_names_it_where_no_other_begins_so(there: There) -> None:
    there.here.ask(request(1, "aa11"), request(1, "aa22"), request(1, "bb", facility="another"))
    with there.desk() as desk:
        assert desk.answer("aa1", "accepted").request_id == "aa11"
        for ident, says in (("aa", "2 requests of imager"), ("bb", "no request 'bb'")):
            with pytest.raises(AnswerError, match=says):
                desk.answer(ident, "accepted")


def test_a_name_that_nobody_asks_is_doubted(there: There) -> None:
    with there.desk() as desk:
        assert asked(desk) == []
        assert desk.doubt().startswith("no request of imager so far")
        there.here.ask(request())
        assert asked(desk) == ["observe r/1"]
        assert desk.doubt() == ""


def test_the_doctor_says_how_it_comes_and_when_it_came_last(there: There) -> None:
    there.here.ask(request())
    with there.desk() as desk:
        assert asked(desk) == ["observe r/1"]
        there.here.now += timedelta(minutes=2)
        assert asked(desk) == []
    (finding,) = examine_requests(there.here.log, [], there.here.now)
    how = " over HTTP" if there.kind == "http" else ""
    came = f"takes its requests itself{how}, was there last at {there.here.now:%F %H:%M} UTC, took or answered"
    assert (finding.what, finding.verdict) == ("telescope imager", "ok")
    assert finding.detail.startswith(came)
    (later,) = examine_requests(there.here.log, [], there.here.now + timedelta(minutes=6))
    assert (later.verdict, "is its loop still up?" in later.detail) == ("note", True)


@pytest.mark.long
@pytest.mark.kafka
def test_over_http_on_kafka_too(kafka_address: str) -> None:
    with closing(open_log(Settings.model_validate({}), kafka_address)) as log:
        here = Room(log)
        here.ask(request(1), request(1, "s"))
        with served(here) as port:
            there = There(here, "http", port)
            with there.desk() as older:
                assert asked(older) == ["observe r/1", "observe s/1"]
                older.answer("r", "accepted")
                with There(here, "log").desk() as newer:
                    assert asked(newer) == ["observe s/1 again"]
                    here.ask(request(1, "t"))
                    with pytest.raises(Fenced):
                        patiently(older)
                    older.answer("s", "accepted")
                    assert asked(newer) == ["observe t/1"]
        with served(here) as port, There(here, "http", port).desk() as desk:
            assert asked(desk) == ["observe t/1 again"]
        (finding,) = examine_requests(log, [], here.now)
        assert "over HTTP, was there last" in finding.detail
