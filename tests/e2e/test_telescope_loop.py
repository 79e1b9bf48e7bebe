"""The example of a telescope's loop: killed in the middle, again and again, it takes each revision once."""

import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from commands import Service, environment, service, waiting
from desk_token import TOKEN
from too_cases import request
from too_log import lay

from nuncius.broker.app import open_log
from nuncius.broker.settings import Settings
from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.local import open_local
from nuncius.broker.transport.port import Log
from nuncius.broker.transport.reading import read_all
from nuncius.schemas import ToORequest, ToOStatus
from nuncius.schemas.codec import decode

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "telescope_loop.py"
NUMBER = 40


def loop(home: Path, broker: str, *how: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, EXAMPLE, "imager", "night.db", *how],
        cwd=home,
        env=environment(home, NUNCIUS_BROKER=broker, NUNCIUS_DESK_TOKEN=TOKEN),
        stderr=subprocess.PIPE,
    )


def blocks(home: Path) -> dict[str, str]:
    """The schedule: state by key."""
    if not (home / "night.db").exists():
        return {}
    with closing(sqlite3.connect(home / "night.db", timeout=30)) as night:
        there = night.execute("SELECT name FROM sqlite_master WHERE name = 'blocks'").fetchone()
        return dict(night.execute("SELECT key, state FROM blocks").fetchall()) if there else {}


def soon(number: int, revision: int = 1, **changed: object) -> ToORequest:
    ident = f"r{number:02d}"
    return request(revision, ident, **({"expires": utc_now() + timedelta(hours=3), "dec": 10.0} | changed))


def wait_for_blocks(home: Path, running: "subprocess.Popen[bytes]", least: int) -> None:
    for _ in waiting(f"{least} blocks"):
        assert running.poll() is None, running.communicate()
        if len(blocks(home)) >= least:
            return


def kill_again_and_again(
    home: Path, log: Log, broker: str, moments: tuple[int, ...], meanwhile: Callable[[], object] = lambda: None
) -> None:
    """Killed when so many lie in the schedule; of every fourth request a revision comes, of every fifth the end.

    Two blocks before, something happens ``meanwhile``.
    """
    lay(log, *[soon(number) for number in range(NUMBER)], soon(90, run_mode="drill"), soon(91, dec=-70.0))
    for least in moments:
        running = loop(home, broker)
        wait_for_blocks(home, running, least - 2)
        meanwhile()
        wait_for_blocks(home, running, least)
        running.kill()
        running.communicate()
    revised, gone = set(range(0, NUMBER, 4)), set(range(0, NUMBER, 5))
    lay(log, *[soon(number, 2) for number in revised], *[soon(number, 3, state="cancelled") for number in gone])
    ended = loop(home, broker, "until-end")
    _, said = ended.communicate(timeout=120)
    assert (ended.returncode, said) == (0, b"")
    found = blocks(home)
    for number in range(NUMBER):
        last = f"r{number:02d}/{2 if number in revised and number not in gone else 1}"
        assert number in gone or found[last] == "waiting"
    assert [key for key, state in found.items() if state == "waiting" and int(key[1:3]) in gone] == []
    assert {"r90/1", "r91/1"}.isdisjoint(found)
    told = [decode(ToOStatus, one.value) for one in read_all(log, topics.TOO_STATUS.name) if one.value]
    accepted = [status.idempotency_key for status in told if status.state == "accepted"]
    assert len(accepted) == len(set(accepted))
    assert {status.request_id for status in told if status.state == "rejected"} == {"r90", "r91"}


def test_each_revision_is_scheduled_once_whenever_it_is_killed(tmp_path: Path) -> None:
    with closing(open_local(tmp_path / "log", utc_now)) as log:
        log.create(topics.TOPICS)
        kill_again_and_again(tmp_path, log, f"local:{tmp_path / 'log'}", (3, 12, 25))


@pytest.mark.kafka
def test_on_kafka_too(tmp_path: Path, kafka_address: str) -> None:
    with closing(open_log(Settings.model_validate({}), kafka_address)) as log:
        kill_again_and_again(tmp_path, log, kafka_address, (5,))


@contextmanager
def web_service(home: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """``nuncius web`` with the telescope's token; its address, and what kills it and begins it again."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = f'http_port = {port}\n[desk.imager]\ncredential = "IMAGER"\n'
    (home / "nuncius.toml").write_text(settings, encoding="utf-8")
    with ExitStack() as stack:
        running: list[Service] = []

        def begin() -> None:
            for one in running[-1:]:
                one.end(signal.SIGKILL)
            running.append(stack.enter_context(service("web", "--broker", "local:log", home=home, IMAGER=TOKEN)))
            running[-1].wait_for(f":{port}")

        begin()
        yield f"http://127.0.0.1:{port}", begin
        assert running[-1].end(signal.SIGTERM) == 0
        assert TOKEN not in "".join(one.said for one in running)


@pytest.mark.long
def test_over_http_too_where_the_broker_is_killed_as_well(tmp_path: Path) -> None:
    with closing(open_local(tmp_path / "log", utc_now)) as log:
        log.create(topics.TOPICS)
        with web_service(tmp_path) as (address, kill_and_begin):
            kill_again_and_again(tmp_path, log, address, (14,), kill_and_begin)
