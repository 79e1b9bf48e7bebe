"""What a filter's explanation says, held against the filter: every cause is itself a filter that is not true."""

from datetime import UTC, datetime

from filter_trees import conditions, text
from how_many import examples
from hypothesis import given, settings

from nuncius.filters import matches, parse_filter
from nuncius.filters import tree as t
from nuncius.filters.explain import explain
from nuncius.filters.words import in_words
from nuncius.schemas.alert import Alert, Photometry
from nuncius.schemas.localization import Cone, Localization

NOTICES = (
    Alert(alert_id="a", thread_id="t", native_id="", facility="", kind="initial", reality="real", messenger="photon"),
    Alert(
        alert_id="b",
        thread_id="t",
        kind="initial",
        reality="real",
        messenger="photon",
        facility="GRB",
        instrument="it's",
        native_id="grb 1",
        far_hz=1e-8,
        p_astro=0.5,
        sequence=1,
        redshift=0.0,
        classification={"BNS": 0.5},
        properties={"mixed": True},
        photometry=(Photometry(None, "g", 20.5),),
        time_start=datetime(2026, 11, 1, tzinfo=UTC),
        localizations=(Localization(Cone(10.0, 20.0, 1.0)),),
    ),
)


@settings(max_examples=examples(60), deadline=None)
@given(conditions)
def test_a_filter_written_again_means_the_same_and_causes_are_not_true(tree: t.Condition) -> None:
    checked = parse_filter(text(tree), "alerts")
    again = parse_filter(in_words(checked.tree), "alerts")
    assert in_words(again.tree) == in_words(checked.tree)
    for notice in NOTICES:
        truth = matches(checked, notice)
        assert matches(again, notice) is truth
        verdict = explain(checked, notice)
        assert verdict.truth is truth
        assert bool(verdict.causes) is (truth is not True)
        for cause in verdict.causes:
            assert cause.condition in in_words(checked.tree)
            assert matches(parse_filter(cause.condition, "alerts"), notice) is cause.truth
            assert cause.truth is not True
