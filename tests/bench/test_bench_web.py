"""Server-sent events: encoded once for everybody, against once for every reader."""

import time
from collections.abc import Callable

import pytest
from matching_alerts import cone, grb
from road import memory

from nuncius.broker.services.web.frames import frames_of, selected_frames
from nuncius.broker.services.web.hub import pieces
from nuncius.broker.services.web.ring import Batch
from nuncius.broker.services.web.streaming import SOURCES
from nuncius.broker.transport import topics
from nuncius.broker.transport.reading import read_all
from nuncius.filters import NO_PLACES, parse_filter
from nuncius.schemas.codec import encode

READERS = 100
ALERTS = 200
SOURCE = SOURCES["alerts"]
FILTERS = [parse_filter(f"far_hz < {n + 1}e-9", "alerts") for n in range(10)]


@pytest.mark.bench
def test_one_encoding_for_all_readers(measured: Callable[..., None]) -> None:
    log = memory()
    writer = log.writer("bench")
    with writer.transaction() as tx:
        for n in range(ALERTS):
            made = grb(f"fermi-gbm:{n}", localizations=cone(n, 0.0), far_hz=n % 20 * 1e-9, properties={"a": "x" * 1000})
            tx.send(topics.EVENTS.name, encode(made), key=made.thread_id.encode())
    writer.close()
    records = tuple(read_all(log, topics.EVENTS.name))
    wanted = [FILTERS[n % len(FILTERS)] for n in range(READERS)]

    def shared() -> list[list[bytes]]:
        found = frames_of(SOURCE, records, {0: 0}, FILTERS, NO_PLACES)
        batch = Batch("", "", found.frames, found.hits)
        return [pieces(list(batch.chosen(one.text))) for one in wanted]

    def apart() -> list[list[bytes]]:
        return [pieces(selected_frames(SOURCE, records, {0: 0}, one, NO_PLACES).frames) for one in wanted]

    assert shared() == apart()
    shared_s = apart_s = float("inf")
    for _ in range(3):
        began = time.perf_counter()
        shared()
        between = time.perf_counter()
        apart()
        shared_s = min(shared_s, between - began)
        apart_s = min(apart_s, time.perf_counter() - between)
    frames = sum(one.count(b"event: ") for part in shared() for one in part)
    measured(frames_per_s=frames / shared_s, frames_per_s_encoded_for_each=frames / apart_s, ratio=apart_s / shared_s)
    log.close()
