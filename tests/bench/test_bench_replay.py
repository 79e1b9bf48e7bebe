"""The whole road against a bare loop that unpacks the same archive and reads every packet's parameters with lxml."""

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import nuncius

pytestmark = [pytest.mark.bench, pytest.mark.alerts, pytest.mark.timeout(1800)]

ARCHIVE = "archive/2019-05.001.tar.bz2"
BARE_LOOP = Path(__file__).with_name("bare_loop.py")
ROUNDS = 3


def test_replay_against_a_bare_loop(alerts_dir: Path, tmp_path: Path, measured: Callable[..., None]) -> None:
    archive = alerts_dir / ARCHIVE
    bare, ours, outputs = [], [], set()
    for _ in range(ROUNDS):
        loop = subprocess.run([sys.executable, BARE_LOOP, archive], check=True, capture_output=True)
        bare.append(float(loop.stdout))
        start = time.perf_counter()
        outputs.add(nuncius("replay", "--json", archive, home=tmp_path, patience_s=900).out)
        ours.append(time.perf_counter() - start)
    assert len(outputs) == 1
    peak_gib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    measured(replay_s=min(ours), bare_s=min(bare), ratio=min(ours) / min(bare), peak_gib=peak_gib)
