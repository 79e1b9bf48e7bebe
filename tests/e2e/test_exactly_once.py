"""The example that hands records over exactly once: killed in the middle, again and again."""

import importlib.util
import os
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from commands import environment, waiting
from http_here import serving
from matching_alerts import alert
from road import put

from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.local import open_local

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "exactly_once.py"
FACILITIES = ("LIGO", "Fermi", "IceCube")
NUMBER = 120
ALERTS = [alert(f"made:{number}", messenger="photon", facility=FACILITIES[number % 3]) for number in range(NUMBER)]


def follower(home: Path, broker: str, *how: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, EXAMPLE, "sqlite", "counts.db", *how],
        cwd=home,
        env=environment(home, NUNCIUS_BROKER=broker),
        stderr=subprocess.PIPE,
    )


def counted(home: Path) -> dict[str, int]:
    if not (home / "counts.db").exists():
        return {}
    with closing(sqlite3.connect(home / "counts.db", timeout=30)) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        return dict(database.execute("SELECT facility, alerts FROM counts")) if "counts" in tables else {}


@pytest.mark.parametrize("over_http", [False, True], ids=["local", "http"])
def test_each_alert_counts_once_whenever_it_is_killed(tmp_path: Path, over_http: bool) -> None:  # noqa: FBT001  a case
    log = open_local(tmp_path / "log", utc_now)
    log.create(topics.TOPICS)
    with closing(log), ExitStack() as stack:
        broker = f"http://127.0.0.1:{stack.enter_context(serving(log))}" if over_http else f"local:{tmp_path / 'log'}"
        put(log, ALERTS[:80])
        for least in (10, 40)[over_http:]:
            running = follower(tmp_path, broker)
            for _ in waiting(f"{least} alerts to be counted"):
                assert running.poll() is None, running.communicate()
                if sum(counted(tmp_path).values()) >= least:
                    break
            running.kill()
            running.communicate()
            assert sum(counted(tmp_path).values()) < NUMBER
        put(log, ALERTS[80:])
        ended = follower(tmp_path, broker, "until-end")
        _, said = ended.communicate(timeout=60)
        assert (ended.returncode, said) == (0, b"")
    assert counted(tmp_path) == Counter(one.facility for one in ALERTS)


def test_the_statements_are_the_same_for_postgres(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a real server: ``$NUNCIUS_TEST_POSTGRES`` says how to connect."""
    where = os.environ.get("NUNCIUS_TEST_POSTGRES")
    if not where:
        pytest.skip("no PostgreSQL: $NUNCIUS_TEST_POSTGRES is not set")
    psycopg = pytest.importorskip("psycopg")
    spec = importlib.util.spec_from_file_location("exactly_once", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    monkeypatch.setenv("NUNCIUS_BROKER", f"local:{tmp_path / 'log'}")
    log = open_local(tmp_path / "log", utc_now)
    log.create(topics.TOPICS)
    with closing(log), psycopg.connect(where) as database:
        database.execute("DROP TABLE IF EXISTS counts, places")
        for part in (ALERTS[:80], ALERTS[80:]):
            put(log, part)
            example.follow(database, "%s", until_end=True)
        found = dict(database.execute("SELECT facility, alerts FROM counts").fetchall())
    assert found == Counter(one.facility for one in ALERTS)
