"""Named streams on a real Kafka: commits that fail, and a worker that is followed by another."""

from contextlib import closing
from datetime import timedelta
from typing import cast

import pytest
from matching_alerts import candidates
from road import Failing
from streams_here import made, rows_of_stream, selected, stream
from transport_logs import kafka_logs

from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.streams.overview import overview
from nuncius.broker.services.streams.worker import StreamsWorker
from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.port import Log
from nuncius.schemas import Retry
from nuncius.schemas.candidate_row import rows
from nuncius.schemas.codec import encode


def put(log: Log, first: int, count: int) -> None:
    """Candidates of magnitude 17 and 19 in turn."""
    batch = candidates(
        *(
            {"thread_id": f"ztf:{n}", "alert_id": f"c{n}", "mag": 17.0 + 2 * (n % 2)}
            for n in range(first, first + count)
        )
    )
    with log.writer("test").transaction() as tx:
        for row in rows(batch, "live"):
            tx.send(topics.CANDIDATES.name, encode(row), key=row.thread_id.encode())


def work_on(log: Log, view: Log) -> None:
    """A new worker until nothing is left; it goes back to the committed point whenever a commit fails."""
    with closing(StreamsWorker(view, MapShelf(log), most=11)) as worker:
        while not worker.caught_up():
            try:
                worker.work(0.1)
            except Retry:
                worker.reopen()


@pytest.mark.kafka
def test_on_kafka_too_nothing_is_missed_or_doubled(kafka_servers: str) -> None:
    with closing(kafka_logs(kafka_servers).open()) as log:
        log.create(topics.TOPICS)
        plan = iter(("", "retry", "lost", "unknown"))
        view = Failing(log, lambda slot: next(plan, "") if slot == "nuncius-streams" else "")
        put(log, 0, 40)
        since = utc_now() - timedelta(hours=1)
        made(log, stream(filter="mag < 18", since=since), stream("all", since=since))
        work_on(log, cast("Log", view))
        put(log, 40, 40)
        work_on(log, cast("Log", view))
        assert view.failed
        assert sorted(selected(log)) == sorted(f"c{n}" for n in range(0, 80, 2))
        assert [row.kind for row in rows_of_stream(log) if row.kind != "row"] == ["begin", "handover"]
        assert sorted(selected(log, "all")) == sorted(f"c{n}" for n in range(80))
        assert [view.published for view in overview(log)] == [80, 40]
