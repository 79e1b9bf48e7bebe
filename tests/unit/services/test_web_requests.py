"""Requests over HTTP as JSON and as a page of HTML, a hundred or fewer at a time."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import lxml.html
import pytest
from fastapi import FastAPI
from road import memory
from too_cases import request
from too_log import lay, lay_bytes
from web_here import app_on, ask

from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.port import Log
from nuncius.consumers.adapter import answer
from nuncius.schemas import ToORequest


def asked(number: int, **changed: Any) -> ToORequest:
    return request(ident=f"r{number:03}", expires=utc_now() + timedelta(hours=3), **changed)


@pytest.fixture
def log() -> Log:
    """Two hundred that are not wanted, and among the first of them one that waits and one that stands."""
    made = memory()
    unwanted = [asked(number, state="rejected") for number in range(200)]
    unwanted[3] = asked(3, needs_approval=True)
    unwanted[5] = asked(5)
    lay(made, *unwanted, answer(unwanted[5], "accepted", "scope"))
    return made


def pages(app: FastAPI, limit: int) -> list[list[str]]:
    found, cursor = [], ""
    while True:
        page = ask(app, "GET", "/requests", params={"limit": limit, "cursor": cursor}).json()
        found.append([one["request"]["request_id"] for one in page["requests"]])
        if page["next"] is None:
            return found
        cursor = page["next"]


def test_what_waits_comes_first_and_pages_hold_all(log: Log) -> None:
    found = pages(app_on(log), 70)
    assert [len(page) for page in found] == [70, 70, 60]
    assert found[0][:4] == ["r003", "r005", "r199", "r198"]
    assert sorted(ident for page in found for ident in page) == [f"r{number:03}" for number in range(200)]


def test_one_request_with_all_that_was_said_of_it(log: Log) -> None:
    app = app_on(log)
    one = ask(app, "GET", "/requests/r005").json()
    assert (one["stands"], one["waits_for_a_person"], one["still_at"]) == ("accepted", False, [])
    assert [status["adapter"] for status in one["told"]] == ["scope"]
    assert one["request"]["target_name"] == "AT2017gfo"
    assert ask(app, "GET", "/requests/r003").json()["waits_for_a_person"] is True
    gone = replace(asked(5), revision=2, state="cancelled")
    lay(log, gone)
    one = ask(app, "GET", "/requests/r005").json()
    assert (one["stands"], one["still_at"], one["request"]["revision"]) == ("cancelled", ["scope"], 2)
    assert ask(app, "GET", "/requests/none").status_code == 404


@pytest.mark.parametrize("cursor", ["9:1", "0:1,1:2", "x", "0:"])
def test_a_cursor_of_nothing_is_refused(log: Log, cursor: str) -> None:
    for path in ("/requests", "/too"):
        assert ask(app_on(log), "GET", path, params={"cursor": cursor}).status_code == 400


def test_the_page_shows_what_waits_first_and_leads_to_the_older_ones(log: Log) -> None:
    app = app_on(log)
    first = lxml.html.document_fromstring(ask(app, "GET", "/too").text)
    assert [head.text for head in first.xpath("//h2")] == [
        "Waiting for a person (1)",
        "Asked (1)",
        "Not wanted, over, or done (198)",
    ]
    rows = [row.text_content() for row in first.xpath("//li")]
    assert len(rows) == 100
    assert rows[0].startswith("r003 waits for a person")
    (onward,) = first.xpath("//a[text()='the next ones']/@href")
    last = lxml.html.document_fromstring(ask(app, "GET", f"/{onward}").text)
    assert len(last.xpath("//li")) == 100
    assert last.xpath("//a[text()='the next ones']") == []
    assert last.xpath("//a[text()='from the beginning']/@href") == ["too"]
    assert {row.text_content()[:4] for row in last.xpath("//li")}.isdisjoint({row[:4] for row in rows})


def test_a_record_of_another_version_is_told_and_holds_up_nothing(log: Log) -> None:
    lay_bytes(log, topics.TOO_REQUESTS.name, b"of another version")
    late = asked(300, needs_approval=True)
    lay(log, late)
    app = app_on(log)
    page = ask(app, "GET", "/requests", params={"limit": 1}).json()
    assert page["requests"][0]["request"]["request_id"] == late.request_id
    assert [(one["topic"], one["offset"]) for one in page["skipped"]] == [(topics.TOO_REQUESTS.name, 200)]
    assert "cannot be read here" in ask(app, "GET", "/too").text
