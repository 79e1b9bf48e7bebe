"""A member that leaves its group while the cluster is there, and while it is away."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from commands import PATIENCE_S
from kafka_here import kafka_node

from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Cluster
from nuncius.broker.transport.kafka.log import KafkaLog
from nuncius.broker.transport.kafka_node.node import Node
from nuncius.broker.transport.topics import Topic

pytestmark = [pytest.mark.kafka, pytest.mark.long]

CLOSER = Path(__file__).with_name("kafka_closer.py")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with kafka_node(tmp_path / "kafka") as started:
        yield started


@pytest.mark.parametrize("cluster", ["there", "away"])
def test_who_leaves_is_gone_at_once(node: Node, cluster: str) -> None:
    namespace = f"c{uuid4().hex[:8]}"
    log = KafkaLog(Cluster(node.servers, namespace), utc_now)
    log.create([Topic(name="left")])
    log.close()
    command = [sys.executable, str(CLOSER), node.servers, namespace, "left"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as leaving:
        assert leaving.stdout is not None
        assert leaving.stdout.readline() == "joined\n"
        if cluster == "away":
            os.kill(node.pid, signal.SIGKILL)
        out, _ = leaving.communicate("\n", timeout=PATIENCE_S)
    assert (leaving.returncode, out) == (0, "left\n")
