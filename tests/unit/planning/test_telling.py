"""Who is told: single decisions, each from its rule."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from too_cases import MERGER, request

from nuncius.broker.planning.hours import span_of_day
from nuncius.broker.planning.lifecycle import PERSON
from nuncius.broker.planning.telling import Case, Receiver, due
from nuncius.consumers.adapter import answer
from nuncius.schemas import ToORequest, ToOStatus
from nuncius.schemas.vocabulary import RequestState

NIGHT = MERGER.replace(hour=3, minute=0, second=0, microsecond=0)
ONE = request(needs_approval=True, exposure_s=60.0, expires=NIGHT + timedelta(hours=5))
SHIFT = Receiver(name="shift", then="lead", hours=(span_of_day("22:00-10:00"),))
LEAD = Receiver(name="lead", then="chief")
CHIEF = Receiver(name="chief")
ALL = {one.name: one for one in (SHIFT, LEAD, CHIEF)}


def case(*said: ToOStatus, revisions: tuple[ToORequest, ...] = (ONE,)) -> Case:
    return Case(revisions=revisions, statuses=said, names=("shift",))


def told(name: str, mark: str, about: ToORequest = ONE, at: datetime = NIGHT) -> ToOStatus:
    return replace(answer(about, "recorded", f"tell-{name}", reference=mark), time=at)


def said(state: RequestState, adapter: str = "telescope", about: ToORequest = ONE) -> ToOStatus:
    return replace(answer(about, state, adapter), time=NIGHT)


def heard(*cases: Case, after_min: float = 0.0, **changed: Any) -> list[tuple[str, bool, tuple[str, ...]]]:
    """Receiver, whether it is urgent, and marks, of each message."""
    messages = due(cases, ALL, now=NIGHT + timedelta(minutes=after_min), **changed)
    return [(one.receiver, one.urgent, tuple(item.mark for item in one.items)) for one in messages]


WAITS = ("request/waits",)


def test_off_call_the_next_is_asked_at_once_and_the_first_when_the_hours_begin() -> None:
    assert heard(case()) == [("shift", True, WAITS)]
    noon = 9 * 60.0
    long = replace(ONE, expires=NIGHT + timedelta(days=2))
    assert heard(case(revisions=(long,)), after_min=noon) == [("lead", True, WAITS)]
    asked = case(told("lead", "request/waits", long, NIGHT + timedelta(hours=9)), revisions=(long,))
    assert heard(asked, after_min=noon + 14) == []
    assert heard(asked, after_min=noon + 15) == [("chief", True, WAITS)]
    answered = (told("lead", "request/waits", long), told("chief", "request/waits", long))
    assert heard(case(*answered, revisions=(long,)), after_min=19 * 60.0) == [("shift", True, WAITS)]


def test_who_cannot_be_reached_is_still_tried_and_so_is_the_next() -> None:
    both = [("shift", True, WAITS), ("lead", True, WAITS)]
    assert heard(case(), silent=frozenset({"shift"})) == both


def test_a_yes_ends_the_chain_and_the_one_asked_hears_who_gave_it() -> None:
    yes = replace(said("approved", PERSON), who="Ana")
    asked = told("shift", "request/waits")
    assert heard(case(asked, yes), after_min=5) == []
    assert heard(case(asked, yes), after_min=60) == [("shift", False, ("word/approved",))]
    assert heard(case(yes), after_min=60) == []


def test_a_moved_window_wakes_nobody_and_another_wish_waits_for_the_quiet() -> None:
    moved = replace(ONE, revision=2, window_stop=NIGHT + timedelta(hours=4))
    other = replace(ONE, revision=2, exposure_s=90.0)
    asked = told("shift", "request/waits")
    assert heard(case(asked, revisions=(ONE, moved)), after_min=10) == []
    assert heard(case(asked, revisions=(ONE, other)), after_min=9) == []
    assert heard(case(asked, revisions=(ONE, other)), after_min=10) == [("shift", False, WAITS)]


def test_after_a_yes_to_something_else_a_new_wish_is_urgent_again() -> None:
    other = replace(ONE, revision=2, exposure_s=90.0)
    answered = (told("shift", "request/waits"), said("approved", PERSON), told("shift", "word/approved"))
    assert heard(case(*answered, revisions=(ONE, other)), after_min=1) == [("shift", True, WAITS)]


def test_doubt_wakes_the_shift_again_once_a_doubt_whatever_was_told_or_answered_before() -> None:
    doubted = replace(ONE, revision=2, doubt="taken back")
    more = replace(ONE, revision=3, doubt="taken back 2 times")
    asked, yes = told("shift", "request/waits"), said("approved", PERSON)
    assert heard(case(asked, revisions=(ONE, doubted)), after_min=1) == [("shift", True, WAITS)]
    answered = (asked, yes, told("shift", "word/approved"))
    assert heard(case(*answered, revisions=(ONE, doubted)), after_min=1) == [("shift", True, WAITS)]
    again = told("shift", "request/waits", doubted)
    assert heard(case(asked, again, revisions=(ONE, doubted)), after_min=14) == []
    assert heard(case(asked, again, revisions=(ONE, doubted)), after_min=15) == [("lead", True, WAITS)]
    assert heard(case(asked, again, revisions=(ONE, doubted, more)), after_min=1) == [("shift", True, WAITS)]
    moved = replace(more, revision=4, window_stop=NIGHT + timedelta(hours=4))
    third = told("shift", "request/waits", more)
    assert heard(case(asked, again, third, revisions=(ONE, doubted, more, moved)), after_min=1) == []


def test_what_goes_out_by_itself_waits_for_the_shift_once_it_is_in_doubt() -> None:
    automatic = replace(ONE, needs_approval=False)
    doubted = replace(ONE, revision=2, doubt="taken back")
    at_it = (said("sent"), said("accepted"), told("shift", "@telescope/accepted"))
    assert heard(case(*at_it, revisions=(automatic,)), after_min=1) == []
    assert heard(case(*at_it, revisions=(automatic, doubted)), after_min=1) == [("shift", True, WAITS)]


def test_what_was_taken_back_is_told_to_those_who_knew_of_it() -> None:
    gone = replace(ONE, revision=2, state="cancelled")
    asked = (told("shift", "request/waits"), told("lead", "request/waits"))
    assert heard(case(revisions=(ONE, gone))) == []
    assert heard(case(*asked, revisions=(ONE, gone)), after_min=10) == [
        ("shift", False, ("request/withdrawn",)),
        ("lead", False, ("request/withdrawn",)),
    ]


def test_one_that_expired_unanswered_is_told_once_and_forgotten_a_day_later() -> None:
    asked = told("shift", "request/waits")
    assert heard(case(asked), after_min=5 * 60.0) == [("shift", False, ("request/over",))]
    assert heard(case(asked, told("shift", "request/over")), after_min=6 * 60.0) == []
    assert heard(case(asked), after_min=(29 * 60.0) + 1) == []


def test_only_a_facility_that_was_asked_is_news() -> None:
    automatic = replace(ONE, needs_approval=False)
    asked = (said("sent"), said("accepted"), said("scheduled"))
    assert heard(case(*asked, revisions=(automatic,))) == [("shift", False, ("@telescope/scheduled",))]
    assert heard(case(said("recorded", "recorder"), said("expired", "other"), revisions=(automatic,))) == []


@pytest.mark.parametrize("changed", [{"reality": "test"}, {"reality": "injection"}, {"run_mode": "drill"}])
def test_a_drill_is_no_alarm_and_only_for_those_who_want_it(changed: dict[str, Any]) -> None:
    drill = replace(ONE, **changed)
    assert heard(case(revisions=(drill,))) == []
    keen = ALL | {"shift": replace(SHIFT, drills=True)}
    messages = due([case(revisions=(drill,))], keen, now=NIGHT)
    assert [(one.receiver, one.urgent, one.items[0].mark) for one in messages] == [("shift", False, "request/drill")]


@pytest.mark.parametrize("changed", [{"run_mode": "replay"}, {"run_mode": "demo"}, {"state": "rejected"}])
def test_history_and_what_nobody_wants_are_told_to_nobody(changed: dict[str, Any]) -> None:
    keen = ALL | {"shift": replace(SHIFT, drills=True)}
    assert due([case(revisions=(replace(ONE, **changed),))], keen, now=NIGHT) == ()


def test_what_turned_out_a_test_and_stays_with_a_telescope_is_an_alarm() -> None:
    """It was real when it was sent."""
    test = replace(ONE, revision=2, reality="test")
    stuck = (said("sent"), said("accepted"), said("not_cancelled", about=test))
    assert heard(case(*stuck, revisions=(ONE, test))) == [("shift", True, ("@telescope/not_cancelled",))]


def test_hours_of_a_day() -> None:
    assert span_of_day("22:00-06:30") == (time(22), time(6, 30))
    for wrong in ("22-6", "24:00-06:00", "22:00-22:00", ""):
        with pytest.raises(ValueError, match="no"):
            span_of_day(wrong)
    late = Receiver(name="late", hours=(span_of_day("22:00-06:30"),))
    on = [late.on_call(NIGHT.replace(hour=h, minute=m)) for h, m in ((21, 59), (22, 0), (6, 29), (6, 30))]
    assert on == [False, True, True, False]
