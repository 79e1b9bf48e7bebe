"""`kill -9` of the streams service in the middle of its work, and a standby that takes over."""

import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from commands import waiting
from matching_alerts import candidates, cone, gw
from road import put
from streams_here import made, rows_of_stream, selected, stream, work_streams

from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Cluster
from nuncius.broker.transport.kafka.log import KafkaLog
from nuncius.broker.transport.local import open_local
from nuncius.broker.transport.port import Log
from nuncius.schemas.candidate_row import rows
from nuncius.schemas.codec import encode

WORKER = Path(__file__).with_name("streams_worker.py")
ROUNDS = 4
COUNT = 1500
FEW = 600
NEWS = ["begin", "handover"]


def fill(log: Log, first: int, count: int) -> None:
    """Candidates of magnitude 17, 18, 19, 20 in turn, in one transaction."""
    batch = candidates(
        *({"thread_id": f"ztf:{n}", "alert_id": f"c{n}", "mag": 17.0 + n % 4} for n in range(first, first + count))
    )
    with log.writer("test").transaction() as tx:
        for row in rows(batch, "live"):
            tx.send(topics.CANDIDATES.name, encode(row), key=row.thread_id.encode())


@contextmanager
def worker(address: str) -> Iterator[subprocess.Popen[str]]:
    """The service in a process of its own; killed at the end if it still runs."""
    with subprocess.Popen([sys.executable, str(WORKER), address], stdout=subprocess.PIPE, text=True) as one:
        try:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
            yield one
        finally:
            one.kill()


def wait_until(log: Log, name: str, least: int) -> None:
    """Until so many rows of a stream are there."""
    for _ in waiting(f"{least} rows of {name}"):
        if len(selected(log, name)) >= least:
            return


def is_whole(log: Log, count: int) -> None:
    """Every candidate once, the bright ones once; sequences are checked on the way."""
    assert sorted(selected(log)) == sorted(f"c{n}" for n in range(count) if n % 4 < 2)
    assert sorted(selected(log, "all")) == sorted(f"c{n}" for n in range(count))
    assert [row.kind for row in rows_of_stream(log, "all") if row.kind != "row"] == NEWS


def define_two(log: Log) -> None:
    """All candidates, and the bright ones, from the past on."""
    since = utc_now() - timedelta(hours=1)
    made(log, stream(filter="mag < 18.5", since=since), stream("all", since=since))


def test_a_killed_service_leaves_neither_gap_nor_double(tmp_path: Path) -> None:
    dice = random.Random(170817)  # noqa: S311  the moments of the kills
    with closing(open_local(tmp_path, utc_now)) as log:
        log.create(topics.TOPICS)
        fill(log, 0, COUNT)
        define_two(log)
        for _ in range(ROUNDS):
            with worker(f"local:{tmp_path}") as one:
                threading.Timer(dice.uniform(0.05, 0.4), one.kill).start()
                one.wait(60)
        assert len(selected(log, "all")) < COUNT, "the kills came too late to show anything"
        work_streams(log)
        is_whole(log, COUNT)


def test_a_standby_takes_over_from_one_that_was_killed(tmp_path: Path) -> None:
    with closing(open_local(tmp_path, utc_now)) as log:
        log.create(topics.TOPICS)
        fill(log, 0, FEW)
        define_two(log)
        with worker(f"local:{tmp_path}") as first:
            assert first.stdout is not None
            assert first.stdout.readline() == "active\n"
            with worker(f"local:{tmp_path}"):
                wait_until(log, "all", 100)
                first.kill()
                first.wait(60)
                fill(log, FEW, 100)
                wait_until(log, "all", FEW + 100)
        work_streams(log)
        is_whole(log, FEW + 100)


def test_a_kill_in_the_middle_of_a_back_match_leaves_neither_gap_nor_double(tmp_path: Path) -> None:
    with closing(open_local(tmp_path, utc_now)) as log:
        log.create(topics.TOPICS)
        made(log, stream("near", "IN_EVENTS('gravitational_wave', 0.9, 14)"))
        work_streams(log)
        fill(log, 0, COUNT)
        work_streams(log)
        assert selected(log, "near") == []
        put(log, [gw("lvk:S1", localizations=cone(197.0, -23.0, 3.0))])
        with worker(f"local:{tmp_path}") as one:
            wait_until(log, "near", 100)
            one.kill()
            one.wait(60)
        cut = len(selected(log, "near"))
        assert 0 < cut < COUNT, "the kill came too late to show anything"
        put(log, [gw("lvk:S1", 1, localizations=cone(197.0, -23.0, 4.0))])
        work_streams(log)
        assert sorted(selected(log, "near")) == sorted(f"c{n}" for n in range(COUNT))


@pytest.mark.kafka
@pytest.mark.soak
def test_on_kafka_a_killed_service_is_followed_without_gap_or_double(kafka_servers: str) -> None:
    namespace = f"t{uuid4().hex[:12]}"
    with closing(KafkaLog(Cluster(kafka_servers, namespace=namespace), utc_now)) as log:
        log.create(topics.TOPICS)
        fill(log, 0, 400)
        define_two(log)
        with worker(f"kafka://{kafka_servers}/{namespace}") as one:
            wait_until(log, "all", 60)
            one.kill()
            one.wait(60)
        assert len(selected(log, "all")) < 400, "the kill came too late to show anything"
        work_streams(log)
        is_whole(log, 400)
