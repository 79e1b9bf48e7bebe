"""The Makefile and the continuous-integration scripts, as a newcomer meets them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TARGETS = ("demo", "test", "long", "bench", "soak", "lint", "types", "clean")


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "-f", str(ROOT / "Makefile"), *arguments]
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder with the Makefile and pyproject.toml, and nothing installed."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def test_help_names_every_target_and_is_the_default(bare: Path) -> None:
    told = make(bare).stdout
    assert told == make(bare, "help").stdout
    assert [target for target in TARGETS if f"make {target} " not in told] == []


@pytest.mark.parametrize("target", ["demo", "test"])
def test_an_old_python_is_one_clear_line(bare: Path, target: str) -> None:
    old = bare / "python-old"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = make(bare, target, f"PYTHON={old}")
    assert done.returncode != 0
    ours = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert ours == [f"Nuncius needs Python 3.11 or newer, and '{old}' is not: say make PYTHON=/path/to/python3.11"]
    assert not (bare / ".venv").exists()


def test_what_is_up_to_date_is_not_installed_again(bare: Path) -> None:
    (bare / ".venv").mkdir()
    for stamp in (".all", ".test"):
        (bare / ".venv" / stamp).touch()
    assert "pip" not in make(bare, "-n", "demo").stdout
    assert "pip" not in make(bare, "-n", "test").stdout
    (bare / ".venv" / ".all").unlink()
    assert "pip" in make(bare, "-n", "demo").stdout


@pytest.mark.parametrize("script", ["run", "typecheck"])
def test_scripts_are_executable_posix_shell(script: str) -> None:
    path = ROOT / ".ci" / script
    assert path.stat().st_mode & 0o111
    assert path.read_text().startswith("#!/bin/sh\n")
    subprocess.run(["sh", "-n", path], check=True)


def test_ci_names_the_stage_that_fails_and_stops_there(tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci")
    tools = tmp_path / ".venv" / "bin"
    tools.mkdir(parents=True)
    (tmp_path / "Makefile").write_text(".venv/.test:\n\t@true\n")
    (tools / "ruff").write_text('#!/bin/sh\necho "ruff $1"; test "$1" != format\n')
    (tools / "ruff").chmod(0o755)
    machine = tmp_path / "bin"
    machine.mkdir()
    for name, does in {
        "java": 'echo "openjdk version \\"11.0.2\\" 2019-01-15" >&2',
        "mvn": "true",
        "kcat": "true",
        "id": "echo 0",
        "apt-cache": "true",
        "apt-get": 'echo "$*" >>said; exit 100',
    }.items():
        (machine / name).write_text(f"#!/bin/sh\n{does}\n")
        (machine / name).chmod(0o755)
    path = f"{machine}:{os.environ['PATH']}"
    done = subprocess.run(
        [".ci/run"], cwd=tmp_path, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "could not be installed: apt-get install openjdk-17-jre-headless\n" in done.stdout
    assert (tmp_path / "said").read_text().splitlines()[-1].endswith(" openjdk-17-jre-headless")
    assert "== lint: format FAILED (exit code 1)" in done.stderr
    assert "ruff check" in done.stdout
    assert "== types" not in done.stdout
