"""Subscribers get what they asked for: the last few, from a time on, all until now."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from matching_alerts import candidates, gw
from road import history, night, put, work_through

from nuncius.broker.transport import topics
from nuncius.broker.transport.local import open_local
from nuncius.broker.transport.port import Log
from nuncius.consumers import log_source
from nuncius.consumers.subscriber import STREAMS, subscribe
from nuncius.schemas import CandidateList, Coincidence, SettingsError, ToORequest

START = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Minutes:
    """A clock that is a minute later at each look."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


@pytest.fixture
def open_log(tmp_path: Path) -> Iterator[Callable[[], Log]]:
    clock = Minutes()
    log = open_local(tmp_path, clock)
    log.create(topics.TOPICS)
    with closing(log):
        yield lambda: log


@pytest.fixture
def broker(tmp_path: Path) -> str:
    return f"local:{tmp_path}"


def names(values: Iterator[Any]) -> list[str]:
    return [value.thread_id for value in values]


def test_until_the_end_gives_everything(open_log: Callable[[], Log], broker: str) -> None:
    put(open_log(), [gw(f"lvk:S{n}") for n in range(700)])
    assert names(subscribe("alerts", broker=broker, until_end=True)) == [f"lvk:S{n}" for n in range(700)]


def test_the_last_few(open_log: Callable[[], Log], broker: str) -> None:
    put(open_log(), [gw(f"lvk:S{n}") for n in range(5)])
    assert names(subscribe("alerts", broker=broker, last=2, until_end=True)) == ["lvk:S3", "lvk:S4"]
    assert len(names(subscribe("alerts", broker=broker, last=9, until_end=True))) == 5


def test_the_last_of_a_stream_of_many_partitions(open_log: Callable[[], Log], broker: str) -> None:
    put(open_log(), (), candidates(*({"thread_id": f"ztf:{n}"} for n in range(40))))
    assert names(subscribe("candidates", broker=broker, last=3, until_end=True)) == ["ztf:37", "ztf:38", "ztf:39"]


def test_nothing_is_lost_between_the_last_and_the_next(open_log: Callable[[], Log], broker: str) -> None:
    put(open_log(), [gw("lvk:S0"), gw("lvk:S1"), gw("lvk:S2")])
    following = subscribe("alerts", broker=broker, last=2)
    first = next(following)
    put(open_log(), [gw("lvk:S3"), gw("lvk:S4")])
    assert [first.thread_id, *names(islice(following, 3))] == ["lvk:S1", "lvk:S2", "lvk:S3", "lvk:S4"]
    following.close()


def test_from_a_time_on(open_log: Callable[[], Log], broker: str) -> None:
    put(open_log(), [gw(f"lvk:S{n}") for n in range(4)])
    third = START + timedelta(minutes=3)
    found = names(subscribe("alerts", broker=broker, since=third, until_end=True))
    assert found == ["lvk:S2", "lvk:S3"]
    assert names(subscribe("alerts", broker=broker, since=third + timedelta(days=1), until_end=True)) == []


def test_from_now_on_gives_only_what_comes(open_log: Callable[[], Log], broker: str) -> None:
    put(open_log(), [gw("lvk:S0")])
    following = subscribe("alerts", broker=broker, since=START + timedelta(minutes=2))
    put(open_log(), [gw("lvk:S1")])
    assert next(following).thread_id == "lvk:S1"
    following.close()


@pytest.mark.parametrize(("what", "kinds"), [("coincidences", {Coincidence, CandidateList}), ("too", {ToORequest})])
def test_records_come_typed(open_log: Callable[[], Log], broker: str, what: str, kinds: set[type]) -> None:
    put(open_log(), history(), night())
    work_through(open_log())
    assert {type(value) for value in subscribe(what, broker=broker, until_end=True)} == kinds


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"what": "coincidence"}, f"no such stream: coincidence; there are {', '.join(STREAMS)}"),
        ({"last": 3, "since": START}, "not both"),
        ({"broker": "local:/nowhere/at/all"}, "nuncius up --broker local:/nowhere/at/all"),
        ({"broker": "http://localhost:8088", "what": "too"}, "too is not served over HTTP"),
        ({"broker": "kafka:local", "folder_of_node": Path("/nowhere")}, "nuncius up --broker kafka:local"),
    ],
)
def test_what_cannot_be_had_is_said(asked: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        next(subscribe(**asked))
    assert says in str(caught.value)


def test_without_an_address_it_finds_what_the_commands_find(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nuncius.broker.cli.options import settings_of

    monkeypatch.delenv("NUNCIUS_BROKER", raising=False)
    monkeypatch.delenv("NUNCIUS_CONFIG", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    address = settings_of(None).broker or ""
    with closing(open_local(Path(address.removeprefix("local:")), Minutes())) as log:
        log.create(topics.TOPICS)
        put(log, [gw("lvk:S7")])
    assert names(subscribe("alerts", until_end=True)) == ["lvk:S7"]


@pytest.mark.parametrize("count", [1, 2, 7, 50])
@pytest.mark.parametrize("wanted", [None, "mag < 16"])
def test_the_last_are_found_however_little_is_read_at_a_time(
    open_log: Callable[[], Log], broker: str, monkeypatch: pytest.MonkeyPatch, count: int, wanted: str | None
) -> None:
    """Over 64 partitions, some full and most empty; every tenth row is bright."""
    made = [{"thread_id": f"ztf:{n % 7}", "mag": 15.0 if n % 10 == 0 else 19.0, "days": n / 100} for n in range(60)]
    put(open_log(), (), candidates(*made))
    every = [row.time_us for row in subscribe("candidates", broker=broker, filter=wanted, until_end=True)]
    monkeypatch.setattr(log_source, "_POLL", 1)
    last = subscribe("candidates", broker=broker, filter=wanted, last=count, until_end=True)
    assert [row.time_us for row in last] == sorted(every)[-count:]


def test_a_table_tells_how_old_an_alert_was(open_log: Callable[[], Log], broker: str) -> None:
    put(open_log(), [gw("lvk:S0")])
    with subscribe("alerts", broker=broker, until_end=True) as alerts:
        (batch,) = alerts.batches()
    (taken,) = batch.taken
    assert taken is not None
    assert batch.to_polars()["age_s"].to_list() == [(taken - batch.records[0].time_start).total_seconds()]
