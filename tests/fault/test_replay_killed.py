"""A replay that is killed, and given again, ends byte for byte as one that was left in peace."""

import random
import signal
import time
from pathlib import Path

import made_nights
import pytest
from commands import Service, nuncius, service, waiting
from made_nights import Made

from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.local import open_local
from nuncius.broker.transport.local_file import FILE_NAME
from nuncius.broker.transport.port import TopicPartition
from nuncius.schemas import NunciusError

EVERY = 2
"""Of the demo's unrelated packets, so that some 2300 packets come in three transactions."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made_nights.write(tmp_path_factory.mktemp("made"), EVERY)


@pytest.fixture(scope="module")
def in_peace(made: Made, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return nuncius(*line(made), home=tmp_path_factory.mktemp("peace")).out


def line(made: Made) -> tuple[str | Path, ...]:
    return ("replay", "--json", made.archive, "--skymaps", made.maps, "--broker", "local:log")


def ends(folder: Path) -> dict[str, int]:
    """How far every topic of a log has come; nothing where there is none yet."""
    if not (folder / FILE_NAME).is_file():
        return {}
    try:
        log = open_local(folder, utc_now)
    except NunciusError:
        return {}
    try:
        return {topic.name: log.end(TopicPartition(topic.name, 0)) for topic in topics.TOPICS}
    except NunciusError:
        return {}
    finally:
        log.close()


def kill_when(running: Service, folder: Path, topic: str, least: int) -> bool:
    """Kill it once so much lies on the topic; False where it came to its end before."""
    for _ in waiting(f"{least} records on {topic}"):
        if running.process.poll() is not None:
            return False
        if ends(folder).get(topic, 0) >= least:
            running.end(signal.SIGKILL)
            return True
    raise AssertionError


@pytest.mark.long
def test_a_replay_killed_again_and_again_ends_as_in_peace(made: Made, in_peace: bytes, tmp_path: Path) -> None:
    kills = 0
    moments = (
        ("nuncius.raw.candidates", 1),
        ("nuncius.raw.candidates", 1500),
        ("nuncius.too.requests", 1),
    )
    for topic, least in moments:
        with service(*line(made), home=tmp_path) as running:
            kills += kill_when(running, tmp_path / "log", topic, least)
    assert kills >= 2
    assert nuncius(*line(made), home=tmp_path).out == in_peace


@pytest.mark.long
def test_a_replay_killed_at_any_moment_ends_as_in_peace(made: Made, in_peace: bytes, tmp_path: Path) -> None:
    chance = random.Random(2)  # noqa: S311  not for secrets
    for _ in range(2):
        with service(*line(made), home=tmp_path) as running:
            for _ in waiting("the log"):
                if ends(tmp_path / "log") or running.process.poll() is not None:
                    break
            time.sleep(chance.uniform(0.0, 2.5))
            if running.process.poll() is None:
                running.end(signal.SIGKILL)
    assert nuncius(*line(made), home=tmp_path).out == in_peace


@pytest.mark.soak
@pytest.mark.alerts
@pytest.mark.timeout(1800)
def test_the_month_of_may_killed_ends_as_in_peace(alerts_dir: Path, tmp_path: Path) -> None:
    archive = alerts_dir / "archive" / "2019-05.001.tar.bz2"
    in_peace = nuncius("replay", "--json", archive, home=tmp_path, patience_s=600).out
    command = ("replay", "--json", archive, "--broker", "local:log")
    chance = random.Random(3)  # noqa: S311  not for secrets
    for _ in range(4):
        with service(*command, home=tmp_path) as running:
            for _ in waiting("the log"):
                if ends(tmp_path / "log").get("nuncius.events", 0) or running.process.poll() is not None:
                    break
            time.sleep(chance.uniform(0.0, 15.0))
            if running.process.poll() is None:
                running.end(signal.SIGKILL)
    assert nuncius(*command, home=tmp_path, patience_s=600).out == in_peace
