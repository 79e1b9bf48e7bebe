"""Services on a real Kafka beside a bare loop that consumes and produces the same bytes, in one run."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO
from uuid import uuid4

import numpy as np
import orjson
import pytest
from commands import service, waiting
from confluent_kafka import Producer
from matching_alerts import candidates, cone, grb, gw
from transport_logs import next_records

from nuncius.broker.matching.rules_toml import shipped_rules
from nuncius.broker.services.associating import GROUP, Associating
from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.matching import MatchWorker
from nuncius.broker.services.runner import Work, drain
from nuncius.broker.services.worker import Worker
from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Cluster
from nuncius.broker.transport.kafka.log import KafkaLog
from nuncius.broker.transport.port import Record, TopicPartition
from nuncius.broker.transport.topics import Topic
from nuncius.schemas import Coincidence
from nuncius.schemas.candidate_row import rows
from nuncius.schemas.codec import decode, encode

pytestmark = [pytest.mark.bench, pytest.mark.kafka, pytest.mark.timeout(900)]

BARE = Path(__file__).with_name("bare_kafka.py")
ROWS = 60_000
ALERTS = 60_000
A_TRANSACTION = 3_000
"""Alerts put on the log together: more would outlive a transaction's time on a busy machine."""
COPIES = 3
"""How often the bare loop runs; the median counts."""
PAIRS = 40
REST_S = 0.1
"""Between two bursts: alerts are rare, and the transaction before has ended when the next one comes."""
START = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def cluster(kafka_servers: str) -> Cluster:
    return Cluster(kafka_servers, f"b{uuid4().hex[:8]}")


@pytest.fixture
def log(cluster: Cluster) -> Iterator[KafkaLog]:
    log = KafkaLog(cluster, utc_now)
    log.create([*topics.TOPICS, Topic(name="copy", partitions=64), Topic(name="hop")])
    yield log
    log.close()


@contextmanager
def bare(cluster: Cluster, source: str, target: str, count: int) -> Iterator[IO[bytes]]:
    """The bare loop, once it has its partitions."""
    line: list[str] = [sys.executable, str(BARE), cluster.servers, cluster.outside(source), cluster.outside(target)]
    with subprocess.Popen([*line, f"bare-{uuid4().hex[:8]}", str(count)], stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        try:
            assert running.stdout.readline() == b"ready\n"
            yield running.stdout
        finally:
            running.kill()


def copied_in(cluster: Cluster, source: str, count: int) -> float:
    with bare(cluster, source, "copy", count) as said:
        return float(said.readline())


def worked_in(worker: Work) -> float:
    """From the first partition to the last commit."""
    while not worker.work(0.2):
        pass
    began = time.perf_counter()
    drain((worker,))
    took = time.perf_counter() - began
    worker.close()
    return took


def test_matching_candidates(log: KafkaLog, cluster: Cluster, measured: Callable[..., None]) -> None:
    events = [gw(f"lvk:S{n}", seconds=60.0 * n, localizations=cone(197.0, -23.0, 5.0)) for n in range(20)]
    random = np.random.default_rng(1)
    batch = candidates({"thread_id": "ztf:x", "days": 0.5})
    (model,) = rows(batch, "replay")
    with log.writer("fill").transaction() as tx:
        for alert in events:
            tx.send(topics.EVENTS.name, encode(alert), key=alert.thread_id.encode())
        for n in range(ROWS):
            ra, dec = random.uniform(0.0, 360.0), np.degrees(np.arcsin(random.uniform(-1.0, 1.0)))
            row = replace(model, thread_id=f"ztf:{n}", alert_id=str(n), ra=float(ra), dec=float(dec))
            tx.send(topics.CANDIDATES.name, encode(row), key=row.thread_id.encode())
    bare_s = copied_in(cluster, topics.CANDIDATES.name, ROWS)
    ours_s = worked_in(MatchWorker(log, shipped_rules(), MapShelf(log), lateness_days=30.0, slot="bench"))
    measured(match_rows_per_s=ROWS / ours_s, bare_rows_per_s=ROWS / bare_s, ratio=ours_s / bare_s)


def test_associating_events(log: KafkaLog, cluster: Cluster, measured: Callable[..., None]) -> None:
    writer = log.writer("fill")
    for first in range(0, ALERTS // 2, A_TRANSACTION // 2):
        with writer.transaction() as tx:
            for n in range(first, first + A_TRANSACTION // 2):
                for alert in (
                    gw(f"lvk:S{n}", seconds=3600.0 * n, far_hz=1e-9),
                    grb(f"fermi-gbm:{n}", seconds=3600.0 * n + 2),
                ):
                    tx.send(topics.EVENTS.name, encode(alert), key=alert.thread_id.encode())
    bare_s = float(np.median([copied_in(cluster, topics.EVENTS.name, ALERTS) for _ in range(COPIES)]))
    ours_s = worked_in(Worker(log, Associating(shipped_rules(), 36_500.0, MapShelf(log))))
    reader = log.reader({TopicPartition(topics.COINCIDENCES.name, 0): 0})
    assert decode(Coincidence, next_records(reader)[0].value or b"").rule == "gw-cbc-grb"
    measured(associate_alerts_per_s=ALERTS / ours_s, bare_alerts_per_s=ALERTS / bare_s, ratio=ours_s / bare_s)


def wave(number: int) -> bytes:
    when = START + timedelta(hours=number)
    event = {"time": when.isoformat(), "far": 1e-10, "significant": True, "instruments": ["H1", "L1"], "group": "CBC"}
    event |= {"pipeline": "gstlal", "search": "MDC", "properties": {}}
    event["classification"] = {"BNS": 0.95, "NSBH": 0.0, "BBH": 0.0, "Terrestrial": 0.05}
    name = f"MS261123{'abcdefghij'[number // 10]}{'abcdefghij'[number % 10]}"
    notice = {"superevent_id": name, "alert_type": "PRELIMINARY", "time_created": when.isoformat(), "urls": {}}
    return orjson.dumps({**notice, "external_coinc": None, "event": event})


def burst(number: int) -> bytes:
    when = START + timedelta(hours=number, seconds=2)
    schema = "https://gcn.nasa.gov/schema/v7.2.1/gcn/notices/fermi/gbm/trigger.schema.json"
    notice = {"$schema": schema, "mission": "Fermi", "instrument": "GBM", "id": [str(999_000_000 + number)]}
    notice |= {"alert_tense": "test", "alert_type": "initial", "messenger": "EM", "trigger_time": when.isoformat()}
    return orjson.dumps({**notice, "ra": 197.0, "dec": -23.0, "ra_dec_error": 5.0, "containment_probability": 0.68})


def latencies_ms(log: KafkaLog, cluster: Cluster, source: str, target: str) -> list[float]:
    """From the call that publishes a burst until what follows from it is read on the target."""
    tp = TopicPartition(target, 0)
    reader = log.reader({tp: log.end(tp)})
    producer = Producer({"bootstrap.servers": cluster.servers, "linger.ms": 0})
    found = []
    for number in range(PAIRS):
        began = time.perf_counter()
        producer.produce(cluster.outside(source), burst(number))
        producer.flush(30.0)
        next_records(reader)
        found.append(1e3 * (time.perf_counter() - began))
        time.sleep(REST_S)
    reader.close()
    return found


def test_from_publishing_to_the_coincidence(
    log: KafkaLog, cluster: Cluster, tmp_path: Path, measured: Callable[..., None]
) -> None:
    """The bare way is two loops: inbox to a topic, that topic to another."""
    address = f"kafka://{cluster.servers}/{cluster.namespace}"
    with ExitStack() as stack:
        for name, more in (("ingest", ("--no-http",)), ("associate", ())):
            running = stack.enter_context(service(name, "--broker", address, *more, home=tmp_path))
            running.wait_for(cluster.namespace)
        producer = Producer({"bootstrap.servers": cluster.servers})
        for number in range(PAIRS):
            producer.produce(cluster.outside(topics.INBOX.name), wave(number))
        producer.flush(30.0)
        events = TopicPartition(topics.EVENTS.name, 0)
        reader = log.reader({events: 0})
        seen: list[Record] = []
        while len(seen) < PAIRS:
            seen += next_records(reader)
        for _ in waiting("the waves to be associated"):
            at = log.committed(GROUP, events)
            if at is not None and at.offset > seen[-1].offset:
                break
        ours = latencies_ms(log, cluster, topics.INBOX.name, topics.COINCIDENCES.name)
    with bare(cluster, "copy", "hop", 0), bare(cluster, "hop", topics.HEARTBEATS.name, 0):
        loops = latencies_ms(log, cluster, "copy", topics.HEARTBEATS.name)
    ours_ms, bare_ms = float(np.median(ours)), float(np.median(loops))
    measured(
        coincidence_median_ms=ours_ms,
        coincidence_p95_ms=float(np.percentile(ours, 95)),
        bare_median_ms=bare_ms,
        bare_p95_ms=float(np.percentile(loops, 95)),
        ratio=ours_ms / bare_ms,
    )
