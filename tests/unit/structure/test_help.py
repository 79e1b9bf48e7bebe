"""`nuncius --help` answers at once: it loads no science (DESIGN 2)."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

HEAVY = ("astropy", "numba", "healpy", "mocpy", "matplotlib", "scipy", "fastapi")
PROBE = """
import sys
from nuncius.broker.cli import main
sys.argv = ["nuncius", "--help"]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(*(name for name in sys.modules if name.split(".")[0] == name), file=sys.stderr)
"""


def test_help_loads_no_science(tmp_path: Path) -> None:
    spec = find_spec("nuncius.broker.cli")
    assert spec is not None
    if "def main" not in Path(str(spec.origin)).read_text():
        pytest.skip("nuncius.broker.cli has no main yet")
    done = subprocess.run([sys.executable, "-c", PROBE], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "Usage" in done.stdout
    loaded = done.stderr.split()
    assert [name for name in HEAVY if name in loaded] == []
