"""Many readers of server-sent events at once: no gap, no double; who does not read is cut, and costs others nothing."""

import asyncio
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from commands import PATIENCE_S
from matching_alerts import grb
from sse_readers import Reader, connect, follow

from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.local import open_local
from nuncius.broker.transport.port import Log
from nuncius.schemas.codec import encode

RATE = 100
PER_WRITE = 5
PAD = "x" * 4000
"""Large alerts, so that those who do not read are noticed within the test."""


@contextmanager
def server(folder: Path, stalled_s: float) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    with (folder / "said.txt").open("ab") as said:
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parents[1] / "web_server.py"), str(folder), str(stalled_s)],
            stdout=subprocess.PIPE,
            stderr=said,
            env={**os.environ, "POLARS_MAX_THREADS": "1"},
        )
    try:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE_S)
        if process.stdout is not None:
            process.stdout.close()


def publish(log: Log, first: int, count: int) -> None:
    writer = log.writer("test")
    with writer.transaction() as tx:
        for number in range(first, first + count):
            said = {"number": float(number), "sent_s": time.monotonic(), "pad": PAD}
            made = grb(f"test:{number}", reality="test", received_time=utc_now(), properties=said)
            tx.send(topics.EVENTS.name, encode(made), key=made.thread_id.encode())
    writer.close()


async def publish_steadily(log: Log, first: int, seconds: float) -> int:
    began, number = time.monotonic(), first
    while (number - first) < RATE * seconds:
        await asyncio.to_thread(publish, log, number, PER_WRITE)
        number += PER_WRITE
        await asyncio.sleep(max(0.0, began + (number - first) / RATE - time.monotonic()))
    return number - 1


async def all_follow(port: int, readers: int) -> None:
    """Wait until so many readers are served: who comes after the first alert begins after it."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client, asyncio.timeout(PATIENCE_S):
        served = 0
        while served < readers:
            await asyncio.sleep(0.1)
            served = (await client.get("/health")).json()["streams"]["subscribers"]


async def crowd(log: Log, folder: Path, port: int, readers: int, seconds: float) -> None:
    stalled = [await connect(port, "/alerts/stream", buffer=2**12) for _ in range(readers // 10)]
    slow = [Reader() for _ in range(readers // 10)]
    quick = [Reader() for _ in range(readers - 2 * (readers // 10))]
    last = int(RATE * seconds) // PER_WRITE * PER_WRITE - 1
    paths = ("/alerts/stream", "/alerts/stream?filter=properties['number']%20%3E%3D%200")
    work = [asyncio.create_task(follow(one, port, paths[n % 2], until=last)) for n, one in enumerate(quick)]
    work += [asyncio.create_task(follow(one, port, paths[0], 0.05, until=last)) for one in slow]
    await all_follow(port, readers)
    assert await publish_steadily(log, 0, seconds) == last
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*work)
    for one in (*quick, *slow):
        assert one.numbers == list(range(last + 1))
    for incoming, outgoing in stalled:
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):  # cut, not ended
            await incoming.readexactly(10**9)
        outgoing.transport.abort()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        facts = (await client.get("/health")).json()
    assert facts["streams"]["cut"] == len(stalled)
    said = (folder / "said.txt").read_text()
    assert said.count("it took nothing for") == len(stalled)
    assert "Traceback" not in said
    quick_s = [delay for one in quick for delay in one.delays_s]
    print(
        f"\n{readers} readers, {RATE} alerts a second of 5 kB for {seconds:g} s:"
        f" delay median {statistics.median(quick_s):.3f} s, p99 {statistics.quantiles(quick_s, n=100)[98]:.3f} s;"
        f" server at most {facts['peak_kb'] / 1024:.0f} MB, held {facts['streams']['events_held_bytes'] / 2**20:.1f} MB"
    )


@pytest.mark.parametrize(
    ("readers", "seconds"), [(20, 3.0), pytest.param(200, 20.0, marks=pytest.mark.soak)], ids=["20", "200"]
)
def test_nobody_has_a_gap_or_a_double(tmp_path: Path, readers: int, seconds: float) -> None:
    """Who stalls is cut while alerts still come; on a busy machine this process, too, may take nothing for a second."""
    log = open_local(tmp_path, utc_now)
    log.create(topics.TOPICS)
    with server(tmp_path, seconds / 2) as (_, port):
        asyncio.run(crowd(log, tmp_path, port, readers, seconds))
    log.close()


def test_a_killed_reader_goes_on_from_its_last_id_and_after_a_killed_server_too(tmp_path: Path) -> None:
    log = open_local(tmp_path, utc_now)
    log.create(topics.TOPICS)
    reader = Reader()

    async def part(port: int, first: int, until: int) -> None:
        work = asyncio.create_task(follow(reader, port, "/alerts/stream", until=until))
        await asyncio.sleep(0.3)
        await publish_steadily(log, first, 0.5)
        async with asyncio.timeout(PATIENCE_S):
            await work

    for round_ in range(2):
        with server(tmp_path, 30.0) as (_, port):
            for half in range(2):
                first = 100 * round_ + 50 * half
                asyncio.run(part(port, first, first + 20))  # it goes in the middle of a write
    assert reader.numbers == list(range(reader.numbers[-1] + 1))
    log.close()
