"""A call that nobody waits for any more may still arrive: what was taken back soon after it is taken back once more."""

from datetime import timedelta
from typing import Any

import pytest
from too_cases import MERGER, request

from nuncius.broker.planning.late import LATE, to_repeat
from nuncius.broker.planning.lifecycle import Cancel, Life, Submit, Wait, leave, next_move
from nuncius.consumers.adapter import answer
from nuncius.schemas import ToOStatus
from nuncius.schemas.vocabulary import RequestState

WANTED = request()
GONE = request(2, state="cancelled")
ASKED = MERGER + timedelta(hours=1)


def said(state: RequestState, after_s: float, revision: int = 1) -> ToOStatus:
    about = WANTED if revision == 1 else GONE
    status = answer(about, state, "telescope")
    return ToOStatus(**{**_fields(status), "time": ASKED + timedelta(seconds=after_s)})


def _fields(status: ToOStatus) -> dict[str, Any]:
    return {name: getattr(status, name) for name in status.__slots__}


def life(*told: ToOStatus) -> Life:
    return Life(revisions=(WANTED, GONE), told=told)


LOST = (said("sent", 0), said("cancelled", 30, 2))


def test_what_was_dropped_soon_after_a_lost_call_is_dropped_once_more_when_that_can_have_come() -> None:
    soon, due = ASKED + timedelta(seconds=60), ASKED + LATE
    assert next_move(life(*LOST), now=soon) == Wait("a call without an answer may arrive late", due)
    assert next_move(life(*LOST), now=due) == Cancel()
    done = life(*LOST, said("cancelled", 301, 2))
    move = next_move(done, now=due + timedelta(minutes=1))
    assert isinstance(move, Wait)
    assert move.until is None


def test_so_it_is_by_an_adapter_that_leaves() -> None:
    assert leave(life(*LOST), now=ASKED + LATE) == Cancel()
    assert leave(life(*LOST), now=ASKED) == Wait("a call without an answer may arrive late", ASKED + LATE)


@pytest.mark.parametrize(
    "told",
    [
        (said("sent", 0), said("accepted", 1), said("cancelled", 30, 2)),
        (said("sent", 0), said("cancelled", 300, 2)),
        (said("sent", 0), said("rejected", 1)),
        (said("sent", 0), said("not_cancelled", 30, 2)),
        (),
    ],
)
def test_what_was_answered_or_is_long_ago_is_dropped_once(told: tuple[ToOStatus, ...]) -> None:
    assert to_repeat(told, 2, ASKED + LATE) is None


def test_a_call_that_was_repeated_and_answered_may_have_a_copy_on_its_way() -> None:
    told = (said("sent", 0), said("sent", 5), said("sent", 6), said("accepted", 7), said("cancelled", 30, 2))
    assert to_repeat(told, 2, ASKED + timedelta(seconds=40)) == ASKED + timedelta(seconds=5) + LATE


def test_a_second_cancellation_without_an_answer_is_tried_again() -> None:
    told = (*LOST, said("sent", 301, 2))
    assert to_repeat(told, 2, ASKED + timedelta(seconds=302)) == ASKED + timedelta(seconds=301) + LATE


def test_a_day_later_nothing_is_repeated() -> None:
    assert to_repeat(LOST, 2, ASKED + timedelta(days=2)) is None


def test_what_is_wanted_again_is_not_taken_back() -> None:
    again = request(3)
    wanted = Life(revisions=(WANTED, GONE, again), told=LOST)
    assert next_move(wanted, now=ASKED + LATE) == Submit()


def test_a_clock_that_was_set_back_repeats_at_once_and_once_only() -> None:
    before = ASKED - timedelta(hours=1)
    assert to_repeat(LOST, 2, before) == before
    assert to_repeat((*LOST, said("cancelled", -3600, 2)), 2, before) is None


def test_what_was_accepted_after_it_was_dropped_is_dropped_at_once() -> None:
    told = (*LOST, said("accepted", 40))
    assert next_move(life(*told), now=ASKED + timedelta(seconds=41)) == Cancel()
    done = life(*told, said("cancelled", 42, 2))
    assert isinstance(next_move(done, now=ASKED + timedelta(seconds=43)), Wait)
