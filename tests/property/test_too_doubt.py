"""Whatever comes in whatever order: nothing goes out by itself for an event that its owner once took back.

The world: notices of one thread by two facilities, whose clocks may be off; a policy that needs no yes; a telescope
that takes everything; a person who says yes or no now and then.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from how_many import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from too_cases import TRACK, alert, inputs, policies

from nuncius.broker.planning.engine import Planner
from nuncius.broker.planning.gate import must_cancel
from nuncius.broker.planning.lifecycle import PERSON, Cancel, Life, Say, Submit, next_move
from nuncius.consumers.adapter import answer
from nuncius.schemas import Alert, ToORequest
from nuncius.schemas.vocabulary import RequestState

ISSUED: Final = datetime(2017, 9, 22, 20, 55, 13, tzinfo=UTC)
NOW: Final = ISSUED + timedelta(hours=1)
Word = Literal["approved", "rejected"]


@st.composite
def notices(draw: st.DrawFn, number: int) -> Alert:
    return alert(
        f"nu-{number}",
        TRACK.thread_id,
        draw(st.sampled_from([(77.3, 5.7), (77.3, 5.7), (77.4, 5.8)])),
        0.5,
        kind=draw(st.sampled_from(["update", "retraction", "initial", "retraction", "update", "followup"])),
        messenger="neutrino",
        facility=draw(st.sampled_from([*["IceCube"] * 7, "Somebody"])),
        event_class="neutrino_track",
        p_astro=0.6,
        time_start=TRACK.time_start,
        issued_time=draw(st.sampled_from([*(ISSUED + timedelta(minutes=late) for late in range(9)), None])),
    )


@st.composite
def stories(draw: st.DrawFn) -> list[Alert | Word]:
    """Notices with words between them."""
    known: list[Alert | Word] = [draw(notices(number)) for number in range(draw(st.integers(3, 6)))]
    words: list[Alert | Word] = draw(st.lists(st.sampled_from(["approved", "approved", "rejected"]), max_size=3))
    return draw(st.permutations([*known, *words]))


@dataclass
class World:
    """One policy's request through one telescope; every move is made from what lies on the log."""

    planner: Planner = field(default_factory=lambda: Planner(policies()))
    life: Life | None = None
    known: list[Alert] = field(default_factory=list)
    said_yes_to: frozenset[str] = frozenset()
    """Notices that were known when the last yes was said."""

    def happens(self, one: Alert | Word) -> None:
        if isinstance(one, Alert):
            self.known.append(one)
            outcome = self.planner.step(inputs(one))
            self.planner.apply(outcome.delta)
            for revision in outcome.effects:
                self.life = Life(revisions=(revision,)) if self.life is None else self.life.with_request(revision)
        elif self.life is not None:
            self.life = self.life.with_status(answer(self.life.latest, one, PERSON))
            self.said_yes_to = frozenset(a.alert_id for a in self.known) if one == "approved" else self.said_yes_to
        self.works()
        word = None if self.life is None else self.life.word
        if (
            word is not None
            and word.state == "approved"
            and self.life is not None
            and not must_cancel(self.life.latest)
        ):
            self.is_right_to_ask()

    def works(self) -> None:
        for _ in range(10):
            if self.life is None:
                return
            move = next_move(self.life, now=NOW)
            match move:
                case Submit():
                    self.is_right_to_ask()
                    said: tuple[RequestState, ...] = ("sent", "accepted")
                case Cancel():
                    said = ("cancelled",)
                case Say(state):
                    said = (state,)
                case _:
                    return
            for state in said:
                status = replace(answer(self.life.latest, state, "telescope"), time=NOW)
                self.life = self.life.with_status(status)
        raise AssertionError("it never comes to rest")

    def is_right_to_ask(self) -> None:
        gone = {one.alert_id for one in taken_back_by_owner(self.known)}
        assert gone <= self.said_yes_to


def taken_back_by_owner(known: Sequence[Alert]) -> list[Alert]:
    """Retractions by whoever issued the first notice; without a time a notice is the first."""
    said = [one for one in known if one.kind != "retraction"]
    first = min(said, key=lambda one: (one.issued_time or datetime.min.replace(tzinfo=UTC), -1, one.alert_id))
    return [one for one in known if one.kind == "retraction" and one.facility == first.facility]


def told(story: Sequence[Alert | Word]) -> World:
    world = World()
    for one in story:
        world.happens(one)
    return world


@settings(max_examples=examples(150), deadline=None)
@given(stories())
def test_what_was_once_taken_back_goes_out_by_a_yes_said_after_it_alone(story: list[Alert | Word]) -> None:
    told(story)


@settings(max_examples=examples(60), deadline=None)
@given(stories(), st.data())
def test_the_last_word_on_the_request_does_not_hang_on_the_order(
    story: list[Alert | Word], data: st.DataObject
) -> None:
    notices_only = [one for one in story if isinstance(one, Alert)]
    other = data.draw(st.permutations(notices_only))
    assert content(told(notices_only)) == content(told(other))


def content(world: World) -> ToORequest | None:
    return None if world.life is None else replace(world.life.latest, revision=0, idempotency_key="")
