"""The note of who sits at a facility's desk."""

from datetime import timedelta

import pytest
from desk_here import FACILITY, NOW, room

from nuncius.broker.transport import topics
from nuncius.broker.transport.port import MAX_METADATA_BYTES, Fenced, TopicPartition, Writer
from nuncius.consumers.desk.desk import Desk
from nuncius.consumers.desk.seat import SAID_EVERY, Run, Seat, note_of, seat_group, seat_of, seen, taken
from nuncius.schemas import Retry

PLACE = TopicPartition(topics.TOO_REQUESTS.name, 0)


def test_the_last_that_came_hands_out_and_those_before_are_over() -> None:
    seat = None
    for name in ("a", "b", "a-again"):
        seat = taken(seat, Run(name, "log"), FACILITY, NOW)
    assert seat == Seat(("a", "b", "a-again"), "log", NOW)
    assert taken(seat, Run("a-again", "http"), FACILITY, NOW).runs == ("a", "b", "a-again")
    for name in ("a", "b"):
        with pytest.raises(Fenced, match=f"a newer desk hands out the requests of {FACILITY}"):
            taken(seat, Run(name, "log"), FACILITY, NOW)


def test_it_is_said_again_after_a_while_and_when_the_clock_went_back() -> None:
    seat = Seat(("a",), "log", NOW)
    moments = (timedelta(0), SAID_EVERY / 2, SAID_EVERY, -timedelta(seconds=1))
    assert [seat.is_due(NOW + after) for after in moments] == [False, False, True, True]
    assert seen(seat, NOW + SAID_EVERY).is_due(NOW + SAID_EVERY) is False


def test_a_note_fits_beside_an_offset_however_many_came() -> None:
    seat = None
    for number in range(100):
        seat = taken(seat, Run(f"{number:064d}", "http"), FACILITY, NOW)
    assert seat is not None
    assert len(note_of(seat).encode()) < MAX_METADATA_BYTES


@pytest.mark.parametrize(
    "note", ["", "{}", "rubbish", '{"runs": ["a"], "over": "pigeon", "came": "2026-11-23T00:00:00Z"}']
)
def test_a_note_that_cannot_be_read_is_none(note: str) -> None:
    with room() as here:
        assert seat_of(here.log, FACILITY) is None
        writer = here.log.writer("somebody")
        with writer.transaction() as tx:
            tx.commit_offset(seat_group(FACILITY), PLACE, 0, note)
        writer.close()
        assert seat_of(here.log, FACILITY) is None
        with here.desk(run=Run("a-run", "log")):
            found = seat_of(here.log, FACILITY)
    assert found == Seat(("a-run",), "log", NOW)


def test_a_desk_for_which_the_log_goes_away_gives_its_writer_back(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[Writer] = []

    def away(*_: object) -> None:
        raise Retry("the log is away")

    with room() as here:
        writer = here.log.writer("a-desk")
        monkeypatch.setattr(writer, "close", lambda: closed.append(writer))
        monkeypatch.setattr(here.log, "writer", lambda _slot: writer)
        monkeypatch.setattr(here.log, "starts", away)
        with pytest.raises(Retry, match="the log is away"):
            Desk(here.log, FACILITY, slot="a-desk")
    assert closed == [writer]
