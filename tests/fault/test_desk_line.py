"""A telescope's desk over a line that is cut at every point, and a broker that is begun again in between."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

import pytest
from desk_here import FACILITY, Room, asked, room
from desk_served import Fate, Line, line_to, served
from pydantic import SecretStr
from too_cases import request

from nuncius.broker.transport.port import Fenced
from nuncius.consumers.desk.answers import Answer
from nuncius.consumers.desk.over_http import DeskOverHttp
from nuncius.consumers.desk.task import Task
from nuncius.schemas import Retry

T = TypeVar("T")

CALLS: Final = 11
"""What the night below takes where nothing is cut: a test counts them."""


@dataclass
class Night:
    """A telescope's loop: what it took, in order, and a desk that is patient."""

    here: Room
    desk: DeskOverHttp
    between: Callable[[], object]
    taken: list[str] = field(default_factory=list)

    def patiently(self, call: Callable[[], T]) -> T:
        for _ in range(10):
            try:
                return call()
            except Retry:
                self.desk.reopen()
                self.between()
        raise AssertionError("it never got through")

    def work(self) -> None:
        """Take and answer all that is due."""
        while (task := self.patiently(self.desk.next_task)) is not None:
            key = task.request.idempotency_key
            self.taken.append(f"{task.action} {key}")
            self.patiently(partial(self.answer, task))

    def answer(self, task: Task) -> None:
        asked = task.request
        said: Answer = "accepted" if task.action == "observe" else "cancelled"
        self.desk.answer(asked.request_id, said, revision=asked.revision, reference=f"OB {asked.idempotency_key}")

    def whole(self) -> None:
        """Two requests; one is revised, then taken back."""
        self.here.ask(request(1, "r"), request(1, "s"))
        self.work()
        self.here.ask(request(2, "r"))
        self.work()
        self.here.ask(request(3, "r", state="cancelled"))
        self.work()


def fates(cut: int, fate: Fate) -> Iterator[Fate]:
    """The fate of each call: one is cut."""
    number = 0
    while True:
        number += 1
        yield fate if number == cut else "arrives"


def played(cut: int, fate: Fate, *, restart: bool = False) -> tuple[list[str], list[str], int]:
    """What the telescope took, what of it is on the log as answered, and how many calls it made."""
    with room() as here, ExitStack() as broker, ExitStack() as rest:
        line: Line = rest.enter_context(line_to(broker.enter_context(served(here))))
        following = fates(cut, fate)
        line.fate = lambda: next(following)
        desk = DeskOverHttp(f"http://127.0.0.1:{line.port}", FACILITY, "a-run-of-ours", SecretStr(""))
        rest.callback(desk.close)

        def begin_again() -> None:
            broker.close()
            line.to = broker.enter_context(served(here))

        night = Night(here, desk, begin_again if restart else lambda: None)
        night.whole()
        told = [f"{one.state} {one.idempotency_key}" for one in here.told() if one.state != "sent"]
        return night.taken, told, line.calls


TAKEN: Final = ["observe r/1", "observe s/1", "observe r/2", "take_back r/3"]
TOLD: Final = ["accepted r/1", "accepted s/1", "accepted r/2", "cancelled r/3"]


def test_where_nothing_is_cut() -> None:
    assert played(0, "arrives") == (TAKEN, TOLD, CALLS)


@pytest.mark.parametrize(
    ("fate", "cut"),
    [
        *[("lost after", number) for number in range(1, CALLS + 1)],
        *[(fate, number) for fate in ("lost before", "half") for number in (1, 2, 7)],
    ],
)
def test_whatever_is_cut_each_task_is_taken_once_and_answered_once(fate: Fate, cut: int) -> None:
    taken, told, calls = played(cut, fate)
    assert (taken, told) == (TAKEN, TOLD)
    assert calls == CALLS + 1


@pytest.mark.parametrize("cut", [1, 2, 5])
def test_a_broker_begun_anew_after_the_cut_loses_nothing(cut: int) -> None:
    taken, told, _ = played(cut, "lost after", restart=True)
    assert (taken, told) == (TAKEN, TOLD)


def test_what_waits_for_its_answer_is_not_given_out_twice_by_a_broker_begun_anew() -> None:
    with room() as here, ExitStack() as broker, line_to(broker.enter_context(served(here))) as line:
        here.ask(request(1, "r"), request(1, "s"))
        with closing(DeskOverHttp(f"http://127.0.0.1:{line.port}", FACILITY, "a-run-of-ours", SecretStr(""))) as desk:
            assert asked(desk) == ["observe r/1", "observe s/1"]
            broker.close()
            line.to = broker.enter_context(served(here))
            here.ask(request(1, "t"))
            assert asked(desk) == ["observe t/1"]
        with closing(DeskOverHttp(f"http://127.0.0.1:{line.port}", FACILITY, "another-run", SecretStr(""))) as desk:
            assert asked(desk) == ["observe r/1 again", "observe s/1 again", "observe t/1 again"]


def test_a_loop_that_a_newer_one_ended_stays_so_when_the_broker_is_begun_anew() -> None:
    with room() as here, ExitStack() as broker, ExitStack() as loops:
        line = loops.enter_context(line_to(broker.enter_context(served(here))))
        older, newer = (
            loops.enter_context(closing(DeskOverHttp(f"http://127.0.0.1:{line.port}", FACILITY, run, SecretStr(""))))
            for run in ("the-older-run", "the-newer-run")
        )
        assert (asked(older), asked(newer)) == ([], [])
        broker.close()
        line.to = broker.enter_context(served(here))
        with pytest.raises(Fenced):
            older.next_task()
        here.ask(request(1))
        assert asked(newer) == ["observe r/1"]
