"""The services as processes of their own on one log: the same end as in one process, and a standby that takes over."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import made_nights
import pytest
from commands import Service, nuncius, service, waiting

from nuncius.producers.simulation import TimedPacket, gw170817

pytestmark = pytest.mark.long

BROKER = ("--broker", "local:log")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = made_nights.write(tmp_path, 10**6)
    (tmp_path / "nuncius.toml").write_text(f"skymaps = '{made.maps}'\nlateness_days = 36500\nhttp_port = 0")
    return tmp_path


@pytest.fixture
def running(home: Path) -> Iterator[dict[str, Service]]:
    with ExitStack() as stack:
        names = ("ingest", "match", "associate", "too")
        started = {name: stack.enter_context(service(name, *BROKER, home=home)) for name in names}
        for one in started.values():
            one.wait_for("local:log")
        yield started


def post(ingest: Service, packets: tuple[TimedPacket, ...]) -> None:
    port = ingest.wait_for(r"http://127\.0\.0\.1:(\d+)")[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30.0) as client:
        for packet in packets:
            answer = client.post("/alerts", params={"stream": packet.stream}, content=packet.payload)
            assert answer.status_code == 202, answer.text


def on_stream(home: Path, what: str) -> list[dict[str, Any]]:
    return nuncius("subscribe", what, "--json", "--until-end", *BROKER, home=home).rows()


def test_services_apart_find_what_they_find_together(home: Path, running: dict[str, Service]) -> None:
    post(running["ingest"], gw170817.history())
    post(running["ingest"], gw170817.at2017gfo())
    for _ in waiting("every request, one of them recorded"):
        asked = {(row["policy"], row["facility"]): row for row in on_stream(home, "too")}
        recorded = {row["request_id"] for row in on_stream(home, "too-status") if row["state"] == "recorded"}
        tiled = asked.get(("gw-grb-imaging", "DECam"), {})
        if len(asked) == 6 and tiled.get("request_id") in recorded:
            break
    assert {name: row["state"] for name, row in asked.items()} == {
        ("gw-grb-imaging", "DECam"): "proposed",
        ("gw-grb-imaging", "ZTF"): "rejected",  # too far south
        ("gw-candidate-spectrum", "spectrographs"): "rejected",  # without a night before, chance is unknown
        ("bns-tiling", "DECam"): "rejected",  # what LVK said in 2017 held no classes
        ("bns-tiling", "ZTF"): "rejected",
        ("grb-one-field", "ZTF"): "rejected",  # the burst's region is too large
    }
    assert len(tiled["tiles"]) > 5
    found = {row["rule"]: row for row in on_stream(home, "coincidences")}
    assert found["gw-cbc-grb"]["anchor"]["event_id"] == "lvk:G298048"
    assert found["gw-cbc-grb"]["partner"]["threads"] == ["fermi-gbm:524666471"]
    assert [row["thread_id"] for row in found["gw-optical"]["candidates"]] == ["ztf:ZTF17gfoaaaa"]
    for one in running.values():
        assert one.end(signal.SIGTERM) == 0
        assert len(one.said.splitlines()) == 1, one.said


def test_a_second_associate_stands_by_and_takes_over(home: Path, running: dict[str, Service]) -> None:
    burst, merger = gw170817.history()[:2], gw170817.history()[2:]
    with service("associate", *BROKER, home=home) as standby:
        standby.wait_for("local:log")
        post(running["ingest"], burst)
        post(running["ingest"], merger[:1])
        for _ in waiting("the first coincidence"):
            if on_stream(home, "coincidences"):
                break
        assert running["associate"].process.poll() is None
        assert standby.process.poll() is None
        running["associate"].end(signal.SIGKILL)
        post(running["ingest"], merger[1:])
        for _ in waiting("the standby to revise it"):
            if on_stream(home, "coincidences")[-1]["overlap"] is not None:
                break
        rows = on_stream(home, "coincidences")
        assert [row["revision"] for row in rows] == list(range(1, len(rows) + 1))
        assert {row["coincidence_id"] for row in rows} == {rows[0]["coincidence_id"]}
        assert standby.end(signal.SIGINT) == 0
