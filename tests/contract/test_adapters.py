"""The laws of `nuncius.consumers.adapter.Adapter`, for every adapter there is."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from threading import Event

import pytest
from fakes.server import Call, Fake, Reply, Trouble, running
from too_cases import MERGER
from too_doors import ADAPTERS, TAKE_BACK, VENDORS, Case

from nuncius.broker.planning.lifecycle import PERSON
from nuncius.consumers.adapter import answer
from nuncius.consumers.calls import Patience
from nuncius.consumers.delivery import Outbox
from nuncius.consumers.outside import Guarded
from nuncius.schemas import Retry, ToOStatus
from nuncius.schemas.codec import decode, encode

NOON = MERGER + timedelta(hours=12)
DONE = {"accepted", "cancelled", "recorded"}


class Trap(Fake):
    """Whoever comes here was led astray."""

    def asks(self, _call: Call) -> bool:
        return False

    def handle(self, _call: Call) -> Reply:
        return Reply(200, {})


@pytest.fixture(params=ADAPTERS, ids=lambda factory: factory.__name__)
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    with request.param() as made:
        yield made


@pytest.fixture(params=VENDORS, ids=lambda factory: factory.__name__)
def vendor(request: pytest.FixtureRequest) -> Iterator[Case]:
    with request.param() as made:
        yield made


def test_it_has_a_short_name(case: Case) -> None:
    assert case.adapter.name == case.adapter.name.lower().strip() != ""
    assert len(case.adapter.name) < 40


@pytest.mark.parametrize("action", ["submit", "cancel"])
def test_a_status_is_about_the_request_and_fits_on_the_wire(case: Case, action: str) -> None:
    asked = case.asked(7)
    status: ToOStatus = getattr(case.adapter, action)(asked, "")
    assert (status.request_id, status.revision, status.idempotency_key) == ("r", 7, "r/7")
    assert (status.facility, status.adapter) == (asked.facility, case.adapter.name)
    assert status.state in DONE or (case.blind and status.state == "not_cancelled")
    assert decode(ToOStatus, encode(status)) == status


def test_it_says_whether_somebody_was_asked(case: Case) -> None:
    assert case.adapter.real is (case.behind is not None)
    done = ("accepted", "cancelled") if case.adapter.real else ("recorded", "recorded")
    standing = case.adapter.submit(case.asked(), "")
    assert standing.state == done[0]
    gone = case.adapter.cancel(case.asked(2), standing.reference)
    assert gone.state == (done[1] if case.takes_back else "not_cancelled")


def test_asking_twice_asks_once(case: Case) -> None:
    first, second = case.adapter.submit(case.asked(), ""), case.adapter.submit(case.asked(), "")
    assert (first.state, first.reference) == (second.state, second.reference)
    if case.behind is not None:
        assert case.behind.executed == ["r/1"]


def test_a_later_revision_replaces_or_is_for_a_person(case: Case) -> None:
    case.adapter.submit(case.asked(), "")
    later = case.adapter.submit(case.asked(2), "")
    if case.behind is None:
        return
    assert later.state == ("accepted" if case.takes_back else "rejected")
    assert case.behind.orders == {"r": 2 if case.takes_back else 1}


@pytest.mark.parametrize("known", ["its reference", "no reference"])
def test_a_cancellation_takes_back_or_is_for_a_person(case: Case, known: str) -> None:
    standing = case.adapter.submit(case.asked(), "").reference
    gone = case.adapter.cancel(case.asked(2, state="cancelled"), standing if known == "its reference" else "")
    if case.behind is None:
        return
    assert gone.state == ("cancelled" if case.takes_back else "not_cancelled")
    assert case.behind.orders == ({} if case.takes_back else {"r": 1})


def test_taking_back_what_is_unknown_succeeds(case: Case) -> None:
    gone = case.adapter.cancel(case.asked(ident="never asked"), "").state
    assert gone in ({"not_cancelled"} if case.blind else {"cancelled", "recorded"})


def test_taking_back_twice_succeeds_twice(case: Case) -> None:
    case.adapter.submit(case.asked(), "")
    first, second = (case.adapter.cancel(case.asked(2, state="cancelled"), "") for _ in range(2))
    assert first.state == second.state


def test_a_look_says_what_it_says_of_the_request(case: Case) -> None:
    standing = case.adapter.submit(case.asked(), "")
    seen = case.adapter.look(case.asked(), standing.reference)
    assert seen is None or (seen.request_id, seen.revision, seen.state) == ("r", 1, "accepted")


def test_what_the_facility_finds_wrong_is_final_and_nothing_stands(vendor: Case) -> None:
    assert vendor.fake is not None
    assert vendor.behind is not None
    vendor.fake.refusing = True
    status = vendor.adapter.submit(vendor.asked(), "")
    assert (status.state, status.detail != "") == ("rejected", True)
    assert vendor.behind.orders == {}


@pytest.mark.parametrize("trouble", ["lost", "lost after", "broken", "page", "rubbish", "half", "huge"])
def test_whatever_happens_to_the_answer_it_is_asked_once(vendor: Case, trouble: Trouble) -> None:
    assert vendor.fake is not None
    assert vendor.behind is not None
    vendor.fake.trouble = trouble
    if trouble == "rubbish" and not vendor.asks_for_a_name:
        assert vendor.adapter.submit(vendor.asked(), "").state == "accepted"
    else:
        with pytest.raises(Retry):
            vendor.adapter.submit(vendor.asked(), "")
    vendor.fake.trouble = ""
    again = vendor.adapter.submit(vendor.asked(), "")
    if vendor.tells:
        assert again.state == "accepted"
        assert vendor.behind.executed == ["r/1"]
    else:
        assert vendor.behind.executed in ([], ["r/1"])
        assert again.state == "accepted" or "is not known" in again.detail


def test_one_that_accepts_and_drips_for_ever_holds_up_no_other_and_is_asked_once(vendor: Case) -> None:
    assert vendor.fake is not None
    assert vendor.behind is not None
    guarded = Guarded(vendor.adapter, Patience(held_s=0.2, unknown_s=0.4))
    outbox = Outbox(guarded)

    def states(minutes: int) -> list[tuple[str, str]]:
        told = outbox.deliver(now=NOON + timedelta(minutes=minutes))
        return [(one.request_id, one.state) for one in told if one.state != "proposed"]

    def wanted(ident: str, priority: float) -> None:
        one = vendor.asked(ident=ident, priority=priority, expires=NOON + timedelta(days=1))
        outbox.take([one])
        outbox.learn([answer(one, "approved", PERSON)])

    vendor.fake.trouble = "drip"
    wanted("r", 1.0)
    assert states(0) == [("r", "sent")]
    vendor.fake.trouble = ""
    wanted("another", 2.0)
    assert states(1)[:2] == [("another", "sent"), ("another", "accepted")]
    outbox.take([vendor.asked(2, "another", state="cancelled")])
    assert dict(states(2))["another"] == ("cancelled" if vendor.takes_back else "not_cancelled")
    while guarded.is_waited_for("r"):
        Event().wait(0.01)
    assert states(3) == [("r", "sent")]
    assert states(30) == states(60) == []
    vendor.fake.release.set()
    while (left := guarded.late("r")) is not None and left[1] is None:
        Event().wait(0.01)
    assert states(90) == [("r", "accepted")]
    assert vendor.behind.executed.count("r/1") == 1


@pytest.mark.parametrize("trouble", ["busy", "busy until"])
def test_a_facility_that_asks_for_patience_gets_it_whatever_its_clock_says(vendor: Case, trouble: Trouble) -> None:
    assert vendor.fake is not None
    vendor.fake.trouble = trouble
    with pytest.raises(Retry, match="429"):
        vendor.adapter.submit(vendor.asked(), "")
    calls = len(vendor.fake.seen)
    with pytest.raises(Retry, match=r"left alone for another 1[12]\d s"):
        vendor.adapter.submit(vendor.asked(), "")
    assert len(vendor.fake.seen) == calls


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_least_of_all_to_another_host(vendor: Case, code: int) -> None:
    assert vendor.fake is not None
    other = Trap()
    with running(other) as url:
        vendor.fake.trouble, vendor.fake.moved, vendor.fake.elsewhere = "moved", code, url
        assert vendor.adapter.submit(vendor.asked(), "").state == "rejected"
    assert other.seen == []
    assert [call.path for call in vendor.fake.seen if "elsewhere" in call.path] == []


@pytest.mark.parametrize("trouble", ["lost", "lost after", "broken"])
@pytest.mark.parametrize("vendor", TAKE_BACK, indirect=True, ids=lambda factory: factory.__name__)
def test_a_cancellation_goes_on_until_it_is_confirmed(vendor: Case, trouble: Trouble) -> None:
    assert vendor.fake is not None
    assert vendor.behind is not None
    vendor.adapter.submit(vendor.asked(), "")
    vendor.fake.trouble = trouble
    with pytest.raises(Retry):
        vendor.adapter.cancel(vendor.asked(2, state="cancelled"), "")
    vendor.fake.trouble = ""
    assert vendor.adapter.cancel(vendor.asked(2, state="cancelled"), "").state == "cancelled"
    assert vendor.behind.orders == {}


def test_its_secret_shows_up_nowhere(vendor: Case, caplog: pytest.LogCaptureFixture) -> None:
    assert vendor.fake is not None
    shown: list[object] = [vendor.adapter, vars(vendor.adapter).get("_settings")]
    troubles: tuple[Trouble, ...] = ("moved", "broken", "page", "half", "lost", "rubbish", "", "busy")
    with caplog.at_level(logging.DEBUG):
        for revision, trouble in enumerate(troubles, 1):
            vendor.fake.trouble = trouble
            try:
                shown.append(vendor.adapter.submit(vendor.asked(revision, f"t{revision}"), ""))
                shown.append(vendor.adapter.cancel(vendor.asked(revision, f"t{revision}", state="cancelled"), ""))
            except Retry as error:
                shown.extend([error, error.__cause__])
    text = "\n".join([*map(repr, shown), *map(str, shown), *(record.getMessage() for record in caplog.records)])
    assert "answered 503" in text
    assert vendor.secret not in text
    sessions: set[str] = getattr(vendor.fake, "sessions", set())
    assert [session for session in sessions if session in text] == []
