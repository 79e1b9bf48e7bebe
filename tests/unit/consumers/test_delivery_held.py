"""What is held back costs nothing while it waits, holds up no cancellation, and is not forgotten."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import pytest
from too_cases import MERGER, request

from nuncius.broker.planning.lifecycle import PERSON, Held, Life
from nuncius.broker.planning.restraint import Restraint, held
from nuncius.consumers.adapter import answer
from nuncius.consumers.delivery import Outbox
from nuncius.schemas import ToORequest, ToOStatus
from nuncius.schemas.vocabulary import RequestState

NOW = MERGER + timedelta(hours=12)


@dataclass
class Scope:
    """An adapter that takes everything."""

    calls: list[str] = field(default_factory=list)

    name: Final = "scope"
    real: Final = True
    public: Final = False

    def submit(self, wanted: ToORequest, _standing: str) -> ToOStatus:
        self.calls.append(f"submit {wanted.idempotency_key}")
        return answer(wanted, "accepted", self.name)

    def cancel(self, gone: ToORequest, _standing: str) -> ToOStatus:
        self.calls.append(f"cancel {gone.idempotency_key}")
        return answer(gone, "cancelled", self.name)

    def look(self, _asked: ToORequest, _standing: str) -> None:
        """Nothing."""


def states(outbox: Outbox, *requests: ToORequest, now: datetime = NOW) -> list[str]:
    outbox.take(requests)
    return [status.state for status in outbox.deliver(now=now)]


def says(outbox: Outbox, word: RequestState, about: ToORequest) -> None:
    outbox.learn([replace(answer(about, word, PERSON), who="Ana")])


def test_a_quota_of_none_holds_everything_back() -> None:
    limited = Outbox(scope := Scope(), restraints={"pair": Restraint(quota=0)})
    assert states(limited, request(), request(ident="s")) == ["proposed"] * 2
    assert scope.calls == []


def test_what_is_held_back_rests_until_its_time_or_news(monkeypatch: pytest.MonkeyPatch) -> None:
    weighed: list[str] = []

    def counted(restraint: Restraint, one: ToORequest, others: Iterable[Life], now: datetime) -> Held | None:
        weighed.append(one.request_id)
        assert len(list(others)) <= 1
        return held(restraint, one, others, now)

    monkeypatch.setattr("nuncius.broker.planning.restraint.held", counted)
    limited = Outbox(scope := Scope(), restraints={"pair": Restraint(quota=1)})
    states(limited, *(request(ident=f"r{number:03}") for number in range(100)))
    weighed.clear()
    assert states(limited, now=NOW + timedelta(hours=1)) == []
    assert weighed == []
    says(limited, "rejected", request(ident="r050"))
    assert states(limited, now=NOW + timedelta(hours=1)) == []
    assert states(limited, now=NOW - timedelta(hours=1)) == []
    assert len(weighed) > 90
    assert scope.calls == ["submit r000/1"]


def test_what_expires_while_it_is_held_back_is_said_then() -> None:
    limited = Outbox(Scope(), restraints={"pair": Restraint(quota=0, within=timedelta(days=30))})
    assert states(limited, request(expires=NOW + timedelta(hours=2))) == ["proposed"]
    assert states(limited, now=NOW + timedelta(hours=1)) == []
    assert states(limited, now=NOW + timedelta(hours=2)) == ["expired"]


def test_what_is_taken_back_goes_before_what_is_asked() -> None:
    outbox = Outbox(Scope())
    gone = request(2, "b", state="cancelled", priority=0.0)
    outbox.take([request(ident="a", priority=9.0), gone, request(ident="c")])
    assert outbox.waiting() == ("b", "a", "c")


def test_a_clock_that_is_set_back_does_not_keep_news_away() -> None:
    outbox = Outbox(Scope())
    states(outbox, request(), now=NOW)
    assert outbox.to_look_at(now=NOW) == ("r",)
    list(outbox.look(now=NOW))
    assert outbox.to_look_at(now=NOW + timedelta(seconds=59)) == ()
    assert outbox.to_look_at(now=NOW - timedelta(hours=1)) == ("r",)
