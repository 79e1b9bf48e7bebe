"""Whatever adapters raise, answer or leave unanswered, wherever a facility is moved to, whenever the process dies: the
broker goes on, no facility holds a request twice without a word, and nothing unwanted stands without a word.

The world is the log alone: every process folds it anew. Two adapters are called as a drawn list says; each telescope
remembers keys and may have done what it never said.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, cast

from how_many import examples
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from too_cases import MERGER, request

from nuncius.broker.planning.left import Left, left_behind
from nuncius.broker.planning.lifecycle import LEFT
from nuncius.consumers.adapter import answer
from nuncius.consumers.delivery import Outbox
from nuncius.schemas import Retry, ToORequest, ToOStatus
from nuncius.schemas.vocabulary import RequestState

NOW: Final = MERGER + timedelta(hours=12)
LONGEST_WAIT: Final = timedelta(minutes=5)
HANG: Final = timedelta(minutes=2)
IMAGER: Final = frozenset({"imager"})
OTHER: Final = frozenset({"spectrograph"})


class VendorError(Exception):
    """Of a kind that nobody here knows."""


class ProcessDies(BaseException):
    """The machine stops here."""


RAISED: Final[dict[str, Callable[[], BaseException]]] = {
    "retry": lambda: Retry("no answer"),
    "vendor": lambda: VendorError("no"),
    "exit": lambda: SystemExit(3),
    "value": lambda: ValueError("no"),
    "dies": ProcessDies,
}
ANSWERED: Final[dict[str, Callable[[ToORequest, str], Any]]] = {
    "none": lambda _, __: None,
    "text": lambda _, __: "accepted",
    "other": lambda one, name: replace(answer(one, "accepted", name), request_id="other"),
    "state": lambda one, name: answer(one, "approved", name),
    "name": lambda one, _: answer(one, "accepted", "person"),
}
MOODS: Final = ("good", "good", "refuses", "hangs", *RAISED, *ANSWERED)
"""``refuses``: a no to an observation, and to a cancellation. What raises or answers rubbish did it, or not."""


@dataclass
class Telescope:
    """A facility behind an adapter: what it holds, and how it behaves at the next calls."""

    name: str
    world: "World"
    moods: Iterator[tuple[str, bool]]
    holds: dict[str, int] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    stubborn: set[str] = field(default_factory=set)

    real: Final = True
    public: Final = False

    def submit(self, wanted: ToORequest, _standing: str) -> ToOStatus:
        self.world.asked.append(wanted)

        def do() -> None:
            if wanted.idempotency_key not in self.keys:
                self.keys.append(wanted.idempotency_key)
                self.holds[wanted.request_id] = wanted.revision

        return self._call(wanted, "accepted", "rejected", do)

    def cancel(self, gone: ToORequest, _standing: str) -> ToOStatus:
        return self._call(gone, "cancelled", "not_cancelled", lambda: self._drop(gone.request_id))

    def look(self, asked: ToORequest, _standing: str) -> ToOStatus | None:
        return self._call(asked, "accepted", "accepted", lambda: None) if asked.request_id in self.holds else None

    def _drop(self, ident: str) -> None:
        self.holds.pop(ident, None)

    def _call(self, about: ToORequest, good: RequestState, bad: RequestState, do: Callable[[], object]) -> ToOStatus:
        mood, does = next(self.moods, ("good", True))
        if mood == "hangs":
            self.world.now += HANG
            mood = "retry"
        if mood == "refuses":
            return answer(about, bad, self.name, "no")
        if does or mood == "good":
            do()
        if mood in RAISED:
            error = RAISED[mood]()
            raise error
        made = ANSWERED[mood](about, self.name) if mood in ANSWERED else answer(about, good, self.name)
        return cast("ToOStatus", made)


@dataclass
class World:
    """The log, two telescopes, and which of them the settings name, for which facilities."""

    moods: dict[str, list[tuple[str, bool]]]
    requests: list[ToORequest] = field(default_factory=list)
    log: list[ToOStatus] = field(default_factory=list)
    asked: list[ToORequest] = field(default_factory=list)
    serves: dict[str, frozenset[str]] = field(default_factory=lambda: {"old": IMAGER, "new": OTHER})
    doubled: list[str] = field(default_factory=list)
    now: datetime = NOW

    def __post_init__(self) -> None:
        self.telescopes = {name: Telescope(name, self, iter(moods)) for name, moods in self.moods.items()}
        self.start()

    def start(self) -> None:
        """A new process: all it knows is on the log."""
        self.outboxes = {}
        for name, which in self.serves.items():
            neighbours = {other: served for other, served in self.serves.items() if other != name}
            self.outboxes[name] = Outbox(self.telescopes[name], which, {}, neighbours)
            self.outboxes[name].take(self.requests)
            self.outboxes[name].learn(self.log)

    def put(self, one: ToORequest) -> None:
        self.requests.append(one)
        for outbox in self.outboxes.values():
            outbox.take([one])

    def says(self, status: ToOStatus, by: str = "") -> None:
        """A status becomes durable, and the others read it."""
        self.log.append(status)
        for name, outbox in self.outboxes.items():
            if name != by:
                outbox.learn([status])

    def round(self) -> None:
        """Each adapter does what is due, then looks; then it is said what stands where nobody can take it back."""
        self.now += LONGEST_WAIT
        try:
            for name, outbox in tuple(self.outboxes.items()):
                for statuses in (outbox.deliver(now=self.now), outbox.look(now=self.now)):
                    for status in statuses:
                        self.says(status, name)
        except ProcessDies:
            self.start()
        for left in self.left():
            if not left.is_said:
                self.says(replace(left.status, time=self.now))

        old, new = (telescope.holds for telescope in self.telescopes.values())
        for ident in old.keys() & new.keys():
            said = [one for one in self.log if one.request_id == ident]
            if not any(
                one.detail.startswith((LEFT, "asking, although")) or one.state == "not_cancelled" for one in said
            ):
                self.doubled.append(ident)

    def left(self) -> list[Left]:
        every = map(self.about, dict.fromkeys(one.request_id for one in self.requests))
        return [left for about in every for left in left_behind(*about, self.serves.__contains__, self.now)]

    def about(self, ident: str) -> tuple[tuple[ToORequest, ...], tuple[ToOStatus, ...]]:
        known = {one.revision: one for one in self.requests if one.request_id == ident}
        return tuple(known[n] for n in sorted(known)), tuple(one for one in self.log if one.request_id == ident)


SETTINGS: Final[list[dict[str, frozenset[str]]]] = [
    {"old": IMAGER, "new": OTHER},
    {"old": OTHER, "new": IMAGER},
    {"new": IMAGER},
    {"old": IMAGER},
]
CHANGES: Final[list[dict[str, Any]]] = [{}, {}, {"exposure_s": 61.0}, {"state": "cancelled"}]
Step = dict[str, frozenset[str]] | dict[str, Any] | None


@st.composite
def played(draw: st.DrawFn) -> World:
    """Requests, moves of the facility, removals, crashes, in any order; then the telescopes behave, and it rests."""
    moods = st.lists(st.tuples(st.sampled_from(MOODS), st.booleans()), max_size=8)
    world = World({"old": draw(moods), "new": draw(moods)})
    revisions = {"a": 0, "b": 0}
    for _ in range(draw(st.integers(2, 8))):
        what = draw(st.sampled_from(["request", "request", "settings", "crash", "nothing"]))
        if what == "request":
            ident = draw(st.sampled_from(["a", "b"]))
            revisions[ident] += 1
            known = {"expires": NOW + timedelta(days=3), "exposure_s": 60.0}
            world.put(request(revisions[ident], ident, **(known | draw(st.sampled_from(CHANGES)))))
        elif what == "settings":
            world.serves = draw(st.sampled_from(SETTINGS))
            world.start()
        elif what == "crash":
            world.start()
        for _ in range(draw(st.integers(0, 3))):
            world.round()
    for _ in range(40):
        world.round()
    return world


@hypothesis_settings(max_examples=examples(60), deadline=None)
@given(played())
def test_what_is_unwanted_or_at_a_second_telescope_stands_only_with_a_word(world: World) -> None:
    for ident in {one.request_id for one in world.requests}:
        revisions, told = world.about(ident)
        for name, telescope in world.telescopes.items():
            if ident not in telescope.holds:
                continue
            serves = "imager" in world.serves.get(name, ())
            if serves and revisions[-1].state == "proposed":
                continue
            said = [one for one in told if one.adapter == name]
            assert any(one.state == "not_cancelled" or one.detail.startswith(LEFT) for one in said)


@hypothesis_settings(max_examples=examples(60), deadline=None)
@given(played())
def test_no_telescope_makes_a_revision_twice_and_nothing_unwanted_is_asked(world: World) -> None:
    for telescope in world.telescopes.values():
        assert len(telescope.keys) == len(set(telescope.keys))
    assert world.doubled == []
    assert {one.state for one in world.asked} <= {"proposed"}


@hypothesis_settings(max_examples=examples(60), deadline=None)
@given(played())
def test_in_the_end_everything_wanted_is_asked_refused_or_said_to_wait(world: World) -> None:
    for ident in {one.request_id for one in world.requests}:
        revisions, told = world.about(ident)
        serving = [name for name, which in world.serves.items() if "imager" in which]
        if revisions[-1].state != "proposed" or not serving:
            continue
        (name,) = serving
        said = {one.state for one in told if one.adapter == name and one.revision == revisions[-1].revision}
        assert said & {"accepted", "rejected", "not_cancelled", "cancelled"}
