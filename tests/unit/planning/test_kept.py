"""What planning keeps of an alert is small, and says the same as the alert."""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import pytest
from matching_alerts import cone, grb
from too_cases import GRB, TRACK

from nuncius.broker.planning.notice import Notice
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
