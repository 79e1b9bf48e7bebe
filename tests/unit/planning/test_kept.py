"""What planning keeps of an alert is small, and says the same as the alert."""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from matching_alerts import cone, grb
from too_cases import GRB, MERGER, TRACK

from nuncius.broker.planning.kept import Kept
from nuncius.broker.planning.notice import Notice, Thread
from nuncius.broker.planning.place import place, region
from nuncius.schemas import Alert
from nuncius.schemas.codec import encode


@pytest.mark.parametrize("alert", [TRACK, GRB, replace(GRB, localizations=())], ids=["point", "circle", "nowhere"])
def test_a_notice_gives_back_its_alert_and_points_where_it_does(alert: Alert) -> None:
    notice = Notice.of(alert, {})
    assert encode(notice.alert) == encode(alert)
    assert notice.place == place(alert, {})
    there, here = notice.region(), region(alert, {})
    assert (there is None) == (here is None) == (notice.place is None)
    if there is not None and here is not None:
        assert there.start.tolist() == here.start.tolist()


class Sealed(Kept):
    """An alert that nobody may unpack."""

    @property
    def alert(self) -> Alert:
        raise AssertionError("it was unpacked")


def test_a_thread_that_was_never_taken_back_is_put_in_order_without_unpacking_its_alerts() -> None:
    issued = [replace(GRB, alert_id=f"{n}", issued_time=MERGER + timedelta(minutes=n)) for n in range(3)]
    first, second, third = (replace(Notice.of(alert, {}), kept=Sealed(alert, {})) for alert in issued)
    thread = Thread((third,)).with_notice(first).with_notice(second)
    assert thread.notices == (first, second, third)
    assert (thread.last, thread.doubt) == (third, "")


def held_by(make: Callable[[Alert], object]) -> int:
    """Bytes that things made of many alerts take."""

    def alert(number: int) -> Alert:
        facts = {f"fact {number} {fact}": f"{number} {fact}" for fact in range(40)}
        return grb(f"fermi-gbm:{number}", localizations=cone(number % 360, 0.0), properties=facts)

    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    kept = [make(alert(number)) for number in range(2000)]
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(kept) == 2000
    return after - before


def test_many_notices_take_less_than_half_of_their_alerts() -> None:
    assert held_by(lambda alert: Notice.of(alert, {})) < 0.5 * held_by(lambda alert: alert)
