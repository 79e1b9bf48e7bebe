"""The laws of `nuncius.consumers.adapter.Adapter`, for every adapter there is."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

import pytest
from too_cases import request
from too_server import SECRET, facility

from nuncius.consumers.adapter import Adapter
from nuncius.consumers.recorder import Recorder
from nuncius.consumers.webhook import Webhook
from nuncius.schemas import ToOStatus
from nuncius.schemas.codec import decode, encode


class Behind(Protocol):
    """What a facility did: the keys it acted on, and the revision of each request that it holds."""

    @property
    def executed(self) -> list[str]: ...

    @property
    def orders(self) -> dict[str, int]: ...


@dataclass
class Case:
    """An adapter and the facility behind it; None where there is none."""

    adapter: Adapter
    behind: Behind | None


@contextmanager
def recorder() -> Iterator[Case]:
    yield Case(Recorder(), None)


@contextmanager
def webhook() -> Iterator[Case]:
    with facility() as (state, url):
        hook = Webhook(url, secret=SECRET, allowed_hosts=frozenset({"127.0.0.1"}))
        yield Case(hook, state)
        hook.close()


ADAPTERS: tuple[Callable[[], AbstractContextManager[Case]], ...] = (recorder, webhook)


@pytest.fixture(params=ADAPTERS, ids=lambda factory: factory.__name__)
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    with request.param() as made:
        yield made


def test_it_has_a_short_name(case: Case) -> None:
    assert case.adapter.name == case.adapter.name.lower().strip() != ""
    assert len(case.adapter.name) < 40


@pytest.mark.parametrize("action", ["submit", "cancel"])
def test_a_status_is_about_the_request_and_fits_on_the_wire(case: Case, action: str) -> None:
    asked = request(7)
    status: ToOStatus = getattr(case.adapter, action)(asked, "")
    assert (status.request_id, status.revision, status.idempotency_key) == ("r", 7, "r/7")
    assert (status.facility, status.adapter) == (asked.facility, case.adapter.name)
    assert decode(ToOStatus, encode(status)) == status


def test_it_says_whether_somebody_was_asked(case: Case) -> None:
    assert case.adapter.real is (case.behind is not None)
    done = ("accepted", "cancelled") if case.adapter.real else ("recorded", "recorded")
    assert case.adapter.submit(request(), "").state == done[0]
    assert case.adapter.cancel(request(2), "").state == done[1]


def test_asking_twice_asks_once(case: Case) -> None:
    first, second = case.adapter.submit(request(), ""), case.adapter.submit(request(), "")
    assert first == second
    if case.behind is not None:
        assert case.behind.executed == ["r/1"]


def test_a_later_revision_replaces_and_a_cancellation_takes_back(case: Case) -> None:
    case.adapter.submit(request(), "")
    case.adapter.submit(request(2), "")
    if case.behind is not None:
        assert case.behind.orders == {"r": 2}
    case.adapter.cancel(request(3), "")
    if case.behind is not None:
        assert case.behind.orders == {}


def test_taking_back_what_is_unknown_succeeds(case: Case) -> None:
    assert case.adapter.cancel(request(ident="never asked"), "").state in {"cancelled", "recorded"}
