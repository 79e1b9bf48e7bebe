"""A page that can be followed to the letter: its blocks written, run as one script, and held against what it shows."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"
PORT = "8088"
"""Printed in the guides; the test's broker listens elsewhere."""


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the file that the sentence before it names."""

    language: str
    text: str
    name: str


def blocks(document: str) -> list[Block]:
    """Every fenced block of a page, in order."""
    found = []
    for before, language, body in re.findall(r"(.*?)^```(\w*)\n(.*?)^```$", document, re.DOTALL | re.MULTILINE):
        names = re.findall(r"`([\w.]+\.(?:csv|toml|json|py))`", before.strip().rpartition("\n\n")[2])
        found.append(Block(language, body, names[-1] if names else ""))
    return found


def follow(guide: list[Block], home: Path) -> dict[int, str]:
    """Run all blocks in an empty folder; what each printed, by its number."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("NUNCIUS_", "COLUMNS"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    environment = {**kept, "PATH": path, "HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "MPLBACKEND": "Agg"}
    said = home / "said.txt"
    with said.open("wb") as out, (home / "errors.txt").open("wb") as errors:
        running = subprocess.Popen(
            ["bash", "-c", _script(guide, port)],
            cwd=home,
            env=environment,
            stdout=out,
            stderr=errors,
            start_new_session=True,
        )
        try:
            code = running.wait(240)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGTERM)
    assert code == 0, (said.read_text()[-3000:], (home / "errors.txt").read_text()[-3000:])
    parts = re.split(r"^== (\d+|end)$", said.read_text(), flags=re.MULTILINE)
    return {int(number): text for number, text in zip(parts[1::2], parts[2::2], strict=True) if number != "end"}


def not_printed(guide: list[Block], printed: dict[int, str]) -> Iterator[tuple[int, str]]:
    """Lines of ``text`` blocks that the block before did not print."""
    for number, block in enumerate(guide):
        if block.language == "text":
            said = [line.rstrip() for line in printed[number - 1].splitlines()]
            shown = [line.rstrip() for line in block.text.splitlines() if line.strip() not in ("", "…")]
            yield from ((number, line) for line in shown if line not in said)


def _script(guide: list[Block], port: str) -> str:
    """All blocks in their order as one shell script, which prints a mark before each."""
    lines = ["set -eu"]
    for number, block in enumerate(guide):
        lines.append(f"echo '== {number}'")
        text = block.text.replace(PORT, port)
        if block.language == "sh":
            lines.append(text)
        elif block.language == "python":
            lines.append(f"{shlex.quote(sys.executable)} - <<'THE_END'\n{text}THE_END")
        elif block.language != "text":
            assert block.name, block
            lines.append(f"cat > {block.name} <<'THE_END'\n{text}THE_END")
    return "\n".join([*lines, "echo '== end'"])
