"""An event that its owner took back and that stands by a later notice: it says so, and waits for a person."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from too_cases import GRB, GW, MERGER, POLICIES, TRACK, candidate_list, coincidence, member, request, run

from nuncius.broker.planning.carried import carried
from nuncius.broker.planning.engine import Planner
from nuncius.broker.planning.lifecycle import PERSON, Cancel, Life, Say, Submit, Wait, next_move
from nuncius.broker.planning.policies_toml import load_policies
from nuncius.consumers.adapter import answer
from nuncius.schemas import Alert, Pair, ToORequest
from nuncius.schemas.vocabulary import RequestState

NOW = MERGER + timedelta(hours=12)
FIRST = TRACK.issued_time
assert FIRST is not None
GONE = replace(TRACK, alert_id="nu-gone", native_id="gone", kind="retraction", issued_time=FIRST + timedelta(minutes=1))
AGAIN = replace(TRACK, alert_id="nu-2", native_id="again", kind="update", issued_time=FIRST + timedelta(minutes=2))
WORDS = (
    "icecube:1_1: IceCube took it back in gone of 2017-09-22 20:56:13 UTC, "
    "and says in again of 2017-09-22 20:57:13 UTC it stands"
)
DOUBT = "LVK took it back in one, and says in another it stands"


def planner() -> Planner:
    return Planner(load_policies(POLICIES.replace("expires_h = 72.0", "expires_h = 72.0\napproval = false")))


def last(*records: Any) -> ToORequest:
    one = planner()
    return [effect for record in records for effect in run(one, record)][-1]


@pytest.mark.parametrize("arrival", list(permutations([TRACK, GONE, AGAIN])))
def test_a_thread_in_doubt_asks_and_waits_for_a_person_whatever_came_first(arrival: tuple[Alert, ...]) -> None:
    found = last(*arrival)
    assert (found.state, found.needs_approval, found.doubt) == ("proposed", True, WORDS)
    assert found.reason.startswith(f"IN DOUBT, {WORDS}. IceCube neutrino_track icecube:1_1, 56 % astrophysical; from")


def test_what_is_in_no_doubt_asks_by_itself() -> None:
    found = last(TRACK, AGAIN)
    assert (found.state, found.needs_approval, found.doubt) == ("proposed", False, "")


@pytest.mark.parametrize("changed", [{"kind": "followup"}, {"facility": "Somebody"}])
def test_no_other_notice_brings_back_what_its_owner_took_back(changed: dict[str, Any]) -> None:
    found = last(TRACK, GONE, replace(AGAIN, **changed))
    assert (found.state, found.doubt) == ("cancelled", "")


def test_a_coincidence_in_doubt_by_any_member_that_is_left() -> None:
    doubted = member(GRB, doubt="Fermi took it back")
    found = last(GW, GRB, coincidence(partner=doubted))
    assert (found.state, found.needs_approval, found.doubt) == ("proposed", True, "fermi-gbm:1: Fermi took it back")
    other = Pair(partner=replace(doubted, retracted=True), dt_s=1.0, significance=coincidence().significance)
    assert last(GW, GRB, coincidence(others=(other,))).doubt == ""
    by_anchor = last(GW, GRB, coincidence(anchor=member(GW, doubt="LVK took it back"), partner=doubted))
    assert by_anchor.doubt == "fermi-gbm:1: Fermi took it back; lvk:S170817: LVK took it back"


def test_a_candidate_list_of_an_event_in_doubt() -> None:
    found = last(GW, candidate_list(doubt=DOUBT))
    assert (found.state, found.needs_approval, found.doubt) == ("proposed", True, f"lvk:S170817: {DOUBT}")


def test_what_is_not_wanted_is_in_no_doubt() -> None:
    unlikely = replace(AGAIN, p_astro=0.1)
    found = last(TRACK, GONE, unlikely)
    assert (found.state, found.doubt) == ("rejected", "")


def said(state: RequestState, revision: int, adapter: str = PERSON) -> Any:
    return answer(request(revision, exposure_s=60.0), state, adapter)


BEFORE = request(1, exposure_s=60.0)
IN_DOUBT = request(2, exposure_s=60.0, needs_approval=True, doubt=DOUBT)
DOUBT_GONE = request(3, exposure_s=60.0, needs_approval=True)
ANOTHER = request(3, exposure_s=60.0, needs_approval=True, doubt="taken back 2 times")


@pytest.mark.parametrize(
    ("revisions", "words", "move"),
    [
        ((BEFORE,), [], Submit()),
        ((BEFORE, IN_DOUBT), [], Wait("waits for a person's yes", IN_DOUBT.expires)),
        ((BEFORE, IN_DOUBT), [said("approved", 1)], Wait("waits for a person's yes", IN_DOUBT.expires)),
        ((BEFORE, IN_DOUBT), [said("approved", 2)], Submit()),
        ((BEFORE, IN_DOUBT, ANOTHER), [said("approved", 2)], Wait("waits for a person's yes", IN_DOUBT.expires)),
        ((BEFORE, IN_DOUBT, ANOTHER), [said("approved", 3)], Submit()),
        ((BEFORE, IN_DOUBT, DOUBT_GONE), [said("approved", 2)], Submit()),
        (
            (BEFORE, IN_DOUBT),
            [said("rejected", 1), said("approved", 1)],
            Wait("waits for a person's yes", IN_DOUBT.expires),
        ),
        ((BEFORE, IN_DOUBT), [said("rejected", 1)], Wait("not wanted, and nothing of it stands")),
        ((BEFORE, IN_DOUBT), [said("sent", 1, "t"), said("accepted", 1, "t"), said("rejected", 2)], Cancel()),
    ],
)
def test_a_yes_holds_for_the_doubt_it_was_said_in_and_a_no_for_any(
    revisions: tuple[ToORequest, ...], words: list[Any], move: object
) -> None:
    life = Life(revisions=revisions)
    for word in words:
        life = life.with_status(word)
    assert next_move(life, now=NOW) == move


def test_what_the_facility_has_stands_until_a_person_speaks_and_is_not_sent_again_after_a_yes() -> None:
    life = Life(revisions=(BEFORE, IN_DOUBT), told=(said("sent", 1, "t"), said("accepted", 1, "t")))
    assert next_move(life, now=NOW) == Wait("waits for a person's yes", IN_DOUBT.expires)
    move = next_move(life.with_status(said("approved", 2)), now=NOW)
    assert move == Say("accepted", "revision 1 stands and asks for the same")


def test_a_yes_to_a_smaller_group_is_none_to_a_larger_one_in_doubt() -> None:
    small = request(1, "a", needs_approval=True, exposure_s=60.0)
    gone = replace(small, revision=2, state="cancelled")
    yes = answer(small, "approved", PERSON)
    larger = request(1, "b", needs_approval=True, exposure_s=60.0)
    assert carried(Life(revisions=(larger,)), [Life(revisions=(small, gone), people=(yes,))]) is not None
    doubted = Life(revisions=(replace(larger, doubt=DOUBT),))
    assert carried(doubted, [Life(revisions=(small, gone), people=(yes,))]) is None
