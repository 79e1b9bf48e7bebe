"""Whether an event stands: the owner's retraction, and what comes after it by the owner's own times."""

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from matching_alerts import gw

from nuncius.schemas import Alert
from nuncius.schemas.standing import Standing, issue_order, standing

FIRST = gw(version=0, issued=60)
GONE = gw(version=1, kind="retraction", seconds=None, issued=120)
AGAIN = gw(version=2, issued=180)
LATER = gw(version=3, issued=240)
DOUBT = (
    "LIGO took it back in lvk:G298048-1 of 2017-08-17 12:43:04 UTC, "
    "and says in lvk:G298048-2 of 2017-08-17 12:44:04 UTC it stands"
)


def of(*notices: Alert) -> Standing:
    return standing(sorted(notices, key=issue_order))


@pytest.mark.parametrize("arrival", list(permutations([FIRST, GONE, AGAIN, LATER])))
def test_a_retraction_before_the_owners_next_notice_is_a_doubt_that_names_both(arrival: tuple[Alert, ...]) -> None:
    now = of(*arrival)
    assert (now.owner, now.retraction, now.doubt) == ("LIGO", None, DOUBT)


def test_an_update_more_is_no_other_doubt_and_a_retraction_more_is() -> None:
    assert of(FIRST, GONE, AGAIN).doubt == DOUBT
    twice = of(FIRST, GONE, replace(GONE, alert_id="a copy in another format"), AGAIN).doubt
    assert twice.startswith("LIGO took it back 2 times, the last in lvk:G298048-1 of ")
    earlier = gw(version=9, kind="retraction", seconds=None, issued=30)
    assert of(earlier, FIRST, GONE, AGAIN).doubt == twice


@pytest.mark.parametrize(
    "changed", [{"kind": "followup"}, {"kind": "subsequent"}, {"facility": "Elsewhere"}, {"issued_time": None}]
)
def test_nothing_but_the_owners_own_later_notice_of_the_event_takes_a_retraction_back(changed: dict[str, Any]) -> None:
    now = of(FIRST, GONE, replace(AGAIN, **changed))
    assert (now.retraction, now.doubt) == (GONE, "")


def test_who_does_not_own_it_casts_no_doubt() -> None:
    now = of(FIRST, replace(GONE, facility="Elsewhere"), AGAIN)
    assert (now.owner, now.retraction, now.doubt) == ("LIGO", None, "")


def test_of_the_same_moment_the_retraction_holds() -> None:
    together = replace(AGAIN, issued_time=GONE.issued_time, sequence=GONE.sequence, alert_id="z")
    assert of(FIRST, GONE, together).retraction is GONE


def test_without_an_issue_time_a_retraction_comes_last_and_alone_it_holds() -> None:
    timeless = replace(GONE, issued_time=None)
    assert of(timeless, LATER).retraction is timeless
    assert of(GONE).retraction is GONE
    assert of().retraction is None
