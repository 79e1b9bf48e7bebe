"""A facility's own loop never executes what the gate forbids, never one revision twice, and learns of every end.

The world: requests and a person's words come in any order and more than once, the loop dies between any two of its
steps, and tells what it did late, twice, or by a second hand. Its own schedule survives, as a control system's does.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final

import pytest
from desk_here import FACILITY, NOW, Room, room
from desk_served import served
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from too_cases import request

from nuncius.consumers.desk.answers import ANSWERS, Answer, AnswerError
from nuncius.consumers.desk.over_http import DeskOverHttp
from nuncius.consumers.desk.task import Task
from nuncius.schemas import ToORequest

STEP: Final = timedelta(minutes=1)
CHANGES: Final[list[dict[str, Any]]] = [
    *[{}] * 6,
    *[{"state": "cancelled"}] * 2,
    {"state": "cancelled", "run_mode": "replay"},
    {"state": "rejected"},
    {"reality": "test"},
    {"reality": "injection"},
    {"run_mode": "drill"},
    {"expires": NOW},
    {"expires": None},
    {"needs_approval": True},
]
"""Half of the revisions may go out; each of the others lacks one thing."""


@dataclass
class Telescope:
    """A control system: what it holds and did survives every crash of the loop."""

    executed: list[str] = field(default_factory=list)
    holds: dict[str, int] = field(default_factory=dict)
    taken: list[tuple[Task, datetime]] = field(default_factory=list)
    fed: dict[str, int] = field(default_factory=dict)
    """How often each key was handed over by loops that did not say ``again``."""

    def take(self, task: Task, now: datetime) -> None:
        self.taken.append((task, now))
        asked = task.request
        if task.action == "take_back":
            self.holds.pop(asked.request_id, None)
            return
        if not task.again:
            self.fed[asked.idempotency_key] = self.fed.get(asked.idempotency_key, 0) + 1
        if asked.idempotency_key not in self.executed:
            self.executed.append(asked.idempotency_key)
            self.holds[asked.request_id] = asked.revision


@dataclass
class Night:
    """A room, the telescope, and what becomes of each task: taken and answered, taken only, or not even that."""

    here: Room
    telescope: Telescope
    fates: Iterator[str]

    def loop(self, most: int) -> None:
        """A process: it takes so many tasks, or dies on the way."""
        with self.here.desk() as desk:
            for _ in range(most):
                self.here.now += STEP
                task = desk.next_task()
                if task is None:
                    return
                fate = next(self.fates, "answers")
                if fate == "dies before":
                    return
                self.telescope.take(task, self.here.now)
                if fate == "dies after":
                    return
                for _ in range(2 if fate == "answers twice" else 1):
                    said: Answer = "accepted" if task.action == "observe" else "cancelled"
                    if fate == "by another hand":
                        with self.here.desk(slot="another") as hand:
                            hand.answer(task.request.request_id, said, revision=task.request.revision)
                    else:
                        desk.answer(task.request.request_id, said, revision=task.request.revision)


FATES = st.sampled_from(["answers", "answers", "dies before", "dies after", "answers twice", "by another hand"])


@st.composite
def revisions(draw: st.DrawFn) -> list[ToORequest]:
    long = {"expires": NOW + timedelta(days=1)}
    return [
        request(
            revision, ident, exposure_s=draw(st.sampled_from([60.0, 61.0])), **(long | draw(st.sampled_from(CHANGES)))
        )
        for ident in ("a", "b")
        for revision in range(1, 1 + draw(st.integers(1, 3)))
    ]


@st.composite
def plans(draw: st.DrawFn) -> tuple[list[ToORequest], list[tuple[str, Any]], list[str]]:
    every = draw(revisions())
    order = draw(st.permutations([*every, *draw(st.lists(st.sampled_from(every), max_size=3))]))
    words = st.tuples(st.sampled_from(["yes", "no"]), st.sampled_from(every))
    events: list[tuple[str, Any]] = [("ask", one) for one in order]
    for word in draw(st.lists(words, max_size=3)):
        events.insert(draw(st.integers(0, len(events))), ("word", word))
    for _ in range(draw(st.integers(0, 6))):
        events.insert(draw(st.integers(0, len(events))), ("loop", draw(st.integers(1, 4))))
    return every, events, draw(st.lists(FATES, max_size=12))


def played(events: list[tuple[str, Any]], fates: list[str], here: Room) -> Night:
    """All of it, and then loops until nothing is due."""
    night = Night(here, Telescope(), iter(fates))
    for what, about in events:
        here.now += STEP
        if what == "ask":
            here.ask(about)
        elif what == "word":
            here.person(about[0], about[1].revision, about[1].request_id)
        else:
            night.loop(about)
    for _ in range(len(fates) + 2):
        night.loop(50)
    return night


def words_on(asked: ToORequest, events: list[tuple[str, Any]]) -> list[str]:
    """A person's words on any revision of the request that asks for the same; no yes of before it was taken back."""
    same = ("request_id", "exposure_s", "needs_approval", "state", "reality", "run_mode")
    earlier = [one for what, one in events if what == "ask" and one.request_id == asked.request_id]
    gone = [one.revision for one in earlier if is_gone(one) and one.revision < asked.revision]

    def is_void(said: str, about: ToORequest) -> bool:
        return said == "yes" and max(gone, default=0) > about.revision

    def alike(one: ToORequest) -> bool:
        return all(getattr(one, name) == getattr(asked, name) for name in same)

    said = [about for what, about in events if what == "word" and alike(about[1])]
    return ["void" if is_void(*one) else one[0] for one in said]


def is_gone(one: ToORequest) -> bool:
    return one.run_mode == "live" and (one.state != "proposed" or one.reality != "real")


SLOW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@SLOW
@given(plans())
def test_only_what_may_go_out_is_handed_over(plan: tuple[list[ToORequest], list[tuple[str, Any]], list[str]]) -> None:
    _, events, fates = plan
    with room() as here:
        night = played(events, fates, here)
    for task, now in night.telescope.taken:
        asked = task.request
        if task.action == "observe":
            assert (asked.state, asked.reality, asked.run_mode) == ("proposed", "real", "live")
            assert asked.expires is not None
            assert asked.expires > now
            said = words_on(asked, events)  # a yes may be void only by what was read later
            assert not asked.needs_approval or not {"yes", "void"}.isdisjoint(said)
        else:
            assert asked.run_mode == "live"


@SLOW
@given(plans())
def test_no_revision_is_executed_twice_and_none_comes_as_new_twice(
    plan: tuple[list[ToORequest], list[tuple[str, Any]], list[str]],
) -> None:
    _, events, fates = plan
    with room() as here:
        night = played(events, fates, here)
        accepted = [status.idempotency_key for status in here.told() if status.state == "accepted"]
    assert len(night.telescope.executed) == len(set(night.telescope.executed))
    assert all(count == 1 for count in night.telescope.fed.values())
    assert len(accepted) == len(set(accepted))


@SLOW
@given(plans())
def test_what_is_gone_stands_nowhere_and_what_may_go_out_arrives(
    plan: tuple[list[ToORequest], list[tuple[str, Any]], list[str]],
) -> None:
    every, events, fates = plan
    with room() as here:
        night = played(events, fates, here)
        told = here.told()
    for ident in ("a", "b"):
        mine = [one for one in every if one.request_id == ident]
        last = max(mine, key=lambda one: (one.run_mode == "live", one.revision))
        word = words_on(last, events)[-1:]
        live = last.run_mode == "live"
        if live and (last.state != "proposed" or last.reality != "real" or word == ["no"]):
            assert ident not in night.telescope.holds
        fresh = last.expires is not None and last.expires > here.now
        wanted = (last.state, last.reality, last.run_mode) == ("proposed", "real", "live")
        if wanted and fresh and word != ["no"] and (not last.needs_approval or word == ["yes"]):
            assert "accepted" in {one.state for one in told if one.idempotency_key == last.idempotency_key}


@SLOW
@given(
    plans(),
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from(ANSWERS), st.none() | st.integers(1, 4)),
        max_size=12,
    ),
)
def test_whatever_is_answered_is_written_once_or_refused(
    plan: tuple[list[ToORequest], list[tuple[str, Any]], list[str]], answers: list[tuple[str, Any, int | None]]
) -> None:
    _, events, fates = plan
    with room() as here:
        played(events, fates, here)
        with here.desk() as desk:
            for ident, said, revision in answers:
                before = here.told()
                try:
                    status = desk.answer(ident, said, revision=revision)
                except AnswerError:
                    assert here.told() == before
                else:
                    assert (status.request_id, status.state) == (ident, said)
                    again = here.told()
                    assert desk.answer(ident, said, revision=revision) == status
                    assert here.told() == again


@dataclass
class HttpRoom(Room):
    """A room whose loops come over HTTP."""

    port: int = 0
    runs: Iterator[int] = field(default_factory=lambda: count(10_000_000))

    @contextmanager
    def desk(self, **more: Any) -> Iterator[Any]:
        if more:
            with super().desk(**more) as hand:
                yield hand
            return
        url, run = f"http://127.0.0.1:{self.port}", f"run-{next(self.runs)}"
        with closing(DeskOverHttp(url, FACILITY, run, SecretStr(""))) as desk:
            yield desk


@pytest.mark.soak
@SLOW
@given(plans())
def test_over_http_none_is_executed_twice_and_what_is_gone_stands_nowhere(
    plan: tuple[list[ToORequest], list[tuple[str, Any]], list[str]],
) -> None:
    every, events, fates = plan
    with room() as plain:
        here = HttpRoom(plain.log)
        with served(here) as here.port:
            night = played(events, fates, here)
        accepted = [status.idempotency_key for status in here.told() if status.state == "accepted"]
    assert len(night.telescope.executed) == len(set(night.telescope.executed))
    assert all(number == 1 for number in night.telescope.fed.values())
    assert len(accepted) == len(set(accepted))
    for ident in ("a", "b"):
        mine = [one for one in every if one.request_id == ident]
        last = max(mine, key=lambda one: (one.run_mode == "live", one.revision))
        if is_gone(last):
            assert ident not in night.telescope.holds
