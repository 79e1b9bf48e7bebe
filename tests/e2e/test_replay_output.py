"""``nuncius replay --json``: its format (DESIGN 5), the same bytes twice, and the same end for every order."""

from collections import Counter
from pathlib import Path
from typing import Any

import made_nights
import orjson
import pytest
from commands import nuncius
from made_nights import Made

TYPES = ("coincidence", "candidate_list", "too_request", "quarantined", "summary")
IDS = {"coincidence": "coincidence_id", "candidate_list": "list_id", "too_request": "request_id"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made_nights.write(tmp_path_factory.mktemp("made"), 15)


def replayed(made: Made, home: Path, *options: str) -> bytes:
    return nuncius("replay", "--json", made.archive, "--skymaps", made.maps, *options, home=home).out


@pytest.fixture(scope="module")
def output(made: Made, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return replayed(made, tmp_path_factory.mktemp("first"))


def rows(output: bytes) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in output.splitlines()]


def test_every_line_has_a_type_and_lies_where_it_should(output: bytes) -> None:
    found = rows(output)
    places = [TYPES.index(row["type"]) for row in found]
    assert places == sorted(places)
    assert Counter(row["type"] for row in found)["summary"] == 1
    assert {row["type"] for row in found} == set(TYPES)
    for kind, name in IDS.items():
        names = [row[name] for row in found if row["type"] == kind]
        assert names == sorted(set(names))


def test_the_final_state_holds_no_revisions(output: bytes) -> None:
    for row in rows(output):
        assert not {"revision", "idempotency_key", "head"} & set(row)


def test_the_summary_adds_up_and_holds_only_counts(made: Made, output: bytes) -> None:
    *others, summary = rows(output)
    assert summary["packets"] == summary["files"] == made.packets
    parts = ("alerts", "non_alerts", "duplicates", "quarantined")
    assert sum(summary[part] for part in parts) == made.packets
    for table, whole in (
        ("alerts_by_kind", "alerts"),
        ("alerts_by_reality", "alerts"),
        ("non_alerts_by_reason", "non_alerts"),
        ("quarantined_by_reason", "quarantined"),
    ):
        assert sum(summary[table].values()) == summary[whole]
    counts = Counter(row["type"] for row in others)
    assert counts["coincidence"] == summary["coincidences"]
    assert counts["candidate_list"] == summary["candidate_lists"]
    assert counts["too_request"] == summary["too_requests"]
    assert counts["quarantined"] == summary["quarantined"] + summary["too_late"]
    numbers = [value for value in summary.values() if not isinstance(value, dict | str)]
    numbers += [n for value in summary.values() if isinstance(value, dict) for n in value.values()]
    assert all(type(number) is int for number in numbers)
    assert [value for value in summary.values() if isinstance(value, str)] == ["summary"]


def test_history_is_found(output: bytes) -> None:
    found = [row for row in rows(output) if row["type"] == "coincidence"]
    pairs = {
        (row["rule"], row["anchor"]["event_id"], row["partner"]["event_id"]): (row["state"], row["reality"])
        for row in found
    }
    states = {key: value for key, value in pairs.items() if "lvk:" in key[1]}
    assert states[("gw-cbc-grb", "lvk:G298048", "fermi-gbm:524666471")][1] == "real"
    assert [reality for (_, anchor, _), (_, reality) in states.items() if anchor == "lvk:S170819x"] == ["injection"]
    assert [state for (_, anchor, _), (state, _) in states.items() if anchor == "lvk:S170820q"] == ["retracted"]
    assert not [key for key in states if "MS170817m" in key[1]]
    (ranked,) = [
        row for row in rows(output) if row["type"] == "candidate_list" and row["event_thread"] == "lvk:G298048"
    ]
    assert "ztf:ZTF17gfoaaaa" in [row["thread_id"] for row in ranked["candidates"]]


def test_twice_the_same_bytes(made: Made, output: bytes, tmp_path: Path) -> None:
    assert replayed(made, tmp_path) == output


@pytest.mark.parametrize("order", ["event", "given"])
def test_every_order_of_arrival_ends_alike(made: Made, output: bytes, tmp_path: Path, order: str) -> None:
    assert replayed(made, tmp_path, "--order", order) == output


def test_files_in_another_order_end_alike(output: bytes, tmp_path: Path) -> None:
    shuffled = made_nights.write(tmp_path, 15, seed=7)
    assert replayed(shuffled, tmp_path) == output
    (tmp_path / "nuncius.toml").write_text("lateness_days = 90")  # the acts are 36 days apart
    assert replayed(shuffled, tmp_path, "--order", "given") == output


def test_a_kept_log_is_resumed_and_ends_alike(made: Made, output: bytes, tmp_path: Path) -> None:
    assert replayed(made, tmp_path, "--broker", "local:log") == output
    assert replayed(made, tmp_path, "--broker", "local:log") == output
    seen = nuncius("subscribe", "alerts", "--json", "--until-end", "--broker", "local:log", home=tmp_path).rows()
    assert len({row["alert_id"] for row in seen}) == len(seen) > 10
    assert {row["run_mode"] for row in seen} == {"replay"}


def test_for_people_there_are_tables(made: Made, tmp_path: Path) -> None:
    run = nuncius("replay", made.archive, "--skymaps", made.maps, home=tmp_path)
    said = run.out.decode()
    assert [word for word in ("G298048", "524666471", "ZTF17gfoaaaa", "S170820q", "packets") if word not in said] == []
    assert "Traceback" not in run.err
