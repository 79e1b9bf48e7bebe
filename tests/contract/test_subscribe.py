"""A subscriber gets the same by the same words, whether the log is read here, on Kafka, or over HTTP."""

import asyncio
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from commands import waiting
from confluent_kafka.admin import AdminClient
from http_here import serving
from matching_alerts import candidates, grb, gw, neutrino
from road import put
from streams_here import stream, work_streams

from nuncius.broker.services.streams.define import define
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
from nuncius.consumers.subscriber import NoBroker
from nuncius.schemas import Alert, CandidateRow, SettingsError, StreamRow
from nuncius.schemas.codec import encode_json

ALERTS = [gw("lvk:S0"), grb("fermi-gbm:1"), neutrino("icecube:1_1"), gw("lvk:S2"), grb("fermi-gbm:3")]
NAMES = [alert.thread_id for alert in ALERTS]


@dataclass(frozen=True)
class Place:
    """Where subscribers ask, and the log behind it."""

    address: str
    log: Log


@pytest.fixture(params=["local", "http", pytest.param("kafka", marks=pytest.mark.kafka)])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    if request.param == "kafka":
        address = request.getfixturevalue("kafka_address")
        log = open_address(parse_address(address), utc_now, Connection(), None)
    else:
        address = f"local:{tmp_path / 'log'}"
        log = open_local(tmp_path / "log", utc_now)
    with closing(log):
        log.create(topics.TOPICS)
        if request.param != "http":
            yield Place(address, log)
            return
        with serving(log) as port:
            yield Place(f"http://127.0.0.1:{port}", log)


def names(values: Any) -> list[str]:
    return [value.thread_id for value in values]


@pytest.mark.parametrize("place", ["local", "http"], indirect=True)
def test_everything_until_the_end_comes_typed_and_in_order(place: Place) -> None:
    put(place.log, ALERTS)
    found = list(subscribe("alerts", broker=place.address, until_end=True))
    assert {type(value) for value in found} == {Alert}
    assert [encode_json(value) for value in found] == [encode_json(alert) for alert in ALERTS]


def test_a_filter_selects_the_same(place: Place) -> None:
    put(place.log, ALERTS)
    text = "messenger = 'gravitational_wave' OR (messenger = 'neutrino' AND thread_id LIKE 'icecube%')"
    found = names(subscribe("alerts", broker=place.address, filter=text, until_end=True))
    assert found == ["lvk:S0", "icecube:1_1", "lvk:S2"]


@pytest.mark.parametrize("place", ["local", "http"], indirect=True)
def test_the_last_few_of_a_filter(place: Place) -> None:
    put(place.log, ALERTS)
    asked: dict[str, Any] = {"broker": place.address, "until_end": True, "filter": "messenger = 'photon'"}
    assert names(subscribe("alerts", last=1, **asked)) == ["fermi-gbm:3"]
    assert names(subscribe("alerts", last=9, **asked)) == ["fermi-gbm:1", "fermi-gbm:3"]


def test_the_last_of_many_partitions_are_the_last_by_time(place: Place) -> None:
    for number in range(0, 40, 4):  # several transactions, so that the log's times differ
        put(place.log, (), candidates(*({"thread_id": f"ztf:{n}"} for n in range(number, number + 4))))
    found = list(subscribe("candidates", broker=place.address, last=5, until_end=True))
    assert {type(value) for value in found} == {CandidateRow}
    assert sorted(names(found)) == ["ztf:35", "ztf:36", "ztf:37", "ztf:38", "ztf:39"]


@pytest.mark.parametrize("place", ["local", "http"], indirect=True)
def test_a_time_as_text(place: Place) -> None:
    put(place.log, ALERTS)
    past, future = (utc_now() + timedelta(days=days) for days in (-1, 1))
    assert names(subscribe("alerts", broker=place.address, since=past.isoformat(), until_end=True)) == NAMES
    assert names(subscribe("alerts", broker=place.address, since=future, until_end=True)) == []


def test_a_kept_position_goes_on_without_gap_or_double(place: Place) -> None:
    put(place.log, ALERTS)
    for after in range(1, len(ALERTS) + 1):
        with subscribe("alerts", broker=place.address, since="2000-01-01") as first:
            seen = names(islice(first, after))
            position = first.position
        rest = names(subscribe("alerts", broker=place.address, position=position, until_end=True))
        assert seen + rest == NAMES


def test_what_was_acknowledged_does_not_come_again(place: Place) -> None:
    put(place.log, ALERTS)
    asked: dict[str, Any] = {"broker": place.address, "resume": "mine", "since": "2000-01-01"}
    with subscribe("alerts", **asked) as first:
        assert names(islice(first, 2)) == NAMES[:2]
        first.ack()
        assert names(islice(first, 2)) == NAMES[2:4]  # given out, not acknowledged
    with subscribe("alerts", **asked) as second:
        assert names(islice(second, 3)) == NAMES[2:]
        second.ack()
    put(place.log, [gw("lvk:S9")])
    with subscribe("alerts", **asked) as third:
        assert next(third).thread_id == "lvk:S9"


@pytest.mark.parametrize("place", ["local", "http"], indirect=True)
def test_records_come_while_one_waits(place: Place) -> None:
    put(place.log, ALERTS)
    with subscribe("alerts", broker=place.address, last=1) as following:
        assert next(following).thread_id == NAMES[-1]
        put(place.log, [gw("lvk:S7"), gw("lvk:S8")])
        assert names(islice(following, 2)) == ["lvk:S7", "lvk:S8"]


@pytest.mark.parametrize("place", ["local", "http"], indirect=True)
def test_batches_hold_all(place: Place) -> None:
    put(place.log, ALERTS)
    found = list(subscribe("alerts", broker=place.address, until_end=True).batches(2, 1.0))
    assert [names(batch.records) for batch in found] == [NAMES[:2], NAMES[2:4], NAMES[4:]]
    rest = names(subscribe("alerts", broker=place.address, position=found[0].position, until_end=True))
    assert rest == NAMES[2:]


def test_asynchronously_beside_other_tasks(place: Place) -> None:
    put(place.log, ALERTS)

    async def read() -> tuple[list[str], int]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.005)

        beside = asyncio.create_task(tick())
        found: list[str] = []
        async for record in subscribe("alerts", broker=place.address, last=5):
            found.append(record.thread_id)
            if record.thread_id == "lvk:S9":
                break
            if len(found) == len(ALERTS):
                asyncio.get_running_loop().call_later(0.3, put, place.log, [gw("lvk:S9")])
        beside.cancel()
        return found, ticks

    found, ticks = asyncio.run(read())
    assert found == [*NAMES, "lvk:S9"]
    assert ticks > 5  # the loop was free while nothing came


@pytest.mark.parametrize("place", ["local", "http"], indirect=True)
def test_a_named_stream_by_its_name(place: Place) -> None:
    define(place.log, stream("bright", "mag < 19", include=("mag",), since=datetime(2000, 1, 1, tzinfo=UTC)))
    put(place.log, (), candidates({"thread_id": "ztf:1", "mag": 18.0}, {"thread_id": "ztf:2", "mag": 20.0}))
    work_streams(place.log)
    rows = [row for row in subscribe("bright", broker=place.address, until_end=True) if row.kind == "row"]
    assert [(type(row), row.thread_id, row.fields["mag"]) for row in rows] == [(StreamRow, "ztf:1", 18.0)]


@pytest.mark.parametrize("place", ["local", "http"], indirect=True)
def test_what_can_never_be_had_ends_at_once(place: Place) -> None:
    put(place.log, ALERTS)
    wrong: tuple[tuple[dict[str, Any], str], ...] = (
        ({"what": "alerts", "filter": "messengr = 'photon'"}, "messenger"),
        ({"what": "no-such-stream"}, "no-such-stream"),
    )
    for asked, says in wrong:
        with pytest.raises(SettingsError, match=says):
            list(subscribe(broker=place.address, until_end=True, **asked))


def test_a_position_of_another_log_is_told(place: Place) -> None:
    put(place.log, ALERTS)
    with pytest.raises(SettingsError, match="another log"):
        names(subscribe("alerts", broker=place.address, position="0:99999999", until_end=True))


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


def test_a_broker_over_http_that_goes_away_is_waited_for(tmp_path: Path) -> None:
    told: list[str] = []
    with closing(open_local(tmp_path, utc_now)) as log:
        log.create(topics.TOPICS)
        put(log, ALERTS[:2])
        with serving(log) as port:
            following = subscribe("alerts", broker=f"http://127.0.0.1:{port}", last=2, on_wait=told.append)
            assert names(islice(following, 2)) == NAMES[:2]
        put(log, ALERTS[2:4])
        with serving(log, port):
            put(log, ALERTS[4:])
            assert names(islice(following, 3)) == NAMES[2:]
            following.close()
    assert told


def test_where_nothing_answers_over_http() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        for more in ({"until_end": True}, {"position": "0:3"}):
            with pytest.raises(NoBroker, match=f"no broker answers at http://127.0.0.1:{port}"):
                subscribe("alerts", broker=f"http://127.0.0.1:{port}", **more)
