"""What a subscription, and the owner of a stream, can ask for: an end, ages, streams, always one log."""

import shutil
from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from commands import waiting
from confluent_kafka.admin import AdminClient
from http_here import serving
from matching_alerts import candidates, gw
from road import put
from streams_here import work_streams
from subscribers_here import ALERTS, NAMES, Place, names

from nuncius.broker.transport import topics
from nuncius.broker.transport.address import KafkaAddress, parse_address
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Connection
from nuncius.broker.transport.local import open_local
from nuncius.broker.transport.opening import open_address
from nuncius.broker.transport.port import Log
from nuncius.consumers import (
    create_stream,
    delete_stream,
    edit_stream,
    pause_stream,
    resume_stream,
    subscribe,
)
from nuncius.schemas import Alert, SettingsError


def times(place: Place, what: str) -> list[datetime]:
    """When the log took each."""
    with subscribe(what, broker=place.address, until_end=True) as every:
        return [time for batch in every.batches() for time in batch.taken if time is not None]


def test_it_ends_before_a_time_and_goes_on_from_there(place: Place) -> None:
    put(place.log, ALERTS[:3])
    put(place.log, ALERTS[3:])
    taken = times(place, "alerts")
    fourth = taken[3]
    with subscribe("alerts", broker=place.address, until=fourth) as first:
        assert names(first) == NAMES[:3]
    text = (fourth + timedelta(microseconds=1)).replace(tzinfo=None).isoformat()
    then = [name for name, time in zip(NAMES, taken, strict=True) if time == fourth]
    assert names(subscribe("alerts", broker=place.address, until=text, since=fourth)) == then
    assert names(subscribe("alerts", broker=place.address, until=fourth, last=2)) == NAMES[1:3]
    assert names(subscribe("alerts", broker=place.address, position=first.position, until_end=True)) == NAMES[3:]


def test_every_partition_ends_before_the_time(place: Place) -> None:
    for low in (0, 20):
        put(place.log, (), candidates(*({"thread_id": f"ztf:{n}"} for n in range(low, low + 20))))
    middle = sorted(times(place, "candidates"))[20]
    asked: dict[str, Any] = {"broker": place.address, "filter": "thread_id LIKE 'ztf:%'"}
    with subscribe("candidates", until=middle, **asked) as first:
        assert sorted(names(first)) == sorted(f"ztf:{n}" for n in range(20))
    rest = subscribe("candidates", position=first.position, until_end=True, **asked)
    assert sorted(names(rest)) == sorted(f"ztf:{n}" for n in range(20, 40))


@pytest.mark.parametrize("place", ["http", pytest.param("kafka", marks=pytest.mark.kafka)], indirect=True)
def test_a_time_to_come_is_waited_for(place: Place) -> None:
    put(place.log, ALERTS[:1])
    end = utc_now() + timedelta(seconds=1)
    with subscribe("alerts", broker=place.address, since="2000-01-01", until=end) as following:
        found = [next(following).thread_id]
        put(place.log, ALERTS[1:2])
        found += names(following)
    assert utc_now() >= end
    assert found == [name for name, time in zip(NAMES, times(place, "alerts"), strict=False) if time < end]


@pytest.mark.parametrize("place", ["local"], indirect=True)
def test_a_beginning_after_the_end_is_refused(place: Place) -> None:
    with pytest.raises(SettingsError, match="not before until"):
        subscribe("alerts", broker=place.address, since="2026-11-02", until="2026-11-01")


@pytest.mark.parametrize("place", ["local", "http"], indirect=True)
def test_batches_tell_when_the_log_took_each(place: Place) -> None:
    before = utc_now() - timedelta(seconds=1)
    put(place.log, ALERTS)
    with subscribe("alerts", broker=place.address, until_end=True) as alerts:
        (batch,) = alerts.batches()
    assert len(batch.taken) == len(ALERTS)
    assert all(time is not None and before < time < utc_now() + timedelta(seconds=1) for time in batch.taken)
    ages = batch.to_polars()["age_s"].to_list()
    pairs = zip(batch.taken, batch.records, strict=True)
    assert ages == [time and (time - alert.time_start).total_seconds() for time, alert in pairs]


@pytest.mark.kafka
@pytest.mark.parametrize("place", ["kafka"], indirect=True)
def test_a_stream_is_made_and_read_on_kafka(place: Place) -> None:
    create_stream("bright", filter="mag < 19", since="2000-01-01", broker=place.address)
    put(place.log, (), candidates({"thread_id": "ztf:1", "mag": 18.0}, {"thread_id": "ztf:2", "mag": 20.0}))
    work_streams(place.log)
    rows = subscribe("bright", until_end=True, broker=place.address)
    assert [row.thread_id for row in rows if row.kind == "row"] == ["ztf:1"]
    assert delete_stream("bright", broker=place.address).revision == 2


@pytest.mark.parametrize("place", ["local", "http"], indirect=True)
def test_a_stream_is_made_read_changed_and_ended_by_the_words_of_a_subscription(place: Place) -> None:
    asked: dict[str, Any] = {"broker": place.address}
    words: dict[str, Any] = {"filter": "mag < 19", "include": ["mag"], "since": "2000-01-01"}
    made = create_stream("bright", description="bright ones", **words, **asked)
    assert (made.revision, made.table, made.include, made.state) == (1, "candidates", ("mag",), "active")
    put(place.log, (), candidates({"thread_id": "ztf:1", "mag": 18.0}, {"thread_id": "ztf:2", "mag": 20.0}))
    work_streams(place.log)
    assert [row.thread_id for row in subscribe("bright", until_end=True, **asked) if row.kind == "row"] == ["ztf:1"]
    with pytest.raises(SettingsError, match="already"):
        create_stream("bright", **asked)
    edited = edit_stream("bright", filter="mag < 21", **asked)
    assert (edited.revision, edited.filter, edited.include, edited.description) == (
        2,
        "mag < 21",
        ("mag",),
        "bright ones",
    )
    assert [pause_stream("bright", **asked).state, resume_stream("bright", **asked).state] == ["paused", "active"]
    gone = delete_stream("bright", **asked)
    assert (gone.revision, gone.state) == (5, "deleted")
    for change in (edit_stream, pause_stream, delete_stream):
        with pytest.raises(SettingsError, match="no such stream"):
            change("bright", **asked)
    assert create_stream("bright", filter="mag < 18", **asked).revision == 6


@pytest.mark.parametrize("place", ["local", "http"], indirect=True)
def test_a_name_that_is_a_way_to_another_stream_changes_nothing(place: Place) -> None:
    create_stream("bright", broker=place.address)
    for name in ("bright#", "bright?x=1", "x/../bright", "../streams/bright", "bright/", "%62right", "bright\n", ""):
        for change in (edit_stream, pause_stream, delete_stream):
            with pytest.raises(SettingsError):
                change(name, broker=place.address)
        with pytest.raises(SettingsError):
            subscribe(name, broker=place.address)
    assert edit_stream("bright", owner="me", broker=place.address).revision == 2
    with pytest.raises(SettingsError, match="whoever subscribes to alerts"):
        create_stream("alerts", broker=place.address)


@pytest.mark.parametrize("place", ["local", "http"], indirect=True)
def test_a_stream_with_a_wrong_filter_is_refused_before_it_is_written(place: Place) -> None:
    with pytest.raises(SettingsError, match="did you mean 'mag'"):
        create_stream("bright", filter="magg < 19", broker=place.address)
    with pytest.raises(SettingsError, match="no such stream"):
        pause_stream("bright", broker=place.address)


def refused_until_told_to_begin_anew(address: str, remake: Callable[[], object]) -> None:
    """A bookmark and a position of a log, which is then made anew, with more records than before."""
    asked: dict[str, Any] = {"broker": address, "resume": "mine", "since": "2000-01-01"}
    with subscribe("alerts", **asked) as first:
        assert next(first).thread_id == NAMES[0]
        first.ack()
        kept = first.position
    remake()
    for again in (asked, {"broker": address, "position": kept}):
        with pytest.raises(SettingsError, match=r"another log: it was made anew since.*--restart"):
            subscribe("alerts", **again)
    with subscribe("alerts", restart=True, **asked) as anew:
        assert names(islice(anew, 3)) == NAMES[2:]
        anew.ack()
    with subscribe("alerts", until_end=True, **asked) as rest:
        assert names(rest) == []


def made(folder: Path, alerts: list[Alert]) -> Log:
    log = open_local(folder, utc_now)
    log.create(topics.TOPICS)
    put(log, alerts)
    return log


def test_a_folder_that_was_made_anew_is_another_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    made(tmp_path / "log", ALERTS[:2]).close()

    def remake() -> None:
        shutil.rmtree(tmp_path / "log")
        made(tmp_path / "log", ALERTS[2:]).close()

    refused_until_told_to_begin_anew(f"local:{tmp_path / 'log'}", remake)


def test_over_http_another_log_at_the_same_port_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    with closing(made(tmp_path / "one", ALERTS[:2])) as one, closing(made(tmp_path / "two", ALERTS[2:])) as two:
        serve = ExitStack()
        port = serve.enter_context(serving(one))

        def remake() -> None:
            serve.close()
            serve.enter_context(serving(two, port))

        with serve:
            refused_until_told_to_begin_anew(f"http://127.0.0.1:{port}", remake)


@pytest.mark.kafka
def test_a_topic_that_was_made_anew_is_another_log(
    kafka_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    address = parse_address(kafka_address)
    assert isinstance(address, KafkaAddress)
    events = f"{address.namespace}.{topics.EVENTS.name}"
    with closing(open_address(address, utc_now, Connection(), None)) as log:
        log.create(topics.TOPICS)
        put(log, ALERTS[:2])

    def remake() -> None:
        admin = AdminClient({"bootstrap.servers": address.servers})
        admin.delete_topics([events], operation_timeout=30)[events].result(30)
        for _ in waiting("the topic to be gone"):
            if events not in admin.list_topics(timeout=10).topics:
                break
        with closing(open_address(address, utc_now, Connection(), None)) as log:
            log.create(topics.TOPICS)
            put(log, ALERTS[2:])

    refused_until_told_to_begin_anew(kafka_address, remake)


@pytest.mark.parametrize("place", ["local", "http"], indirect=True)
def test_a_position_without_the_name_of_its_log_is_taken_at_its_word(place: Place) -> None:
    put(place.log, ALERTS[:2])
    with subscribe("alerts", broker=place.address, until_end=True) as first:
        next(first)
    bare, _, name = first.position.partition("@")
    assert name == place.log.identity(topics.EVENTS.name)
    assert names(subscribe("alerts", broker=place.address, position=bare, until_end=True)) == NAMES[1:2]


def test_looking_far_back_over_http_is_bounded_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nuncius.broker.services.web.start.LAST_SCANNED", 64)
    told: list[str] = []
    many = ALERTS[:3] + [gw(f"lvk:T{n}") for n in range(100)] + ALERTS[4:]
    with closing(made(tmp_path, many)) as log, serving(log) as port:
        asked: dict[str, Any] = {"broker": f"http://127.0.0.1:{port}", "filter": "messenger = 'photon'"}
        assert names(subscribe("alerts", last=2, until_end=True, on_wait=told.append, **asked)) == [NAMES[4]]
        assert names(subscribe("alerts", last=1, until_end=True, on_wait=told.append, **asked)) == [NAMES[4]]
    (line,) = told
    assert "1 of the last 2 found in the newest 64 records" in line


def test_what_cannot_be_read_over_http_is_told_and_passed_over(tmp_path: Path) -> None:
    told: list[str] = []
    with closing(made(tmp_path, ALERTS[:1])) as log:
        with log.writer("stranger").transaction() as transaction:
            transaction.send(topics.EVENTS.name, b"no record of ours")
        put(log, ALERTS[1:2])
        with serving(log) as port:
            asked: dict[str, Any] = {"broker": f"http://127.0.0.1:{port}", "until_end": True}
            assert names(subscribe("alerts", on_wait=told.append, **asked)) == NAMES[:2]
    (line,) = told
    assert "passed over" in line
    assert '"offset":1' in line
