"""What was met over HTTP by trying: hosts that are none, records of other versions, work without an end."""

import asyncio
from typing import Any

import httpx
import numpy as np
import orjson
import pytest
from fastapi import FastAPI
from matching_alerts import grb
from road import decoded, history, work_through
from sky_files import multi_order
from web_here import app_on, ask

from nuncius.broker.services.web.answers import answer_errors
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log
from nuncius.filters import parse_filter
from nuncius.schemas import Coincidence
from nuncius.schemas.codec import encode
from nuncius.schemas.ids import digest

PACKET = b"<packet/>"


def put(log: Log, *records: tuple[str, bytes, str]) -> None:
    writer = log.writer("test")
    with writer.transaction() as tx:
        for topic, value, key in records:
            tx.send(topic, value, key=key.encode())
    writer.close()


@pytest.mark.parametrize(
    "headers", [{"Host": "[::"}, {"Host": "[::1"}, {"Host": ""}, {"Origin": "http://[::"}, {"Origin": ""}]
)
def test_a_host_that_is_none_may_not_write(log: Log, headers: dict[str, str]) -> None:
    answer = ask(app_on(log), "PUT", "/streams/mine", json={"table": "alerts"}, headers=headers)
    assert answer.status_code == 403
    assert "another site" in answer.json()["error"]


def test_a_record_of_another_version_does_not_hold_up_what_lies_behind_it(log: Log) -> None:
    first, last = history()[:2]
    put(
        log,
        (topics.EVENTS.name, encode(first), first.thread_id),
        (topics.EVENTS.name, b"of another version", "thread:strange"),
        (topics.EVENTS.name, encode(last), last.thread_id),
    )
    app = app_on(log)
    for query in ({}, {"filter": "alert_id IS NOT NULL"}):
        page = ask(app, "GET", "/alerts", params=query).json()
        assert [a["alert_id"] for a in page["alerts"]] == [first.alert_id, last.alert_id]
        assert page["next"] is None
        assert [(one["partition"], one["offset"]) for one in page["skipped"]] == [(0, 1)]
    strange = ask(app, "GET", "/threads/thread:strange").json()
    assert (strange["alerts"], [one["offset"] for one in strange["skipped"]]) == ([], [1])
    assert strange["skipped"][0]["reason"]
    assert ask(app, "GET", f"/records/{topics.EVENTS.name}/0/1?format=avro").content == b"of another version"


def test_a_fault_is_json_and_tells_no_secrets() -> None:
    app = FastAPI()
    answer_errors(app)

    @app.get("/")
    def fails() -> None:
        raise KeyError("/a/path/of/the/broker")

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.get("/")

    answer = asyncio.run(asked())
    assert answer.status_code == 500
    assert "KeyError" in answer.json()["error"]
    assert "/a/path" not in answer.text


@pytest.mark.parametrize("place", [f"{topics.EVENTS.name}/9/0", "nuncius.stream.none/0/0", "nuncius.stream./0/0"])
def test_a_topic_that_is_not_there_is_said_without_the_file_of_the_log(log: Log, place: str) -> None:
    answer = ask(app_on(log), "GET", f"/records/{place}")
    assert answer.status_code == 404
    assert "sqlite" not in answer.text


@pytest.mark.parametrize("path", ["/alerts", "/streams/mine/rows"])
@pytest.mark.parametrize("cursor", ["1:0", "0:1,1:2"])
def test_a_cursor_of_another_list_is_said(log: Log, path: str, cursor: str) -> None:
    app = app_on(log)
    ask(app, "PUT", "/streams/mine", json={"table": "alerts"})
    answer = ask(app, "GET", path, params={"cursor": cursor})
    assert answer.status_code == 400
    assert "page before" in answer.json()["error"]


def test_what_filters_may_use_parses(log: Log) -> None:
    usable: dict[str, Any] = ask(app_on(log), "GET", "/filters").json()
    assert {"alerts", "candidates", "coincidences"} <= set(usable["fields"])
    assert usable["ready"]
    for one in usable["ready"]:
        assert parse_filter(one["name"], one["table"]).table == one["table"]


class Hesitant:
    """A reader whose first poll brings nothing, as Kafka's does."""

    def __init__(self, inner: Any) -> None:
        self._inner, self._asked = inner, False

    def poll(self, *args: Any) -> Any:
        if not self._asked:
            self._asked = True
            return ()
        return self._inner.poll(*args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def test_reading_goes_on_after_a_poll_that_brings_nothing(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    alert = grb("fermi-gbm:99", raw_sha256=digest(PACKET), raw_media_type="text/xml")
    put(
        log,
        (topics.RAW_EVENTS.name, PACKET, digest(PACKET)),
        (topics.EVENTS.name, encode(alert), alert.thread_id),
    )
    plain = log.reader
    monkeypatch.setattr(log, "reader", lambda *args: Hesitant(plain(*args)))
    app = app_on(log)
    assert ask(app, "GET", f"/alerts/{alert.alert_id}?format=raw").content == PACKET
    assert len(ask(app, "GET", "/alerts").json()["alerts"]) == 1
    assert orjson.loads(ask(app, "GET", f"/records/{topics.EVENTS.name}/0/0").content)["type"] == "Alert"


def test_a_sky_map_as_a_file_a_coverage_map_and_a_picture(log: Log) -> None:
    density = np.zeros(12)
    density[4] = 12 / (4 * np.pi)  # all of it in cell 4 of order 0
    data = multi_order(np.arange(4, 16), density)
    broken = b"no FITS file"
    put(log, *((topics.MAPS.name, item, digest(item)) for item in (data, broken)))
    app, path = app_on(log), f"/skymaps/{digest(data)}"
    file = ask(app, "GET", path)
    assert (file.content, file.headers["content-type"]) == (data, "application/fits")
    moc = ask(app, "GET", path, params={"format": "moc", "level": 0.5}).json()
    assert {order: cells for order, cells in moc.items() if cells} == {"0": [4]}
    picture = ask(app, "GET", path, params={"format": "png"})
    assert picture.content.startswith(b"\x89PNG")
    assert ask(app, "GET", path, params={"level": 1.5, "format": "moc"}).status_code == 422
    for form in ("moc", "png"):
        answer = ask(app, "GET", f"/skymaps/{digest(broken)}", params={"format": form})
        assert answer.status_code == 404
        assert "cannot read" in answer.json()["error"]


def test_revisions_of_a_coincidence(log: Log) -> None:
    put(log, *((topics.EVENTS.name, encode(one), one.thread_id) for one in history()))
    work_through(log)
    found = [one for one in decoded(log, topics.COINCIDENCES.name) if isinstance(one, Coincidence)]
    key = found[0].coincidence_id
    answer = ask(app_on(log), "GET", f"/coincidences/{key}/revisions").json()
    assert [one["revision"] for one in answer["revisions"]] == [
        one.revision for one in found if one.coincidence_id == key
    ]
