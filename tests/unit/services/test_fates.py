"""Fates survive their header, and their counts add up."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from nuncius.broker.services.fates import Fate, Tally, Word, from_header, to_header

WORDS: tuple[Word, ...] = ("alert", "not_an_alert", "duplicate", "quarantined")
DETAILS = {
    "alert": st.sampled_from(("initial:real", "update:test", "retraction:real", "followup:injection")),
    "not_an_alert": st.sampled_from(("slew", "pointing")),
    "duplicate": st.just(""),
    "quarantined": st.sampled_from(("malformed", "limit_exceeded")),
}
FATES = st.sampled_from(WORDS).flatmap(lambda word: st.builds(Fate, st.just(word), DETAILS[word]))


@given(st.lists(FATES, max_size=30).map(tuple))
def test_a_header_gives_its_fates_back(fates: tuple[Fate, ...]) -> None:
    assert from_header(to_header(fates)) == fates


@given(st.lists(FATES, max_size=60))
def test_the_numbers_of_a_summary_add_up(fates: list[Fate]) -> None:
    said = Tally(Counter(fates), files=len(fates)).as_json()
    assert said["packets"] == len(fates)
    parts = [said[name] for name in ("alerts", "non_alerts", "duplicates", "quarantined")]
    assert sum(part for part in parts if isinstance(part, int)) == len(fates)
    for table, whole in (
        ("alerts_by_kind", "alerts"),
        ("alerts_by_reality", "alerts"),
        ("non_alerts_by_reason", "non_alerts"),
        ("quarantined_by_reason", "quarantined"),
    ):
        counts = said[table]
        assert isinstance(counts, dict)
        assert sum(counts.values()) == said[whole]
        assert list(counts) == sorted(counts)


def test_counts_by_kind_and_reality() -> None:
    fates = [Fate("alert", "initial:real")] * 2 + [Fate("alert", "update:real"), Fate("alert", "initial:test")]
    tally = Tally(Counter(fates), files=3)
    assert tally.by("alert", 0) == {"initial": 3, "update": 1}
    assert tally.by("alert", 1) == {"real": 3, "test": 1}
    assert tally.as_json()["files"] == 3
