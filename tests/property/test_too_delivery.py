"""Nothing but the real, live, unexpired and approved reaches a telescope, and nothing taken back stays with it.

The world: a log that may lose its last status when the process dies, a process that dies anywhere, requests that come
in any order and more than once, and a facility that remembers keys but whose answers get lost.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from how_many import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from too_cases import MERGER, request

from nuncius.broker.planning.lifecycle import PERSON
from nuncius.consumers.adapter import answer
from nuncius.consumers.delivery import Outbox
from nuncius.schemas import Retry, ToORequest, ToOStatus

NOW = MERGER + timedelta(hours=12)
CALM: Final = "good"
LONGEST_WAIT: Final = timedelta(minutes=5)


class ProcessDies(BaseException):
    """The machine stops here."""


@dataclass
class Telescope:
    """A facility behind an adapter: what it was asked, and what it holds. It remembers keys, and highest revisions."""

    moods: Iterator[str]
    asked: list[ToORequest] = field(default_factory=list)
    cancelled: list[ToORequest] = field(default_factory=list)
    executed: list[str] = field(default_factory=list)
    holds: dict[str, int] = field(default_factory=dict)

    name: Final = "telescope"
    real: Final = True
    public: Final = False

    def submit(self, wanted: ToORequest, _standing: str) -> ToOStatus:
        self.asked.append(wanted)
        mood = next(self.moods, CALM)
        if mood == "deaf":
            raise Retry("no answer")
        if mood == "refuses":
            return answer(wanted, "rejected", self.name, "no")
        if wanted.idempotency_key not in self.executed:
            self.executed.append(wanted.idempotency_key)
            self.holds[wanted.request_id] = wanted.revision
        return self._after(mood, answer(wanted, "accepted", self.name))

    def cancel(self, gone: ToORequest, _standing: str) -> ToOStatus:
        self.cancelled.append(gone)
        mood = next(self.moods, CALM)
        if mood == "deaf":
            raise Retry("no answer")
        self.holds.pop(gone.request_id, None)
        return self._after(mood, answer(gone, "cancelled", self.name))

    def look(self, _request: ToORequest, _standing: str) -> None:
        pass

    def _after(self, mood: str, status: ToOStatus) -> ToOStatus:
        if mood == "dies":
            raise ProcessDies
        if mood == "mute":
            raise Retry("answer lost")
        return status


@dataclass
class World:
    """A process with an outbox, the log it writes, and the requests it has read."""

    telescope: Telescope
    words: list[ToOStatus]
    read: list[ToORequest] = field(default_factory=list)
    log: list[ToOStatus] = field(default_factory=list)
    now: datetime = NOW

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        self.outbox = Outbox(self.telescope)
        self.outbox.take(self.read)
        self.outbox.learn([*self.log, *self.words])

    def take(self, batch: list[ToORequest]) -> None:
        self.read.extend(batch)
        self.outbox.take(batch)

    def deliver(self, lose_after: int | None) -> None:
        """One round; the status number ``lose_after`` never becomes durable and the process dies with it."""
        try:
            self.now += LONGEST_WAIT
            for number, status in enumerate(self.outbox.deliver(now=self.now)):
                if number == lose_after:
                    self.start()
                    return
                self.log.append(status)
        except ProcessDies:
            self.start()


CHANGES: Final[list[dict[str, Any]]] = [
    *[{}] * 5,
    *[{"state": "cancelled"}] * 2,
    {"state": "cancelled", "run_mode": "replay"},
    {"state": "rejected"},
    {"reality": "test"},
    {"reality": "injection"},
    {"run_mode": "demo"},
    {"expires": NOW},
    {"expires": None},
    {"needs_approval": True},
]
"""Half of the requests may go out; each of the others lacks one thing."""


def asked(draw: st.DrawFn) -> dict[str, Any]:
    """Two revisions may ask for the same."""
    return {"expires": NOW + timedelta(days=1), "exposure_s": draw(st.sampled_from([60.0, 61.0]))}


@st.composite
def requests(draw: st.DrawFn) -> list[ToORequest]:
    return [
        request(revision, ident, **{**asked(draw), **draw(st.sampled_from(CHANGES))})
        for ident in ("a", "b")
        for revision in range(1, 1 + draw(st.integers(1, 3)))
    ]


def words_on(asked: ToORequest, every: list[ToORequest], world: World) -> list[str]:
    """A person's answers to any revision of the request that asks for the same; no yes of before it was taken back."""
    before = [one for one in every if one.request_id == asked.request_id and one.revision < asked.revision]
    gone = [one.revision for one in before if is_gone(one)]
    alike = {
        one.revision
        for one in every
        if (one.request_id, one.exposure_s, one.needs_approval, one.state, one.reality, one.run_mode)
        == (asked.request_id, asked.exposure_s, asked.needs_approval, asked.state, asked.reality, asked.run_mode)
    }
    said = [w for w in world.words if w.request_id == asked.request_id and w.revision in alike]
    return ["void" if w.state == "approved" and max(gone, default=0) > w.revision else w.state for w in said]


def is_gone(one: ToORequest) -> bool:
    return one.run_mode == "live" and (one.state != "proposed" or one.reality != "real")


def lasts(every: list[ToORequest]) -> list[ToORequest]:
    """The last word of each request: a drill or a replay has none where something is live."""
    return [
        max((r for r in every if r.request_id == ident), key=lambda r: (r.run_mode == "live", r.revision))
        for ident in ("a", "b")
    ]


MOODS = st.lists(st.sampled_from([CALM, "deaf", "mute", "dies", "refuses"]), max_size=12)


@st.composite
def played(draw: st.DrawFn) -> tuple[list[ToORequest], World]:
    """A world that read every request in some order, with copies and trouble, and then came to rest."""
    every = draw(requests())
    answers = st.builds(answer, st.sampled_from(every), st.sampled_from(["approved", "rejected"]), st.just(PERSON))
    world = World(Telescope(iter(draw(MOODS))), draw(st.lists(answers, max_size=4)))
    copies = draw(st.lists(st.sampled_from(every), max_size=4))
    for one in draw(st.permutations([*every, *copies]) | st.just([*every, *copies])):
        world.take([one])
        for _ in range(draw(st.integers(0, 2))):
            world.deliver(draw(st.none() | st.integers(0, 3)))
        if draw(st.booleans()):
            world.start()
    for _ in range(len(every) + 20):
        world.deliver(None)
    return every, world


@settings(max_examples=examples(60), deadline=None)
@given(played())
def test_only_what_may_go_out_goes_out(outcome: tuple[list[ToORequest], World]) -> None:
    every, world = outcome
    for asked in world.telescope.asked:
        assert (asked.state, asked.reality, asked.run_mode) == ("proposed", "real", "live")
        assert asked.expires is not None
        assert asked.expires > NOW
        said = words_on(asked, every, world)  # a yes may be void only by what was read later
        assert not asked.needs_approval or not {"approved", "void"}.isdisjoint(said)


@settings(max_examples=examples(60), deadline=None)
@given(played())
def test_no_key_is_executed_twice_and_none_is_sent_again_once_accepted(outcome: tuple[list[ToORequest], World]) -> None:
    _, world = outcome
    assert len(world.telescope.executed) == len(set(world.telescope.executed))
    accepted = [status.idempotency_key for status in world.log if status.state == "accepted"]
    assert len(accepted) == len(set(accepted))


@settings(max_examples=examples(120), deadline=None)
@given(played())
def test_nothing_taken_back_stays_with_the_telescope(outcome: tuple[list[ToORequest], World]) -> None:
    every, world = outcome
    for last in lasts(every):
        if is_gone(last) or words_on(last, every, world)[-1:] == ["rejected"]:
            assert last.request_id not in world.telescope.holds


@settings(max_examples=examples(60), deadline=None)
@given(played())
def test_only_what_was_asked_is_taken_back(outcome: tuple[list[ToORequest], World]) -> None:
    _, world = outcome
    asked = {one.request_id for one in world.telescope.asked} | {s.request_id for s in world.log if s.state == "sent"}
    for gone in world.telescope.cancelled:
        assert gone.request_id in asked
        assert gone.run_mode == "live"


@settings(max_examples=examples(60), deadline=None)
@given(played())
def test_what_may_go_out_arrives(outcome: tuple[list[ToORequest], World]) -> None:
    every, world = outcome
    for last in lasts(every):
        good = (last.state, last.reality, last.run_mode) == ("proposed", "real", "live")
        fresh = last.expires is not None and last.expires > NOW
        word = words_on(last, every, world)[-1:]
        if good and fresh and word != ["rejected"] and (not last.needs_approval or word == ["approved"]):
            ends = {s.state for s in world.log if s.idempotency_key == last.idempotency_key}
            assert ends & {"accepted", "rejected"}
