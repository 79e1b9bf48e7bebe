"""Lines of a table, and files of records."""

import io
from pathlib import Path
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matching_alerts import candidates, grb, gw
from road import decoded, history, memory, night, put, work_through

from nuncius.broker.transport import topics
from nuncius.consumers.record_file import AvroFile, RecordFolder
from nuncius.consumers.record_table import DEFAULT_FIELDS, RecordTable
from nuncius.filters import FIELDS
from nuncius.schemas import SettingsError, StreamRow
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
