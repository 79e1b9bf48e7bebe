"""Facilities that cannot be asked what they began: asked once at most, over lost answers, crashes and retractions.

After a crash there is a new adapter, and all that it knows is the log.
"""

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from fakes import gemini, swift
from fakes.server import Trouble, running
from how_many import examples
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from too_cases import MERGER, request
from too_doors import FREELY, HERE

from nuncius.consumers.adapter import answer
from nuncius.consumers.delivery import Outbox
from nuncius.consumers.too.gemini import Gemini
from nuncius.consumers.too.gemini_trigger import GeminiSettings
from nuncius.consumers.too.swift import Swift
from nuncius.consumers.too.swift_form import SwiftSettings
from nuncius.schemas import ToORequest, ToOStatus

TROUBLES = st.sampled_from(["", "lost", "lost after", "broken", "rubbish", "busy"])
EVENTS = st.lists(st.tuples(st.sampled_from(["tick", "crash", "crash before the call", "next"]), TROUBLES), max_size=8)
STEP = timedelta(minutes=6)
Blind = gemini.Database | swift.SwiftApi


def gemini_at(url: str) -> Gemini:
    known = {"url": url, "program": gemini.PROGRAM, "email": gemini.EMAIL, "templates": {"": gemini.TEMPLATE}}
    return Gemini(GeminiSettings.model_validate(HERE | known), SecretStr(gemini.PASSWORD), FREELY)


def swift_at(url: str) -> Swift:
    known = {"url": f"{url}/api/v4", "username": swift.USER, "science": "why", "exposure_reason": "why so long"}
    return Swift(SwiftSettings.model_validate(HERE | known), SecretStr(swift.SECRET), FREELY)


@dataclass
class Night:
    """One facility, the log, and the process of the moment."""

    fake: Blind
    made: Callable[[str], Gemini | Swift]
    revisions: list[ToORequest] = field(default_factory=list)
    log: list[ToOStatus] = field(default_factory=list)
    step: int = 0
    process: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        self.adapter = self.made(self.fake.url)
        self.process.enter_context(closing(self.adapter))
        self.outbox = Outbox(self.adapter)
        self.outbox.take(self.revisions)
        self.outbox.learn(self.log)

    def publish(self, revision: ToORequest) -> None:
        self.revisions.append(revision)
        self.outbox.take([revision])

    def tick(self, trouble: Trouble) -> None:
        self.fake.trouble = trouble
        self.step += 1
        self.log += self.outbox.deliver(now=MERGER + timedelta(hours=12) + self.step * STEP)

    def die_before_the_call(self) -> None:
        """``sent`` is on the log, and that is all."""
        latest = self.revisions[-1]
        if latest.state == "proposed" and latest.revision not in {status.revision for status in self.log}:
            self.log.append(answer(latest, "sent", self.adapter.name, "asking"))


@pytest.mark.parametrize(("fake", "made"), [(gemini.Database, gemini_at), (swift.SwiftApi, swift_at)])
@settings(deadline=None, max_examples=examples(8), suppress_health_check=[HealthCheck.too_slow])
@given(night=EVENTS)
@example(night=[("tick", "lost after"), ("crash", ""), ("tick", ""), ("next", ""), ("tick", "")])
@example(night=[("crash before the call", ""), ("tick", ""), ("next", "")])
def test_one_request_is_asked_once_whatever_dies_and_a_retraction_reaches_people(
    fake: Callable[[], Blind], made: Callable[[str], Gemini | Swift], night: list[tuple[str, Trouble]]
) -> None:
    there = fake()
    revisions = [request(1), request(2), request(3, state="cancelled")]
    with running(there):
        here = Night(there, made, [revisions.pop(0)])
        for event, trouble in night:
            if event == "next" and revisions:
                here.publish(revisions.pop(0))
            elif event == "crash before the call":
                here.die_before_the_call()
            if event.startswith("crash"):
                here.process.close()
                here.start()
            here.tick(trouble)
        for revision in revisions:
            here.publish(revision)
        for _ in range(3):
            here.tick("")
        here.process.close()
    assert len(there.executed) <= 1
    if there.executed:
        assert "not_cancelled" in {status.state for status in here.log if status.revision == 3}
