"""``nuncius up`` as a user runs it: alerts in over HTTP, coincidences out as events, clean ends and hard ones."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import made_nights
import orjson
import pytest
import voevents
from commands import Service, nuncius, service, waiting

from nuncius.broker.transport.local_file import FILE_NAME
from nuncius.producers.simulation import gw170817
from nuncius.schemas.limits import MAX_PACKET_BYTES

UP = r"http://127\.0\.0\.1:(\d+)"


@contextmanager
def broker(home: Path, *options: str) -> Iterator[tuple[Service, httpx.Client]]:
    """A whole broker on a free port, and a client of it."""
    with service("up", "--broker", "local:log", "--port", "0", *options, home=home) as running:
        port = running.wait_for(UP)[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30.0) as client:
            yield running, client


def burst(number: int) -> bytes:
    return voevents.packet(
        f"ivo://nasa.gsfc.gcn/SWIFT#BAT_GRB_Pos_{number}-001",
        values={"TrigID": number},
        sky=voevents.where(radius=0.05, ra=number % 360),
    )


def alerts(home: Path) -> list[dict[str, Any]]:
    return nuncius("subscribe", "alerts", "--json", "--until-end", "--broker", "local:log", home=home).rows()


def events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    """Server-sent events; comments, and positions without an event, are passed over."""
    event: dict[str, Any] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if not line:
            if "data" in event:
                yield event
            event = {}
        elif line and not line.startswith(":"):
            event[name] = orjson.loads(value) if name == "data" else value


def offset(event: dict[str, Any]) -> int:
    """Next offset behind the event."""
    return int(event["id"].removeprefix("0:"))


def post_history(client: httpx.Client) -> None:
    for packet in gw170817.history():
        answer = client.post("/alerts", params={"stream": packet.stream}, content=packet.payload)
        assert answer.status_code == 202, answer.text


def test_posts_are_stored_or_refused_with_the_reason(tmp_path: Path) -> None:
    with broker(tmp_path) as (running, client):
        good = client.post("/alerts", params={"stream": "gcn.classic"}, content=burst(5))
        assert (good.status_code, good.json()["fates"]) == (202, ["alert=initial:real"])
        assert client.post("/alerts", content=burst(5)).json()["fates"] == ["duplicate"]
        bad = client.post("/alerts", content=burst(6)[:300])
        assert bad.status_code == 422
        assert bad.json()["fates"] == ["quarantined=malformed"]
        assert len(bad.json()["error"]) > 10
        assert client.post("/alerts", content=b"").status_code == 422
        assert client.post("/alerts", content=bytes(MAX_PACKET_BYTES)).status_code == 422
        large = client.post("/alerts", content=bytes(MAX_PACKET_BYTES + 1))
        assert (large.status_code, str(MAX_PACKET_BYTES) in large.json()["error"]) == (413, True)
        assert [kept["alert_id"] for kept in client.get("/alerts").json()["alerts"]] == good.json()["alert_ids"]
        assert client.delete("/alerts").status_code == 405
        assert client.get("/coincidences/stream", headers={"Last-Event-ID": "x"}).status_code == 422
        health = client.get("/health")
        assert (health.status_code, health.json()["ok"]) == (200, True)
        assert "Traceback" not in running.said
    (kept,) = alerts(tmp_path)
    assert kept["alert_id"] == good.json()["alert_ids"][0]
    assert (kept["stream"], kept["run_mode"], kept["source"]) == ("gcn.classic", "live", "http")
    assert kept["received_time"] is not None


def test_a_coincidence_comes_as_an_event_and_the_stream_resumes(tmp_path: Path) -> None:
    made = made_nights.write(tmp_path, 10**6)
    (tmp_path / "nuncius.toml").write_text(f"skymaps = '{made.maps}'\nlateness_days = 36500")
    with broker(tmp_path) as (running, client):
        with client.stream("GET", "/coincidences/stream") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            post_history(client)
            seen = events(stream.iter_lines())
            first = next(seen)
            assert first["event"] == "coincidence"
            assert first["data"]["anchor"]["event_id"] == "lvk:G298048"
            assert first["data"]["run_mode"] == "live"
            last = next(event for event in seen if event["data"].get("overlap") is not None)
        for _ in waiting("every revision"):
            (final,) = client.get("/coincidences").json()["coincidences"]
            if final["overlap"] is not None:
                break
        assert final["coincidence_id"] == first["data"]["coincidence_id"]

        with client.stream("GET", "/coincidences/stream", headers={"Last-Event-ID": first["id"]}) as stream:
            resumed = next(events(stream.iter_lines()))
        assert offset(resumed) > offset(first)
        assert resumed["data"]["revision"] == first["data"]["revision"] + 1
        older = {"Last-Event-ID": str(offset(first) - 1)}  # the last offset seen, as ids were before positions
        with client.stream("GET", "/coincidences/stream", headers=older) as stream:
            assert next(events(stream.iter_lines()))["id"] == resumed["id"]
        for strange in (f"0:{offset(last) + 1000}", "9" * 40):
            with client.stream("GET", "/coincidences/stream", headers={"Last-Event-ID": strange}) as stream:
                seen = events(stream.iter_lines())
                assert next(seen)["event"] == "reset"
                assert next(seen)["id"] == first["id"]
        with client.stream("GET", "/coincidences/stream", params={"since_start": "true"}) as stream:
            assert next(events(stream.iter_lines()))["id"] == first["id"]
        assert "Traceback" not in running.said


def test_it_ends_cleanly_and_soon_with_a_stream_open(tmp_path: Path) -> None:
    with broker(tmp_path) as (running, client), client.stream("GET", "/coincidences/stream"):
        began = time.monotonic()
        assert running.end(signal.SIGTERM) == 0
        assert time.monotonic() - began < 10.0
        assert "Traceback" not in running.said
    assert not (tmp_path / "log" / f"{FILE_NAME}-wal").exists()


@pytest.mark.long
def test_a_second_broker_on_the_log_stands_by_and_takes_over(tmp_path: Path) -> None:
    (tmp_path / "nuncius.toml").write_text("lateness_days = 36500")
    with broker(tmp_path) as (first, one), broker(tmp_path) as (_, two):
        assert one.post("/alerts", content=burst(1)).status_code == 202
        assert two.post("/alerts", content=burst(2)).status_code == 202
        first.end(signal.SIGKILL)
        post_history(two)
        for _ in waiting("the second broker to find the coincidence"):
            if two.get("/coincidences").json()["coincidences"]:
                break
    assert len(alerts(tmp_path)) == 2 + len(gw170817.history())


@pytest.mark.long
def test_what_was_acked_survives_a_kill(tmp_path: Path) -> None:
    acked: set[str] = set()
    for number in range(2):
        with broker(tmp_path) as (running, client):
            for n in range(30):
                answer = client.post("/alerts", content=burst(100 * number + n))
                acked.update(answer.json()["alert_ids"])
            running.end(signal.SIGKILL)
    kept = [row["alert_id"] for row in alerts(tmp_path)]
    assert acked <= set(kept)
    assert len(kept) == len(set(kept)) == 60


def test_publish_and_subscribe_over_a_running_broker(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"{number}.xml").write_bytes(burst(number))
    (tmp_path / "bad.xml").write_bytes(b"<")
    with (tmp_path / "nothing").open("wb") as file:
        file.truncate(50 * 10**6)
    with broker(tmp_path) as (_, client):
        address = str(client.base_url)
        done = nuncius("publish", "--json", "--broker", address, "1.xml", "bad.xml", "nothing", home=tmp_path, code=1)
        rows = {row["file"]: row for row in done.rows()}
        assert rows["1.xml"]["fates"] == ["alert=initial:real"]
        assert [name for name, row in rows.items() if "error" in row] == ["bad.xml", "nothing"]
        assert nuncius("publish", "--broker", "local:log", "2.xml", home=tmp_path).code == 0
        with service(
            "subscribe", "alerts", "--json", "--last", "1", "--broker", "local:log", home=tmp_path
        ) as follower:
            assert follower.process.stdout is not None
            assert orjson.loads(follower.process.stdout.readline())["thread_id"] == "swift-bat:2"
            assert client.post("/alerts", content=burst(3)).status_code == 202
            assert orjson.loads(follower.process.stdout.readline())["thread_id"] == "swift-bat:3"
            assert follower.end(signal.SIGINT) == 130
            assert "Traceback" not in follower.said
        run = nuncius("replay", "1.xml", "--broker", "local:log", home=tmp_path, code=None)
        assert "another process works on this log" in run.complaint()


@pytest.mark.parametrize("name", ["up", "ingest", "web"])
def test_a_wrong_host_is_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "nuncius.toml").write_text("http_host = 'no.such.host.invalid'")
    run = nuncius(name, "--broker", "local:log", home=tmp_path, code=None)
    assert "no.such.host.invalid" in run.complaint()
