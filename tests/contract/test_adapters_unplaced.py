"""Adapters and a request without a position: who needs one invents none, who carries words carries them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import pytest
from fakes import hermes
from too_cases import MERGER, NOWHERE
from too_doors import (
    Case,
    Made,
    eso,
    gemini_too,
    hopskotch,
    lco,
    recorder,
    sky_portal,
    swift_too,
    treasure,
    voevent,
    webhook,
)

from nuncius.broker.planning.lifecycle import PERSON
from nuncius.consumers.adapter import answer
from nuncius.consumers.delivery import Outbox
from nuncius.schemas import Retry

NEED_IT: Final[tuple[Made, ...]] = (lco, swift_too, treasure, sky_portal, eso, gemini_too)
CARRY_WORDS: Final[tuple[Made, ...]] = (recorder, webhook, voevent, hopskotch)


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    with request.param() as made:
        yield made


def at(night: datetime, hour: int, minute: int) -> datetime:
    return night + timedelta(hours=hour, minutes=minute)


def need_it(argument: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(argument, NEED_IT, indirect=True, ids=lambda factory: factory.__name__)


@need_it("case")
def test_who_needs_a_position_refuses_in_words_and_asks_nobody(case: Case) -> None:
    assert case.fake is not None
    status = case.adapter.submit(case.asked(**NOWHERE), "")
    assert status.state == "rejected"
    assert status.detail.startswith("needs a position")
    assert "until a revision brings one" in status.detail
    assert case.fake.seen == []


@need_it("case")
def test_it_is_asked_once_a_revision_has_a_position(case: Case) -> None:
    assert case.behind is not None
    case.adapter.submit(case.asked(**NOWHERE), "")
    assert case.adapter.submit(case.asked(2, **NOWHERE), "").state == "rejected"
    assert case.behind.executed == []
    assert case.adapter.submit(case.asked(3), "").state == "accepted"
    assert case.behind.orders == {"r": 3}


@need_it("case")
def test_a_position_that_no_longer_holds_is_taken_back_there_or_is_for_a_person(case: Case) -> None:
    assert case.behind is not None
    standing = case.adapter.submit(case.asked(), "")
    lost = case.adapter.submit(case.asked(2, **NOWHERE), standing.reference)
    assert lost.state == ("cancelled" if case.takes_back else "not_cancelled")
    assert "no longer holds" in lost.detail
    assert "needs a position" in lost.detail
    assert case.behind.orders == ({} if case.takes_back else {"r": 1})


@need_it("case")
def test_the_log_says_that_and_nobody_is_asked_again_and_again(case: Case) -> None:
    outbox, night = Outbox(case.adapter), MERGER + timedelta(hours=12)
    said: list[str] = []
    for hour, wanted in enumerate((case.asked(), case.asked(2, **NOWHERE))):
        outbox.take([wanted])
        outbox.learn([answer(wanted, "approved", PERSON)])
        said += [status.state for minute in (0, 10, 20, 30) for status in outbox.deliver(now=at(night, hour, minute))]
    end = "cancelled" if case.takes_back else "not_cancelled"
    assert said[:4] == ["sent", "accepted", "sent", end]
    assert said[4:] in ([], ["cancelled"])  # once more, for a call that may come late


@need_it("case")
def test_what_stands_after_a_lost_answer_is_taken_back_too(case: Case) -> None:
    assert case.fake is not None
    assert case.behind is not None
    case.fake.trouble = "lost after"
    with pytest.raises(Retry):
        case.adapter.submit(case.asked(), "")
    case.fake.trouble = ""
    assert case.adapter.submit(case.asked(2, **NOWHERE), "").state in {"rejected", "not_cancelled"}
    if case.takes_back:
        assert case.behind.orders == {}


@pytest.mark.parametrize("case", CARRY_WORDS, indirect=True, ids=lambda factory: factory.__name__)
def test_who_carries_words_takes_it_the_position_later_and_the_end(case: Case) -> None:
    done = "accepted" if case.adapter.real else "recorded"
    first = case.adapter.submit(case.asked(**NOWHERE), "")
    assert first.state == done
    assert "None" not in first.detail
    assert case.adapter.submit(case.asked(2), first.reference).state == done
    gone = case.asked(3, **(NOWHERE | {"state": "cancelled"}))
    assert case.adapter.cancel(gone, first.reference).state == ("cancelled" if case.adapter.real else "recorded")
    if case.behind is not None:
        assert case.behind.executed[:2] == ["r/1", "r/2"]
        assert case.behind.orders == {}


def test_hermes_says_that_the_position_is_not_known_and_names_no_target() -> None:
    with hopskotch() as case:
        assert isinstance(case.fake, hermes.Service)
        case.adapter.submit(case.asked(**NOWHERE, target_name="snews:1"), "")
        (message,) = case.fake.published
    assert message["data"]["targets"] == []
    assert "snews:1, position not known yet" in message["message_text"]
    assert "Make ready" in message["message_text"]
    assert "None" not in message["message_text"]


def test_the_treasure_map_stays_out_of_what_is_no_event_of_lvk() -> None:
    with treasure() as case:
        status = case.adapter.submit(replace(case.asked(**NOWHERE), event_thread="snews:1"), "")
    assert (status.state, "no event of LVK" in status.detail) == ("recorded", True)
