"""Lines of a table, and files of records."""

import io
import shlex
import sys
from pathlib import Path
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matching_alerts import candidates, grb, gw
from road import decoded, history, memory, night, put, work_through

from nuncius.broker.transport import topics
from nuncius.consumers.record_command import RecordCommand
from nuncius.consumers.record_file import AvroFile, RecordFolder
from nuncius.consumers.record_table import DEFAULT_FIELDS, RecordTable
from nuncius.filters import FIELDS
from nuncius.schemas import Localization, SettingsError, SkyMapRef, StreamRow, ids
from nuncius.schemas.candidate_row import rows


def test_the_usual_fields_are_fields() -> None:
    for stream, names in DEFAULT_FIELDS.items():
        assert set(names) <= set(FIELDS[stream])


def test_columns_keep_their_place() -> None:
    table = RecordTable("candidates", ("survey", "mag", "thread_id"))
    made = rows(
        candidates({"thread_id": "a", "mag": 18.123456789}, {"thread_id": "b" * 60, "survey": "s" * 40}), "live"
    )
    lines = [table.header(), *map(table.line, made)]
    assert {line.index(end) for line, end in zip(lines, ("thread_id", "a", "b" * 60), strict=True)} == {
        lines[0].index("thread_id")
    }
    assert "…" in lines[2]


def test_a_row_of_a_named_stream_shows_included_fields() -> None:
    row = StreamRow(stream="mine", revision=1, sequence=4, thread_id="ztf:1", fields={"mag": 18.5})
    table = RecordTable("mine", ("sequence", "mag", "nothing", "thread_id"))
    assert table.line(row).split() == ["4", "18.5", "-", "ztf:1"]
    assert table.values(row) == {"sequence": 4, "mag": 18.5, "thread_id": "ztf:1"}


def test_no_such_field() -> None:
    with pytest.raises(SettingsError, match="no field 'magg'"):
        RecordTable("candidates", ("magg",))


def test_one_container_takes_every_kind() -> None:
    log = memory()
    put(log, history(), night())
    work_through(log)
    names = (topics.EVENTS, topics.CANDIDATES, topics.COINCIDENCES, topics.TOO_REQUESTS, topics.TOO_STATUS)
    every = [record for topic in names for record in decoded(log, topic.name)]
    log.close()
    file = io.BytesIO()
    container = AvroFile(file)
    for record in every:
        container.write(record)
        assert len(file.getvalue()) > 0
    file.seek(0)
    found: list[Any] = list(fastavro.reader(file, return_record_name=True, return_record_name_override=True))
    assert [name for name, _ in found] == [f"nuncius.{type(record).__name__}" for record in every]
    assert len({type(record) for record in every}) >= 4


@given(st.text(min_size=1, max_size=300))
def test_any_identifier_names_a_file_in_the_folder(tmp_path_factory: pytest.TempPathFactory, thread: str) -> None:
    folder = tmp_path_factory.mktemp("kept")
    kept = RecordFolder(folder)
    row = StreamRow(stream=thread, revision=1, sequence=1)
    other = StreamRow(stream=thread + "/", revision=1, sequence=1)
    paths = {kept.save(row), kept.save(other), kept.save(row)}
    assert {path.parent for path in paths} == {folder}
    assert len(paths) == 2
    assert {path.name for path in folder.iterdir()} == {path.name for path in paths}


def test_every_revision_has_a_file(tmp_path: Path) -> None:
    kept = RecordFolder(tmp_path)
    assert len({kept.save(gw("lvk:S1")), kept.save(gw("lvk:S1", 1)), kept.save(grb("fermi-gbm:1"))}) == 3


@pytest.mark.parametrize("named", ["../streams", "", "/etc/passwd", "x", "AB" * 32, "ab" * 32 + "/../../x"])
def test_a_map_whose_name_is_no_hash_is_neither_asked_for_nor_saved(tmp_path: Path, named: str) -> None:
    kept = RecordFolder(tmp_path / "kept")
    assert kept.missing_maps(gw(localizations=(Localization(SkyMapRef(named, 1)),))) == []
    with pytest.raises(ValueError, match="not the sky map"):
        kept.save_map(named, b"whatever a broker answers there")
    assert list(tmp_path.rglob("*")) == [tmp_path / "kept"]


def test_a_map_is_saved_by_the_hash_of_its_bytes(tmp_path: Path) -> None:
    kept, data = RecordFolder(tmp_path), b"SIMPLE"
    alert = gw(localizations=(Localization(SkyMapRef(ids.digest(data), 1)),))
    assert kept.missing_maps(alert) == [ids.digest(data)]
    assert kept.save_map(ids.digest(data), data).read_bytes() == data
    assert kept.missing_maps(alert) == []


def test_a_field_too_long_for_an_environment_is_left_to_the_json(tmp_path: Path) -> None:
    said = {f"n{number}": "x" * 20_000 for number in range(200)}
    alert = grb(properties={**said, "long": "y" * 500_000, "short": "z"})
    code = (
        "import json, os, sys; found = json.load(sys.stdin)['properties'];"
        "names = [name for name in os.environ if name.startswith('NUNCIUS_FIELD_PROPERTIES_')];"
        "open('told.txt', 'w').write(f'{len(found)} {len(names)} {sum(map(len, map(os.environ.get, names)))}')"
    )
    script = tmp_path / "told.py"
    script.write_text(f"import os; os.chdir({str(tmp_path)!r}); {code}")
    RecordCommand("alerts", f"{shlex.quote(sys.executable)} {shlex.quote(str(script))}").run(alert, "0:1")
    in_json, told, size = map(int, (tmp_path / "told.txt").read_text().split())
    assert in_json == 202
    assert 20 < told < 30
    assert size < 2**19
