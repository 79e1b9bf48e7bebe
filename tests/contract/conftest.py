"""Fixtures of the contract tests."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from http_here import serving
from subscribers_here import Place
from transport_logs import LOCAL_BACKENDS, Logs, kafka_logs

from nuncius.broker.transport import topics
from nuncius.broker.transport.address import parse_address
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Connection
from nuncius.broker.transport.local import open_local
from nuncius.broker.transport.opening import open_address
from nuncius.broker.transport.port import Log

KAFKA = "kafka"


@pytest.fixture(
    params=[*LOCAL_BACKENDS, pytest.param(KAFKA, marks=pytest.mark.kafka)],
    ids=lambda backend: backend if backend == KAFKA else backend.__name__,
)
def logs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Logs]:
    if request.param == KAFKA:
        made = kafka_logs(request.getfixturevalue("kafka_servers"))
    else:
        made = request.param(tmp_path / "log")
    with ExitStack() as opened:

        def open_one() -> Log:
            log: Log = made.open()
            opened.callback(log.close)
            return log

        yield Logs(open_one)


@pytest.fixture
def log(logs: Logs) -> Log:
    return logs.open()


@pytest.fixture(params=["local", "http", pytest.param("kafka", marks=pytest.mark.kafka)])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    if request.param == "kafka":
        address = request.getfixturevalue("kafka_address")
        log = open_address(parse_address(address), utc_now, Connection(), None)
    else:
        address = f"local:{tmp_path / 'log'}"
        log = open_local(tmp_path / "log", utc_now)
    with closing(log):
        log.create(topics.TOPICS)
        if request.param != "http":
            yield Place(address, log)
            return
        with serving(log) as port:
            yield Place(f"http://127.0.0.1:{port}", log)
