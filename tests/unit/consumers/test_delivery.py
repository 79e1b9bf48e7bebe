"""The gate's decisions one by one, and what an outbox writes."""

from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Any, Final

import pytest
from too_cases import MERGER, request

from nuncius.broker.planning.gate import must_cancel, refusal
from nuncius.broker.planning.lifecycle import PERSON
from nuncius.broker.planning.restraint import Restraint
from nuncius.consumers.adapter import answer
from nuncius.consumers.delivery import Outbox
from nuncius.consumers.recorder import Recorder
from nuncius.schemas import Retry, ToORequest, ToOStatus
from nuncius.schemas.vocabulary import RequestState

NOW = MERGER + timedelta(hours=12)


@dataclass
class Scope:
    """An adapter that notes its calls and refuses or stays silent on order."""

    calls: list[str] = field(default_factory=list)
    silent: bool = False
    stubborn: bool = False
    later: list[RequestState] = field(default_factory=list)

    name: Final = "scope"
    real: Final = True
    public: Final = False

    def submit(self, wanted: ToORequest, _standing: str) -> ToOStatus:
        return self._call("submit", wanted, answer(wanted, "accepted", self.name))

    def cancel(self, gone: ToORequest, _standing: str) -> ToOStatus:
        word: RequestState = "not_cancelled" if self.stubborn else "cancelled"
        return self._call("cancel", gone, answer(gone, word, self.name))

    def look(self, asked: ToORequest, _standing: str) -> ToOStatus | None:
        return answer(asked, self.later.pop(0), self.name) if self.later else None

    def _call(self, what: str, about: ToORequest, status: ToOStatus) -> ToOStatus:
        self.calls.append(f"{what} {about.idempotency_key}")
        if self.silent:
            raise Retry("timed out")
        return status


@pytest.fixture
def scope() -> Scope:
    return Scope()


@pytest.fixture
def outbox(scope: Scope) -> Outbox:
    return Outbox(scope)


def states(outbox: Outbox, *requests: ToORequest, now: datetime = NOW) -> list[str]:
    outbox.take(requests)
    return [status.state for status in outbox.deliver(now=now)]


def says(outbox: Outbox, word: RequestState, about: ToORequest) -> None:
    outbox.learn([replace(answer(about, word, PERSON), who="Ana")])


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({}, None),
        ({"state": "cancelled"}, "not wanted"),
        ({"state": "rejected"}, "not wanted"),
        *[({"reality": word}, "not real") for word in ("test", "injection", "archival", "planned", "prediction")],
        *[({"run_mode": word}, "not live") for word in ("replay", "demo", "drill")],
        ({"expires": NOW}, "expired"),
        ({"expires": None}, "expired"),
        ({"expires": NOW + timedelta(microseconds=1)}, None),
        ({"needs_approval": True}, "not approved"),
    ],
)
def test_the_gate(changed: dict[str, Any], why: str | None) -> None:
    assert refusal(request(**changed), now=NOW) == why


def test_the_gate_opens_for_an_approved_revision_and_once() -> None:
    assert refusal(request(needs_approval=True), now=NOW, approved=True) is None
    assert refusal(request(), now=NOW, delivered=True) == "already delivered"
    assert refusal(request(reality="injection"), now=NOW, approved=True) == "not real"


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ({}, False),
        ({"state": "cancelled"}, True),
        ({"state": "rejected"}, True),
        ({"reality": "injection"}, True),
        ({"state": "cancelled", "run_mode": "replay"}, False),
        ({"run_mode": "demo"}, False),
        ({"expires": NOW}, False),
    ],
)
def test_what_must_be_taken_back(changed: dict[str, Any], wanted: bool) -> None:  # noqa: FBT001  a parameter of cases
    assert must_cancel(request(**changed)) is wanted


def test_sent_is_written_before_the_call(outbox: Outbox, scope: Scope) -> None:
    outbox.take([request()])
    round_ = outbox.deliver(now=NOW)
    assert next(round_).state == "sent"
    assert scope.calls == []
    assert next(round_).state == "accepted"
    assert scope.calls == ["submit r/1"]


def test_each_revision_goes_out_once(outbox: Outbox, scope: Scope) -> None:
    assert states(outbox, request(), request()) == ["sent", "accepted"]
    assert states(outbox, request()) == []
    assert states(outbox, request(2), request(1)) == ["sent", "accepted"]
    assert scope.calls == ["submit r/1", "submit r/2"]


def test_silence_is_followed_by_the_same_key(outbox: Outbox, scope: Scope) -> None:
    scope.silent = True
    assert states(outbox, request()) == ["sent", "sent"]
    scope.silent = False
    assert states(outbox) == []
    assert states(outbox, now=NOW + timedelta(seconds=10)) == ["sent", "accepted"]
    assert scope.calls == ["submit r/1"] * 2


def test_one_silent_facility_does_not_hold_up_the_next_request(outbox: Outbox, scope: Scope) -> None:
    scope.silent = True
    assert states(outbox, request(ident="a"), request(ident="b")) == ["sent"] * 4
    assert scope.calls == ["submit a/1", "submit b/1"]


def test_taken_back_before_it_was_asked_nothing_is_said(outbox: Outbox, scope: Scope) -> None:
    assert states(outbox, request(), request(2, state="cancelled")) == []
    assert scope.calls == []


def test_what_was_asked_is_taken_back_once_and_may_be_asked_again(outbox: Outbox, scope: Scope) -> None:
    states(outbox, request())
    assert states(outbox, request(2, state="cancelled")) == ["cancelled"]
    assert states(outbox, request(3, state="rejected")) == []
    assert states(outbox, request(4)) == ["sent", "accepted"]
    assert scope.calls == ["submit r/1", "cancel r/2", "submit r/4"]


def test_a_replayed_cancellation_does_not_touch_what_live_asked(outbox: Outbox, scope: Scope) -> None:
    states(outbox, request())
    assert states(outbox, request(2, state="cancelled", run_mode="replay")) == []
    assert scope.calls == ["submit r/1"]


def test_a_no_to_a_drill_does_not_touch_what_live_asked(outbox: Outbox, scope: Scope) -> None:
    drill = request(2, run_mode="drill")
    assert states(outbox, request(1)) == ["sent", "accepted"]
    says(outbox, "rejected", drill)
    assert states(outbox, drill) == []
    assert scope.calls == ["submit r/1"]


def test_a_drill_does_not_end_the_taking_back_of_what_live_asked(outbox: Outbox, scope: Scope) -> None:
    states(outbox, request(1))
    scope.silent = True
    assert states(outbox, request(2, state="cancelled")) == ["sent"]
    scope.silent = False
    assert states(outbox, request(3, run_mode="drill"), now=NOW + timedelta(minutes=5)) == ["cancelled"]


def test_a_cause_that_turns_out_to_be_an_injection_is_taken_back(outbox: Outbox) -> None:
    states(outbox, request())
    assert states(outbox, request(2, reality="injection")) == ["cancelled"]


def test_approval_is_waited_for_and_belongs_to_what_is_asked(outbox: Outbox, scope: Scope) -> None:
    first, second = request(needs_approval=True), request(2, needs_approval=True)
    assert states(outbox, first) == []
    says(outbox, "approved", second)
    assert states(outbox) == []
    says(outbox, "approved", first)
    assert states(outbox) == ["sent", "accepted"]
    assert states(outbox, request(3, needs_approval=True)) == []
    assert scope.calls == ["submit r/1"]


def test_a_yes_holds_for_a_later_revision_that_asks_for_the_same(outbox: Outbox, scope: Scope) -> None:
    first = request(needs_approval=True)
    later = replace(first, revision=2, idempotency_key="r/2", window_start=NOW, reason="scored anew")
    states(outbox, first)
    says(outbox, "approved", first)
    assert states(outbox, later) == ["sent", "accepted"]
    assert scope.calls == ["submit r/2"]


@pytest.mark.parametrize("gone", [{"state": "cancelled"}, {"state": "rejected"}, {"reality": "injection"}])
def test_a_yes_does_not_outlive_the_taking_back(outbox: Outbox, scope: Scope, gone: dict[str, Any]) -> None:
    first = request(needs_approval=True)
    says(outbox, "approved", first)
    assert states(outbox, first) == ["sent", "accepted"]
    assert states(outbox, replace(first, revision=2, idempotency_key="r/2", **gone)) == ["cancelled"]
    again = replace(first, revision=3, idempotency_key="r/3")
    assert states(outbox, again) == []
    says(outbox, "approved", again)
    assert states(outbox) == ["sent", "accepted"]
    assert scope.calls == ["submit r/1", "cancel r/2", "submit r/3"]


def test_a_no_outlives_the_taking_back(outbox: Outbox, scope: Scope) -> None:
    says(outbox, "rejected", request())
    states(outbox, request(), request(2, state="cancelled"))
    assert states(outbox, replace(request(), revision=3, idempotency_key="r/3")) == []
    assert scope.calls == []


def test_what_stands_is_not_asked_again_for_the_sake_of_its_words(outbox: Outbox, scope: Scope) -> None:
    states(outbox, request())
    reworded = replace(request(), revision=2, idempotency_key="r/2", reason="scored anew", probability=0.3)
    assert states(outbox, reworded) == ["accepted"]
    assert states(outbox, replace(reworded, revision=3, idempotency_key="r/3", dec=-20.0)) == ["sent", "accepted"]
    assert scope.calls == ["submit r/1", "submit r/3"]


def test_what_may_stand_otherwise_is_asked_again(outbox: Outbox, scope: Scope) -> None:
    states(outbox, request())
    scope.silent = True
    states(outbox, request(2))
    scope.silent = False
    back = replace(request(), revision=3, idempotency_key="r/3")
    assert states(outbox, back) == ["sent", "accepted"]
    assert scope.calls == ["submit r/1", "submit r/2", "submit r/3"]


def test_a_persons_no_keeps_it_in_and_takes_it_back(outbox: Outbox, scope: Scope) -> None:
    says(outbox, "rejected", request())
    assert states(outbox, request()) == []
    automatic = request(ident="s")
    states(outbox, automatic)
    says(outbox, "rejected", automatic)
    assert states(outbox) == ["cancelled"]
    assert scope.calls == ["submit s/1", "cancel s/1"]


def test_the_last_word_counts(outbox: Outbox) -> None:
    asked = request(needs_approval=True)
    says(outbox, "approved", asked)
    says(outbox, "rejected", asked)
    assert states(outbox, asked) == []
    says(outbox, "approved", asked)
    assert states(outbox) == ["sent", "accepted"]


def test_a_cancellation_is_repeated_ever_more_slowly_until_it_is_confirmed(outbox: Outbox, scope: Scope) -> None:
    states(outbox, request())
    scope.silent = True
    outbox.take([request(2, state="cancelled")])
    asked = [second for second in range(1200) if list(outbox.deliver(now=NOW + timedelta(seconds=second)))]
    assert asked == [0, 5, 15, 35, 75, 155, 315, 615, 915]
    scope.silent = False
    assert states(outbox, now=NOW + timedelta(hours=1)) == ["cancelled"]
    assert states(outbox, now=NOW + timedelta(hours=2)) == []


def test_a_clock_that_is_set_back_does_not_put_a_cancellation_off(outbox: Outbox, scope: Scope) -> None:
    ahead = NOW + timedelta(days=1)
    states(outbox, request(), now=ahead)
    scope.silent = True
    assert states(outbox, request(2, state="cancelled"), now=ahead) == ["sent"]
    scope.silent = False
    assert states(outbox, now=NOW) == ["cancelled"]


def test_a_cancellation_that_nobody_answers_is_said_to_people_and_repeated(outbox: Outbox, scope: Scope) -> None:
    states(outbox, request())
    scope.silent = True
    gone = request(2, state="cancelled")
    said = [states(outbox, gone, now=NOW + timedelta(minutes=minutes)) for minutes in (0, 6, 9.9, 12, 18, 24)]
    assert said == [["sent"], ["sent"], ["sent"], ["sent", "not_cancelled"], ["sent"], ["sent"]]
    scope.silent = False
    assert states(outbox, gone, now=NOW + timedelta(minutes=30)) == ["cancelled"]
    assert states(outbox, gone, now=NOW + timedelta(minutes=60)) == []


def test_what_the_facility_will_not_drop_is_said_once(outbox: Outbox, scope: Scope) -> None:
    states(outbox, request())
    scope.stubborn = True
    assert states(outbox, request(2, state="cancelled")) == ["not_cancelled"]
    assert states(outbox, now=NOW + timedelta(hours=1)) == []


def test_a_quota_holds_what_is_too_many_back_and_lets_it_go_later(scope: Scope) -> None:
    limited = Outbox(scope, restraints={"pair": Restraint(quota=2)})
    four = [request(ident=ident, priority=priority) for ident, priority in (("a", 1), ("b", 3), ("c", 2), ("d", 0))]
    assert states(limited, *four) == ["sent", "accepted"] * 2 + ["proposed"] * 2
    assert states(limited, request(2, "b"), now=NOW + timedelta(hours=23)) == ["sent", "accepted"]
    assert states(limited, now=NOW + timedelta(hours=24)) == ["sent", "accepted"]
    assert states(limited, now=NOW + timedelta(hours=46)) == []
    assert states(limited, now=NOW + timedelta(hours=47)) == ["sent", "accepted"]
    assert scope.calls == ["submit b/1", "submit c/1", "submit b/2", "submit a/1", "submit d/1"]


def test_time_a_night_is_counted_in_seconds_of_exposure(scope: Scope) -> None:
    limited = Outbox(scope, restraints={"pair": Restraint(time_s=100.0)})
    assert states(limited, request(exposure_s=60.0), request(ident="s", exposure_s=41.0)) == [
        "sent",
        "accepted",
        "proposed",
    ]
    assert states(limited, request(ident="t", exposure_s=40.0)) == ["sent", "accepted"]


@pytest.mark.parametrize(("hour", "out"), [(21, True), (22, False), (3, False), (6, True)])
def test_in_quiet_hours_only_a_yes_lets_it_out(scope: Scope, hour: int, out: bool) -> None:  # noqa: FBT001  as above
    quiet = Outbox(scope, restraints={"pair": Restraint(quiet=((time(22), time(6)),))})
    now = NOW.replace(hour=hour, minute=0, second=0, microsecond=0)
    assert states(quiet, request(), now=now) == (["sent", "accepted"] if out else ["proposed"])
    if not out:
        says(quiet, "approved", request())
        assert states(quiet, now=now) == ["sent", "accepted"]


def test_the_facility_is_looked_at_until_it_is_over(outbox: Outbox, scope: Scope) -> None:
    states(outbox, request())
    scope.later = ["accepted", "scheduled", "scheduled", "observed", "observed"]
    seen = [
        (minute, status.state) for minute in range(8) for status in outbox.look(now=NOW + timedelta(minutes=minute))
    ]
    assert seen == [(1, "scheduled"), (3, "observed")]
    assert states(outbox, request(2, state="cancelled")) == []


@pytest.mark.parametrize(
    ("changed", "state", "says"),
    [
        ({"expires": NOW}, "expired", "expired"),
        ({"reality": "test"}, "rejected", "not real"),
        ({"run_mode": "demo"}, "rejected", "not live"),
    ],
)
def test_what_stays_at_the_gate_is_said_once(
    outbox: Outbox, scope: Scope, changed: dict[str, Any], state: str, says: str
) -> None:
    outbox.take([request(**changed)])
    (status,) = outbox.deliver(now=NOW)
    assert (status.state, scope.calls) == (state, [])
    assert says in status.detail
    assert states(outbox, request(**changed)) == []


def test_a_restart_reads_what_was_done_from_the_log(scope: Scope) -> None:
    first = Outbox(scope)
    first.take([request()])
    log = list(first.deliver(now=NOW))
    again = Outbox(scope)
    again.learn([*log, *log])
    assert states(again, request()) == []
    assert states(again, request(2, state="cancelled")) == ["cancelled"]
    other = [answer(request(), "accepted", "another adapter")]
    third = Outbox(scope)
    third.learn(other)
    assert states(third, request()) == ["sent", "accepted"]


def test_an_outbox_serves_its_facilities_only(scope: Scope) -> None:
    mine = Outbox(scope, frozenset({"spectrograph"}))
    assert states(mine, request(facility="imager")) == []
    assert states(mine, request(2, "s", facility="spectrograph")) == ["sent", "accepted"]


@pytest.mark.parametrize(
    "changed", [{}, {"reality": "injection", "run_mode": "demo"}, {"expires": None}, {"needs_approval": True}]
)
def test_the_recorder_takes_everything_and_says_that_its_note_reaches_nobody(changed: dict[str, Any]) -> None:
    outbox = Outbox(Recorder())
    outbox.take([request(**changed)])
    (status,) = outbox.deliver(now=NOW)
    assert (status.state, status.adapter) == ("recorded", "recorder")
    assert "reaches nobody" in status.detail
    assert "imager is to take AT2017gfo at 197.45035 -23.38148" in status.detail


def test_the_recorder_records_a_cancellation_of_what_it_recorded_only() -> None:
    outbox = Outbox(Recorder())
    assert states(outbox, request(1, "never", state="rejected")) == []
    assert states(outbox, request()) == ["recorded"]
    assert states(outbox, request(2, state="cancelled")) == ["recorded"]
    assert states(outbox, request(2, state="cancelled")) == []
