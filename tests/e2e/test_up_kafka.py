"""``nuncius up`` on Kafka as a user runs it: each service a process, dead ones started again, nothing left behind."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import made_nights
import pytest
from commands import Service, nuncius, service, waiting
from kafka_here import kafka_jars

from nuncius.producers.simulation import gw170817

pytestmark = [pytest.mark.kafka, pytest.mark.long, pytest.mark.timeout(300)]

UP = r"http://127\.0\.0\.1:(\d+)"
LOCAL = ("--broker", "kafka:local")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    kafka_jars()
    made = made_nights.write(tmp_path, 10**6)
    settings = f"skymaps = '{made.maps}'\nlateness_days = 36500\nhttp_port = 0\n[services]\nmatch = 2\nassociate = 2\n"
    (tmp_path / "nuncius.toml").write_text(settings)
    return tmp_path


@pytest.fixture
def up(home: Path) -> Iterator[Service]:
    with service("up", *LOCAL, home=home, XDG_CACHE_HOME=cache()) as running:
        running.wait_for(UP)
        yield running


def cache() -> str:
    """Of the jars: the home folder of a test has none."""
    return os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")


def below(pid: int) -> dict[int, str]:
    """Command lines of all processes below one."""
    parents: dict[int, int] = {}
    lines: dict[int, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            lines[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return {one: lines[one] for one in sorted(found - {pid}) if lines.get(one)}


def still_there(lines: dict[int, str]) -> dict[int, str]:
    """Those of these processes that run."""
    return {pid: line for pid, line in lines.items() if Path(f"/proc/{pid}/cmdline").exists() and running(pid, line)}


def running(pid: int, line: str) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode() == line != ""
    except OSError:
        return False


def post_history(up: Service) -> None:
    port = up.wait_for(UP)[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60.0) as client:
        for packet in gw170817.history():
            answer = client.post("/alerts", params={"stream": packet.stream}, content=packet.payload)
            assert answer.status_code == 202, answer.text


def on_stream(home: Path, what: str, broker: tuple[str, ...] = LOCAL) -> list[dict[str, Any]]:
    return nuncius("subscribe", what, "--json", "--until-end", *broker, home=home).rows()


def test_alerts_come_in_by_http_and_coincidences_come_out(home: Path, up: Service) -> None:
    post_history(up)
    for _ in waiting("the coincidence, with both places"):
        found = [row for row in on_stream(home, "coincidences") if row["overlap"] is not None]
        if found:
            break
    assert found[-1]["anchor"]["event_id"] == "lvk:G298048"
    assert found[-1]["run_mode"] == "live"
    below_up = below(up.process.pid)
    assert up.end(signal.SIGTERM) == 0
    assert still_there(below_up) == {}
    assert "Traceback" not in up.said


@pytest.mark.soak
def test_a_second_one_is_refused_and_told_how_to_join(home: Path, up: Service) -> None:
    refused = nuncius("up", *LOCAL, home=home, code=2, XDG_CACHE_HOME=cache())
    assert "kafka:local runs already, at 127.0.0.1:" in refused.err.splitlines()[-1]
    assert "Traceback" not in refused.err
    servers = up.wait_for(r"kafka: (127\.0\.0\.1:\d+)")[1]
    with service("up", "--broker", f"kafka://{servers}", home=home) as second:
        port = second.wait_for(UP)[1]
        assert httpx.get(f"http://127.0.0.1:{port}/health", timeout=30.0).json()["ok"] is True
        assert second.end(signal.SIGINT) == 0
    assert up.process.poll() is None


@pytest.mark.soak
def test_a_service_that_dies_is_started_again_and_work_goes_on(home: Path, up: Service) -> None:
    processes = below(up.process.pid)
    for name in ("associate", "match", "ingest"):
        os.kill(next(pid for pid, line in processes.items() if f"nuncius.broker.cli {name} " in line), signal.SIGKILL)
        up.wait_for(rf"{name}.* ended \(signal 9\); starting it again")
    java = next(
        pid for pid, line in processes.items() if line.rstrip().endswith("node.properties") and "kafka.Kafka" in line
    )
    os.kill(java, signal.SIGKILL)
    up.wait_for("kafka: the node has died; starting it again")
    for _ in waiting("the node to answer again"):
        if nuncius("subscribe", "alerts", "--until-end", *LOCAL, home=home, code=None).code == 0:
            break
    post_history(up)
    for _ in waiting("the coincidence"):
        if on_stream(home, "coincidences"):
            break
    assert up.end(signal.SIGTERM) == 0


@pytest.mark.soak
def test_a_killed_one_leaves_nothing_running(home: Path, up: Service) -> None:
    below_up = below(up.process.pid)
    assert sum("nuncius.broker.cli" in line for line in below_up.values()) == 8
    up.end(signal.SIGKILL)
    for _ in waiting("all of it to end"):
        if not still_there(below_up):
            break
    assert home.exists()


def test_without_java_it_is_one_line_that_says_what_to_install(tmp_path: Path) -> None:
    run = nuncius("up", *LOCAL, home=tmp_path, code=2, PATH="/nowhere", JAVA_HOME="")
    assert "install it" in run.complaint()
    assert "embedded log" in run.complaint()
