"""A telescope's own desk: what is handed over, when, and what is written of it."""

from collections.abc import Iterator
from datetime import time, timedelta
from typing import Any

import pytest
from desk_here import NOW, Room, asked, room
from too_cases import request
from too_log import lay_bytes

from nuncius.broker.planning.restraint import Restraint
from nuncius.broker.services.too_doctor import examine_requests
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Fenced
from nuncius.consumers.desk.answers import AnswerError
from nuncius.schemas.codec import encode


@pytest.fixture
def here() -> Iterator[Room]:
    with room() as found:
        yield found


def test_a_request_is_handed_over_once_and_its_answers_are_on_the_log(here: Room) -> None:
    here.ask(request())
    with here.desk() as desk:
        task = desk.next_task()
        assert task is not None
        assert (task.action, task.request, task.reference, task.again) == ("observe", request(), "", False)
        assert asked(desk) == []
        desk.answer("r", "accepted", reference="OB-17", note="tonight")
        desk.answer("r", "accepted", reference="OB-17", note="tonight")
        desk.answer("r", "scheduled")
        desk.answer("r", "observed", note="3 x 60 s")
        assert asked(desk) == []
    assert here.states() == ["sent 1", "accepted 1", "scheduled 1", "observed 1"]
    last = here.told()[-1]
    assert (last.reference, last.detail, last.time, last.facility) == ("OB-17", "3 x 60 s", NOW, "imager")
    assert last.idempotency_key == "r/1"
    with here.desk() as desk:
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
    here: Room, lacks: dict[str, Any], why: str
) -> None:
    here.ask(request(**lacks))
    with here.desk() as desk:
        assert asked(desk) == []
        with pytest.raises(AnswerError, match="was not handed over"):
            desk.answer("r", "accepted")
    assert [status.detail for status in here.told()] == [why]


def test_a_persons_yes_is_waited_for_and_a_no_takes_back(here: Room) -> None:
    here.ask(request(needs_approval=True))
    with here.desk() as desk:
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


def test_a_revision_replaces_and_a_cancellation_takes_back_in_order(here: Room) -> None:
    with here.desk() as desk:
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


def test_what_was_never_handed_over_is_not_taken_back(here: Room) -> None:
    here.ask(request(1), request(2, state="cancelled"), request(1, "s"), request(1, "t", facility="another"))
    with here.desk() as desk:
        assert asked(desk) == ["observe s/1"]


def test_a_revision_that_asks_for_the_same_is_not_handed_over_and_answers_go_to_it(here: Room) -> None:
    here.ask(request(1))
    with here.desk() as desk:
        assert asked(desk) == ["observe r/1"]
        desk.answer("r", "accepted", revision=1, reference="OB-17")
        here.ask(request(2, exposure_s=61.0, reason="a better reason"))
        assert asked(desk) == []
        desk.answer("r", "observed", revision=1)
    assert here.states() == ["sent 1", "accepted 1", "accepted 2", "observed 2"]


def test_what_was_not_answered_comes_again_at_the_next_start_at_once(here: Room) -> None:
    here.ask(request(1))
    for expected in ("observe r/1", "observe r/1 again", "observe r/1 again"):
        with here.desk() as desk:
            assert asked(desk) == [expected]
    with here.desk() as desk:
        here.ask(request(2, state="cancelled"))
        assert asked(desk) == ["take_back r/2"]
    with here.desk() as desk:
        assert asked(desk) == ["take_back r/2 again"]
        desk.answer("r", "cancelled")
    with here.desk() as desk:
        assert asked(desk) == []


def test_what_expired_unanswered_is_taken_back(here: Room) -> None:
    here.ask(request(1))
    with here.desk() as desk:
        assert asked(desk) == ["observe r/1"]
        here.now = NOW + timedelta(days=30)
        here.ask(request(1, "s"))
        assert asked(desk) == ["take_back r/1"]
        desk.answer("r", "cancelled")
        assert asked(desk) == []


def test_quotas_and_quiet_hours_hold_where_they_are_known(here: Room) -> None:
    here.ask(request(1, "a"), request(1, "b"))
    with here.desk(restraints={"pair": Restraint(quota=1)}) as desk:
        assert asked(desk) == ["observe a/1"]
        assert "the quota of 1 requests in 24 h is used" in here.told()[-1].detail
        here.now = NOW + timedelta(hours=24)
        assert asked(desk) == ["observe b/1"]
    here.ask(request(1, "c"))
    quiet = Restraint(quiet=((time(0), time(23, 59)),))
    with here.desk(restraints={"pair": quiet}) as desk:
        assert "observe c/1" not in asked(desk)
        here.person("yes", ident="c")
        assert "observe c/1" in asked(desk)


def test_the_highest_priority_comes_first(here: Room) -> None:
    here.ask(request(1, "a"), request(1, "b", priority=5.0))
    with here.desk() as desk:
        assert asked(desk) == ["observe b/1", "observe a/1"]


def test_a_newer_desk_ends_the_older_and_an_answer_from_elsewhere_ends_none(here: Room) -> None:
    here.ask(request(1))
    with here.desk() as older:
        assert asked(older) == ["observe r/1"]
        with here.desk(slot="elsewhere") as other:
            other.answer("r", "accepted", reference="by hand")
        with here.desk():
            here.ask(request(2))
            with pytest.raises(Fenced):
                older.next_task()


def test_an_answer_alone_takes_what_may_go_out(here: Room) -> None:
    here.ask(request(1))
    with here.desk(slot="elsewhere") as desk:
        desk.answer("r", "accepted", reference="by hand")
    assert here.states() == ["sent 1", "accepted 1"]


def test_a_revision_that_comes_while_sent_is_written_is_not_passed_over(
    here: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.ask(request(1))
    with here.desk() as desk:
        write = desk._write
        news = iter([request(2, state="cancelled")])

        def slow(statuses: Any) -> None:
            here.ask(*news)
            write(statuses)

        monkeypatch.setattr(desk, "_write", slow)
        assert asked(desk) == ["take_back r/2"]


def test_rubbish_on_the_topics_is_said_and_passed_over(here: Room) -> None:
    lay_bytes(here.log, topics.TOO_STATUS.name, b"", b"\x80\x05not ours", b"{}", encode(request()))
    lay_bytes(here.log, topics.TOO_REQUESTS.name, b"\xc3\x01" + bytes(8) + b"no such schema")
    here.ask(request())
    with here.desk() as desk:
        assert asked(desk) == ["observe r/1"]
    assert len(here.said) == 5
    assert all("cannot be read here" in line for line in here.said)


def test_the_doctor_tells_of_a_telescope_that_takes_its_requests_itself(here: Room) -> None:
    here.ask(request())
    assert list(examine_requests(here.log, [], NOW)) == []
    with here.desk() as desk:
        assert asked(desk) == ["observe r/1"]
    (finding,) = examine_requests(here.log, [], NOW)
    assert (finding.what, finding.verdict) == ("telescope imager", "ok")
    assert finding.detail.endswith(f"(nuncius too follow), the last time at {NOW:%F %H:%M} UTC")
