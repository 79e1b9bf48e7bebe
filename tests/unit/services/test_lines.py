"""Every record of the output topics has one line, in the terminal and in the tables."""

from dataclasses import replace
from typing import Any

import pytest
import too_cases
from matching_alerts import alert, gw

from nuncius.broker.services.lines import as_text, chance, cleaned, printable
from nuncius.consumers.adapter import answer
from nuncius.schemas import Pair, Quarantined, Significance

QUARANTINED = Quarantined(sha256="00", nbytes=12, source="a.tar!b.xml", reason="malformed", detail="Who/Date: no time")
RECORDS: dict[str, Any] = {
    "coincidence": too_cases.coincidence(),
    "candidates": too_cases.candidate_list(),
    "alert": gw(),
    "too": too_cases.request(),
    "too-status": answer(too_cases.request(), "recorded", "recorder", "nobody was asked"),
    "quarantine": QUARANTINED,
}


@pytest.mark.parametrize("word", RECORDS)
def test_a_record_is_one_line_that_begins_with_its_kind(word: str) -> None:
    line = as_text(RECORDS[word])
    assert line.split()[0] == word
    assert "\n" not in line
    assert "None" not in line


def test_what_a_person_looks_for_is_in_the_line() -> None:
    line = as_text(RECORDS["coincidence"])
    parts = ("gw-grb", "(real)", "lvk:S170817", "fermi-gbm:1", "+2.03 s", "overlap 32.3", "1.80e-06")
    assert [part for part in parts if part not in line] == []
    line = as_text(QUARANTINED)
    assert [p for p in ("a.tar!b.xml", "12 bytes", "malformed", "Who/Date: no time") if p not in line] == []
    assert "no time" in as_text(alert("lvk:S1", seconds=None, messenger="photon", facility="X"))


def test_an_event_in_doubt_is_told_as_such() -> None:
    words = "LVK took it back in one, and says in another it stands"
    found = too_cases.coincidence(anchor=too_cases.member(too_cases.GW, doubt=words))
    assert as_text(found).endswith(f"; IN DOUBT, lvk:S170817: {words}")
    other = Pair(partner=found.anchor, dt_s=1.0, significance=found.significance)
    assert words in as_text(too_cases.coincidence(others=(other,)))
    assert as_text(too_cases.candidate_list(doubt=words)).endswith(f"; IN DOUBT: {words}")


@pytest.mark.parametrize(
    ("significance", "number", "null"),
    [
        (too_cases.NOISE_NULL, "1.00e-09 Hz", "noise"),
        (replace(too_cases.NOISE_NULL, joint_far_hz=0.0), "0.00e+00 Hz", "noise"),
        (replace(too_cases.NOISE_NULL, joint_far_hz=None), "no number", "noise"),
        (too_cases.REAL_NULL, "1.80e-06", "real"),
        (replace(too_cases.REAL_NULL, expected_by_chance=0.0), "0.00e+00", "real"),
        (replace(too_cases.REAL_NULL, expected_by_chance=None), "no number", "real"),
    ],
)
def test_the_chance_is_said_with_its_null(significance: Significance, number: str, null: str) -> None:
    assert number in chance(significance)
    assert null in chance(significance)


HOSTILE = "lvk:S1\x1b[31m\x07\x9b2J\u202e\n[bold]x[/red]"
SHOWN = r"lvk:S1\x1b[31m\x07\x9b2J\u202e\n[bold]x[/red]"


def test_what_a_terminal_would_obey_is_shown_as_escapes() -> None:
    told = as_text(gw(HOSTILE, facility="Ev\x1bil"))
    assert told.isprintable()
    assert SHOWN in told
    assert r"Ev\x1bil" in told


def test_letters_of_every_script_stay() -> None:
    assert printable("Cerro Pachón, γ-ray, 超新星") == "Cerro Pachón, γ-ray, 超新星"


def test_a_whole_record_is_cleaned_and_an_innocent_one_stays_as_it_is() -> None:
    fault = Quarantined(sha256="a", nbytes=1, source=HOSTILE, stream="", reason="malformed", detail="b\x00")
    assert cleaned((fault,))[0].source == SHOWN
    assert cleaned((fault,))[0].detail == r"b\x00"
    assert cleaned(replace(fault, source="", detail="")) == replace(fault, source="", detail="")
