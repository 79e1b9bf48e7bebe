"""docs/guide.md is followed to the letter."""

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from guides import DOCS, blocks, follow, not_printed

pytestmark = pytest.mark.long

GUIDE = blocks((DOCS / "guide.md").read_text())


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader's folder."""
    return tmp_path_factory.mktemp("reader")


@pytest.fixture(scope="module")
def printed(home: Path) -> dict[int, str]:
    """What each block printed."""
    return follow(GUIDE, home)


def test_every_block_is_of_a_kind_that_is_tried() -> None:
    assert {block.language for block in GUIDE} <= {"sh", "python", "text", "csv", "toml", "json"}
    assert len(GUIDE) > 10


def test_what_the_guide_shows_is_what_is_printed(printed: dict[int, str]) -> None:
    assert list(not_printed(GUIDE, printed)) == []


def test_the_notebook_runs(home: Path, printed: dict[int, str]) -> None:
    assert printed
    (home / "sky.png").unlink()
    notebook = orjson.loads((DOCS / "notebook.ipynb").read_bytes())
    code = "\n".join("".join(cell["source"]) + "\n" for cell in notebook["cells"] if cell["cell_type"] == "code")
    environment = {**os.environ, "HOME": str(home), "MPLBACKEND": "Agg"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert (home / "sky.png").stat().st_size > 10_000
