"""A subscriber gets the same by the same words, whether the log is read here, on Kafka, or over HTTP."""

import asyncio
import socket
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from http_here import serving
from matching_alerts import candidates, gw
from road import put
from streams_here import stream, work_streams
from subscribers_here import ALERTS, NAMES, Place, names

from nuncius.broker.services.streams.define import define
from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.local import open_local
from nuncius.consumers import subscribe
from nuncius.consumers.subscriber import NoBrokerError
from nuncius.schemas import Alert, CandidateRow, SettingsError, StreamRow
from nuncius.schemas.codec import encode_json


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
            with pytest.raises(NoBrokerError, match=f"no broker answers at http://127.0.0.1:{port}"):
                subscribe("alerts", broker=f"http://127.0.0.1:{port}", **more)
