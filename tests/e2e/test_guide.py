"""docs/guide.md is followed to the letter: every block is written, run, or found in what the one before printed."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

ROOT = Path(__file__).resolve().parents[2]
PORT = "8088"
"""Printed in the guide; the test's broker listens elsewhere."""


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the file that the sentence before it names."""

    language: str
    text: str
    name: str


def blocks(document: str) -> list[Block]:
    found = []
    for before, language, body in re.findall(r"(.*?)^```(\w*)\n(.*?)^```$", document, re.DOTALL | re.MULTILINE):
        names = re.findall(r"`([\w.]+\.(?:csv|toml|json|py))`", before.strip().rpartition("\n\n")[2])
        found.append(Block(language, body, names[-1] if names else ""))
    return found


GUIDE = blocks((ROOT / "docs" / "guide.md").read_text())


def script(port: str) -> str:
    """All blocks in their order as one shell script, which prints a mark before each."""
    lines = ["set -eu"]
    for number, block in enumerate(GUIDE):
        lines.append(f"echo '== {number}'")
        if block.language == "sh":
            lines.append(block.text.replace(PORT, port))
        elif block.language == "python":
            lines.append(f"{shlex.quote(sys.executable)} - <<'THE_END'\n{block.text.replace(PORT, port)}THE_END")
        elif block.language != "text":
            assert block.name, block
            lines.append(f"cat > {block.name} <<'THE_END'\n{block.text.replace(PORT, port)}THE_END")
    return "\n".join([*lines, "echo '== end'"])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader's folder."""
    return tmp_path_factory.mktemp("reader")


@pytest.fixture(scope="module")
def printed(home: Path) -> dict[int, str]:
    """What each block printed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("NUNCIUS_", "COLUMNS"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    environment = {**kept, "PATH": path, "HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "MPLBACKEND": "Agg"}
    said = home / "said.txt"
    with said.open("wb") as out, (home / "errors.txt").open("wb") as errors:
        running = subprocess.Popen(
            ["bash", "-c", script(port)],
            cwd=home,
            env=environment,
            stdout=out,
            stderr=errors,
            start_new_session=True,
        )
        try:
            code = running.wait(240)
        finally:
            os.killpg(running.pid, signal.SIGTERM)
    assert code == 0, (said.read_text()[-3000:], (home / "errors.txt").read_text()[-3000:])
    parts = re.split(r"^== (\d+|end)$", said.read_text(), flags=re.MULTILINE)
    return {int(number): text for number, text in zip(parts[1::2], parts[2::2], strict=True) if number != "end"}


def test_every_block_is_of_a_kind_that_is_tried() -> None:
    assert {block.language for block in GUIDE} <= {"sh", "python", "text", "csv", "toml", "json"}
    assert len(GUIDE) > 10


def test_what_the_guide_shows_is_what_is_printed(printed: dict[int, str]) -> None:
    for number, block in enumerate(GUIDE):
        if block.language != "text":
            continue
        said = [line.rstrip() for line in printed[number - 1].splitlines()]
        shown = [line.rstrip() for line in block.text.splitlines() if line.strip() not in ("", "…")]
        missing = [line for line in shown if line not in said]
        assert missing == [], (number, said)


def test_the_notebook_runs(home: Path, printed: dict[int, str]) -> None:
    assert printed
    (home / "sky.png").unlink()
    notebook = orjson.loads((ROOT / "docs" / "notebook.ipynb").read_bytes())
    code = "\n".join("".join(cell["source"]) + "\n" for cell in notebook["cells"] if cell["cell_type"] == "code")
    environment = {**os.environ, "HOME": str(home), "MPLBACKEND": "Agg"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert (home / "sky.png").stat().st_size > 10_000
