"""The package list, the tree and the wheel are one thing."""

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ("schemas", "broker", "filters", "producers", "consumers")


def shipped() -> list[Path]:
    """Every file under the five folders, relative to the root."""
    found = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file())
    return sorted(p.relative_to(ROOT) for p in found if "__pycache__" not in p.parts and not p.name.startswith("."))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Names in a wheel built from a copy of the tree, so that nothing stale under build/ gets in."""
    copy, out = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("wheel")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    build = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", build, out], cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = out.glob("*.whl")
    return zipfile.ZipFile(path).namelist()


def test_pyproject_lists_every_package_of_the_tree() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    tree = {"nuncius." + ".".join(p.parent.parts) for p in shipped() if p.suffix == ".py"}
    assert sorted(listed) == sorted(tree)


def test_every_package_has_its_init_and_says_that_it_is_typed() -> None:
    packages = {p.parent for p in shipped() if p.suffix == ".py"}
    assert [p for p in sorted(packages) if not (ROOT / p / "__init__.py").is_file()] == []
    assert [p for p in sorted(packages) if not (ROOT / p / "py.typed").is_file()] == []


def test_the_root_is_no_package() -> None:
    assert not (ROOT / "__init__.py").exists()


def test_the_wheel_holds_every_file(wheel: list[str]) -> None:
    assert {f"nuncius/{path.as_posix()}" for path in shipped()} <= set(wheel)


def test_the_wheel_puts_nothing_but_nuncius_at_top_level(wheel: list[str]) -> None:
    tops = {name.split("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"nuncius"}
