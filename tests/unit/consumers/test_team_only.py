"""What is for the team only reaches no door that shows the world what is asked: asked, taken back or reported."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

import pytest
from road import memory, put
from too_cases import GRB, GW, MERGER, POLICIES, coincidence, request, run
from too_doors import ADAPTERS, Made
from too_log import lay

from nuncius.broker.planning.engine import Planner
from nuncius.broker.planning.gate import refusal
from nuncius.broker.planning.lifecycle import PERSON
from nuncius.broker.planning.order import same_wish
from nuncius.broker.planning.policies_toml import load_policies
from nuncius.broker.services.exchange_book import ExchangeBook
from nuncius.broker.transport import topics
from nuncius.broker.transport.reading import read_all
from nuncius.consumers.adapter import answer
from nuncius.consumers.delivery import Outbox
from nuncius.schemas import ObservationReport, ToORequest, ToOStatus

NOW = MERGER + timedelta(hours=12)
OURS = request(team_only=True)


@dataclass
class Board:
    """Takes what it gets, for everybody to read, or for the facility alone."""

    public: bool
    read: list[ToORequest] = field(default_factory=list)

    name: Final = "board"
    real: Final = True

    def submit(self, wanted: ToORequest, _standing: str) -> ToOStatus:
        self.read.append(wanted)
        return answer(wanted, "accepted", self.name)

    def cancel(self, gone: ToORequest, _standing: str) -> ToOStatus:
        self.read.append(gone)
        return answer(gone, "cancelled", self.name)

    def look(self, _asked: ToORequest, _standing: str) -> None:
        """Nothing."""


def delivered(board: Board, *requests: ToORequest, words: Iterable[ToOStatus] = ()) -> list[ToOStatus]:
    """What is said when the requests come one by one."""
    outbox = Outbox(board)
    said: list[ToOStatus] = []
    for one in requests:
        outbox.take([one])
        outbox.learn(words)
        said += outbox.deliver(now=NOW)
    return said


@pytest.mark.parametrize("approved", [True, False])
def test_the_gate_opens_for_the_facility_and_not_for_the_world(*, approved: bool) -> None:
    assert refusal(OURS, now=NOW, approved=approved) is None
    assert refusal(OURS, now=NOW, approved=approved, public=True) == "for the team only"
    assert refusal(request(), now=NOW, approved=approved, public=True) is None


def test_a_public_adapter_sees_nothing_of_it_and_the_record_says_why() -> None:
    board = Board(public=True)
    (status,) = delivered(board, OURS, OURS)
    assert (status.state, board.read) == ("rejected", [])
    assert status.detail == "not asked: for the team only"


def test_the_facility_itself_is_asked() -> None:
    board = Board(public=False)
    assert [one.state for one in delivered(board, OURS)] == ["sent", "accepted"]
    assert board.read == [OURS]


def test_a_persons_yes_does_not_make_it_public() -> None:
    board = Board(public=True)
    waits = replace(OURS, needs_approval=True)
    delivered(board, waits, words=[replace(answer(waits, "approved", PERSON), who="Ana")])
    assert board.read == []


def test_what_was_told_before_is_taken_back_in_the_words_it_was_told_in() -> None:
    board = Board(public=True)
    secret = request(2, team_only=True, ra=10.0, dec=20.0, target_name="ours", reason="what we found")
    said = delivered(board, request(1), secret)
    assert [one.state for one in said] == ["sent", "accepted", "cancelled"]
    assert [one.idempotency_key for one in board.read] == ["r/1", "r/2"]
    assert board.read[1] == replace(request(1), revision=2, idempotency_key="r/2", reason="withdrawn")


def test_the_facility_is_not_asked_again_because_others_may_read_now() -> None:
    board = Board(public=False)
    delivered(board, request(1, team_only=True), request(2, exposure_s=request(1).exposure_s))
    assert [one.idempotency_key for one in board.read] == ["r/1"]


def test_a_yes_for_the_team_is_no_yes_for_the_world() -> None:
    kept = request(1, team_only=True)
    assert same_wish(kept, request(2, team_only=True, exposure_s=kept.exposure_s))
    assert not same_wish(kept, request(2, exposure_s=kept.exposure_s))


def test_its_end_says_nothing_of_it_either() -> None:
    board = Board(public=True)
    last = request(3, state="cancelled", team_only=True, ra=10.0, target_name="ours")
    outbox = Outbox(board)
    outbox.take([request(1)])
    list(outbox.deliver(now=NOW))
    outbox.take([request(2, team_only=True, target_name="ours"), last])
    list(outbox.deliver(now=NOW))
    assert [one.idempotency_key for one in board.read] == ["r/1", "r/3"]
    assert "ours" not in repr(board.read)
    assert board.read[1].ra == request().ra


@pytest.mark.parametrize("made", ADAPTERS, ids=lambda factory: factory.__name__)
def test_each_adapter_says_whether_the_world_reads_along(made: Made) -> None:
    public = {"voevent", "hopskotch", "treasure", "swift_too"}
    with made() as case:
        assert case.adapter.public is (made.__name__ in public)


def test_a_policy_says_so_of_its_requests() -> None:
    kept = POLICIES.replace('name = "pair"\n', 'name = "pair"\nteam_only = true\n')
    for text, team_only in ((POLICIES, False), (kept, True)):
        first, *_ = run(Planner(load_policies(text)), GW, GRB, coincidence())
        assert (first.policy, first.team_only) == ("pair", team_only)


@pytest.mark.parametrize(
    ("for_team", "report_id", "told"),
    [
        ((False,), "r/1/1", True),
        ((True,), "r/1/1", False),
        ((True, False), "r/1/1", False),
        ((True, False), "r/2/1", True),
        ((False, True), "r/1/1", False),
        ((True, False), "night-1/7", False),
        ((True, False), "r/2", False),
        ((False, False), "night-1/7", True),
    ],
)
def test_what_was_observed_for_the_team_is_told_to_no_map_whatever_comes_later(
    for_team: tuple[bool, ...], report_id: str, *, told: bool
) -> None:
    book = ExchangeBook()
    asked = [
        request(number, team_only=secret, event_thread=GW.thread_id) for number, secret in enumerate(for_team, start=1)
    ]
    log = memory()
    put(log, [GW])
    lay(log, *reversed(asked))
    for name in (topics.EVENTS.name, topics.TOO_REQUESTS.name):
        book.take(read_all(log, name))
    log.close()
    report = ObservationReport(
        report_id=report_id,
        thread_id=GW.thread_id,
        facility="imager",
        state="completed",
        footprint="5/1",
        request_id="r",
        run_mode="live",
    )
    book.note(report)
    assert book.to_tell({"treasure-map"}, {"imager"}, "treasure-map:") == ((report,) if told else ())
