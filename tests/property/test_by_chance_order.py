"""The number expected by chance is a function of the sets of notices and rows: any order, batches, workers, aborts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from how_many import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from matching_alerts import T0, candidates, cone, gw

from nuncius.broker.matching import Associate, Match, shipped_rules
from nuncius.schemas import Alert, CandidateBatch, CandidateList, Coverage

LATER = T0 + timedelta(days=40)
RULES = shipped_rules()
NOTICES = (
    gw(localizations=cone(80, 10, 6), time_start=T0, issued=60.0),
    gw(version=1, localizations=cone(82, 10, 4), issued=120.0),
)
# few nights, two of them cut by the event's hour, and places in four cells: most nights are told in several records
ROW = st.fixed_dictionaries(
    {
        "days": st.sampled_from((-5.0, -4.99, -0.1, 0.1, 2.0, 2.02)),
        "ra": st.sampled_from((78.5, 83.0)),
        "dec": st.sampled_from((8.0, 12.0)),
        "survey": st.sampled_from(("ztf", "ztf", "ztf", "lsst")),
        "solar_system": st.booleans(),
    }
)
ALWAYS: tuple[dict[str, object], ...] = ({"days": -5.0, "ra": 83.0, "dec": 8.0}, {"days": 2.0, "ra": 83.0, "dec": 8.0})


def rows_of(drawn: Sequence[dict[str, object]]) -> list[CandidateBatch]:
    words: list[dict[str, object]] = [*ALWAYS, *drawn]
    return [candidates({**row, "thread_id": f"ztf:{i}", "alert_id": f"{i}"}) for i, row in enumerate(words)]


def ranked(workers: Sequence[Match], steps: Sequence[tuple[int, tuple[Alert, ...], CandidateBatch]]) -> CandidateList:
    """What the associating engine ends with; the steps of worker -1 are taken by all, each of them first in vain."""
    associate = Associate(RULES)
    for owner, alerts, batch in steps:
        for worker in workers if owner < 0 else (workers[owner],):
            worker.step(alerts, batch, {}, LATER, run_mode="replay")
            outcome = worker.step(alerts, batch, {}, LATER, run_mode="replay")
            worker.apply(outcome.delta)
            told: tuple[Coverage, ...] = outcome.coverage
            associate.step((), outcome.effects, {}, LATER, told)
            for part in (told[::2], told[1::2], told):
                associate.apply(associate.step((), outcome.effects, {}, LATER, part).delta)
        associate.apply(associate.step(alerts, (), {}, LATER).delta)
    (made,) = (one for one in associate.published() if isinstance(one, CandidateList))
    return replace(made, revision=0)


@settings(max_examples=examples(30), deadline=None)
@given(st.data(), st.lists(ROW, min_size=2, max_size=10))
def test_order_batches_and_two_workers(data: st.DataObject, drawn: list[dict[str, object]]) -> None:
    batches = rows_of(drawn)
    whole = CandidateBatch.concat(tuple(batches))
    expected = ranked((Match(RULES),), [(0, NOTICES, whole)])
    assert expected.expected_by_chance is not None
    owned = data.draw(st.lists(st.integers(0, 1), min_size=len(batches), max_size=len(batches)))
    steps: list[tuple[int, tuple[Alert, ...], CandidateBatch]] = [
        *((-1, (notice,), CandidateBatch.empty()) for notice in NOTICES),
        *((owner, (), batch) for owner, batch in zip(owned, batches, strict=True)),
    ]
    shuffled = data.draw(st.permutations(steps))
    copies = data.draw(st.lists(st.sampled_from(steps), max_size=3))
    assert ranked((Match(RULES), Match(RULES)), [*shuffled, *copies]) == expected
