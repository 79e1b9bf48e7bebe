"""Who is told: nobody twice of the same, nobody of a test as an alarm, everybody in the chain once, and quiet kept.

The world: a log of requests, answers and what was told, in any order, and a service that decides from the log alone, so
that each decision is one after a restart.
"""

from collections import Counter
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any, Final

from how_many import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from too_cases import MERGER, request

from nuncius.broker.planning.lifecycle import PERSON
from nuncius.broker.planning.telling import Case, Due, Receiver, due
from nuncius.consumers.adapter import answer
from nuncius.schemas import ToORequest, ToOStatus

START: Final = MERGER + timedelta(hours=12)
STEP: Final = timedelta(minutes=5)
RECEIVERS: Final = {
    one.name: one
    for one in (
        Receiver(name="shift", then="lead", after=timedelta(minutes=15), every=timedelta(minutes=10), drills=True),
        Receiver(name="lead", then="chief", after=timedelta(minutes=20), hours=((time(0), time(2)),)),
        Receiver(name="chief", then="shift", every=timedelta(minutes=5)),
    )
}


class World:
    """A log, and a clock; every decision is made from the log."""

    def __init__(self) -> None:
        self.requests: dict[str, list[ToORequest]] = {}
        self.statuses: list[ToOStatus] = []
        self.now = START
        self.sent: list[tuple[datetime, Due]] = []
        self.rounds: list[tuple[int, Due]] = []
        self.round = 0

    def cases(self) -> list[Case]:
        return [
            Case(
                revisions=tuple(sorted(known, key=lambda one: one.revision)),
                statuses=tuple(one for one in self.statuses if one.request_id == ident),
                names=("shift",),
            )
            for ident, known in self.requests.items()
        ]

    def put(self, what: ToORequest | ToOStatus) -> None:
        if isinstance(what, ToOStatus):
            self.statuses.append(replace(what, time=self.now))
        elif all(what.revision != one.revision for one in self.requests.get(what.request_id, ())):
            self.requests.setdefault(what.request_id, []).append(what)

    def tell(self) -> None:
        """Until nothing is due; each message decided anew."""
        for _ in range(50):
            messages = due(self.cases(), RECEIVERS, now=self.now)
            if not messages:
                return
            self.sent.append((self.now, messages[0]))
            self.rounds.append((self.round, messages[0]))
            for item in messages[0].items:
                about = next(o for o in self.requests[item.request_id] if o.revision == item.revision)
                told = answer(about, "recorded", f"tell-{messages[0].receiver}", reference=item.mark)
                self.put(told)
        raise AssertionError("it never comes to rest")

    def wait(self, minutes: int) -> None:
        for _ in range(minutes // 5):
            self.now += STEP
            self.tell()


LATE: Final = START + timedelta(hours=8)
CHANGES: Final[st.SearchStrategy[dict[str, Any]]] = st.sampled_from(
    [
        *[{"needs_approval": True}] * 6,
        {"needs_approval": False},
        {"needs_approval": True, "state": "cancelled"},
        {"needs_approval": True, "reality": "test"},
        {"needs_approval": True, "run_mode": "drill"},
        {"needs_approval": True, "run_mode": "replay"},
        {"needs_approval": True, "expires": START + timedelta(minutes=30)},
    ]
)
SAID = st.sampled_from(["approved", "rejected", "sent", "accepted", "rejected by it", "cancelled", "not_cancelled"])


@st.composite
def happenings(draw: st.DrawFn) -> list[tuple[ToORequest | ToOStatus, int]]:
    """Revisions of two requests and what is said of them, in any order, each with a wait behind it."""
    requests = [
        request(number, ident, exposure_s=draw(st.sampled_from([60.0, 61.0])), **({"expires": LATE} | draw(CHANGES)))
        for ident in ("a", "b")
        for number in range(1, draw(st.integers(1, 3)) + 1)
    ]
    said: list[ToOStatus] = []
    for one, what in draw(st.lists(st.tuples(st.sampled_from(requests), SAID), max_size=6)):
        state, adapter = what.partition(" ")[0], PERSON if what in {"approved", "rejected"} else "telescope"
        said.append(answer(one, state, adapter))  # type: ignore[arg-type]  # each of SAID begins with a state
    both: list[ToORequest | ToOStatus] = [*requests, *said]
    every = draw(st.permutations(both))
    return [(one, draw(st.integers(0, 25))) for one in every]


def played(story: list[tuple[ToORequest | ToOStatus, int]]) -> World:
    world = World()
    for what, minutes in story:
        world.round += 1
        world.put(what)
        world.tell()
        world.wait(minutes)
    world.wait(90)
    return world


@settings(max_examples=examples(20))
@given(happenings())
def test_it_comes_to_rest_and_alarms_only_of_what_is_real_and_live(
    story: list[tuple[ToORequest | ToOStatus, int]],
) -> None:
    world = played(story)
    for _, message in world.sent:
        for item in message.items:
            known = {one.revision: one for one in world.requests[item.request_id]}
            assert known[item.revision].run_mode != "replay" or item.state != "drill"
            if message.urgent and item.state == "waits":
                about = known[item.revision]
                assert (about.state, about.reality, about.run_mode) == ("proposed", "real", "live")
            elif message.urgent:
                asked = [one.revision for one in world.statuses if one.state in {"sent", "accepted"}]
                assert any((known[n].reality, known[n].run_mode) == ("real", "live") for n in asked if n in known)


@settings(max_examples=examples(20))
@given(happenings())
def test_what_is_not_urgent_keeps_the_quiet_of_its_receiver(
    story: list[tuple[ToORequest | ToOStatus, int]],
) -> None:
    last: dict[str, datetime] = {}
    for at, message in played(story).sent:
        if not message.urgent and message.receiver in last:
            assert at - last[message.receiver] >= RECEIVERS[message.receiver].every
        last[message.receiver] = at
        assert RECEIVERS[message.receiver].on_call(at)


@settings(max_examples=examples(25))
@given(happenings())
def test_nobody_is_told_twice_of_the_same(story: list[tuple[ToORequest | ToOStatus, int]]) -> None:
    """Between two happenings each receiver hears of each state once at the most, however long that is."""
    heard = Counter(
        (number, message.receiver, item.request_id, item.mark)
        for number, message in played(story).rounds
        for item in message.items
    )
    assert all(count == 1 for count in heard.values())


@settings(max_examples=examples(20))
@given(st.permutations(range(3)), st.integers(0, 12))
def test_each_step_of_the_chain_is_climbed_once(order: list[int], steps: int) -> None:
    """The window moves while nobody answers: three revisions that ask for the same."""
    world = World()
    for number in order:
        one = request(number + 1, exposure_s=60.0, needs_approval=True, expires=START + timedelta(hours=8))
        world.put(replace(one, window_start=START + timedelta(minutes=number)))
        world.tell()
    world.wait(5 * steps)
    climbed = [("shift", timedelta(0)), ("lead", timedelta(minutes=15)), ("chief", timedelta(minutes=35))]
    heard = [(message.receiver, at - START) for at, message in world.sent]
    assert heard == [(name, after) for name, after in climbed if after <= 5 * steps * timedelta(minutes=1)]
