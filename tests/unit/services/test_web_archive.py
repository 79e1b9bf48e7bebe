"""What lies on the log, over HTTP: pages, formats, ids, records, named streams, and who may change them."""

from urllib.parse import quote

import orjson
import pytest
import voeventparse
from matching_alerts import grb
from road import history
from streams_here import work_streams
from web_here import app_on, ask

from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log
from nuncius.schemas import Alert
from nuncius.schemas.codec import decode_json, encode
from nuncius.schemas.ids import digest

PACKET = b"<packet>\x00\xff</packet>"


def filled(log: Log) -> list[Alert]:
    """History, and an alert with its packet."""
    alerts = [*history(), grb("fermi-gbm:99", raw_sha256=digest(PACKET), raw_media_type="text/xml")]
    writer = log.writer("test")
    for one in alerts:
        with writer.transaction() as tx:
            tx.send(topics.EVENTS.name, encode(one), key=one.thread_id.encode())
            tx.send(topics.RAW_EVENTS.name, PACKET, key=(one.raw_sha256 or one.alert_id).encode())
    writer.close()
    return alerts


def test_pages_hold_every_alert_once_and_in_order(log: Log) -> None:
    alerts, app = filled(log), app_on(log)
    found: list[bytes] = []
    cursor: str | None = ""
    pages = 0
    while cursor is not None:
        page = ask(app, "GET", "/alerts", params={"limit": 3, "cursor": cursor}).json()
        found += [encode(decode_json(Alert, orjson.dumps(item))) for item in page["alerts"]]
        cursor, pages = page["next"], pages + 1
    assert found == [encode(one) for one in alerts]
    assert pages == -(-len(alerts) // 3)


def test_a_filter_and_times_select_and_the_end_is_told(log: Log) -> None:
    alerts, app = filled(log), app_on(log)
    page = ask(app, "GET", "/alerts", params={"filter": "messenger = 'neutrino'"}).json()
    assert [a["alert_id"] for a in page["alerts"]] == [a.alert_id for a in alerts if a.messenger == "neutrino"]
    assert page["next"] is None
    assert ask(app, "GET", "/alerts", params={"until": "2020-01-01T00:00:00"}).json()["alerts"] == []
    assert ask(app, "GET", "/alerts", params={"since": "2100-01-01T00:00:00Z"}).json() == {
        "alerts": [],
        "next": None,
        "skipped": [],
    }


def test_an_alert_in_every_format(log: Log) -> None:
    alerts, app = filled(log), app_on(log)
    last, path = alerts[-1], f"/alerts/{alerts[-1].alert_id}"
    assert encode(decode_json(Alert, ask(app, "GET", path).content)) == encode(last)
    assert ask(app, "GET", path, headers={"Accept": "application/avro"}).content == encode(last)
    voevent = ask(app, "GET", path, headers={"Accept": "text/html, application/voevent+xml;q=0.9"})
    assert voeventparse.valid_as_v2_0(voeventparse.loads(voevent.content))
    raw = ask(app, "GET", path, params={"format": "raw"})
    assert raw.content == PACKET
    assert raw.headers["content-type"].startswith("text/xml")
    assert raw.headers["x-content-type-options"] == "nosniff"
    assert raw.headers["content-disposition"].startswith("attachment")
    assert ask(app, "GET", path, headers={"Accept": "image/png"}).status_code == 406
    other = ask(app, "GET", f"/alerts/{alerts[0].alert_id}", params={"format": "raw"})
    assert other.status_code == 404


def test_threads_and_records(log: Log) -> None:
    alerts, app = filled(log), app_on(log)
    thread = alerts[0].thread_id
    found = ask(app, "GET", f"/threads/{thread}").json()["alerts"]
    assert [a["alert_id"] for a in found] == [a.alert_id for a in alerts if a.thread_id == thread]
    record = ask(app, "GET", f"/records/{topics.EVENTS.name}/0/2").json()
    assert (record["type"], record["record"]["alert_id"]) == ("Alert", alerts[2].alert_id)
    bytes_ = ask(app, "GET", f"/records/{topics.EVENTS.name}/0/2", params={"format": "avro"})
    assert bytes_.content == encode(alerts[2])


@pytest.mark.parametrize("thread", ["voevent:ivo://a.b/c#d", "gcn:Swift/XRT 1", "a?b%2Fc"])
def test_a_thread_named_like_a_path_is_found_by_its_link(log: Log, thread: str) -> None:
    writer = log.writer("test")
    with writer.transaction() as tx:
        tx.send(topics.EVENTS.name, encode(grb(thread)), key=thread.encode())
    writer.close()
    found = ask(app_on(log), "GET", f"/threads/{quote(thread, safe='')}").json()["alerts"]
    assert [one["thread_id"] for one in found] == [thread]


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/alerts/no-such", 404, "GET /alerts"),
        ("/threads/no-such", 404, "thread"),
        ("/coincidences/no-such", 404, "GET /coincidences"),
        ("/skymaps/no-such", 404, "sky map"),
        ("/streams/no-such", 404, "GET /streams"),
        ("/streams/no-such/rows", 404, "GET /streams"),
        ("/streams/no-such/stream", 404, "GET /streams"),
        ("/records/nuncius.raw.events/0/0", 404, "public"),
        ("/records/nuncius.streams/0/0", 404, "public"),
        ("/records/nuncius.events/9/0", 404, "partition"),
        ("/records/nuncius.events/0/99999999999999999999", 404, "nothing is kept"),
        ("/alerts?cursor=x", 400, "position"),
        ("/alerts?filter=messnger%20=%201", 400, "messenger"),
        ("/alerts?limit=0", 422, "limit"),
        ("/alerts/stream?last=2&since=2026-01-01", 400, "not both"),
        ("/alerts/stream?filter=drop%20table", 400, "column"),
        ("/nowhere", 404, "/openapi.json"),
    ],
)
def test_what_is_wrong_is_said_with_its_code(log: Log, path: str, status: int, words: str) -> None:
    answer = ask(app_on(log), "GET", path)
    assert answer.status_code == status
    assert words in answer.json()["error"]


def test_a_stream_is_made_followed_changed_and_ended(log: Log) -> None:
    app = app_on(log)
    asked = {
        "table": "alerts",
        "filter": "messenger = 'neutrino'",
        "include": ["far_hz"],
        "since": "2020-01-01T00:00:00Z",
    }
    assert ask(app, "PUT", "/streams/mine", json={**asked, "revision": 0}).json()["revision"] == 1
    alerts = filled(log)
    work_streams(log)
    rows = ask(app, "GET", "/streams/mine/rows").json()["rows"]
    found = [row["record_id"] for row in rows if row["kind"] == "row"]
    assert found == [a.alert_id for a in alerts if a.messenger == "neutrino"]
    streamed = ask(app, "GET", "/streams/mine/stream", params={"since_start": True, "until_end": True}).text
    assert streamed.count("event: row\n") == len(rows)
    assert ask(app, "GET", "/streams").json()[0]["published"] == len(found)
    stale = ask(app, "PUT", "/streams/mine", json={**asked, "revision": 0})
    assert (stale.status_code, "revision 1" in stale.json()["error"]) == (409, True)
    wrong = ask(app, "PUT", "/streams/mine", json={**asked, "filter": "messnger = 1"})
    assert (wrong.status_code, wrong.json()["column"]) == (400, 1)
    assert ask(app, "PUT", "/streams/mine", json={**asked, "state": "paused", "revision": 1}).json()["revision"] == 2
    assert ask(app, "DELETE", "/streams/mine", params={"revision": 1}).status_code == 409
    assert ask(app, "DELETE", "/streams/mine").json()["state"] == "deleted"
    assert ask(app, "DELETE", "/streams/mine").status_code == 404
    assert ask(app, "GET", "/streams").json() == []


@pytest.mark.parametrize(
    ("listens", "token", "host", "headers", "status"),
    [
        ("127.0.0.1", "", "127.0.0.1:8088", {}, 200),
        ("127.0.0.1", "", "localhost:8088", {"Origin": "http://localhost:8088"}, 200),
        ("::1", "", "[::1]:8088", {}, 200),
        ("127.0.0.1", "", "evil.example", {}, 403),
        ("127.0.0.1", "", "127.0.0.1:8088", {"Origin": "https://evil.example"}, 403),
        ("127.0.0.1", "", "127.0.0.1:8088", {"Origin": "null"}, 403),
        ("192.0.2.7", "", "127.0.0.1:8088", {}, 403),
        ("192.0.2.7", "secret", "broker.example", {}, 403),
        ("192.0.2.7", "secret", "broker.example", {"Authorization": "Bearer wrong"}, 403),
        ("192.0.2.7", "secret", "broker.example", {"Authorization": "Bearer secret"}, 200),
        ("127.0.0.1", "secret", "127.0.0.1:8088", {}, 403),
    ],
)
def test_who_may_change_streams(
    log: Log, listens: str, token: str, host: str, headers: dict[str, str], status: int
) -> None:
    app = app_on(log, listens, token)
    answer = ask(app, "PUT", "/streams/mine", host, json={"table": "alerts"}, headers=headers)
    assert answer.status_code == status
    assert (len(ask(app, "GET", "/streams").json()) == 1) == (status == 200)


def test_a_form_of_another_site_changes_nothing(log: Log) -> None:
    app = app_on(log)
    kinds = ("text/plain", "application/x-www-form-urlencoded")
    for kind in kinds:
        answer = ask(app, "PUT", "/streams/mine", content=b'{"table": "alerts"}', headers={"Content-Type": kind})
        assert answer.status_code == 422
    assert "access-control-allow-origin" not in ask(app, "GET", "/streams", headers={"Origin": "http://x"}).headers
