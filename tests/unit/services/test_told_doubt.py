"""What is read at night of a request whose event was taken back and stands by a later notice."""

from dataclasses import replace
from datetime import timedelta

from too_cases import MERGER, request

from nuncius.broker.planning.telling import Due, Item
from nuncius.broker.planning.told import REQUEST
from nuncius.broker.services.told_words import text, title
from nuncius.broker.services.too_book import Entry
from nuncius.consumers.adapter import answer

NOW = MERGER + timedelta(hours=12)
DOUBT = (
    "lvk:S1: LVK took it back in one of 2017-08-17 13:00:00 UTC, and says in two of 2017-08-17 14:00:00 UTC it stands"
)
BEFORE = request(1)
DOUBTED = replace(
    BEFORE, revision=2, idempotency_key="r/2", needs_approval=True, doubt=DOUBT, reason=f"IN DOUBT, {DOUBT}. a test"
)
WAITS = Due("shift", urgent=True, items=(Item(request_id="r", revision=2, subject=REQUEST, state="waits"),))


def test_the_message_says_so_first_and_names_both_notices() -> None:
    entries = {"r": Entry((BEFORE, DOUBTED), ())}
    assert title(WAITS, entries, NOW).startswith("YES OR NO? [IN DOUBT] imager: AT2017gfo")
    said = text(WAITS, entries, NOW, None)
    assert f"WHY    IN DOUBT, {DOUBT}. a test" in said.splitlines()
    assert "No answer is a no: it goes to nobody without a yes." in said


def test_who_has_it_already_keeps_it_and_the_message_says_so() -> None:
    told = (answer(BEFORE, "sent", "robot"), answer(BEFORE, "accepted", "robot"))
    said = text(WAITS, {"r": Entry((BEFORE, DOUBTED), told)}, NOW, None)
    assert "robot may have what was asked before, and keeps it unless you decline; no more goes out." in said
    assert "No answer is a no" not in said
    assert "STATE  proposed, and robot may have what was asked before" in said.splitlines()
