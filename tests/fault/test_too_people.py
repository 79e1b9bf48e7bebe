"""A person's yes and no against what happens at the same time: two people, a cancellation, another revision."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from too_night import Night, gone, wanted

from nuncius.broker.services.too_book import Entry, book, word
from nuncius.schemas import SettingsError, ToORequest

ASKED = wanted(needs_approval=True)
"""Waits for a person's yes."""


@pytest.fixture
def night() -> Iterator[Night]:
    with Night() as made:
        made.put(ASKED)
        made.deliver()
        yield made


def again(revision: int, **changed: object) -> ToORequest:
    """The same wish under another revision."""
    return replace(ASKED, revision=revision, idempotency_key=f"r/{revision}", **changed)  # type: ignore[arg-type]  # a test's fields


def entry(night: Night) -> Entry:
    (found,) = book(night.log)
    return found


def test_nothing_is_asked_without_a_yes_and_once_with_two(night: Night) -> None:
    night.hours(1)
    assert night.telescope.calls == []
    night.says("Ana", "approved", ASKED)
    night.says("Bo", "approved", ASKED)
    night.deliver()
    night.restart()
    night.deliver()
    assert night.telescope.asked() == ["r/1"]


def test_a_yes_that_comes_after_the_cancellation_does_nothing(night: Night) -> None:
    night.put(gone())
    night.says("Ana", "approved", ASKED)
    night.hours(1)
    assert night.telescope.calls == []
    with pytest.raises(SettingsError, match="the cause was taken back"):
        word(entry(night), "approved", who="Ana", why="", now=night.now)


def test_a_no_after_it_was_accepted_takes_it_back_once(night: Night) -> None:
    night.says("Ana", "approved", ASKED)
    night.deliver()
    assert night.telescope.holds == {"r": 1}
    night.says("Bo", "rejected", ASKED)
    night.says("Cy", "rejected", ASKED)
    night.hours(1)
    night.restart()
    night.deliver()
    assert (night.telescope.holds, night.telescope.asked("cancel")) == ({}, ["r/1"])
    assert night.said()[-1] == (1, "cancelled")


def test_a_yes_after_it_was_taken_back_asks_nothing_and_says_so(night: Night) -> None:
    night.says("Ana", "approved", ASKED)
    night.deliver()
    night.says("Bo", "rejected", ASKED)
    night.deliver()
    with pytest.raises(SettingsError, match="taken back at the telescope"):
        word(entry(night), "approved", who="Ana", why="", now=night.now)
    night.says("Ana", "approved", ASKED)
    night.hours(1)
    assert night.telescope.calls[-1] == "cancel r/1"
    assert night.telescope.asked() == ["r/1"]


@pytest.mark.parametrize(
    ("first", "second", "asked"), [("approved", "rejected", []), ("rejected", "approved", ["r/1"])]
)
def test_of_two_people_the_last_word_counts(night: Night, first: str, second: str, asked: list[str]) -> None:
    for who, said in (("Ana", first), ("Bo", second)):
        night.says(who, "approved" if said == "approved" else "rejected", ASKED)
    night.deliver()
    assert night.telescope.asked() == asked


def test_a_yes_does_not_hold_for_what_replaced_it_meanwhile(night: Night) -> None:
    night.put(again(2, dec=-20.0))
    night.says("Ana", "approved", ASKED)
    night.hours(1)
    assert night.telescope.calls == []
    night.says("Ana", "approved", again(2, dec=-20.0))
    night.deliver()
    assert night.telescope.asked() == ["r/2"]


def test_a_yes_holds_for_the_same_wish_at_another_time(night: Night) -> None:
    night.put(again(2, reason="scored anew"))
    night.says("Ana", "approved", ASKED)
    night.deliver()
    assert night.telescope.asked() == ["r/2"]


def test_a_no_to_what_was_replaced_does_not_hold_back_something_else(night: Night) -> None:
    night.says("Ana", "rejected", ASKED)
    night.put(wanted(2, needs_approval=False))
    night.deliver()
    assert night.telescope.asked() == ["r/2"]


def test_a_yes_does_not_outlive_the_end(night: Night) -> None:
    night.deliver(hours=47.9)
    night.says("Ana", "approved", ASKED)
    night.deliver(hours=0.2)
    assert night.telescope.calls == []
    assert night.said()[-1] == (1, "expired")


def test_yes_and_no_while_it_is_being_asked(night: Night) -> None:
    """The no comes while the telescope takes the request: it is taken back at once."""

    def no(_: ToORequest) -> None:
        night.telescope.meanwhile = lambda _: None
        night.says("Bo", "rejected", ASKED)

    night.telescope.meanwhile = no
    night.says("Ana", "approved", ASKED)
    night.deliver()
    assert night.telescope.calls[:2] == ["submit r/1", "cancel r/1"]
    assert night.telescope.holds == {}
