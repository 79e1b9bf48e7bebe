"""Policies that want one look of a facility: it never gets it twice from equals, and somebody's is asked in the end."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from how_many import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from too_cases import MERGER, request

from nuncius.broker.planning.lifecycle import PERSON
from nuncius.consumers.adapter import answer
from nuncius.consumers.delivery import Outbox
from nuncius.schemas import ToORequest, ToOStatus

NOW: Final = MERGER + timedelta(hours=12)
IDENTS: Final = "abc"


@dataclass
class Telescope:
    """Takes or refuses what it is asked, and notes what it held then that nobody had declined."""

    moods: Iterator[str]
    holds: dict[str, ToORequest] = field(default_factory=dict)
    beside: list[tuple[ToORequest, tuple[ToORequest, ...]]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    declined: set[str] = field(default_factory=set)

    name: Final = "telescope"
    real: Final = True
    public: Final = False

    def submit(self, wanted: ToORequest, _standing: str) -> ToOStatus:
        others = tuple(one for ident, one in self.holds.items() if ident not in {wanted.request_id, *self.declined})
        self.beside.append((wanted, others))
        if next(self.moods, "takes") == "refuses":
            self.refused.add(wanted.idempotency_key)
            return answer(wanted, "rejected", self.name)
        self.holds[wanted.request_id] = wanted
        return answer(wanted, "accepted", self.name)

    def cancel(self, gone: ToORequest, _standing: str) -> ToOStatus:
        self.holds.pop(gone.request_id, None)
        return answer(gone, "cancelled", self.name)

    def look(self, _request: ToORequest, _standing: str) -> None:
        """Nothing new."""


@dataclass
class World:
    """One telescope, and what lies on the log."""

    telescope: Telescope
    read: list[ToORequest] = field(default_factory=list)
    said: list[ToOStatus] = field(default_factory=list)

    def works(self, outbox: Outbox) -> None:
        for _ in range(4):
            self.said.extend(outbox.deliver(now=NOW))

    def wanted(self) -> list[ToORequest]:
        """The latest revisions that the telescope was not heard to refuse, and nobody declined."""
        latest = {one.request_id: one for one in self.read}
        kept = (one for one in latest.values() if one.request_id not in self.telescope.declined)
        return [one for one in kept if one.state == "proposed" and one.idempotency_key not in self.telescope.refused]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Revisions, people's noes and restarts; each policy's priority stays."""
    world = World(Telescope(iter(draw(st.lists(st.sampled_from(["takes", "takes", "refuses"]), max_size=6)))))
    priority = {ident: draw(st.sampled_from([1.0, 1.0, 2.0])) for ident in IDENTS}
    revisions = dict.fromkeys(IDENTS, 0)
    outbox = Outbox(world.telescope)
    for _ in range(draw(st.integers(2, 9))):
        ident = draw(st.sampled_from(IDENTS))
        if revisions[ident] and draw(st.integers(0, 5)) == 0:
            about = next(one for one in reversed(world.read) if one.request_id == ident)
            world.said.append(replace(answer(about, "rejected", PERSON), time=NOW))
            world.telescope.declined.add(ident)
            outbox.learn(world.said[-1:])
        elif ident not in world.telescope.declined:
            revisions[ident] += 1
            changed = {
                "state": draw(st.sampled_from(["proposed", "proposed", "proposed", "cancelled"])),
                "policy": f"policy {ident}",
                "priority": priority[ident],
                "event_thread": "fermi-gbm:1",
                "target_name": "fermi-gbm:1",
                "exposure_s": 60.0,
            }
            world.read.append(request(revisions[ident], ident, **changed))
            outbox.take(world.read[-1:])
        if draw(st.integers(0, 3)) == 0:
            outbox = Outbox(world.telescope)
            outbox.take(world.read)
            outbox.learn(world.said)
        if draw(st.booleans()):
            world.works(outbox)
    world.works(outbox)
    return world


@settings(max_examples=examples(60), deadline=None)
@given(worlds())
def test_nothing_is_asked_beside_what_an_equal_or_a_higher_priority_has_there(world: World) -> None:
    for asked, others in world.telescope.beside:
        assert all(one.priority < asked.priority for one in others)


@settings(max_examples=examples(60), deadline=None)
@given(worlds())
def test_nobody_waits_for_ever_behind_who_does_not_come(world: World) -> None:
    wanted = world.wanted()
    held = world.telescope.holds.values()
    assert bool(wanted) == bool(held)
    assert max((one.priority for one in held), default=0.0) == max((one.priority for one in wanted), default=0.0)
