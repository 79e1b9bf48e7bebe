"""After a lost answer ours is found among everybody's, however much came after it; else nobody is asked twice."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fakes.hermes import TOPIC, Service
from fakes.skyportal import ALLOCATION, Portal
from fakes.swift import SwiftApi
from too_doors import Case, Made, hopskotch, sky_portal, swift_too

from nuncius.schemas import Retry


def others_toos(api: Any, count: int) -> None:
    """ToOs of the same account, made by somebody's hand."""
    assert isinstance(api, SwiftApi)
    for number in range(count):
        api.toos[90_000 + number] = {"too_id": 90_000 + number, "decision": None, "immediate_objective": "a look"}
    api.approve()


def others_messages(service: Any, count: int) -> None:
    """Messages of others on the topic."""
    assert isinstance(service, Service)
    service.published += [
        {"topic": TOPIC, "data": {"nuncius": {"key": f"x/{n}", "action": "request"}}} for n in range(count)
    ]


def others_requests(portal: Any, count: int) -> None:
    """Follow-up requests of the allocation, made on its pages."""
    assert isinstance(portal, Portal)
    for number in range(count):
        ident = 9_000 + number
        portal.requests[ident] = {"id": ident, "status": "submitted", "allocation_id": ALLOCATION, "payload": None}


Crowd = Callable[[Any, int], None]
PLACES: tuple[tuple[Made, Crowd], ...] = (
    (swift_too, others_toos),
    (hopskotch, others_messages),
    (sky_portal, others_requests),
)


@pytest.fixture(params=PLACES, ids=lambda place: place[0].__name__)
def place(request: pytest.FixtureRequest) -> Iterator[tuple[Case, Crowd]]:
    made, crowd = request.param
    with made() as case:
        yield case, crowd


def lost(case: Case, revision: int = 1) -> None:
    """The facility took it, and nobody was told."""
    assert case.fake is not None
    case.fake.trouble = "lost after"
    with pytest.raises(Retry):
        case.adapter.submit(case.asked(revision), "")
    case.fake.trouble = ""


@pytest.mark.parametrize("after", [99, 100, 250])
def test_what_was_asked_is_found_among_all_that_came_after(place: tuple[Case, Crowd], after: int) -> None:
    case, crowd = place
    lost(case)
    crowd(case.fake, after)
    assert case.adapter.submit(case.asked(), "").state == "accepted"
    assert case.fake is not None
    assert len(case.fake.asked) == 1


def test_what_stands_is_found_and_taken_back(place: tuple[Case, Crowd]) -> None:
    case, crowd = place
    lost(case)
    crowd(case.fake, 250)
    gone = case.adapter.cancel(case.asked(2, state="cancelled"), "")
    assert gone.state == ("cancelled" if case.takes_back else "not_cancelled")


def test_where_there_is_more_than_is_read_nobody_is_asked_and_nothing_counts_as_gone(place: tuple[Case, Crowd]) -> None:
    case, crowd = place
    lost(case)
    crowd(case.fake, 2_050)
    again, gone = case.adapter.submit(case.asked(), ""), case.adapter.cancel(case.asked(2, state="cancelled"), "")
    assert (again.state, gone.state) == ("rejected", "not_cancelled")
    for status in (again, gone):
        assert status.detail.startswith("not known whether it stands there: 2000 entries were looked through")
    assert case.fake is not None
    assert len(case.fake.asked) == 1


def test_on_a_topic_what_was_there_before_the_event_is_not_read() -> None:
    with hopskotch() as case:
        assert isinstance(case.fake, Service)
        case.fake.began = case.fake.began.replace(year=2016)
        others_messages(case.fake, 2_050)
        assert case.adapter.submit(case.asked(), "").state == "accepted"


def test_in_an_allocation_what_was_there_before_the_event_is_not_read() -> None:
    with sky_portal() as case:
        assert isinstance(case.fake, Portal)
        others_requests(case.fake, 2_050)
        for one in case.fake.requests.values():
            one["created_at"] = "2016-08-17T18:00:00"
        assert case.adapter.submit(case.asked(), "").state == "accepted"


def test_a_list_without_pages_is_whole_while_it_is_short() -> None:
    with swift_too() as case:
        assert isinstance(case.fake, SwiftApi)
        case.fake.pages = False
        others_toos(case.fake, 98)
        assert case.adapter.submit(case.asked(), "").state == "accepted"
        others_toos(case.fake, 100)
        assert "not known whether" in case.adapter.submit(case.asked(ident="s"), "").detail
