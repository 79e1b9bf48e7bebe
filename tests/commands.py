"""The ``nuncius`` command as a user runs it: a process of its own, in a folder of its own."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

NUNCIUS = str(Path(sys.executable).with_name("nuncius"))
PATIENCE_S = 60.0
"""How long anything may take before a test gives up on it."""


@dataclass(frozen=True)
class Run:
    """What a command said, and its exit code."""

    code: int
    out: bytes
    err: str

    def rows(self) -> list[dict[str, Any]]:
        """Standard output as JSON Lines."""
        return [orjson.loads(line) for line in self.out.splitlines()]

    def complaint(self, code: int = 2) -> str:
        """The one clear line on standard error."""
        assert "Traceback" not in self.err
        assert self.code == code, self
        (line,) = self.err.splitlines()
        assert line.startswith("nuncius: ")
        assert len(line) < 400
        return line


def environment(home: Path, **more: str) -> dict[str, str]:
    """Nothing of this machine's but its programs."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "LC_ALL", "TMPDIR")}
    return {**kept, "HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "COLUMNS": "80", **more}


def nuncius(
    *arguments: str | Path,
    home: Path,
    stdin: bytes = b"",
    code: int | None = 0,
    patience_s: float = 2 * PATIENCE_S,
    **more: str,
) -> Run:
    """Run one command in ``home`` to its end; ``code`` None for any exit code, ``more`` for its environment."""
    done = subprocess.run(
        [NUNCIUS, *map(str, arguments)],
        cwd=home,
        env=environment(home, **more),
        input=stdin,
        capture_output=True,
        timeout=patience_s,
        check=False,
    )
    run = Run(done.returncode, done.stdout, done.stderr.decode())
    assert code is None or run.code == code, run.err
    return run


class Service:
    """A command that runs until it is told to stop; what it says on standard error goes to a file."""

    def __init__(self, *arguments: str | Path, home: Path, **more: str) -> None:
        self._said = home / f"said-{time.monotonic_ns()}.txt"
        with self._said.open("wb") as said:
            self.process = subprocess.Popen(
                [NUNCIUS, *map(str, arguments)],
                cwd=home,
                env=environment(home, **more),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
            )

    @property
    def said(self) -> str:
        """All it said on standard error so far."""
        return self._said.read_text()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The match of what it must say before long."""
        for _ in waiting(f"a service to say {pattern}"):
            found = re.search(pattern, self.said)
            if found is not None:
                return found
            assert self.process.poll() is None, self.said
        raise AssertionError

    def end(self, number: int = signal.SIGTERM) -> int:
        """Signal it and return its exit code."""
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE_S)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code


@contextmanager
def service(*arguments: str | Path, home: Path, **more: str) -> Iterator[Service]:
    """A running command, killed at the end if it still runs."""
    running = Service(*arguments, home=home, **more)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.end(signal.SIGKILL)
        elif running.process.stdout is not None:
            running.process.stdout.close()


def waiting(what: str, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Ticks until something has happened; gives up after so long."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        yield
        time.sleep(0.02)
    raise AssertionError(f"waited {patience_s:.0f} s for {what}")
