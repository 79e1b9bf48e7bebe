"""A real Kafka node: it works, it never outlives its starter, and it comes back after a kill."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from commands import waiting
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from kafka_here import kafka_jars

from nuncius.broker.transport.kafka_node.node import Node
from nuncius.broker.transport.kafka_node.ours import find_ours, start_ours, throw_away
from nuncius.schemas.errors import SettingsError, Stop

pytestmark = pytest.mark.kafka

STARTER = """
import sys, time
from pathlib import Path
from nuncius.broker.transport.kafka_node.node import Node
node = Node(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
node.start()
print(node.pid, flush=True)
time.sleep(600)
"""
SCRAM = {
    "listener.security.protocol.map": "CLIENT:SASL_PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "listener.name.client.sasl.enabled.mechanisms": "SCRAM-SHA-512",
    "listener.name.client.scram-sha-512.sasl.jaas.config": (
        "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    ),
}


@pytest.fixture(scope="module")
def found() -> tuple[Path, str]:
    return kafka_jars()


def write(servers: str, value: bytes, **security: Any) -> None:
    """One record, acknowledged."""
    failures: list[Any] = []
    producer = Producer({"bootstrap.servers": servers, "enable.idempotence": True, "log_level": 0, **security})
    producer.produce("t", value, on_delivery=lambda error, _: failures.append(error))
    assert producer.flush(60) == 0
    assert failures == [None]


def make_topic(servers: str, **security: Any) -> None:
    admin = AdminClient({"bootstrap.servers": servers, "log_level": 0, **security})
    admin.create_topics([NewTopic("t", 1, 1)])["t"].result(60)


def read(servers: str, count: int, **security: Any) -> list[bytes | None]:
    """The first records."""
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "g", "log_level": 0, **security})
    consumer.assign([TopicPartition("t", 0, 0)])
    found = [message.value() for message in consumer.consume(count, 60)]
    consumer.close()
    return found


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.soak
def test_a_node_to_throw_away_works_and_leaves_nothing(found: tuple[Path, str]) -> None:
    assert found
    with throw_away(print, os.environ) as node:
        make_topic(node.servers)
        write(node.servers, b"x")
        assert read(node.servers, 1) == [b"x"]
        assert node.alive()
        assert node.folder.is_dir()
        assert find_ours(node.folder) == node.servers
    assert not node.alive()
    assert not runs(node.pid)
    assert not node.folder.exists()
    node.stop()


def test_a_killed_starter_leaves_no_java(found: tuple[Path, str], tmp_path: Path) -> None:
    command = [sys.executable, "-c", STARTER, str(tmp_path), *map(str, found)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        assert runs(pid)
        starter.kill()
    for _ in waiting(f"java {pid} to end"):
        if not runs(pid):
            break
    for _ in waiting("the folder to be free"):
        if find_ours(tmp_path) is None:
            break


@pytest.mark.soak
def test_ours_is_one_and_comes_back_where_it_was_after_a_kill(tmp_path: Path) -> None:
    kafka_jars()
    node = start_ours(tmp_path, print, os.environ)
    try:
        servers = node.servers
        make_topic(servers)
        write(servers, b"one")
        with pytest.raises(SettingsError, match=f"kafka:local runs already, at {servers}: .*--broker kafka:local"):
            start_ours(tmp_path, print, os.environ)
        os.kill(node.pid, signal.SIGKILL)
        node.start()
        assert (node.servers, find_ours(tmp_path)) == (servers, servers)
        write(servers, b"two")
        assert read(servers, 2) == [b"one", b"two"]
    finally:
        node.stop()
    assert find_ours(tmp_path) is None


def test_clients_can_be_asked_who_they_are(found: tuple[Path, str], tmp_path: Path) -> None:
    arguments = ("--add-scram", "SCRAM-SHA-512=[name=alice,password=wonder]")
    node = Node(tmp_path, *found, extra=SCRAM, format_arguments=arguments)
    node.start()
    try:
        alice = {
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": "alice",
            "sasl.password": "wonder",
        }
        make_topic(node.servers, **alice)
        write(node.servers, b"x", **alice)
        assert read(node.servers, 1, **alice) == [b"x"]
    finally:
        node.stop()


def test_a_node_that_ends_while_starting_says_why(found: tuple[Path, str], tmp_path: Path) -> None:
    node = Node(tmp_path, *found, extra={"authorizer.class.name": "no.such.Authorizer"})
    with pytest.raises(Stop, match=r"ended while starting: .*no\.such\.Authorizer.*kafka\.log"):
        node.start()
    assert not node.alive()
    assert find_ours(tmp_path) is None
