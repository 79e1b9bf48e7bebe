"""A reader that is sent elsewhere again and again before the library has stopped reading where it was."""

import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from commands import PATIENCE_S
from transport_logs import write

from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Cluster
from nuncius.broker.transport.kafka.log import KafkaLog
from nuncius.broker.transport.topics import Topic

pytestmark = pytest.mark.kafka

PLACER = Path(__file__).with_name("kafka_placer.py")


def test_places_in_quick_succession_do_not_end_the_process(kafka_servers: str) -> None:
    namespace = f"p{uuid4().hex[:8]}"
    log = KafkaLog(Cluster(kafka_servers, namespace), utc_now)
    log.create([Topic(name="placed")])
    write(log.writer("w"), "placed", [b"%d" % number for number in range(10)])
    log.close()
    done = subprocess.run(
        [sys.executable, PLACER, kafka_servers, namespace, "placed", "20"],
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE_S,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "read\n"), done.stderr
