"""What is published in the end is a function of the set of alerts: order, copies, batches and aborts change nothing."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

from how_many import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from matching_alerts import T0, alert, at, candidates, cone

from nuncius.broker.matching import Associate, Match, MatchOutcome, load_rules, shipped_rules
from nuncius.schemas import Alert, CandidateBatch, CandidateList, Citation, Coincidence

# 34.56 s of measuring, so that events fall inside, outside and before the stream's first sign of life
MEASURED = """
[[rule]]
name = "measured"
kind = "events"
source = "the test's own"
anchor = { messengers = ["gravitational_wave"] }
partner = { messengers = ["photon"] }
window_s = [-1, 40]
measure_days = 0.0004
"""
RULES = (*shipped_rules(), *load_rules(MEASURED))
LATER = T0 + timedelta(days=40)

# few threads, few seconds, few places: so that most sets hold pairs, updates, retractions and joined bursts
GAMMA = {"messenger": "photon", "band": "gamma"}
WORDS: dict[str, dict[str, str]] = {
    "lvk:a": {"messenger": "gravitational_wave", "facility": "LIGO", "event_class": "cbc"},
    "lvk:b": {"messenger": "gravitational_wave", "facility": "LIGO", "event_class": "burst"},
    "icecube:a": {"messenger": "neutrino", "facility": "IceCube", "event_class": "neutrino_track"},
    "fermi:a": {**GAMMA, "facility": "Fermi", "instrument": "GBM", "event_class": "grb"},
    "fermi:b": {**GAMMA, "facility": "Fermi", "instrument": "GBM", "event_class": "grb"},
    "swift:a": {**GAMMA, "facility": "Swift", "instrument": "BAT", "event_class": "grb"},
    "konus:a": {**GAMMA, "facility": "Konus", "event_class": "grb"},
    "fermi:s": {**GAMMA, "facility": "Fermi", "instrument": "GBM", "event_class": "sub_grb"},
    "swift:s": {**GAMMA, "facility": "Swift", "instrument": "BAT", "event_class": "sub_grb_targeted"},
    "sk:a": {"messenger": "neutrino", "facility": "Super-K", "event_class": "supernova_neutrino"},
    "sk:b": {"messenger": "neutrino", "facility": "Super-Kamiokande", "event_class": "supernova_neutrino"},
    "lvd:a": {"messenger": "neutrino", "facility": "LVD", "event_class": "supernova_neutrino"},
    "kamland:a": {"messenger": "neutrino", "facility": "KamLAND", "event_class": "supernova_neutrino"},
    "lat:a": {**GAMMA, "facility": "Fermi", "event_class": "flare", "time_kind": "interval"},
}
PLACES = (cone(80, 10, 4), cone(82, 10, 2), cone(84, 10, 2), cone(200, -40, 6), cone(80, 10, 0, 1), ())


@st.composite
def notices(draw: st.DrawFn) -> Alert:
    """One version of one thread."""
    name = draw(st.sampled_from(("lvk:a", "lvk:b", "lvk:a", "fermi:a", "swift:a", *sorted(WORDS))))
    words = dict(WORDS[name])
    seconds = draw(st.sampled_from((-8.0, 0.0, 2.0, 4.0, 21.0, 33.0)))
    version = draw(st.integers(0, 3))
    if draw(st.integers(0, 14)) == 9:
        words["event_class"] = "not_astrophysical"
    if draw(st.integers(0, 14)) == 9:
        words["facility"] = "Elsewhere"
    kind = draw(st.sampled_from(("initial", "update", "update", "followup", "retraction")))
    return alert(
        name,
        version,
        seconds=None if kind == "retraction" else seconds,
        issued=draw(st.sampled_from((60.0, 120.0, 120.0, 600.0))),
        kind=kind,
        reality=draw(st.sampled_from((*["real"] * 8, "test", "injection"))),
        run_mode=draw(st.sampled_from((*["replay"] * 9, "drill"))),
        localizations=() if kind == "retraction" else draw(st.sampled_from(PLACES)),
        far_hz=draw(st.sampled_from((None, 0.0, 1e-9, 1e-5))),
        p_astro=draw(st.sampled_from((None, 0.2, 0.9))),
        time_stop=at(seconds + 20),
        alert_id=draw(st.uuids()).hex,
        **words,
    )


ALERTS = st.lists(notices(), min_size=6, max_size=16, unique_by=lambda a: a.alert_id)
ROWS = st.lists(
    st.builds(
        lambda number, days, first, dec, reality, name, survey, rock: {
            "alert_id": name.hex,
            "thread_id": f"ztf:{number}",
            "days": days,
            "first": min(first, days),
            "ra": 80.0,
            "dec": dec,
            "reality": reality,
            "survey": survey,
            "solar_system": rock,
        },
        st.integers(0, 3),
        st.sampled_from((1.0, 2.0, 3.0)),
        st.sampled_from((-3.0, 0.5, 1.0)),
        st.sampled_from((10.0, 11.0, -40.0)),
        st.sampled_from(("real", "real", "test")),
        st.uuids(),
        st.sampled_from(("ztf", "ztf", "lsst")),
        st.integers(0, 3).map(lambda n: n == 0),
    ),
    min_size=2,
    max_size=6,
)


TRIPLE = ("lvk:a", "fermi:a", "icecube:a")
DETECTORS = ("sk:a", "sk:b", "lvd:a", "kamland:a")


@st.composite
def scenes(draw: st.DrawFn) -> list[Alert]:
    """Notices of a few threads that can be a triple or a multiplicity: versions that move, retractions."""
    found = []
    for name in draw(st.sampled_from((TRIPLE, (*TRIPLE, "konus:a"), DETECTORS, (*DETECTORS, "lvk:a")))):
        for version in range(draw(st.integers(1, 3))):
            taken_back = version > 0 and draw(st.integers(0, 3)) == 0
            found.append(
                alert(
                    name,
                    version,
                    seconds=None if taken_back else draw(st.sampled_from((0.0, 0.0, 2.0, 4.0, 8.0, 10.0, 14.0))),
                    kind="retraction" if taken_back else "update" if version else "initial",
                    localizations=() if taken_back else draw(st.sampled_from(PLACES)),
                    far_hz=draw(st.sampled_from((None, 1e-9, 1e-5))),
                    issued=draw(st.sampled_from((60.0, 120.0, 600.0))),
                    cites=draw(st.sampled_from(((), (), (Citation("followup", "Fermi a"),)))),
                    alert_id=draw(st.uuids()).hex,
                    **WORDS[name],
                )
            )
    return found


def final(engine: Associate) -> list[Coincidence | CandidateList]:
    return [replace(record, revision=0) for record in engine.published()]


def run(batches: Sequence[Sequence[Alert]], aborts: Sequence[bool] = ()) -> list[Coincidence | CandidateList]:
    engine = Associate(RULES)
    for number, batch in enumerate(batches):
        if number < len(aborts) and aborts[number]:
            engine.step(tuple(batch), (), {}, LATER)
        engine.apply(engine.step(tuple(batch), (), {}, LATER).delta)
    return final(engine)


def cut(draw: Any, alerts: Sequence[Alert]) -> list[Sequence[Alert]]:
    marks = sorted(draw(st.lists(st.integers(0, len(alerts)), max_size=4)))
    edges = [0, *marks, len(alerts)]
    return [alerts[a:b] for a, b in pairwise(edges)]


@settings(max_examples=examples(80), deadline=None)
@given(st.data(), ALERTS)
def test_order_copies_batches_and_aborts(data: Any, alerts: list[Alert]) -> None:
    expected = run([[one] for one in alerts])
    copies = data.draw(st.lists(st.sampled_from(alerts), max_size=4))
    shuffled = data.draw(st.permutations(alerts + copies))
    batches = cut(data.draw, shuffled)
    aborts = data.draw(st.lists(st.booleans(), min_size=len(batches), max_size=len(batches)))
    assert run(batches, aborts) == expected
    assert run([alerts]) == expected


@settings(max_examples=examples(80), deadline=None)
@given(st.data(), scenes())
def test_groups_and_multiplicities_in_any_order(data: Any, alerts: list[Alert]) -> None:
    expected = run([[one] for one in alerts])
    batches = cut(data.draw, data.draw(st.permutations(alerts)))
    assert run(batches) == expected
    assert run([alerts]) == expected


@settings(max_examples=examples(60), deadline=None)
@given(ALERTS)
def test_nothing_real_meets_a_test(alerts: list[Alert]) -> None:
    engine = Associate(RULES)
    engine.apply(engine.step(tuple(alerts), (), {}, LATER).delta)
    scope = {one.alert_id: (one.reality, one.run_mode) for one in alerts}
    for record in engine.published():
        assert isinstance(record, Coincidence)
        members = (record.anchor, record.partner, *(pair.partner for pair in record.others))
        assert {scope[i] for member in members for i in member.alert_ids} == {(record.reality, record.run_mode)}


@settings(max_examples=examples(30), deadline=None)
@given(ALERTS)
def test_a_restart_publishes_nothing_new(alerts: list[Alert]) -> None:
    engine, fresh = Associate(RULES), Associate(RULES)
    for one in alerts:
        engine.apply(engine.step((one,), (), {}, LATER).delta)
    fresh.apply(fresh.step(tuple(alerts), (), {}, LATER).delta)
    fresh.restore(engine.published())
    assert fresh.step(tuple(alerts), (), {}, LATER).effects == ()
    assert fresh.published() == engine.published()


@settings(max_examples=examples(60), deadline=None)
@given(st.data(), ALERTS, ROWS)
def test_events_and_candidates_in_any_order(
    data: st.DataObject, alerts: list[Alert], rows: list[dict[str, object]]
) -> None:
    single = [candidates(row) for row in rows]
    items: list[Alert | CandidateBatch] = [*alerts, *single]
    assert _through_both(data.draw(st.permutations(items))) == _through_both(items)


def _looks(outcome: MatchOutcome) -> list[str]:
    """Cell by cell: how many a record holds depends on what came together."""
    return [repr(replace(told, cells=(cell,))) for told in outcome.coverage for cell in told.cells]


def _through_both(items: Sequence[Alert | CandidateBatch]) -> tuple[object, ...]:
    match, associate = Match(RULES), Associate(RULES)
    emitted: dict[str, None] = {}
    for item in items:
        alerts, batch = ((item,), CandidateBatch.empty()) if isinstance(item, Alert) else ((), item)
        match.step(alerts, batch, {}, LATER, run_mode="replay")
        outcome = match.step(alerts, batch, {}, LATER, run_mode="replay")
        match.apply(outcome.delta)
        emitted.update((repr(one), None) for one in outcome.effects)
        emitted.update(dict.fromkeys(_looks(outcome)))
        associate.apply(associate.step((), outcome.effects, {}, LATER, outcome.coverage).delta)
        associate.apply(associate.step(alerts, (), {}, LATER).delta)
    return tuple(sorted(emitted)), tuple(final(associate))
