"""Committed data agrees with the code that makes it, and every shipped rule says where it comes from."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastavro
import orjson
import pytest

from nuncius.schemas import avsc

ROOT = Path(__file__).resolve().parents[3]
SCHEMAS = ROOT / "schemas"
TABLES = sorted(
    p for folder in ("broker", "filters", "producers", "consumers") for p in (ROOT / folder).rglob("*.toml")
)


def records(schema: Any) -> Iterator[dict[str, Any]]:
    """Every record definition inside a schema."""
    if isinstance(schema, list):
        for option in schema:
            yield from records(option)
    elif isinstance(schema, dict):
        if schema.get("type") == "record":
            yield schema
            for field in schema["fields"]:
                yield from records(field["type"])
        for key in ("items", "values"):
            yield from records(schema.get(key))


def entries(table: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind in ("rule", "policy"):
        for entry in table.get(kind, []):
            yield kind, entry


def test_avsc_files_are_what_the_dataclasses_say(tmp_path: Path) -> None:
    avsc.write(tmp_path)
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {path.name: path.read_bytes() for path in SCHEMAS.glob("*.avsc")} == written


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.avsc")), ids=lambda p: p.name)
def test_every_record_and_field_has_its_words(path: Path) -> None:
    schema = orjson.loads(path.read_bytes())
    fastavro.parse_schema(schema)
    silent = [
        f"{record['name']}.{field['name']}"
        for record in records(orjson.loads(path.read_bytes()))
        for field in record["fields"]
        if not field.get("doc", "").strip() or not record.get("doc", "").strip()
    ]
    assert silent == []


@pytest.mark.parametrize("path", TABLES, ids=lambda p: p.name)
def test_every_enabled_rule_and_policy_names_its_source(path: Path) -> None:
    without = [
        f"{kind} {entry.get('name')}"
        for kind, entry in entries(tomllib.loads(path.read_text()))
        if entry.get("enabled", True) and not str(entry.get("source", "")).strip()
    ]
    assert without == []
