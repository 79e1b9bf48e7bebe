"""A telescope's own desk: what is handed over, when, and what is written of it."""

from collections.abc import Iterator
from typing import Any, Final

import pytest
from desk_here import NOW, Room, asked, room
from too_cases import request
from too_log import lay_bytes

from nuncius.broker.services.too_doctor import examine_requests
from nuncius.broker.transport import topics
from nuncius.schemas.codec import encode

BURST: Final[dict[str, Any]] = {"event_thread": "fermi-gbm:1", "target_name": "fermi-gbm:1"}


@pytest.fixture
def here() -> Iterator[Room]:
    with room() as found:
        yield found


def test_a_revision_that_asks_for_the_same_is_not_handed_over_and_answers_go_to_it(here: Room) -> None:
    here.ask(request(1))
    with here.desk() as desk:
        assert asked(desk) == ["observe r/1"]
        desk.answer("r", "accepted", revision=1, reference="OB-17")
        here.ask(request(2, exposure_s=61.0, reason="a better reason"))
        assert asked(desk) == []
        desk.answer("r", "observed", revision=1)
    assert here.states() == ["sent 1", "accepted 1", "accepted 2", "observed 2"]


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
    (never,) = examine_requests(here.log, [], NOW, ["imager"])
    assert (never.what, never.verdict) == ("telescope imager", "note")
    assert "over HTTP" in never.detail
    with here.desk() as desk:
        assert asked(desk) == ["observe r/1"]
    (finding,) = examine_requests(here.log, [], NOW)
    assert (finding.what, finding.verdict) == ("telescope imager", "ok")
    assert finding.detail.endswith(f"(nuncius too follow), the last time at {NOW:%F %H:%M} UTC")


def test_of_two_policies_that_want_one_look_one_is_handed_over_and_the_other_once_that_is_gone(here: Room) -> None:
    here.ask(request(1, "a", policy="first", **BURST), request(1, "b", policy="second", **BURST))
    with here.desk() as desk:
        assert asked(desk) == ["observe a/1"]
        assert here.told()[-1].detail.startswith("held back: policy first asked for it already, request a;")
        desk.answer("a", "accepted")
        assert asked(desk) == []
        here.ask(request(2, "a", policy="first", state="cancelled", **BURST))
        assert asked(desk) == ["take_back a/2", "observe b/1"]
