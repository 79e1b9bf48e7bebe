"""A thousand named streams on a real Kafka and on a file: every row once, and how fast (``--log-cli-level=INFO``)."""

import logging
import time
from contextlib import closing
from pathlib import Path

import pytest
from matching_alerts import candidates
from streams_here import selected, stream
from transport_logs import kafka_logs

from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.runner import drain
from nuncius.broker.services.streams.worker import StreamsWorker
from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.local import open_local
from nuncius.broker.transport.port import Log
from nuncius.schemas.candidate_row import rows
from nuncius.schemas.codec import encode

_LOGGER = logging.getLogger(__name__)
STREAMS = 1000
COUNT = 20_000


def publish_thousand(log: Log) -> None:
    """Each stream takes the objects of one declination; ten of the streams are looked at whole."""
    log.create(topics.TOPICS)
    log.create([topics.stream_topic(f"s{n}") for n in range(STREAMS)])
    with log.writer("definitions").transaction() as tx:
        for number in range(STREAMS):
            low = -50 + number / 10
            one = stream(f"s{number}", f"dec >= {low:.1f} AND dec < {low + 0.1:.1f} AND mag < 30")
            tx.send(topics.STREAMS.name, encode(one), key=one.name.encode())
    with closing(StreamsWorker(log, MapShelf(log))) as worker:
        drain([worker])
        batch = candidates(
            *(
                {"thread_id": f"ztf:{n}", "alert_id": f"c{n}", "dec": -49.95 + n % STREAMS / 10, "mag": 18.0}
                for n in range(COUNT)
            )
        )
        every = rows(batch, "live")
        writer = log.writer("candidates")
        for first in range(0, COUNT, 2000):
            with writer.transaction() as tx:
                for row in every[first : first + 2000]:
                    tx.send(topics.CANDIDATES.name, encode(row), key=row.thread_id.encode())
        start = time.perf_counter()
        drain([worker])
        _LOGGER.info("%.0f candidates a second", COUNT / (time.perf_counter() - start))
    for number in range(0, STREAMS, 100):
        wanted = sorted(f"c{n}" for n in range(COUNT) if n % STREAMS == number)
        assert sorted(selected(log, f"s{number}")) == wanted


@pytest.mark.soak
def test_on_a_file(tmp_path: Path) -> None:
    with closing(open_local(tmp_path, utc_now)) as log:
        publish_thousand(log)


@pytest.mark.soak
@pytest.mark.kafka
def test_on_kafka(kafka_servers: str) -> None:
    with closing(kafka_logs(kafka_servers).open()) as log:
        publish_thousand(log)
