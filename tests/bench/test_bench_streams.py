"""A thousand named streams on one worker, beside the bare reader of the same candidates."""

import time
from collections.abc import Callable
from contextlib import closing

import numpy as np
import pytest
from matching_alerts import candidates
from road import decoded, memory
from streams_here import stream, work_streams

from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.runner import drain
from nuncius.broker.services.streams.overview import overview
from nuncius.broker.services.streams.worker import StreamsWorker
from nuncius.broker.sky import separation_deg
from nuncius.broker.transport import topics
from nuncius.broker.transport.reading import read_all
from nuncius.schemas.candidate_row import rows
from nuncius.schemas.codec import encode

STREAMS = 1000
COUNT = 20_000


@pytest.mark.bench
def test_a_thousand_streams(measured: Callable[..., None]) -> None:
    dice = np.random.default_rng(5)
    made = [{"thread_id": f"ztf:{n}", "ra": dice.uniform(0, 360), "dec": dice.uniform(-30, 30)} for n in range(COUNT)]
    batch = candidates(*({**row, "mag": dice.uniform(15, 22)} for row in made))
    circles = [(dice.uniform(0, 360), dice.uniform(-30, 30), dice.uniform(0.5, 2.0)) for _ in range(STREAMS)]
    with closing(memory()) as log:
        writer = log.writer("bench")
        log.create([topics.stream_topic(f"s{n}") for n in range(STREAMS)])
        with writer.transaction() as tx:
            for number, (ra, dec, radius) in enumerate(circles):
                where = f"CONTAINS(POINT(ra, dec), CIRCLE({ra:.6f}, {dec:.6f}, {radius:.6f})) = 1"
                one = stream(f"s{number}", f"mag < {16 + number % 6} AND {where}")
                tx.send(topics.STREAMS.name, encode(one), key=one.name.encode())
        work_streams(log)
        with writer.transaction() as tx:
            for row in rows(batch, "live"):
                tx.send(topics.CANDIDATES.name, encode(row), key=row.thread_id.encode())
        start = time.perf_counter()
        bare = sum(1 for _ in read_all(log, topics.CANDIDATES.name))
        bare_s = time.perf_counter() - start
        worker = StreamsWorker(log, MapShelf(log))
        worker.work(0.0)
        start = time.perf_counter()
        drain([worker])
        worker_s = time.perf_counter() - start
        worker.close()
        published = sum(view.published for view in overview(log))
        found = {
            n: {row.thread_id for row in decoded(log, topics.stream_topic(f"s{n}").name) if row.kind == "row"}
            for n in range(0, STREAMS, 17)
        }
    assert bare == COUNT
    assert published > 0
    for number, threads in found.items():
        ra, dec, radius = circles[number]
        near = (batch.mag < 16 + number % 6) & (separation_deg(ra, dec, batch.ra, batch.dec) <= radius)
        assert threads == set(batch.thread_id[near])
    measured(
        candidates_per_s=COUNT / worker_s,
        bare_reader_per_s=COUNT / bare_s,
        rows=published,
        times_rubin=COUNT / worker_s / 333,
    )
