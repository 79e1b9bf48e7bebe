"""On a real Kafka: whoever is killed in the middle, the end is that of an embedded log left in peace."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import kafka_worker
import made_nights
import pytest
from commands import PATIENCE_S, Service, nuncius, service, waiting
from confluent_kafka import Consumer
from confluent_kafka import TopicPartition as KafkaPartition
from kafka_here import kafka_node
from kafka_worker import GROUP, TP
from made_nights import Made
from transport_logs import everything, values

from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Cluster
from nuncius.broker.transport.kafka.log import KafkaLog
from nuncius.broker.transport.kafka.writer import COMMIT_S
from nuncius.broker.transport.kafka_node.node import Node
from nuncius.broker.transport.port import Committed, TopicPartition
from nuncius.broker.transport.reading import STALLED_S
from nuncius.schemas import NunciusError

AS_PROMISED_S = 2 * (STALLED_S + COMMIT_S)
"""A reader may stand still, and a commit be tried, so long before it is tried anew; twice after a killed broker."""

pytestmark = [pytest.mark.kafka, pytest.mark.long, pytest.mark.timeout(600)]

EVERY = 20
"""Of the demo's unrelated packets, so that some 300 come, each in a transaction of its own."""

AT_ONCE = "1000000000"
"""Seconds of history a second: each packet alone, and no waiting."""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with kafka_node(tmp_path_factory.mktemp("kafka")) as running:
        yield running


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made_nights.write(tmp_path_factory.mktemp("made"), EVERY)


@pytest.fixture(scope="module")
def in_peace(made: Made, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """As the embedded log ends."""
    return nuncius(*feed(made), home=tmp_path_factory.mktemp("peace")).out


def feed(made: Made, *more: str) -> tuple[str | Path, ...]:
    return ("replay", "--json", made.archive, "--skymaps", made.maps, *more)


class House:
    """The services as processes on one broker, and what is on its topics."""

    def __init__(self, node: Node, home: Path, stack: ExitStack) -> None:
        self.namespace = f"t{uuid4().hex[:12]}"
        self.address = f"kafka://{node.servers}/{self.namespace}"
        self._cluster = Cluster(node.servers, self.namespace)
        self._home = home
        self._stack = stack

    def start(self, name: str, *more: str) -> Service:
        """A service, at work."""
        running = self._stack.enter_context(service(name, "--broker", self.address, *more, home=self._home))
        running.wait_for(self.namespace)
        return running

    def feeder(self, made: Made) -> Service:
        """A replay that leaves the work to the services."""
        line = feed(made, "--broker", self.address, "--feed-only", "--speed", AT_ONCE)
        return self._stack.enter_context(service(*line, home=self._home))

    def end(self, topic: str) -> int:
        """How much lies on a topic; 0 where it cannot be told."""
        try:
            log = KafkaLog(self._cluster, utc_now)
        except NunciusError:
            return 0
        try:
            return log.end(TopicPartition(topic, 0))
        except NunciusError:
            return 0
        finally:
            log.close()

    def wait_for(self, topic: str, least: int, running: Service) -> None:
        """Until so much lies on a topic, while the feeder still feeds."""
        for _ in waiting(f"{least} on {topic}", AS_PROMISED_S):
            assert running.process.poll() is None, f"the replay ended before {topic} had {least}: {running.said}"
            if self.end(topic) >= least:
                return


@contextmanager
def house(node: Node, home: Path) -> Iterator[House]:
    with ExitStack() as stack:
        yield House(node, home, stack)


def kill_and_start(node: Node) -> None:
    """The broker dies, and comes back at its address."""
    os.kill(node.pid, signal.SIGKILL)
    for _ in waiting("the broker to die"):
        if not node.alive():
            break
    node.start()


def out_of(feeder: Service) -> bytes:
    """What a replay prints at its end."""
    assert feeder.process.stdout is not None
    found = feeder.process.stdout.read()
    assert feeder.process.wait(PATIENCE_S) == 0, feeder.said
    return found


@pytest.mark.soak
def test_two_match_processes_end_as_the_embedded_log(node: Node, made: Made, in_peace: bytes, tmp_path: Path) -> None:
    with house(node, tmp_path) as services:
        for number in range(2):
            services.start("match", "--slot", f"nuncius-match-{number}")
            services.start("associate")
        services.start("too")
        assert out_of(services.feeder(made)) == in_peace


def test_in_one_process_it_ends_as_the_embedded_log(node: Node, made: Made, in_peace: bytes, tmp_path: Path) -> None:
    address = f"kafka://{node.servers}/t{uuid4().hex[:12]}"
    assert nuncius(*feed(made, "--broker", address), home=tmp_path).out == in_peace


def test_whoever_is_killed_the_end_is_the_same(node: Node, made: Made, in_peace: bytes, tmp_path: Path) -> None:
    with house(node, tmp_path) as services:
        matches = [services.start("match", "--slot", f"nuncius-match-{number}") for number in range(2)]
        active = services.start("associate")
        standby = services.start("associate")
        services.start("too")
        feeder = services.feeder(made)

        services.wait_for("nuncius.raw.candidates", 20, feeder)
        feeder.end(signal.SIGKILL)
        feeder = services.feeder(made)

        services.wait_for("nuncius.raw.candidates", 100, feeder)
        matches[0].end(signal.SIGKILL)
        matches[0] = services.start("match", "--slot", "nuncius-match-0")

        services.wait_for("nuncius.raw.candidates", 160, feeder)
        kill_and_start(node)

        services.wait_for("nuncius.raw.candidates", 220, feeder)
        active.end(signal.SIGKILL)
        found = out_of(feeder)
        assert found.splitlines() == in_peace.splitlines()
        for one in (*matches, standby):
            assert "Traceback" not in one.said
            assert one.process.poll() is None, one.said


def test_what_was_left_open_by_one_that_was_killed_is_never_seen(node: Node) -> None:
    namespace = f"t{uuid4().hex[:12]}"
    worker = subprocess.Popen(
        [sys.executable, kafka_worker.__file__, node.servers, namespace, "slot"],
        stdout=subprocess.PIPE,
    )
    assert worker.stdout is not None
    try:
        offset = int(worker.stdout.readline().split()[-1])
    finally:
        worker.kill()
        worker.wait()
        worker.stdout.close()
    log = KafkaLog(Cluster(node.servers, namespace), utc_now)
    log.writer("slot")
    with log.writer("another").transaction() as transaction:
        transaction.send("one", b"after")
    assert b"left open" in seen_uncommitted(node, f"{namespace}.one", offset)
    assert values(everything(log, "one")) == [b"committed", b"after"]
    assert log.committed(GROUP, TP) == Committed(1, "committed")
    log.close()


@pytest.mark.soak
def test_readers_wait_no_longer_than_a_transaction_may_stay_open(node: Node) -> None:
    """Nobody takes the slot of the one that was killed: the broker ends its transaction."""
    namespace = f"t{uuid4().hex[:12]}"
    with subprocess.Popen(
        [sys.executable, kafka_worker.__file__, node.servers, namespace, "slot"],
        stdout=subprocess.PIPE,
    ) as worker:
        assert worker.stdout is not None
        worker.stdout.readline()
        worker.kill()
    log = KafkaLog(Cluster(node.servers, namespace), utc_now)
    with log.writer("another").transaction() as transaction:
        transaction.send("one", b"after")
    began = time.monotonic()
    assert values(everything(log, "one")) == [b"committed", b"after"]
    assert time.monotonic() - began < 60.0
    member = log.member(GROUP, ["one"])
    while not member.poll(10, 0.2).assigned:
        pass
    assert member.committed() == {TP: Committed(1, "committed")}
    log.close()


def seen_uncommitted(node: Node, topic: str, offset: int) -> list[bytes | None]:
    """What a reader sees from an offset on that does not care for transactions."""
    consumer = Consumer(
        {"bootstrap.servers": node.servers, "group.id": "careless", "isolation.level": "read_uncommitted"}
    )
    try:
        consumer.assign([KafkaPartition(topic, 0, offset)])
        first = consumer.poll(30.0)
        assert first is not None
        assert first.error() is None
        return [first.value()]
    finally:
        consumer.close()


@pytest.mark.soak
@pytest.mark.alerts
@pytest.mark.timeout(1800)
def test_the_month_of_may_killed_ends_as_the_embedded_log(node: Node, alerts_dir: Path, tmp_path: Path) -> None:
    archive = alerts_dir / "archive" / "2019-05.001.tar.bz2"
    in_peace = nuncius("replay", "--json", archive, home=tmp_path, patience_s=600).out
    month = Made(archive, tmp_path, 29_233)
    with house(node, tmp_path) as services:
        matches = [services.start("match", "--slot", f"nuncius-match-{number}") for number in range(2)]
        active = services.start("associate")
        services.start("associate")
        services.start("too")
        line = ("replay", "--json", month.archive, "--broker", services.address, "--feed-only")
        with service(*line, home=tmp_path) as feeder:
            services.wait_for("nuncius.events", 2000, feeder)
            feeder.end(signal.SIGKILL)
        with service(*line, home=tmp_path) as feeder:
            services.wait_for("nuncius.events", 5000, feeder)
            matches[1].end(signal.SIGKILL)
            services.wait_for("nuncius.events", 8000, feeder)
            kill_and_start(node)
            services.wait_for("nuncius.events", 10_000, feeder)
            active.end(signal.SIGKILL)
            assert feeder.process.stdout is not None
            assert feeder.process.stdout.read() == in_peace
