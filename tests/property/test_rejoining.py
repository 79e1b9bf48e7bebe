"""Bursts joined again after a few changed, against joining all of them from the beginning."""

from how_many import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from matching_alerts import cone, grb

from nuncius.broker.matching.events import agreement
from nuncius.broker.matching.identity import joined
from nuncius.broker.matching.regions import Regions
from nuncius.broker.matching.rejoining import rejoined
from nuncius.broker.matching.threads import Facts, Thread, facts, key_of

PLACES = ((), cone(80.0, -10.0, 3.0), cone(84.0, -10.0, 3.0), cone(120.0, 10.0, 3.0))


def unnamed(first: Facts, second: Facts) -> bool:
    del first, second
    return False


@st.composite
def bursts(draw: st.DrawFn) -> tuple[Facts, ...]:
    """Many near each other in time, a few instruments, ties, positions that disagree, some below the threshold."""
    found = []
    for number in range(draw(st.integers(1, 24))):
        facility = draw(st.sampled_from("ABCD"))
        alert = grb(
            f"{facility}:{number}",
            seconds=draw(st.integers(0, 24)) * 5.0,
            facility=facility,
            instrument="",
            event_class=draw(st.sampled_from(("grb", "grb", "grb", "sub_grb_targeted"))),
            localizations=draw(st.sampled_from(PLACES)),
        )
        found.append(facts(Thread(key_of(alert), (alert,))))
    return tuple(found)


@settings(max_examples=examples(200))
@given(bursts(), bursts(), st.data())
def test_the_same_as_from_the_beginning(
    first: tuple[Facts, ...], second: tuple[Facts, ...], data: st.DataObject
) -> None:
    """The second set keeps some of the first, so bursts stay, come, go and change."""
    kept = data.draw(st.sets(st.sampled_from(first)))
    now = tuple({each.key: each for each in (*second, *kept)}.values())
    agree = agreement(Regions({}))
    before = joined(first, agree, unnamed)
    again = rejoined(before, now, agree)
    assert again[1:] == joined(now, agree, unnamed)[1:]
    assert rejoined(again, now, agree) is again


@settings(max_examples=examples(60))
@given(bursts())
def test_one_after_the_other(all_of_them: tuple[Facts, ...]) -> None:
    agree = agreement(Regions({}))
    held = joined(all_of_them[:1], agree, unnamed)
    for count in range(2, len(all_of_them) + 1):
        held = rejoined(held, all_of_them[:count], agree)
    assert held[1:] == joined(all_of_them, agree, unnamed)[1:]
