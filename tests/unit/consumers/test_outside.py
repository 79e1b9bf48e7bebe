"""Whatever an adapter raises or answers, one call has an unknown outcome: it is said, asked again, and others go on."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final, cast

import httpx
import pytest
from lxml import etree
from too_cases import MERGER, request

from nuncius.consumers.adapter import answer
from nuncius.consumers.delivery import FAULT, Outbox
from nuncius.consumers.outside import outside
from nuncius.schemas import Fault, Retry, SettingsError, ToORequest, ToOStatus

NOW = MERGER + timedelta(hours=12)


class VendorError(Exception):
    """What a vendor's client raises: its kind is known to nobody here."""


def parsed() -> None:
    """Raises what lxml does."""
    etree.fromstring(b"<not closed")


RAISED: Final[list[BaseException]] = [
    VendorError("https://user:secret@example.org"),
    httpx.ReadError("reset"),
    httpx.InvalidURL("no URL"),
    SettingsError("a setting"),
    RecursionError(),
    MemoryError(),
    AssertionError(),
    SystemExit(1),
]
ANSWERED: Final[list[Callable[[ToORequest], Any]]] = [
    lambda _: None,
    lambda _: "accepted",
    lambda one: answer(one, "sent", "scope"),
    lambda one: answer(one, "approved", "scope"),
    lambda one: answer(one, "accepted", "person"),
    lambda one: replace(answer(one, "accepted", "scope"), request_id="another"),
    lambda one: replace(answer(one, "accepted", "scope"), revision=7),
    lambda one: answer(one, "accepted", "scope", reference="9" * 501),
    lambda one: answer(one, "accepted", "scope", cast("str", 17)),
    lambda one: answer(one, "accepted", "scope", "\ud800"),
]


@dataclass
class Scope:
    """An adapter that does as told with requests named ``bad``, and well with the others."""

    does: Callable[[ToORequest], Any]
    calls: list[str] = field(default_factory=list)

    name: Final = "scope"
    real: Final = True
    public: Final = False

    def submit(self, wanted: ToORequest, _standing: str) -> ToOStatus:
        return self._call(wanted, answer(wanted, "accepted", self.name))

    def cancel(self, gone: ToORequest, _standing: str) -> ToOStatus:
        return self._call(gone, answer(gone, "cancelled", self.name))

    def look(self, asked: ToORequest, _standing: str) -> ToOStatus | None:
        return self._call(asked, answer(asked, "scheduled", self.name))

    def _call(self, about: ToORequest, status: ToOStatus) -> ToOStatus:
        self.calls.append(about.idempotency_key)
        return cast("ToOStatus", self.does(about)) if about.request_id == "bad" else status


def raising(error: BaseException) -> Callable[[ToORequest], Any]:
    def does(_: ToORequest) -> Any:
        raise error

    return does


@pytest.mark.parametrize(
    "does",
    [*map(raising, RAISED), lambda _: parsed(), *ANSWERED],
    ids=[*(type(one).__name__ for one in RAISED), "lxml", *(f"answer {n}" for n in range(len(ANSWERED)))],
)
def test_it_is_said_and_asked_again_and_others_go_on(does: Callable[[ToORequest], Any]) -> None:
    scope = Scope(does)
    outbox = Outbox(scope)
    outbox.take([request(ident="bad", priority=2), request(ident="good")])
    told = list(outbox.deliver(now=NOW))
    assert [(one.request_id, one.state) for one in told] == [
        ("bad", "sent"),
        ("bad", "sent"),
        ("good", "sent"),
        ("good", "accepted"),
    ]
    assert told[1].detail.startswith(FAULT)
    assert "secret" not in told[1].detail
    assert [one.state for one in outbox.deliver(now=NOW + timedelta(seconds=10))] == ["sent", "sent"]
    assert scope.calls == ["bad/1", "good/1", "bad/1"]
    outbox.take([request(2, "bad", state="cancelled")])
    (gone,) = outbox.deliver(now=NOW + timedelta(minutes=5))
    assert (gone.state, gone.detail.startswith(FAULT)) == ("sent", True)


@pytest.mark.parametrize("does", [*map(raising, RAISED), *ANSWERED[1:4]])
def test_a_look_that_fails_is_said_once_and_changes_nothing(does: Callable[[ToORequest], Any]) -> None:
    outbox = Outbox(Scope(does))
    outbox.take([request(ident="bad", expires=NOW + timedelta(days=1))])
    outbox.learn([answer(request(ident="bad"), "accepted", "scope")])
    told = [one for minute in range(5) for one in outbox.look(now=NOW + timedelta(minutes=minute))]
    assert [(one.state, one.detail.startswith(FAULT)) for one in told] == [("proposed", True)]
    assert list(outbox.deliver(now=NOW)) == []


def test_words_of_a_facility_are_kept_to_a_length() -> None:
    outbox = Outbox(Scope(lambda one: answer(one, "accepted", "scope", "x" * 10**6)))
    outbox.take([request(ident="bad")])
    assert len(list(outbox.deliver(now=NOW))[-1].detail) == 4000


def test_the_door_names_kind_and_line_and_lets_a_retry_through() -> None:
    with pytest.raises(Fault, match=r"^XMLSyntaxError at .+:\d+, please report it$"):
        outside(parsed)
    with pytest.raises(Retry, match="later") as found:
        outside(lambda: raising(Retry("later"))(request()))
    assert not isinstance(found.value, Fault)


def test_a_person_at_the_keyboard_is_heeded() -> None:
    with pytest.raises(KeyboardInterrupt):
        outside(lambda: raising(KeyboardInterrupt())(request()))
