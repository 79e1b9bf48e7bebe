"""The example that hands records over exactly once: killed in the middle, again and again."""

import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import pytest
from commands import environment, waiting
from http_here import serving
from matching_alerts import alert
from postgres_here import postgres_node
from road import put

from nuncius.broker.app import open_log
from nuncius.broker.settings import Settings
from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.local import open_local
from nuncius.broker.transport.port import Log

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "exactly_once.py"
FACILITIES = ("LIGO", "Fermi", "IceCube")
SQLITE = ("sqlite", "counts.db")
NUMBER = 120
ALERTS = [alert(f"made:{number}", messenger="photon", facility=FACILITIES[number % 3]) for number in range(NUMBER)]


def follower(home: Path, broker: str, kind: str, where: str, *how: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, EXAMPLE, kind, where, *how],
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


def kill_again_and_again(home: Path, log: Log, broker: str, moments: tuple[int, ...]) -> None:
    """The reader is killed at some counts, and started again; the last one reads to the end."""
    put(log, ALERTS[:80])
    for least in moments:
        running = follower(home, broker, *SQLITE)
        for _ in waiting(f"{least} alerts to be counted"):
            assert running.poll() is None, running.communicate()
            if sum(counted(home).values()) >= least:
                break
        running.kill()
        running.communicate()
        assert sum(counted(home).values()) < NUMBER
    put(log, ALERTS[80:])
    ended = follower(home, broker, *SQLITE, "until-end")
    _, said = ended.communicate(timeout=60)
    assert (ended.returncode, said) == (0, b"")
    assert counted(home) == Counter(one.facility for one in ALERTS)


@pytest.mark.parametrize("over_http", [False, True], ids=["local", "http"])
def test_each_alert_counts_once_whenever_it_is_killed(tmp_path: Path, over_http: bool) -> None:  # noqa: FBT001  a case
    log = open_local(tmp_path / "log", utc_now)
    log.create(topics.TOPICS)
    with closing(log), ExitStack() as stack:
        broker = f"http://127.0.0.1:{stack.enter_context(serving(log))}" if over_http else f"local:{tmp_path / 'log'}"
        kill_again_and_again(tmp_path, log, broker, (10, 40)[over_http:])


@pytest.mark.kafka
def test_on_kafka_too(tmp_path: Path, kafka_address: str) -> None:
    with closing(open_log(Settings.model_validate({}), kafka_address)) as log:
        kill_again_and_again(tmp_path, log, kafka_address, (10,))


def tallied(where: str) -> dict[str, int]:
    with psycopg.connect(where) as database:
        found = database.execute("SELECT to_regclass('counts')").fetchone()
        if found is None or found[0] is None:
            return {}
        return dict(database.execute("SELECT facility, alerts FROM counts").fetchall())


def test_each_alert_counts_once_in_postgres_whatever_is_killed(tmp_path: Path) -> None:
    """First the reader is killed, then the database under it; the counts end as if nothing had been."""
    with closing(open_local(tmp_path / "log", utc_now)) as log, postgres_node() as database:
        log.create(topics.TOPICS)
        asked = (tmp_path, f"local:{tmp_path / 'log'}", "postgres", database.where)
        for least, kill_the_database in ((10, False), (60, True)):
            put(log, ALERTS[least - 10 : least + 40])
            running = follower(*asked)
            for _ in waiting(f"{least} alerts to be counted"):
                assert running.poll() is None, running.communicate()
                if sum(tallied(database.where).values()) >= least:
                    break
            if kill_the_database:
                database.kill()
                put(log, ALERTS[least + 40 :])  # it reads on, and finds its database gone
                _, said = running.communicate(timeout=60)
                assert running.returncode != 0, said
                database.start()
            else:
                running.kill()
                running.communicate()
            assert sum(tallied(database.where).values()) < NUMBER
        ended = follower(*asked, "until-end")
        _, said = ended.communicate(timeout=60)
        assert (ended.returncode, said) == (0, b"")
        assert tallied(database.where) == Counter(one.facility for one in ALERTS)
