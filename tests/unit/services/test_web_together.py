"""What many do at once over HTTP: nobody waits for another's filter, a reader that hangs, or too many pictures."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import numpy as np
import pytest
from http_here import serving
from matching_alerts import cone, grb, gw
from road import history, put
from sky_files import multi_order
from web_here import app_on, ask

from nuncius.broker.services.web import pictures
from nuncius.broker.services.web.answers import RefusedError
from nuncius.broker.services.web.frames import Source
from nuncius.broker.services.web.hub import Hub
from nuncius.broker.services.web.pictures import Pictures
from nuncius.broker.services.web.pool import Pool
from nuncius.broker.services.web.regions import Regions
from nuncius.broker.services.web.shared_maps import SharedMaps
from nuncius.broker.services.web.start import Wish
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log
from nuncius.filters import parse_filter
from nuncius.schemas.codec import encode
from nuncius.schemas.ids import digest

FOLLOWING = parse_filter("IN_EVENTS('gravitational_wave', 0.9, 14)", "candidates")
PATIENCE_S = 20.0


def until(holds: Callable[[], bool], limit_s: float = PATIENCE_S) -> bool:
    end = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def test_who_selects_for_long_holds_up_nobody(log: Log) -> None:
    put(log, [gw("lvk:S1", localizations=cone(10.0, 10.0, 5.0), run_mode="live")])
    regions = Regions(log, {})
    seen: list[int] = []

    def other() -> None:
        with regions.lent(FOLLOWING) as places:
            seen.append(len(places.events("gravitational_wave", 0.9)))

    with regions.lent(FOLLOWING):
        thread = threading.Thread(target=other, daemon=True)
        thread.start()
        thread.join(PATIENCE_S)
        assert seen == [1]


def test_many_threads_that_ask_while_events_come_see_each_and_no_fault(log: Log) -> None:
    regions = Regions(log, {})
    seen: list[list[int]] = []

    def ask_on() -> None:
        counts: list[int] = []
        while not counts or counts[-1] < 30:
            with regions.lent(FOLLOWING) as places:
                counts.append(len(places.events("gravitational_wave", 0.9)))
        seen.append(counts)

    threads = [threading.Thread(target=ask_on, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(30):
        put(
            log,
            [gw(f"lvk:S{number}", localizations=cone(10.0 * number, 10.0, 5.0), run_mode="live")],
            slot=f"s{number}",
        )
    for thread in threads:
        thread.join(PATIENCE_S)
    assert len(seen) == 4
    assert all(counts == sorted(counts) for counts in seen)


def map_file(cell: int) -> bytes:
    density = np.zeros(12)
    density[cell] = 12 / (4 * np.pi)
    return multi_order(np.arange(4, 16), density)


def with_maps(log: Log, count: int) -> list[str]:
    files = [map_file(cell) for cell in range(count)]
    writer = log.writer("maps")
    with writer.transaction() as tx:
        for data in files:
            tx.send(topics.MAPS.name, data, key=digest(data).encode())
    writer.close()
    return [digest(data) for data in files]


def test_a_map_is_had_while_another_is_built(log: Log) -> None:
    first, second = with_maps(log, 2)
    maps = SharedMaps(log)
    read, entered, going = maps.bytes_of, threading.Event(), threading.Event()

    def slowly(sha256: str) -> bytes:
        if sha256 == first:
            entered.set()
            going.wait(PATIENCE_S)
        return read(sha256)

    with patch.object(maps, "bytes_of", slowly), ThreadPoolExecutor(1) as pool:
        slow = pool.submit(lambda: maps[first])
        try:
            assert entered.wait(PATIENCE_S)
            assert maps[second].credible_level(0.0, 0.0) is not None
            assert not slow.done()
        finally:
            going.set()
        assert slow.result(PATIENCE_S) is maps[first]


@contextmanager
def drawing_that_waits() -> Iterator[tuple[list[Path], threading.Event]]:
    drawn: list[Path] = []
    going = threading.Event()

    def draw(_: Any, path: Path, **__: Any) -> None:
        drawn.append(path)
        going.wait(PATIENCE_S)
        path.write_bytes(b"\x89PNG")

    with patch.object(pictures, "plot_skymap", draw):
        try:
            yield drawn, going
        finally:
            going.set()


def test_pictures_are_drawn_once_and_few_are_waited_for(log: Log) -> None:
    names = with_maps(log, pictures.WAITING + 1)
    made = Pictures(SharedMaps(log))
    with drawing_that_waits() as (drawn, going), ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(made.png, names[0]) for _ in range(pictures.WAITING)]
        assert until(lambda: bool(drawn))

        def refused() -> bool:
            try:
                pool.submit(made.png, names[-1]).result(0.5)
            except RefusedError as error:
                return error.status == 503
            except TimeoutError:
                return False
            return False

        assert until(refused)
        going.set()
        assert {one.result(PATIENCE_S) for one in asked} == {b"\x89PNG"}
        assert len(drawn) == 1  # all wanted the same
    assert made.png(names[0]) == b"\x89PNG"


def test_a_refused_picture_says_when_to_ask_again(log: Log) -> None:
    (name,) = with_maps(log, 1)
    with patch.object(Pictures, "png", side_effect=RefusedError(503, "later")):
        answer = ask(app_on(log), "GET", f"/skymaps/{name}?format=png")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0


def test_the_end_waits_no_longer_than_it_is_told_for_a_reader_that_hangs(log: Log) -> None:
    said: list[str] = []
    going = threading.Event()
    serving_hub = Hub(log, {}, said.append)

    def hang(*_: Any) -> Any:
        going.wait(PATIENCE_S)
        raise AssertionError("nobody waits for this any more")

    async def read() -> None:
        with patch("nuncius.broker.services.web.hub.begin", hang):
            task = asyncio.create_task(serving_hub.begin(Source(topics.EVENTS.name, "alerts"), Wish(), None))
            await asyncio.sleep(0.1)
            task.cancel()

    asyncio.run(read())
    try:
        assert serving_hub.join(0.2) is False
        assert "left open" in said[0]
    finally:
        going.set()
    assert until(lambda: serving_hub.join(1.0))


def test_work_that_waits_is_cancelled_at_the_end_and_a_fault_is_the_caller_s() -> None:
    pool = Pool(1, "test")
    going, begun = threading.Event(), threading.Event()

    def wait() -> str:
        begun.set()
        going.wait(PATIENCE_S)
        return "done"

    first, second = pool.submit(wait), pool.submit(wait)
    assert begun.wait(PATIENCE_S)
    assert pool.join(0.05) == 1
    assert second.cancelled()
    assert pool.submit(wait).cancelled()
    going.set()
    assert first.result(PATIENCE_S) == "done"
    assert until(lambda: pool.join(1.0) == 0)
    failing = Pool(1, "test")
    with pytest.raises(ZeroDivisionError):
        failing.submit(lambda: 1 // 0).result(PATIENCE_S)
    assert failing.join(PATIENCE_S) == 0


def connects(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address).close()
    except ConnectionRefusedError:
        return False
    return True


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_reader_that_goes_frees_its_place_at_once(log: Log, version: str) -> None:
    put(log, history())
    with serving(log) as port:
        address = ("127.0.0.1", port)

        def readers() -> int:
            answer = httpx.get(f"http://127.0.0.1:{port}/health")
            return int(answer.json()["streams"]["subscribers"])

        assert until(lambda: connects(address))
        with socket.create_connection(address) as reader:
            reader.sendall(f"GET /alerts/stream HTTP/{version}\r\nHost: 127.0.0.1\r\n\r\n".encode())
            assert b" 200 " in reader.recv(2**16)
            assert until(lambda: readers() == 1)
        assert until(lambda: readers() == 0, 2.0)  # a ping would find out after 15 s


def unreadable_between(log: Log) -> tuple[str, str]:
    first, last = grb("fermi-gbm:1"), grb("fermi-gbm:2")
    writer = log.writer("test")
    with writer.transaction() as tx:
        for value, key in (
            (encode(first), first.thread_id),
            (b"of another version", "x"),
            (encode(last), last.thread_id),
        ):
            tx.send(topics.EVENTS.name, value, key=key.encode())
    writer.close()
    return first.alert_id, last.alert_id


@pytest.mark.parametrize("text", ["", "messenger = 'neutrino'"])
def test_a_stream_tells_what_cannot_be_read_and_where_it_lies(log: Log, text: str) -> None:
    unreadable_between(log)
    params = {"since_start": True, "until_end": True, "filter": text}
    app = app_on(log)
    answer = ask(app, "GET", "/alerts/stream", params=params).text
    assert ask(app, "GET", "/health").json()["streams"]["skipped"] == 1
    blocks = [dict(line.split(": ", 1) for line in one.split("\n")) for one in answer.strip().split("\n\n")]
    (told,) = [one for one in blocks if one.get("event") == "skipped"]
    assert told["id"] == "0:2"
    assert '"offset":1' in told["data"]
    assert '"reason":"' in told["data"]
    assert sum(one.get("event") == "alert" for one in blocks) == (0 if text else 2)
