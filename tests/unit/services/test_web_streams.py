"""Readers of streams from any point, on any partitions, with and without filters: what comes, in which order, once."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import orjson
import pytest
from matching_alerts import candidates
from road import history

from nuncius.broker.services.web import feed, hub, ring, start
from nuncius.broker.services.web.frames import Source, frames_of
from nuncius.broker.services.web.hub import Hub
from nuncius.broker.services.web.start import Wish
from nuncius.broker.services.web.streaming import SOURCES
from nuncius.broker.transport import topics
from nuncius.broker.transport.address import parse_address
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Connection
from nuncius.broker.transport.opening import open_address
from nuncius.broker.transport.port import Log, TopicPartition
from nuncius.broker.transport.position import from_token
from nuncius.filters import Filter, parse_filter
from nuncius.schemas import Retry, SettingsError
from nuncius.schemas.candidate_row import rows
from nuncius.schemas.codec import encode

ALERTS, CANDIDATES = SOURCES["alerts"], SOURCES["candidates"]


def publish_alerts(log: Log) -> None:
    writer = log.writer("alerts")
    for one in history():
        with writer.transaction() as tx:
            tx.send(topics.EVENTS.name, encode(one), key=one.thread_id.encode())
    writer.close()


def publish_candidates(log: Log, first: int, count: int) -> list[str]:
    made = rows(
        candidates(*({"thread_id": f"ztf:{n}", "mag": 15.0 + n % 7} for n in range(first, first + count))), "live"
    )
    writer = log.writer("candidates")
    with writer.transaction() as tx:
        for row in made:
            tx.send(topics.CANDIDATES.name, encode(row), key=row.thread_id.encode())
    writer.close()
    return [row.thread_id for row in made]


def parsed(data: bytes) -> list[dict[str, str]]:
    blocks = [block for block in data.decode().split("\n\n") if block and not block.startswith(":")]
    return [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]


async def all_of(pieces: AsyncGenerator[bytes], enough: Callable[[list[dict[str, str]]], bool]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    async with aclosing(pieces) as every, asyncio.timeout(30):
        async for piece in every:
            found += parsed(piece)
            if enough(found):
                break
    return found


def data_of(events: list[dict[str, str]]) -> list[Any]:
    return [orjson.loads(one["data"]) for one in events if one.get("event") not in (None, "end", "reset", "cut")]


@contextmanager
def hub_of(log: Log) -> Iterator[Hub]:
    serving = Hub(log, {}, print)
    try:
        yield serving
    finally:
        serving.join()


async def to_end(log: Log, source: Source, wish: Wish, wanted: Filter | None = None) -> list[dict[str, str]]:
    with hub_of(log) as serving:
        begin = await serving.begin(source, wish, wanted)
        pieces = serving.events(source, begin, wanted, until_end=True)
        return await all_of(pieces, lambda _: False)


@pytest.mark.parametrize(
    "text", ["", "messenger = 'neutrino'", "CONTAINS(POINT(ra, dec), CIRCLE(197.45, -23.38, 1)) = 1"]
)
def test_from_the_start_to_the_end_everything_selected_comes_once(log: Log, text: str) -> None:
    publish_alerts(log)
    wanted = parse_filter(text, "alerts") if text else None
    events = asyncio.run(to_end(log, ALERTS, Wish(from_start=True), wanted))
    expected = [a for a in history() if not text or (a.messenger == "neutrino" if "neut" in text else _near(a))]
    assert [one["alert_id"] for one in data_of(events)] == [a.alert_id for a in expected]
    assert expected
    assert events[-1]["event"] == "end"
    assert from_token(events[-1]["id"]) == {0: log.end(TopicPartition(topics.EVENTS.name, 0))}


def _near(one: Any) -> bool:
    return any(abs(p.shape.ra - 197.45) < 0.5 and abs(p.shape.dec + 23.38) < 0.5 for p in one.localizations)


@pytest.mark.parametrize("many", [1, 3, 1000])
def test_the_last_ones_by_the_time_of_the_log_over_all_partitions(log: Log, many: int) -> None:
    published = publish_candidates(log, 0, 40) + publish_candidates(log, 40, 5)
    events = asyncio.run(to_end(log, CANDIDATES, Wish(last=many)))
    assert len(data_of(events)) == min(many, 45)
    if many == 3:
        assert {one["thread_id"] for one in data_of(events)} <= set(published[-5:])
    wanted = parse_filter("mag < 15.5", "candidates")
    few = data_of(asyncio.run(to_end(log, CANDIDATES, Wish(last=many), wanted)))
    assert len(few) == min(many, sum(n % 7 == 0 for n in range(45)))
    assert all(one["mag"] < 15.5 for one in few)


def test_since_is_the_time_of_the_log(log: Log) -> None:
    publish_alerts(log)
    taken = asyncio.run(to_end(log, ALERTS, Wish(since=datetime(2030, 1, 1, tzinfo=UTC))))
    assert data_of(taken) == []
    taken = asyncio.run(to_end(log, ALERTS, Wish(since=datetime(2020, 1, 1, tzinfo=UTC))))
    assert len(data_of(taken)) == len(history())


def test_any_id_that_was_given_resumes_behind_it_on_every_partition(log: Log) -> None:
    publish_candidates(log, 0, 30)
    events = [one for one in asyncio.run(to_end(log, CANDIDATES, Wish(from_start=True))) if "data" in one]
    threads = [one["thread_id"] for one in data_of(events)]
    assert len(set(threads)) == 30
    for number in (0, 7, 29):
        rest = asyncio.run(to_end(log, CANDIDATES, Wish(after=events[number]["id"])))
        assert sorted(one["thread_id"] for one in data_of(rest)) == sorted(threads[number + 1 :])


@pytest.mark.parametrize("after", ["0:99999", "99999", "9" * 40])
def test_a_position_of_another_log_is_told_and_everything_comes(log: Log, after: str) -> None:
    publish_alerts(log)
    events = asyncio.run(to_end(log, ALERTS, Wish(after=after)))
    assert next(one["event"] for one in events if "event" in one) == "reset"
    assert len(data_of(events)) == len(history())


@pytest.mark.parametrize("after", ["64:1", "17", "0:1,0:2"])
def test_no_position_of_this_stream_is_refused(log: Log, after: str) -> None:
    with pytest.raises(SettingsError, match=r"partition|position"):
        asyncio.run(to_end(log, CANDIDATES, Wish(after=after)))


def test_the_last_offset_seen_resumes_as_it_did_before_positions(log: Log) -> None:
    publish_alerts(log)
    (all_,) = (asyncio.run(to_end(log, ALERTS, Wish(from_start=True))),)
    offset = int([one for one in all_ if "data" in one][3]["id"].removeprefix("0:")) - 1
    assert len(data_of(asyncio.run(to_end(log, ALERTS, Wish(after=str(offset)))))) == len(history()) - 4


async def live(log: Log, text: str, rounds: int) -> tuple[list[str], list[str]]:
    """Published and received ids: three readers, from the start, from now, and one that leaves and comes back."""
    with hub_of(log) as serving:
        wanted = parse_filter(text, "candidates") if text else None
        published = publish_candidates(log, 0, 20)
        total = 20 * (rounds + 1)

        async def reader(wish: Wish, count: int) -> list[dict[str, str]]:
            begin = await serving.begin(CANDIDATES, wish, wanted)
            pieces = serving.events(CANDIDATES, begin, wanted, until_end=False)
            return await all_of(pieces, lambda found: len(data_of(found)) >= count)

        def due(count: int) -> int:
            return sum(not text or n % 7 == 0 for n in range(count))

        first = asyncio.create_task(reader(Wish(from_start=True), due(total)))
        half = asyncio.create_task(reader(Wish(from_start=True), due(total // 2)))
        for number in range(1, rounds + 1):
            published += await asyncio.to_thread(publish_candidates, log, 20 * number, 20)
            await asyncio.sleep(0.03)
        events = await half
        begun = [one for one in events if "data" in one][: due(total // 2)]
        rest = await reader(Wish(after=begun[-1]["id"]), due(total) - len(begun))
        assert sorted(_threads(begun) + _threads(rest)) == sorted(_threads(await first))
        return [one for n, one in enumerate(published) if not text or n % 7 == 0], _threads(await first)


def _threads(events: list[dict[str, str]]) -> list[str]:
    return [one["thread_id"] for one in data_of(events)]


@pytest.mark.parametrize("text", ["", "mag = 15"])
@pytest.mark.parametrize("kept", [1, 1200], ids=["ring of one batch", "ring"])
def test_live_readers_of_64_partitions_have_everything_once(log: Log, text: str, kept: int) -> None:
    with patch.object(ring, "KEPT_BATCHES", kept), patch.object(feed, "TICK_S", 0.01):
        published, received = asyncio.run(live(log, text, 12))
    assert sorted(received) == sorted(published)


async def joined_later(log: Log) -> list[str]:
    """What a reader gets that begins with what is new, after others have followed for a while."""
    with hub_of(log) as serving:
        publish_candidates(log, 0, 5)

        async def reader(count: int, heard: asyncio.Event) -> asyncio.Task[list[dict[str, str]]]:
            def enough(found: list[dict[str, str]]) -> bool:
                if len(data_of(found)) == 2:
                    heard.set()
                return len(data_of(found)) >= count

            begin = await serving.begin(CANDIDATES, Wish(), None)
            return asyncio.create_task(all_of(serving.events(CANDIDATES, begin, None, until_end=False), enough))

        heard = asyncio.Event()
        first = await reader(5, heard)
        await asyncio.to_thread(publish_candidates, log, 5, 2)
        async with asyncio.timeout(30):
            await heard.wait()
        later = await reader(3, asyncio.Event())
        await asyncio.to_thread(publish_candidates, log, 7, 3)
        received = _threads(await later)
        assert sorted(_threads(await first)) == [f"ztf:{n}" for n in range(5, 10)]
        return received


def test_who_joins_later_waits_for_no_partition_that_is_silent(log: Log) -> None:
    assert sorted(asyncio.run(joined_later(log))) == [f"ztf:{n}" for n in range(7, 10)]


def test_a_log_that_is_away_for_a_while_costs_no_record(log: Log) -> None:
    async def read() -> list[str]:
        with hub_of(log) as serving:
            begin = await serving.begin(CANDIDATES, Wish(), None)
            pieces = serving.events(CANDIDATES, begin, None, until_end=False)
            task = asyncio.create_task(all_of(pieces, lambda found: len(data_of(found)) >= 20))
            await asyncio.sleep(0.2)
            once = iter([True])

            def gone(*given: Any) -> Any:
                if next(once, False):
                    raise Retry("the log is away")
                return frames_of(*given)

            with patch.object(feed, "frames_of", gone), patch.object(feed, "AWAY_S", 0.01):
                await asyncio.to_thread(publish_candidates, log, 0, 20)
                events = await task
            return _threads(events)

    assert sorted(asyncio.run(read())) == sorted(f"ztf:{n}" for n in range(20))


def test_a_slice_is_bounded_and_goes_on(log: Log) -> None:
    publish_alerts(log)
    with patch.object(start, "SLICE_BYTES", 1), patch.object(start, "_POLL", 2), patch.object(hub, "WRITE_BYTES", 1):
        events = asyncio.run(to_end(log, ALERTS, Wish(from_start=True)))
    assert [one["alert_id"] for one in data_of(events)] == [a.alert_id for a in history()]


def test_the_end_of_the_broker_is_an_event(log: Log) -> None:
    async def read() -> list[dict[str, str]]:
        with hub_of(log) as serving:
            begin = await serving.begin(ALERTS, Wish(), None)
            task = asyncio.create_task(all_of(serving.events(ALERTS, begin, None, until_end=False), lambda _: False))
            await asyncio.sleep(0.1)
            serving.end()
            return await task

    assert asyncio.run(read())[-1]["event"] == "cut"


def test_the_end_of_the_broker_is_not_the_end_of_the_stream(log: Log) -> None:
    publish_alerts(log)

    async def read() -> list[dict[str, str]]:
        with hub_of(log) as serving:
            begin = await serving.begin(ALERTS, Wish(from_start=True), None)
            pieces = serving.events(ALERTS, begin, None, until_end=True)

            def ending(found: list[dict[str, str]]) -> bool:
                if data_of(found):
                    serving.end()
                return False

            return await all_of(pieces, ending)

    with patch.object(start, "SLICE_BYTES", 1), patch.object(start, "_POLL", 2):
        events = asyncio.run(read())
    assert 0 < len(data_of(events)) < len(history())
    assert events[-1]["event"] == "cut"
    assert "id" not in events[-1]


def hubs_threads() -> set[threading.Thread]:
    """Those of hubs; a log has one of its own, which ends with it."""
    return {one for one in threading.enumerate() if one.name.startswith("nuncius-")}


def test_a_joined_hub_reads_nothing_more(log: Log) -> None:
    async def read() -> None:
        before = hubs_threads()
        with hub_of(log) as serving:
            begin = await serving.begin(ALERTS, Wish(), None)
            task = asyncio.create_task(all_of(serving.events(ALERTS, begin, None, until_end=False), lambda _: False))
            names: set[str] = set()
            for _ in range(3000):
                names = {one.name.partition("_")[0] for one in hubs_threads() - before}
                if len(names) == 2:
                    break
                await asyncio.sleep(0.01)
            assert names == {"nuncius-feed", "nuncius-past"}
            task.cancel()
        assert hubs_threads() <= before

    asyncio.run(read())


@pytest.mark.kafka
def test_live_readers_on_kafka_have_everything_once(kafka_address: str) -> None:
    log = open_address(parse_address(kafka_address), utc_now, Connection(), None)
    log.create(topics.TOPICS)
    try:
        published, received = asyncio.run(live(log, "mag = 15", 5))
        assert sorted(received) == sorted(published)
        assert sorted(asyncio.run(joined_later(log))) == [f"ztf:{n}" for n in range(7, 10)]
    finally:
        log.close()
