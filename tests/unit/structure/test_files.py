"""Files stay small, and errors are caught by name."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ("schemas", "broker", "filters", "producers", "consumers", "tests")
LINES_MAX, ADAPTER_LINES_MAX = 400, 80
BROAD = {"Exception", "BaseException"}

DOORS = {
    "broker/services/reading.py": "a fault in a facility's parser costs one packet, not the broker",
    "consumers/outside.py": "a vendor's client raises what nobody foresaw: the outcome of one call is unknown",
}
"""The two files that may catch everything, once each, and why."""


def sources() -> Iterator[Path]:
    for folder in FOLDERS:
        yield from sorted((ROOT / folder).rglob("*.py"))


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def broad_catches(source: str) -> list[int]:
    """Lines of ``except:``, ``except Exception`` and ``except BaseException``, alone or in a tuple, that go on.

    One that ends in a bare ``raise`` (a roll-back) catches nothing.
    """
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ExceptHandler) and ast.unparse(node.body[-1]) != "raise":
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            if any(kind is None or (isinstance(kind, ast.Name) and kind.id in BROAD) for kind in kinds):
                found.append(node.lineno)
    return found


def test_no_file_is_longer_than_400_lines() -> None:
    assert {str(p.relative_to(ROOT)): lines(p) for p in sources() if lines(p) > LINES_MAX} == {}


def test_a_facility_adapter_has_at_most_80_lines() -> None:
    adapters = [p for p in (ROOT / "producers").rglob("*.py") if re.search(r"^FACILITY\b", p.read_text(), re.MULTILINE)]
    assert {str(p.relative_to(ROOT)): lines(p) for p in adapters if lines(p) > ADAPTER_LINES_MAX} == {}


def test_only_the_two_doors_catch_everything_and_each_once() -> None:
    caught = {str(path.relative_to(ROOT)): len(broad_catches(path.read_text())) for path in sources()}
    assert {path: count for path, count in caught.items() if count} == dict.fromkeys(DOORS, 1)


@pytest.mark.parametrize("caught", ["", " Exception", " (ValueError, BaseException)", " Exception as error"])
def test_a_broad_catch_is_seen(caught: str) -> None:
    assert broad_catches(f"try:\n    f()\nexcept{caught}:\n    pass") == [3]
    assert broad_catches(f"try:\n    f()\nexcept{caught}:\n    undo()\n    raise") == []


def test_nothing_committed_is_left_for_later() -> None:
    word = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "X" * 3 + r"\b")))
    assert [str(p.relative_to(ROOT)) for p in sources() if word.search(p.read_text())] == []


def test_every_silenced_check_says_why() -> None:
    silent = re.compile(r"#\s*(noqa(:\s*[A-Z0-9, ]+)?|type:\s*ignore(\[[\w, -]+\])?)\s*$")
    bare = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sources()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if silent.search(line)
    ]
    assert bare == []
