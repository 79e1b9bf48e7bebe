"""docs/facility.md says what an answer is, as the code has it."""

import re
from pathlib import Path

from nuncius.consumers.desk.answers import ANSWERS, MOST_NOTE, MOST_REFERENCE
from nuncius.consumers.desk.word import Word, word_of

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "facility.md").read_text(encoding="utf-8")


def test_its_answer_is_one() -> None:
    (*_, block) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert word_of(block.encode()).state == "scheduled"


def test_it_names_every_field_and_every_state() -> None:
    table = PAGE[PAGE.index("| field | is |") :]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(Word.model_fields)
    states = next(line for line in table.splitlines() if line.startswith("| `state`"))
    assert re.findall(r"`(\w+)`", states)[1:] == list(ANSWERS)
    assert f"up to {MOST_REFERENCE} characters" in table
    assert f"up to {MOST_NOTE} characters" in table
