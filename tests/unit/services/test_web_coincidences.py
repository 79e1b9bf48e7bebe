"""Coincidences over HTTP: pages, formats, revisions, and records that cannot be read."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson
import pytest
import voeventparse
from fastapi import FastAPI
from road import decoded, history, night, put, work_through
from web_here import app_on, ask

from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log
from nuncius.consumers.voevent import ivorn
from nuncius.schemas import CandidateList, Coincidence
from nuncius.schemas.codec import decode, decode_json, encode


@pytest.fixture
def found(log: Log) -> list[Coincidence | CandidateList]:
    """The made history, worked through; a coincidence in two revisions, a record of another version, a list."""
    put(log, history(), night())
    work_through(log)
    made = [one for one in decoded(log, topics.COINCIDENCES.name) if isinstance(one, Coincidence | CandidateList)]
    (first, *_) = (one for one in made if isinstance(one, Coincidence))
    more = replace(first, revision=first.revision + 1, state="revised")
    writer = log.writer("more")
    with writer.transaction() as tx:
        tx.send(topics.COINCIDENCES.name, b"of another version", key=b"strange")
        tx.send(topics.COINCIDENCES.name, encode(more), key=more.coincidence_id.encode())
    writer.close()
    return [*made, more]


def last_of(found: Sequence[Any]) -> dict[str, Coincidence]:
    return {one.coincidence_id: one for one in found if isinstance(one, Coincidence)}


def pages_of(app: FastAPI, path: str, name: str, limit: int) -> tuple[list[Any], list[Any], int]:
    values: list[Any] = []
    skipped: list[Any] = []
    cursor: str | None = ""
    pages = 0
    while cursor is not None:
        answer = ask(app, "GET", path, params={"limit": limit, "cursor": cursor}).json()
        assert len(answer[name]) <= limit
        values += answer[name]
        skipped += answer["skipped"]
        cursor, pages = answer["next"], pages + 1
    return values, skipped, pages


@pytest.mark.parametrize("limit", [1, 2, 1000])
def test_pages_hold_the_last_record_of_each_once_by_id(log: Log, found: list[Any], limit: int) -> None:
    values, skipped, pages = pages_of(app_on(log), "/coincidences", "coincidences", limit)
    expected = last_of(found)
    assert [decode_json(Coincidence, orjson.dumps(one)) for one in values] == [
        expected[key] for key in sorted(expected)
    ]
    assert [one["topic"] for one in skipped] == [topics.COINCIDENCES.name]
    assert pages == -(-(len(expected) + 1) // limit)


def test_what_changed_last_comes_first(log: Log, found: list[Any]) -> None:
    latest = ask(app_on(log), "GET", "/coincidences/latest", params={"limit": 1}).json()
    assert latest["coincidences"][0]["coincidence_id"] == found[-1].coincidence_id
    assert latest["coincidences"][0]["revision"] == found[-1].revision
    assert len(latest["coincidences"]) == 1


def test_a_coincidence_and_a_list_in_every_format(log: Log, found: list[Any]) -> None:
    app = app_on(log)
    last: dict[str, Any] = dict(last_of(found))
    last |= {one.list_id: one for one in found if isinstance(one, CandidateList)}
    assert {type(one) for one in last.values()} == {Coincidence, CandidateList}
    for key, value in last.items():
        path = f"/coincidences/{key}"
        assert decode_json(type(value), ask(app, "GET", path).content) == value
        avro = ask(app, "GET", path, headers={"Accept": "application/avro"})
        assert decode(type(value), avro.content) == value
        assert avro.headers["content-disposition"].startswith("attachment")
        voevent = ask(app, "GET", path, headers={"Accept": "text/html, application/voevent+xml;q=0.9"})
        assert voevent.headers["content-type"].startswith("application/voevent+xml")
        packet = voeventparse.loads(voevent.content)
        assert voeventparse.valid_as_v2_0(packet)
        assert packet.get("ivorn") == ivorn(value)
    assert ask(app, "GET", path, headers={"Accept": "image/png"}).status_code == 406


def test_a_voevent_of_a_revision_cites_what_it_rests_on(log: Log, found: list[Any]) -> None:
    value = found[-1]
    packet = voeventparse.loads(ask(app_on(log), "GET", f"/coincidences/{value.coincidence_id}?format=voevent").content)
    cited = {str(one) for one in packet.Citations.EventIVORN}
    used = {*value.anchor.alert_ids, *value.partner.alert_ids}
    assert all(any(alert_id in one for one in cited) for alert_id in used)


def test_revisions_by_number_and_in_pages(log: Log, found: list[Any]) -> None:
    app, key = app_on(log), found[-1].coincidence_id
    expected = [one.revision for one in found if isinstance(one, Coincidence) and one.coincidence_id == key]
    values, _, pages = pages_of(app, f"/coincidences/{key}/revisions", "revisions", 1)
    assert ([one["revision"] for one in values], pages) == (expected, len(expected))
    for number in expected:
        assert ask(app, "GET", f"/coincidences/{key}?revision={number}").json()["revision"] == number
    missing = ask(app, "GET", f"/coincidences/{key}?revision=999")
    assert (missing.status_code, "/revisions" in missing.json()["error"]) == (404, True)


def test_a_record_of_another_version_is_told_by_its_id(log: Log, found: list[Any]) -> None:
    assert found
    app = app_on(log)
    answer = ask(app, "GET", "/coincidences/strange")
    assert answer.status_code == 404
    told = ask(app, "GET", "/coincidences/strange/revisions").json()
    assert (told["revisions"], len(told["skipped"])) == ([], 1)
    place = f"{told['skipped'][0]['topic']}/0/{told['skipped'][0]['offset']}"
    assert ask(app, "GET", f"/records/{place}?format=avro").content == b"of another version"


def test_a_thread_comes_in_pages(log: Log, found: list[Any]) -> None:
    assert found
    app, thread = app_on(log), history()[0].thread_id
    expected = [one.alert_id for one in history() if one.thread_id == thread]
    values, _, pages = pages_of(app, f"/threads/{thread}", "alerts", 1)
    assert ([one["alert_id"] for one in values], pages) == (expected, len(expected))
    assert len(expected) > 1
    assert ask(app, "GET", f"/threads/{thread}?cursor=1:0").status_code == 400
