"""`kill -9` of the streams service in the middle of its work."""

import random
import subprocess
import sys
import threading
from pathlib import Path

from matching_alerts import candidates
from streams_here import made, rows_of_stream, selected, stream, work_streams

from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.local import open_local
from nuncius.schemas.candidate_row import rows
from nuncius.schemas.codec import encode

WORKER = Path(__file__).with_name("streams_worker.py")
ROUNDS = 4
COUNT = 1500


def test_a_killed_service_leaves_neither_gap_nor_double(tmp_path: Path) -> None:
    dice = random.Random(170817)  # noqa: S311  the moments of the kills
    log = open_local(tmp_path, utc_now)
    log.create(topics.TOPICS)
    batch = candidates(*({"thread_id": f"ztf:{n}", "alert_id": f"c{n}", "mag": 17.0 + n % 4} for n in range(COUNT)))
    with log.writer("test").transaction() as tx:
        for row in rows(batch, "live"):
            tx.send(topics.CANDIDATES.name, encode(row), key=row.thread_id.encode())
    since = utc_now().replace(year=2026, month=1, day=1)
    made(log, stream(filter="mag < 18.5", since=since), stream("all", since=since))
    kills = 0
    for _ in range(ROUNDS):
        with subprocess.Popen([sys.executable, str(WORKER), str(tmp_path)], stdout=subprocess.PIPE, text=True) as one:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
            threading.Timer(dice.uniform(0.05, 0.4), one.kill).start()
            one.wait(60)
            kills += 1
    cut = len(selected(log, "all"))
    work_streams(log)
    assert kills == ROUNDS
    assert cut < COUNT, "the kills came too late to show anything"
    assert sorted(selected(log)) == sorted(f"c{n}" for n in range(COUNT) if n % 4 < 2)
    assert sorted(selected(log, "all")) == sorted(f"c{n}" for n in range(COUNT))
    assert [row.kind for row in rows_of_stream(log, "all") if row.kind != "row"] == ["begin", "handover"]
    log.close()
