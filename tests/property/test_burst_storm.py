"""The storm of a magnetar: many bursts of one place, seconds to minutes apart, each seen by several instruments."""

from how_many import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from matching_alerts import NOW, cone, grb

from nuncius.broker.matching import Associate, shipped_rules
from nuncius.schemas import Alert

# SGR 1935+2154
PLACE = cone(293.73, 21.9, 3.0)
JITTER_S = 2.0
INSTRUMENTS = ("A", "B", "C")
"""Of three, two that saw one burst and two that saw the next share one: with more, a storm may be ambiguous."""


@st.composite
def storms(draw: st.DrawFn) -> tuple[list[Alert], set[tuple[str, ...]]]:
    """Notices in any order, and the threads of each burst; separations exceed twice the trigger jitter."""
    time, notices, bursts = 0.0, [], set()
    for number in range(draw(st.integers(2, 9))):
        time += draw(st.floats(5.0, 40.0) | st.floats(40.0, 300.0))
        seen = draw(st.lists(st.sampled_from(INSTRUMENTS), min_size=2, max_size=3, unique=True))
        for name in seen:
            seconds = time + draw(st.floats(0.0, JITTER_S))
            place = draw(st.sampled_from((PLACE, ())))
            notices.append(
                grb(f"{name.lower()}:{number}", seconds=seconds, facility=name, instrument="", localizations=place)
            )
        bursts.add(tuple(sorted(f"{name.lower()}:{number}" for name in seen)))
    return draw(st.permutations(notices)), bursts


@settings(max_examples=examples(60), deadline=None)
@given(storms())
def test_as_many_events_as_bursts(storm: tuple[list[Alert], set[tuple[str, ...]]]) -> None:
    notices, bursts = storm
    engine = Associate(shipped_rules())
    engine.apply(engine.step(tuple(notices), (), {}, NOW).delta)
    assert {threads for _, threads in engine.bursts()} == bursts
