"""The Swift adapter against a stand-in with the rules of the facility's own schema."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fakes.server import running
from fakes.swift import SECRET, SESSION, USER, SwiftApi
from pydantic import SecretStr, ValidationError
from too_cases import AT2017GFO, MERGER, request
from too_tiles import tile

from nuncius.consumers.delivery import Outbox
from nuncius.consumers.too.swift import Swift
from nuncius.consumers.too.swift_form import SwiftSettings, form
from nuncius.schemas import Retry, ToOStatus


def settings(url: str = "https://www.swift.psu.edu", **changed: object) -> SwiftSettings:
    known: dict[str, object] = {
        "url": f"{url}/api/v4",
        "allowed_hosts": ["www.swift.psu.edu", "127.0.0.1"],
        "username": USER,
        "science": "Find the counterpart.",
        "exposure_reason": "Deep enough for an afterglow.",
        "timeout_s": 10.0,
    }
    return SwiftSettings.model_validate(known | changed)


@pytest.fixture
def there() -> Iterator[tuple[SwiftApi, Swift]]:
    api = SwiftApi()
    with running(api) as url:
        adapter = Swift(settings(url), SecretStr(SECRET))
        yield api, adapter
        adapter.close()


def test_the_form_is_in_the_facilitys_units() -> None:
    asked = request(radius_deg=0.05, event_thread="lvk:S170817")
    assert form(asked, settings()) == {
        "username": USER,
        "target_name": "AT2017gfo",
        "target_type": "multimessenger counterpart",
        "ra": str(AT2017GFO[0]),
        "dec": str(AT2017GFO[1]),
        "poserr": "3",
        "instrument": "XRT",
        "obs_type": "Position",
        "urgency": "2",
        "other_brightness": "unknown",
        "uvot_mode": "0x9999",
        "exposure": "61",
        "exp_time_per_visit": "61",
        "num_of_visits": "1",
        "monitoring_freq": "1 day",
        "exp_time_just": "Deep enough for an afterglow.",
        "science_just": "Find the counterpart. Why now: a test",
        "immediate_objective": "Look for the counterpart of lvk:S170817 (request r/1)",
        "debug": "false",
        "quiet": "true",
    }


def test_a_burst_states_its_trigger_and_what_may_interrupt_is_most_urgent() -> None:
    asked = request(event_thread="fermi-gbm:524666471", event_time=MERGER, preempt=True)
    fields = form(asked, settings(target_type="GRB"))
    assert (fields["grb_triggertime"], fields["grb_detector"]) == ("2017-08-17T12:41:04.430000", "Fermi/GBM")
    assert fields["urgency"] == "1"


def test_a_guest_investigators_program_may_pay(there: tuple[SwiftApi, Swift]) -> None:
    api, _ = there
    known = {"proposal_id": "2124001", "proposal_pi": "Leavitt", "proposal_reason": "A merger within 200 Mpc."}
    payer = Swift(settings(api.url, **known), SecretStr(SECRET))
    assert payer.submit(request(), "").state == "accepted"
    payer.close()
    told = {"proposal": "true", "proposal_trigger_just": "A merger within 200 Mpc."}
    assert told.items() <= api.toos[21000].items()
    with pytest.raises(ValidationError, match="go together"):
        settings(proposal_id="2124001")


def test_it_logs_in_once_and_validates_before_it_asks(there: tuple[SwiftApi, Swift]) -> None:
    api, adapter = there
    assert adapter.submit(request(), "").reference == "21000"
    assert adapter.submit(request(ident="s"), "").reference == "21001"
    posts = [call for call in api.seen if call.method == "POST"]
    assert [call.path for call in posts].count("/api/v4/login") == 1
    assert [call.form["validate_only"] for call in posts[1:]] == ["true", "false"] * 2


def test_a_session_that_ran_out_is_opened_again(there: tuple[SwiftApi, Swift]) -> None:
    api, adapter = there
    adapter.submit(request(), "")
    api.sessions.clear()
    assert adapter.submit(request(ident="s"), "").state == "accepted"


def test_what_the_facility_finds_wrong_is_told_and_nothing_is_asked(there: tuple[SwiftApi, Swift]) -> None:
    api, adapter = there
    api.refusing = True
    status = adapter.submit(request(), "")
    assert status.state == "rejected"
    assert "too close to the Sun until 2017-09-01" in status.detail
    assert api.asked == []


def test_a_later_revision_and_a_cancellation_are_for_a_person(there: tuple[SwiftApi, Swift]) -> None:
    api, adapter = there
    adapter.submit(request(), "")
    later = adapter.submit(request(2), "")
    assert (later.state, later.reference) == ("rejected", "21000")
    gone = adapter.cancel(request(3), "")
    assert (gone.state, gone.reference) == ("not_cancelled", "21000")
    assert "Duty Scientist" in later.detail
    assert "Duty Scientist" in gone.detail
    assert list(api.toos) == [21000]


@pytest.mark.parametrize(
    ("decision", "state"),
    [(None, "accepted"), ("Approved", "scheduled"), ("Rejected", "rejected"), ("On hold", "accepted")],
)
def test_the_decision_is_read(there: tuple[SwiftApi, Swift], decision: str | None, state: str) -> None:
    api, adapter = there
    api.lists_all = True
    standing = adapter.submit(request(), "").reference
    api.toos[21000]["decision"] = decision
    seen = adapter.look(request(), standing)
    assert seen is not None
    assert seen.state == state
    assert (decision or "no decision yet") in seen.detail


def test_what_was_declined_needs_no_taking_back(there: tuple[SwiftApi, Swift]) -> None:
    api, adapter = there
    api.lists_all = True
    standing = adapter.submit(request(), "").reference
    api.toos[21000]["decision"] = "Rejected"
    assert adapter.cancel(request(2), standing).state == "cancelled"


def anew(api: SwiftApi, log: list[ToOStatus], minute: int, **changed: Any) -> list[ToOStatus]:
    """What a new process says, which knows the log alone."""
    adapter = Swift(settings(api.url), SecretStr(SECRET))
    outbox = Outbox(adapter)
    outbox.take([request(**changed)])
    outbox.learn(log)
    said = list(outbox.deliver(now=MERGER + timedelta(hours=12, minutes=minute)))
    adapter.close()
    return said


@pytest.mark.parametrize("approved", [True, False])
def test_what_may_stand_undecided_is_not_asked_again_and_found_once_it_is_approved(*, approved: bool) -> None:
    api = SwiftApi()
    with running(api):
        api.trouble = "lost after"
        log = anew(api, [], 0)
        assert [status.state for status in log] == ["sent", "sent"]
        api.trouble = ""
        if approved:
            api.approve()
        log += anew(api, log, 10)
        assert log[-1].state == ("accepted" if approved else "rejected")
        gone = anew(api, log, 20, revision=2, idempotency_key="r/2", state="cancelled")
        assert [status.state for status in gone] == ["not_cancelled"]
    assert ("is not known" in log[-1].detail) is not approved
    assert api.executed == ["r/1"]


def test_an_exchange_before_the_asking_may_fail_and_costs_nothing(there: tuple[SwiftApi, Swift]) -> None:
    api, adapter = there
    outbox = Outbox(adapter)
    outbox.take([request()])
    api.sessions.clear()
    api.pages = False
    api.toos = {number: {"too_id": number, "decision": "Approved", "immediate_objective": None} for number in range(3)}
    api.toos[0]["too_id"] = "no number"
    assert [one.state for one in outbox.deliver(now=MERGER + timedelta(hours=12))] == ["sent", "sent"]
    api.toos.clear()
    assert [one.state for one in outbox.deliver(now=MERGER + timedelta(hours=13))] == ["sent", "accepted"]


def test_tiles_are_refused(there: tuple[SwiftApi, Swift]) -> None:
    _, adapter = there
    assert "tiles" in adapter.submit(request(tiles=(tile(1, 197.0),)), "").detail


def test_neither_password_nor_session_is_shown() -> None:
    api = SwiftApi()
    with running(api) as url:
        adapter = Swift(settings(url), SecretStr("wr0ng-passw0rd"))
        with pytest.raises(Retry, match="401: detail: wrong password …") as caught:
            adapter.submit(request(), "")
        adapter.close()
    assert SESSION not in str(caught.value)
