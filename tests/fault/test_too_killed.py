"""The process that delivers is killed or stands still between a telescope's yes and its status on the log.

It is asked once, and what it took too late does not stay.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from threading import Event
from typing import Final

import pytest
from commands import waiting
from fakes.ocs import Portal
from fakes.server import Call, Reply, running
from road import decoded
from too_cases import request
from too_log import lay

from nuncius.broker.planning.late import LATE
from nuncius.broker.transport import topics
from nuncius.broker.transport.address import parse_address
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Connection
from nuncius.broker.transport.opening import open_address
from nuncius.broker.transport.port import Log
from nuncius.schemas import ToORequest
from nuncius.schemas.too import ToOStatus

WORKER = Path(__file__).with_name("too_worker.py")
FAR: Final = utc_now().replace(year=utc_now().year + 1)


@contextmanager
def worker(address: str, url: str, later_s: float = 0.0) -> Iterator[subprocess.Popen[str]]:
    """A starting process that delivers, killed at the end of the block."""
    command = [sys.executable, str(WORKER), address, url, str(later_s)]
    tests = os.pathsep.join([str(WORKER.parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])])
    environ = {**os.environ, "PYTHONPATH": tests}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as process:
        try:
            yield process
        finally:
            process.kill()


def says(process: subprocess.Popen[str], line: str) -> None:
    """Wait until a process says so."""
    if process.stdout is None or process.stdout.readline() != f"{line}\n":
        raise AssertionError(f"it never said {line!r}")


def wanted(revision: int = 1, ident: str = "r", **changed: object) -> ToORequest:
    return request(revision, ident, **{"expires": FAR, "filter": "rp"} | changed)


def told(log: Log, ident: str = "r") -> list[tuple[int, str]]:
    said = [one for one in decoded(log, topics.TOO_STATUS.name) if isinstance(one, ToOStatus)]
    return [(one.revision, one.state) for one in said if one.request_id == ident]


def asked_and_killed(log: Log, portal: Portal, active: subprocess.Popen[str]) -> None:
    """The portal takes the request, and the process dies before it hears so."""
    portal.trouble = "mute"
    lay(log, wanted())
    for _ in waiting("the portal to take it"):
        if portal.groups:
            break
    assert told(log) == [(1, "sent")]
    active.kill()
    active.wait(60)
    portal.trouble = ""


def comes_to(log: Log, last: tuple[int, str]) -> None:
    for _ in waiting(f"a status {last}"):
        if told(log)[-1:] == [last]:
            return


@pytest.fixture(params=["local", pytest.param("kafka", marks=pytest.mark.kafka)])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "kafka":
        return str(request.getfixturevalue("kafka_address"))
    return f"local:{tmp_path / 'log'}"


@pytest.fixture
def log(address: str) -> Iterator[Log]:
    with closing(open_address(parse_address(address), utc_now, Connection(), None)) as opened:
        opened.create(topics.TOPICS)
        yield opened


def test_a_standby_finds_what_stands_and_asks_no_second_time(address: str, log: Log) -> None:
    portal = Portal()
    with ExitStack() as stack:
        url = stack.enter_context(running(portal))
        active = stack.enter_context(worker(address, url))
        says(active, "here")
        stack.enter_context(worker(address, url, later_s=10.0))
        says(active, "at work")
        asked_and_killed(log, portal, active)
        comes_to(log, (1, "accepted"))
        assert portal.executed == ["r/1"]
        lay(log, wanted(2, state="cancelled"))
        comes_to(log, (2, "cancelled"))
    assert (portal.executed, portal.orders) == (["r/1"], {})


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_killed_again_and_again_each_revision_is_made_once_and_the_last_is_taken_back(address: str, log: Log) -> None:
    """Each process takes a revision, and dies before it hears that the portal has it; three stand by."""
    portal, ident = Portal(), "r"
    with ExitStack() as stack:
        url = stack.enter_context(running(portal))
        alive = [stack.enter_context(worker(address, url, later_s=30.0 * n)) for n in range(3)]
        says(alive[0], "here")
        for revision in range(1, 7):
            portal.trouble = "mute"
            lay(log, wanted(revision))
            for _ in waiting("the portal to take it", 120.0):
                if f"{ident}/{revision}" in portal.executed:
                    break
            for one in alive:
                one.kill()
                one.wait(60)
            portal.trouble = ""
            alive = [stack.enter_context(worker(address, url, later_s=600.0 * revision + 30 * n)) for n in range(3)]
            comes_to(log, (revision, "accepted"))
            assert portal.executed == [f"{ident}/{n}" for n in range(1, revision + 1)]
            assert portal.orders == {ident: revision}
        portal.trouble = "mute"
        lay(log, wanted(7, state="cancelled"))
        for _ in waiting("the portal to drop it", 120.0):
            if not portal.orders:
                break
        for one in alive:
            one.kill()
            one.wait(60)
        portal.trouble = ""
        stack.enter_context(worker(address, url, later_s=9000.0))
        comes_to(log, (7, "cancelled"))
    assert (len(portal.executed), portal.orders) == (6, {})


class Holding(Portal):
    """It keeps the first who looks what stands there waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.looked, self.go_on = Event(), Event()

    def handle(self, call: Call) -> Reply:
        if call.method == "GET" and not self.looked.is_set():
            self.looked.set()
            self.lock.release()
            self.go_on.wait(60)
            self.lock.acquire()
        return super().handle(call)


@pytest.mark.soak
@pytest.mark.kafka
@pytest.mark.timeout(300)
def test_what_a_process_asks_that_stood_still_while_the_cause_was_taken_back_does_not_stay(kafka_address: str) -> None:
    portal = Holding()
    with ExitStack() as stack:
        log = stack.enter_context(closing(open_address(parse_address(kafka_address), utc_now, Connection(), None)))
        log.create(topics.TOPICS)
        url = stack.enter_context(running(portal))
        active = stack.enter_context(worker(kafka_address, url))
        says(active, "here")
        says(active, "at work")
        standby = stack.enter_context(worker(kafka_address, url))
        says(standby, "here")
        lay(log, wanted())
        assert portal.looked.wait(60)
        active.send_signal(signal.SIGSTOP)
        portal.go_on.set()
        lay(log, wanted(2, state="cancelled"))
        comes_to(log, (2, "cancelled"))
        assert portal.orders == {}
        active.send_signal(signal.SIGCONT)
        for _ in waiting("it to ask, or to end", 60.0):
            if portal.orders or active.poll() is not None:
                break
        for one in (active, standby):
            one.kill()
            one.wait(60)
        stack.enter_context(worker(kafka_address, url, later_s=2 * LATE.total_seconds()))
        for _ in waiting("what came late to be dropped", 60.0):
            if told(log).count((2, "cancelled")) > 1:
                break
    assert portal.orders == {}
