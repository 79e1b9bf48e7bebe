"""HTTP on a real Kafka: pages, one record by its id, and streams of many partitions with their order and resume."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

import httpx
import orjson
import pytest
from commands import PATIENCE_S
from http_here import serving
from matching_alerts import candidates
from road import history
from sse_readers import Reader, connect

from nuncius.broker.transport import topics
from nuncius.broker.transport.address import parse_address
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Connection
from nuncius.broker.transport.opening import open_address
from nuncius.broker.transport.port import Log, TopicPartition, Writer
from nuncius.broker.transport.position import from_token
from nuncius.broker.transport.reading import read_all
from nuncius.schemas.candidate_row import rows
from nuncius.schemas.codec import decode, encode, kind_of

pytestmark = pytest.mark.kafka

RATE = 100
PER_WRITE = 10


@contextmanager
def kafka_log(address: str) -> Iterator[Log]:
    log = open_address(parse_address(address), utc_now, Connection(), None)
    log.create(topics.TOPICS)
    try:
        yield log
    finally:
        log.close()


def publish_candidates(writer: Writer, first: int, count: int) -> None:
    made = rows(candidates(*({"thread_id": f"ztf:{n}"} for n in range(first, first + count))), "live")
    with writer.transaction() as tx:
        for row in made:
            tx.send(topics.CANDIDATES.name, encode(row), key=row.thread_id.encode())


def publish_alerts(log: Log) -> None:
    writer = log.writer("alerts")
    for one in history():
        with writer.transaction() as tx:
            tx.send(topics.EVENTS.name, encode(one), key=one.thread_id.encode())
    writer.close()


def events_of(answer: httpx.Response) -> list[dict[str, str]]:
    blocks = [block for block in answer.text.split("\n\n") if block and not block.startswith(":")]
    return [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]


def threads_of(events: Sequence[dict[str, str]]) -> list[str]:
    return [orjson.loads(one["data"])["thread_id"] for one in events if one.get("event") == "candidate"]


def in_order(log: Log) -> dict[int, list[str]]:
    """Threads of the candidates of each partition, in the order of the log."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    for record in read_all(log, topics.CANDIDATES.name):
        found[record.partition].append(decode(kind_of(record.value or b""), record.value or b"").thread_id)
    return found


@contextmanager
def client_of(log: Log) -> Iterator[httpx.Client]:
    transport = httpx.HTTPTransport(retries=5)
    with serving(log) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}", transport=transport) as client:
        client.timeout = PATIENCE_S
        yield client


def test_pages_ids_order_and_resume_on_many_partitions(kafka_address: str) -> None:
    with kafka_log(kafka_address) as log:
        publish_alerts(log)
        with closing(log.writer("candidates")) as writer:
            publish_candidates(writer, 0, 40)
        with client_of(log) as client:
            seen: list[str] = []
            cursor: str | None = ""
            while cursor is not None:
                page = client.get("/alerts", params={"limit": 5, "cursor": cursor}).json()
                seen += [one["alert_id"] for one in page["alerts"]]
                assert page["skipped"] == []
                cursor = page["next"]
            assert seen == [one.alert_id for one in history()]
            assert client.get(f"/alerts/{seen[3]}?format=avro").content == encode(history()[3])
            thread = history()[0].thread_id
            found = client.get(f"/threads/{thread}").json()["alerts"]
            assert [one["alert_id"] for one in found] == [a.alert_id for a in history() if a.thread_id == thread]
            assert client.get("/coincidences").json() == {"coincidences": [], "next": None, "skipped": []}
            assert thread in client.get("/").text

            path, whole = "/candidates/stream", {"since_start": "true", "until_end": "true"}
            events = [one for one in events_of(client.get(path, params=whole)) if "data" in one]
            threads = threads_of(events)
            assert sorted(threads) == sorted(f"ztf:{n}" for n in range(40))
            order = in_order(log)
            assert len(order) > 1
            for partition in order.values():
                assert [one for one in threads if one in partition] == partition
            for number in (0, 17, 39):
                headers = {"Last-Event-ID": events[number]["id"]}
                rest = threads_of(events_of(client.get(path, params={"until_end": "true"}, headers=headers)))
                assert sorted(rest) == sorted(threads[number + 1 :])


async def follow(reader: Reader, port: int, count: int, pause_s: float) -> list[str]:
    """Threads of the candidates, as they came, until there are so many."""
    incoming, outgoing = await connect(port, "/candidates/stream", buffer=2**14 if pause_s else 0)
    found: list[str] = []
    rest = b""
    try:
        while len(found) < count:
            data = await incoming.read(2**14)
            assert data, "the stream ended"
            now = time.monotonic()
            *blocks, rest = (rest + data).split(b"\n\n")
            for block in blocks:
                lines = dict(line.partition(b": ")[::2] for line in block.split(b"\n"))
                reader.last_id = lines[b"id"].decode() if b"id" in lines else reader.last_id
                if lines.get(b"event") == b"candidate":
                    found.append(orjson.loads(lines[b"data"])["thread_id"])
                    reader.delays_s.append(now)
            if pause_s:
                await asyncio.sleep(pause_s)
    finally:
        outgoing.transport.abort()
    return found


async def crowd(
    writer: Writer, port: int, readers: int, seconds: float
) -> tuple[list[list[str]], list[Reader], list[float]]:
    total = int(RATE * seconds)
    all_ = [Reader() for _ in range(readers)]
    slow = readers // 10
    work = [asyncio.create_task(follow(one, port, total, 0.05 if n < slow else 0.0)) for n, one in enumerate(all_)]
    joined = time.monotonic()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as client:
        while (await client.get("/health")).json()["streams"]["subscribers"] < readers:
            assert time.monotonic() - joined < PATIENCE_S
            await asyncio.sleep(0.2)
    print(f"\n{readers} readers have joined after {time.monotonic() - joined:.1f} s")
    await asyncio.sleep(1.0)
    began, sent = time.monotonic(), []
    for first in range(0, total, PER_WRITE):
        await asyncio.to_thread(publish_candidates, writer, first, PER_WRITE)
        sent += [time.monotonic()] * PER_WRITE
        await asyncio.sleep(max(0.0, began + (first + PER_WRITE) / RATE - time.monotonic()))
    async with asyncio.timeout(PATIENCE_S):
        return list(await asyncio.gather(*work)), all_[slow:], sent


@pytest.mark.soak
def test_200_readers_of_64_partitions_have_no_gap_and_no_double(kafka_address: str) -> None:
    readers, seconds = 200, 20.0
    with kafka_log(kafka_address) as log:
        with closing(log.writer("candidates")) as writer, client_of(log) as client:
            publish_candidates(writer, 10**6, 1)
            assert client.get("/health").json()["ok"]
            found, quick, sent = asyncio.run(crowd(writer, int(client.base_url.port or 0), readers, seconds))
            facts = client.get("/health").json()["streams"]
        order = in_order(log)
        ends = {n: log.end(TopicPartition(topics.CANDIDATES.name, n)) for n in range(topics.CANDIDATES.partitions)}
    del order[next(number for number, threads in order.items() if "ztf:1000000" in threads)][:1]
    for threads in found:
        assert sorted(threads) == sorted(f"ztf:{n}" for n in range(int(RATE * seconds)))
        place = {thread: number for number, thread in enumerate(threads)}
        for partition in order.values():
            assert [place[one] for one in partition] == sorted(place[one] for one in partition)
    assert facts["cut"] == 0
    assert all(offset <= ends[number] for one in quick for number, offset in from_token(one.last_id).items())
    delays = sorted(
        came - sent[int(thread.removeprefix("ztf:"))]
        for threads, one in zip(found[readers // 10 :], quick, strict=True)
        for thread, came in zip(threads, one.delays_s, strict=True)
    )
    print(
        f"\n{readers} readers of 64 partitions on Kafka, {RATE} candidates a second for {seconds:g} s: delay after the"
        f" commit median {delays[len(delays) // 2]:.3f} s, p99 {delays[int(0.99 * len(delays))]:.3f} s"
    )
