"""A person's yes to smaller groups of an event, and the larger one that took them in."""

from dataclasses import replace
from typing import Any

import pytest
from too_cases import request

from nuncius.broker.planning.carried import carried
from nuncius.broker.planning.lifecycle import PERSON, Life
from nuncius.consumers.adapter import answer
from nuncius.schemas import ToORequest
from nuncius.schemas.vocabulary import RequestState


def said(about: ToORequest, *words: RequestState) -> Life:
    """A request that was taken back, and what Ana had said of it before."""
    gone = replace(about, revision=2, state="cancelled", tiles=(), window_start=None, window_stop=None)
    people = tuple(replace(answer(about, word, PERSON), who="Ana") for word in words)
    return Life(revisions=(about, gone), people=people)


def larger(**changed: Any) -> Life:
    return Life(revisions=(request(1, "b", needs_approval=True, cause_id="d", target_name="both", **changed),))


SMALL = request(1, "a", needs_approval=True)


def test_a_yes_is_taken_over_and_says_from_where() -> None:
    status = carried(larger(), [said(SMALL, "approved")])
    assert status is not None
    assert (status.request_id, status.revision, status.state, status.adapter, status.who) == (
        "b",
        1,
        "approved",
        PERSON,
        "Ana",
    )
    assert "said of a," in status.detail


@pytest.mark.parametrize(
    "changed",
    [
        {"exposure_s": 59.0},
        {"ra": 12.0},
        {"priority": 9.0},
        {"preempt": True},
        {"facility": "another"},
        {"reality": "test"},
        {"run_mode": "replay"},
        {"state": "rejected"},
        {"needs_approval": False},
    ],
)
def test_it_must_ask_for_the_same(changed: dict[str, Any]) -> None:
    assert carried(Life(revisions=(replace(larger().latest, **changed),)), [said(SMALL, "approved")]) is None


@pytest.mark.parametrize("words", [(), ("rejected",), ("approved", "rejected")])
def test_only_a_yes_that_holds_is_taken_over(words: tuple[RequestState, ...]) -> None:
    assert carried(larger(), [said(SMALL, *words)]) is None


def test_a_no_to_one_of_several_keeps_the_yes_to_another() -> None:
    other = replace(SMALL, request_id="c", idempotency_key="c/1")
    assert carried(larger(), [said(SMALL, "approved"), said(other, "rejected")]) is None
    assert carried(larger(), [said(SMALL, "approved"), said(other, "approved")]) is not None


def test_who_has_answered_already_is_not_answered_for() -> None:
    life = larger()
    no = replace(answer(life.latest, "rejected", PERSON), who="Ben")
    assert carried(life.with_status(no), [said(SMALL, "approved")]) is None


def test_a_word_of_ones_own_stands_before_one_that_was_taken_over() -> None:
    life = larger()
    taken_over = carried(life, [said(SMALL, "approved")])
    assert taken_over is not None
    no = replace(answer(life.latest, "rejected", PERSON), who="Ben")
    assert life.with_status(no).with_status(taken_over).word == no
    assert life.with_status(taken_over).word == taken_over


def test_a_yes_that_became_void_is_not_taken_over() -> None:
    small = said(SMALL, "approved")
    gone = small.revisions[-1]
    again = replace(SMALL, revision=3)
    twice = replace(small, revisions=(*small.revisions, again, replace(gone, revision=4)))
    assert carried(larger(), [twice]) is None
    retracted_first = replace(small, revisions=(*small.revisions, replace(gone, revision=3, reason="superseded")))
    assert carried(larger(), [retracted_first]) is None
