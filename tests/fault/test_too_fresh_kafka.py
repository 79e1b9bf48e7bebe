"""A Kafka that has just started coordinates no group yet: to ask how far one has come ends no process."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from kafka_here import kafka_node

pytestmark = [pytest.mark.kafka, pytest.mark.soak]

ASKS: Final = """
import sys
from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Cluster
from nuncius.broker.transport.kafka.log import KafkaLog
from nuncius.broker.transport.port import TopicPartition

log = KafkaLog(Cluster(sys.argv[1], "fresh"), utc_now)
log.create([topics.EVENTS])
log.writer("somebody").close()
print([log.committed(f"group-{n}", TopicPartition(topics.EVENTS.name, 0)) for n in range(20)])
log.close()
"""


def test_who_asks_a_fresh_kafka_how_far_groups_have_come_lives(tmp_path: Path) -> None:
    with kafka_node(tmp_path / "kafka") as node:
        done = subprocess.run(
            [sys.executable, "-c", ASKS, node.servers], capture_output=True, text=True, timeout=120, check=False
        )
    assert (done.returncode, done.stdout) == (0, f"{[None] * 20}\n"), done.stderr
