"""From the outbox through the facilities' own doors: whatever happens to answers, each revision is asked once, and what
is taken back does not stand.

Real adapters over real HTTP, stand-ins behind them; the outbox starts anew, from the log alone, now and then. A
revision may have no position: who needs one is not asked for it, and what stood is taken back.
"""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from fakes.server import Trouble
from how_many import examples
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from too_cases import MERGER, NOWHERE
from too_doors import TAKE_BACK, VENDORS, Case, Made, hopskotch

from nuncius.broker.planning.lifecycle import PERSON
from nuncius.consumers.adapter import answer
from nuncius.consumers.delivery import Outbox
from nuncius.schemas import ToORequest, ToOStatus

TROUBLES = st.sampled_from(["", "lost", "lost after", "broken", "rubbish"])
STEP = timedelta(minutes=6)
"""Longer than the longest wait between two calls without an answer."""


@dataclass
class Night:
    """A facility, and the log that the outbox is folded from."""

    case: Case
    log: list[ToOStatus] = field(default_factory=list)
    requests: list[ToORequest] = field(default_factory=list)
    step: int = 0

    def __post_init__(self) -> None:
        self.start_anew()

    def start_anew(self) -> None:
        self.outbox = Outbox(self.case.adapter)
        self.outbox.take(self.requests)
        self.outbox.learn(self.log)

    def publish(self, wanted: ToORequest) -> None:
        self.requests.append(wanted)
        self.outbox.take([wanted])
        if wanted.state == "proposed":
            yes = answer(wanted, "approved", PERSON)
            self.log.append(yes)
            self.outbox.learn([yes])

    def tick(self, trouble: Trouble) -> None:
        assert self.case.fake is not None
        self.case.fake.trouble = trouble
        self.step += 1
        now = MERGER + timedelta(hours=12) + self.step * STEP
        self.log.extend(self.outbox.deliver(now=now))
        self.log.extend(self.outbox.look(now=now))


@pytest.mark.parametrize("made", VENDORS, ids=lambda factory: factory.__name__)
@settings(deadline=None, max_examples=examples(8), suppress_health_check=[HealthCheck.too_slow])
@given(
    night=st.lists(st.tuples(st.sampled_from(["tick", "tick", "next", "crash"]), TROUBLES), max_size=10),
    dark=st.sampled_from([(), (), (1,), (2,), (1, 2)]),
)
@example(night=[("tick", ""), ("next", ""), ("tick", ""), ("tick", "")], dark=(2,))
@example(night=[("tick", ""), ("next", ""), ("tick", ""), ("tick", "")], dark=(1,))
def test_each_revision_is_asked_once_and_nothing_taken_back_stands(
    made: Made, night: list[tuple[str, Trouble]], dark: tuple[int, ...]
) -> None:
    with made() as case:
        here = Night(case)
        revisions = [case.asked(n, **(NOWHERE if n in dark else {})) for n in (1, 2)]
        revisions.append(case.asked(3, state="cancelled"))
        for event, trouble in [("next", ""), *night]:
            if event == "next" and revisions:
                here.publish(revisions.pop(0))
            elif event == "crash":
                here.start_anew()
            here.tick(trouble)
        for wanted in revisions:
            here.publish(wanted)
        for _ in range(4):
            here.tick("")
        assert case.behind is not None
        assert sorted(case.behind.executed) == sorted(set(case.behind.executed))
        if made is not hopskotch:
            assert not {f"r/{n}" for n in dark} & set(case.behind.executed)
        if made in TAKE_BACK:
            assert case.behind.orders == {}
        elif case.behind.orders:
            assert "not_cancelled" in {status.state for status in here.log if status.revision == 3}
