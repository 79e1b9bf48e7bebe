"""Imports run one way, and the pure rooms stay pure (DESIGN 2)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ("schemas", "broker", "filters", "producers", "consumers")

LAYERS: tuple[tuple[str, ...], ...] = (
    ("nuncius.broker.cli",),
    (
        "nuncius.broker.live",
        "nuncius.broker.rehearsal",
        "nuncius.broker.household",
        "nuncius.broker.trial",
        "nuncius.broker.keys",
    ),
    ("nuncius.broker.app",),
    ("nuncius.broker.connection", "nuncius.broker.follow_up"),
    ("nuncius.broker.adapters", "nuncius.broker.telephone"),
    ("nuncius.broker.settings_files",),
    ("nuncius.broker.services",),
    ("nuncius.producers", "nuncius.consumers"),
    ("nuncius.filters", "nuncius.broker.transport", "nuncius.broker.plots"),
    ("nuncius.broker.matching", "nuncius.broker.planning"),
    ("nuncius.broker.sky",),
    ("nuncius.schemas",),
)
"""Highest first. A room imports itself and lower layers; rooms of one layer do not import each other."""

SETTINGS = "nuncius.broker.settings"
"""Frozen values that every command and service may read; itself it may read what it configures, not the services."""

PURE = (
    "nuncius.schemas",
    "nuncius.broker.sky",
    "nuncius.broker.matching",
    "nuncius.broker.planning",
    "nuncius.filters",
    "nuncius.producers",
)
IMPURE = frozenset(
    (
        *("confluent_kafka", "os", "logging", "time", "sqlite3", "socket", "requests", "httpx"),
        *("subprocess", "asyncio", "threading", "random", "urllib.request", "http"),
    ),
)
CLOCKS = frozenset({"now", "utcnow", "today"})


def modules() -> Iterator[tuple[str, Path]]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield "nuncius." + ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def inside(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def layer_of(name: str) -> tuple[int, str] | None:
    """Height (0 lowest) and room of a module; None for the two that belong to no layer."""
    for height, rooms in enumerate(reversed(LAYERS)):
        for room in rooms:
            if inside(name, room):
                return height, room
    if inside(name, SETTINGS):
        return len(LAYERS) - 8, SETTINGS
    return None


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every import, also those inside functions and under TYPE_CHECKING."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def direction_breaks(name: str, source: str) -> list[str]:
    here = layer_of(name)
    if here is None:
        return [] if name == "nuncius.broker" else [f"{name} stands in no layer of DESIGN 2"]
    wrong = []
    for line, target in imported(ast.parse(source)):
        there = layer_of(target) if inside(target, "nuncius") else None
        if there and there[1] != here[1] and there[0] >= here[0]:
            wrong.append(f"{name}:{line} imports {target}")
    return wrong


def purity_breaks(name: str, source: str) -> list[str]:
    if not any(inside(name, room) for room in PURE):
        return []
    tree = ast.parse(source)
    wrong = [
        f"{name}:{line} imports {target}"
        for line, target in imported(tree)
        if any(inside(target, banned) for banned in IMPURE)
    ]
    wrong += [
        f"{name}:{node.lineno} reads a clock"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in CLOCKS
    ]
    return wrong


def test_imports_run_one_way() -> None:
    assert [w for name, path in modules() for w in direction_breaks(name, path.read_text())] == []


def test_pure_rooms_import_no_outside_world_and_read_no_clock() -> None:
    assert [w for name, path in modules() for w in purity_breaks(name, path.read_text())] == []


def test_imports_are_absolute() -> None:
    relative = [
        f"{name}:{node.lineno}"
        for name, path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("nuncius.schemas.alert", "from nuncius.broker.sky import SkyMap"),
        ("nuncius.broker.sky.area", "def f():\n    import nuncius.broker.matching.engine"),
        ("nuncius.broker.matching.engine", "from nuncius.broker import planning"),
        ("nuncius.producers.lvk", "from nuncius.consumers import subscribe"),
        ("nuncius.broker.services.match", "from nuncius.broker import app"),
        ("nuncius.broker.transport.local", "from nuncius.broker import settings"),
        ("nuncius.broker.attic", ""),
    ],
)
def test_a_wrong_direction_is_seen(name: str, source: str) -> None:
    assert len(direction_breaks(name, source)) == 1


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("nuncius.broker.cli.up", "from nuncius.broker.app import run\nfrom nuncius.schemas import Alert"),
        ("nuncius.broker.matching.engine", "from nuncius.broker.matching import rules\nimport numpy"),
        ("nuncius.broker.services.match", "from nuncius.broker.settings import Settings"),
    ],
)
def test_a_right_direction_is_left_alone(name: str, source: str) -> None:
    assert direction_breaks(name, source) == []


@pytest.mark.parametrize(
    "source",
    [
        "import os.path",
        "from time import sleep",
        "from datetime import datetime\ndatetime.now()",
        "def f():\n    import sqlite3",
    ],
)
def test_the_outside_world_is_seen_in_a_pure_room(source: str) -> None:
    assert len(purity_breaks("nuncius.broker.sky.area", source)) == 1
    assert purity_breaks("nuncius.broker.services.ingest", source) == []
