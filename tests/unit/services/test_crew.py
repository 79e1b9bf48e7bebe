"""Groups of workers in threads of their own."""

import threading

from nuncius.broker.services.crew import Crew
from nuncius.schemas import SettingsError


class Counting:
    """Works until told otherwise, and counts."""

    name = "counting"

    def __init__(self) -> None:
        self.enough = threading.Event()
        self.closed = False
        self._steps = 0

    def work(self, timeout_s: float) -> int:
        del timeout_s
        self._steps += 1
        if self._steps == 3:
            self.enough.set()
        return 0

    def caught_up(self) -> bool:
        return True

    def reopen(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


class Waiting(Counting):
    """Waits for the outside."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = threading.Event()
        self.answer = threading.Event()

    def work(self, timeout_s: float) -> int:
        self.inside.set()
        self.answer.wait(20)
        return super().work(timeout_s)


class Failing(Counting):
    """Cannot go on."""

    def work(self, timeout_s: float) -> int:
        del timeout_s
        raise SettingsError("gone")


def test_one_that_waits_for_the_outside_holds_up_nobody() -> None:
    waiting, counting = Waiting(), Counting()
    crew = Crew(((counting,), (waiting,), ()), lambda _: None)
    crew.start()
    assert waiting.inside.wait(20)
    assert counting.enough.wait(20)
    assert crew.works
    waiting.answer.set()
    crew.join()
    assert (waiting.closed, counting.closed, crew.works) == (True, True, False)


def test_where_one_ends_all_end_and_its_reason_is_kept() -> None:
    counting, ended = Counting(), threading.Event()
    crew = Crew(((counting,), (Failing(),)), lambda _: None)
    crew.at_end = ended.set
    crew.start()
    crew.wait()
    crew.join()
    assert ended.is_set()
    assert str(crew.error) == "gone"
    assert counting.closed
