"""A quota holds whatever comes: revisions, silence, deaths, restarts, and a clock that goes back by some seconds."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from how_many import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from too_cases import MERGER, request

from nuncius.broker.planning.restraint import Restraint
from nuncius.consumers.adapter import answer
from nuncius.consumers.delivery import Outbox
from nuncius.schemas import Retry, ToORequest, ToOStatus

START: Final = MERGER + timedelta(hours=12)
WITHIN: Final = timedelta(hours=24)
QUOTA: Final = 2
TIME_S: Final = 200.0
BACK: Final = timedelta(seconds=20)
"""The most that a clock goes back."""


class Dies(BaseException):
    """The process ends here."""


@dataclass
class Telescope:
    """Notes by a clock that never goes back when it was asked for what."""

    moods: Iterator[str]
    when: datetime = START
    asked: list[tuple[datetime, ToORequest]] = field(default_factory=list)

    name: Final = "telescope"
    real: Final = True
    public: Final = False

    def submit(self, wanted: ToORequest, _standing: str) -> ToOStatus:
        self.asked.append((self.when, wanted))
        match next(self.moods, "good"):
            case "deaf":
                raise Retry("no answer")
            case "refuses":
                return answer(wanted, "rejected", self.name)
            case "dies":
                raise Dies
        return answer(wanted, "accepted", self.name)

    def cancel(self, gone: ToORequest, _standing: str) -> ToOStatus:
        return answer(gone, "cancelled", self.name)

    def look(self, _request: ToORequest, _standing: str) -> None:
        pass


@st.composite
def weeks(draw: st.DrawFn, restraint: Restraint) -> Telescope:
    """Requests and revisions of them come over some days."""
    telescope = Telescope(
        iter(draw(st.lists(st.sampled_from(["good", "good", "deaf", "refuses", "dies"]), max_size=9)))
    )
    read: list[ToORequest] = []
    log: list[ToOStatus] = []

    def process() -> Outbox:
        made = Outbox(telescope, restraints={"pair": restraint})
        made.take(read)
        made.learn(log)
        return made

    outbox = process()
    revisions = dict.fromkeys("abcd", 0)
    for _ in range(draw(st.integers(3, 14))):
        telescope.when += timedelta(minutes=draw(st.sampled_from([0, 0, 1, 30, 11 * 60, 12 * 60, 25 * 60])))
        for ident in draw(st.lists(st.sampled_from("abcd"), max_size=3)):
            revisions[ident] += 1
            state = draw(st.sampled_from(["proposed", "proposed", "proposed", "cancelled"]))
            seconds = draw(st.sampled_from([40.0, 90.0, 110.0]))
            changed = {"state": state, "exposure_s": seconds + 0.1 * revisions[ident]}
            read.append(request(revisions[ident], ident, expires=START + timedelta(days=30), **changed))
            outbox.take(read[-1:])
        if draw(st.booleans()):
            outbox = process()
        now = telescope.when - draw(st.sampled_from([timedelta(0), BACK / 4, BACK]))
        lose = draw(st.none() | st.integers(0, 3))
        try:
            for number, status in enumerate(outbox.deliver(now=now)):
                if number == lose:
                    outbox = process()
                    break
                log.append(status)
        except Dies:
            outbox = process()
    return telescope


def within(telescope: Telescope, moment: datetime) -> list[ToORequest]:
    """What was asked in the span that ends then; shorter by as much as the clock may be wrong."""
    return [one for when, one in telescope.asked if moment - (WITHIN - BACK) < when <= moment]


@settings(max_examples=examples(60), deadline=None)
@given(weeks(Restraint(quota=QUOTA, within=WITHIN)))
def test_never_more_requests_than_the_quota_in_any_span(telescope: Telescope) -> None:
    for moment, _ in telescope.asked:
        assert len({one.request_id for one in within(telescope, moment)}) <= QUOTA


@settings(max_examples=examples(60), deadline=None)
@given(weeks(Restraint(time_s=TIME_S, within=WITHIN)))
def test_never_more_exposure_than_allowed_in_any_span(telescope: Telescope) -> None:
    """Of each request the last revision counts: it replaced those before."""
    for moment, _ in telescope.asked:
        last = {one.request_id: one.exposure_s for one in within(telescope, moment)}
        assert sum(last.values()) <= TIME_S


def test_what_waits_for_the_quota_goes_out_in_the_end() -> None:
    telescope = Telescope(iter(()))
    outbox = Outbox(telescope, restraints={"pair": Restraint(quota=QUOTA, within=WITHIN)})
    outbox.take(request(ident=str(n), expires=START + timedelta(days=30)) for n in range(7))
    for hour in range(24 * 4):
        telescope.when = START + timedelta(hours=hour)
        for _ in outbox.deliver(now=telescope.when):
            pass
    assert [one.request_id for _, one in telescope.asked] == list("0123456")
    assert telescope.asked[-1][0] == START + 3 * WITHIN


def test_a_revision_sent_by_a_clock_that_went_back_counts() -> None:
    telescope = Telescope(iter(()))
    outbox = Outbox(telescope, restraints={"pair": Restraint(time_s=TIME_S, within=WITHIN)})
    later = START + timedelta(days=30)
    for seconds_s, revision, now in ((40.0, 1, START), (110.0, 2, START - BACK)):
        outbox.take([request(revision, "a", expires=later, exposure_s=seconds_s)])
        assert [one.state for one in outbox.deliver(now=now)] == ["sent", "accepted"]
    outbox.take([request(1, "b", expires=later, exposure_s=100.0)])
    assert [one.state for one in outbox.deliver(now=START)] == ["proposed"]
