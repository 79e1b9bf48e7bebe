"""A telescope's desk over HTTP: who may sit there, what may be sent, and what becomes of what was lost on the way."""

import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from threading import Timer
from typing import Any

import httpx
import orjson
import pytest
from desk_here import FACILITY, NOW, Room, room
from desk_served import PATIENT, desk_app, served
from desk_token import TOKEN
from fastapi import FastAPI
from pydantic import SecretStr
from too_cases import request
from web_here import ask

from nuncius.broker.services.allowance import Allowance
from nuncius.broker.services.desk_tokens import desk_tokens
from nuncius.broker.services.http_desks import DeskRules, HttpDesks, OvertakenError
from nuncius.broker.services.web import bodies
from nuncius.broker.settings import DeskSettings
from nuncius.broker.transport.port import Fenced
from nuncius.schemas import SettingsError

OTHER = "mirror-0123456789abcdef0123456789abcdef"
TOKENS = {FACILITY: SecretStr(TOKEN), "mirror": SecretStr(OTHER)}
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
RUN = {"run": "a-run-of-ours"}


@pytest.fixture
def here() -> Iterator[Room]:
    with room() as found:
        yield found


@pytest.fixture
def desks(here: Room) -> Iterator[HttpDesks]:
    found = HttpDesks(here.log, PATIENT, here.clock, here.said.append)
    yield found
    assert found.join(10.0)


@pytest.fixture
def app(desks: HttpDesks) -> FastAPI:
    return desk_app(desks, TOKENS, host="192.0.2.1")


def call(app: FastAPI, path: str, body: Any = None, **more: Any) -> httpx.Response:
    method = "GET" if body is None else "POST"
    known = {"headers": HEADERS} | ({} if body is None else {"json": body})
    return ask(app, method, f"/too/desks/{path}", **(known | more))


def answer(app: FastAPI, **body: Any) -> httpx.Response:
    return call(app, f"{FACILITY}/answers", body)


def next_key(app: FastAPI, receipt: str = "", run: str = RUN["run"]) -> tuple[str, bool]:
    """Receipt and ``again`` of what comes next; empty where nothing is due."""
    found = call(app, f"{FACILITY}/next", {"run": run, "receipt": receipt})
    assert found.status_code == 200, found.text
    task = found.json()["task"]
    return (found.json()["receipt"], task["again"]) if task else ("", False)


@pytest.mark.parametrize(
    ("facility", "given", "code"),
    [
        (FACILITY, f"Bearer {TOKEN}", 200),
        (FACILITY, f"Bearer {OTHER}", 403),
        (FACILITY, f"Bearer {TOKEN[:-1]}", 403),
        (FACILITY, f"Bearer {TOKEN} ", 403),
        (FACILITY, TOKEN, 403),
        (FACILITY, "", 403),
        (FACILITY, "Bearer \u00e9", 403),
        ("mirror", f"Bearer {TOKEN}", 403),
        ("nobody", f"Bearer {TOKEN}", 403),
    ],
)
def test_a_token_opens_its_own_facilitys_desk_and_no_other(app: FastAPI, facility: str, given: str, code: int) -> None:
    headers = {"Authorization": given.encode("latin-1")}
    for path, body in ((facility, None), (f"{facility}/next", RUN), (f"{facility}/answers", {})):
        found = call(app, path, body, headers=headers)
        assert found.status_code == (422 if code == 200 and path.endswith("answers") else code)
        assert TOKEN not in found.text
        assert OTHER not in found.text


@pytest.mark.parametrize(("host", "code"), [("127.0.0.1:8088", 200), ("broker.example.org", 403)])
def test_without_a_token_only_this_machine_sits_there(desks: HttpDesks, host: str, code: int) -> None:
    here = desk_app(desks, {})
    assert ask(here, "POST", f"/too/desks/{FACILITY}/next", host=host, json=RUN).status_code == code
    elsewhere = desk_app(desks, {}, host="192.0.2.1")
    assert ask(elsewhere, "POST", f"/too/desks/{FACILITY}/next", json=RUN).status_code == 403
    proxied = desk_app(desks, {"mirror": SecretStr(OTHER)})
    assert ask(proxied, "POST", f"/too/desks/{FACILITY}/next", json=RUN).status_code == 403
    page = {"Origin": "https://example.org"}
    assert ask(here, "POST", f"/too/desks/{FACILITY}/next", json=RUN, headers=page).status_code == 403


def test_a_task_that_did_not_arrive_comes_again_and_one_that_did_does_not(here: Room, app: FastAPI) -> None:
    here.ask(request(1, "r"), request(1, "s"))
    assert next_key(app) == ("observe r/1", False)
    assert next_key(app) == ("observe r/1", True)
    assert next_key(app, "observe r/1") == ("observe s/1", False)
    assert next_key(app, "observe r/1") == ("observe s/1", True)
    assert next_key(app, "observe s/1") == ("", False)
    assert next_key(app, "observe s/1", run="another-run") == ("observe r/1", True)


def test_a_task_that_did_not_arrive_is_judged_anew(here: Room, app: FastAPI) -> None:
    here.ask(request(1))
    assert next_key(app) == ("observe r/1", False)
    here.ask(request(2, state="cancelled"))
    assert next_key(app) == ("take_back r/2", False)


def test_the_same_answer_twice_and_an_old_one_again_are_written_once(here: Room, app: FastAPI) -> None:
    here.ask(request(1))
    next_key(app)
    first = {"request_id": "r", "state": "accepted", "reference": "OB-17", "note": "tonight"}
    stands = [answer(app, **first).json() for _ in range(2)]
    assert stands[0] == stands[1]
    assert (stands[0]["status"]["state"], stands[0]["target_name"]) == ("accepted", "AT2017gfo")
    assert answer(app, idempotency_key="r/1", state="observed").status_code == 200
    assert answer(app, **first).json() == stands[0]
    assert answer(app, idempotency_key="r/1", state="observed").status_code == 200
    assert here.states() == ["sent 1", "accepted 1", "observed 1"]


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        ({"request_id": "zz", "state": "accepted"}, 404, "no request 'zz' was made of imager"),
        ({"request_id": "theirs", "state": "accepted"}, 404, "no request 'theirs' was made of imager"),
        ({"idempotency_key": "theirs/1", "state": "accepted"}, 404, "has the idempotency key 'theirs/1'"),
        ({"request_id": "r", "state": "cancelled"}, 409, "was not handed over to imager"),
        ({"request_id": "r", "state": "accepted", "revision": 7}, 409, "has no revision 7"),
        ({"request_id": "r", "state": "sent"}, 422, "state: Input should be 'accepted'"),
        ({"request_id": "r", "state": "approved"}, 422, "state: Input should be 'accepted'"),
        ({"request_id": "r"}, 422, "state: Field required"),
        ({"state": "accepted"}, 422, "either request_id, or idempotency_key"),
        ({"request_id": "r", "idempotency_key": "r/1", "state": "accepted"}, 422, "either request_id"),
        ({"idempotency_key": "r/1", "revision": 1, "state": "accepted"}, 422, "names its revision already"),
        ({"request_id": "r", "state": "accepted", "note": "n" * 2001}, 422, "note: String should have at most 2000"),
        ({"request_id": "r", "state": "accepted", "facility": "mirror"}, 422, "facility: Extra inputs"),
        ({"request_id": "r", "state": "accepted", "revision": "1"}, 422, "revision: Input should be a valid integer"),
        ([], 422, "the whole: Input should be a valid dictionary"),
    ],
)
def test_an_answer_that_cannot_be_is_refused_in_words_and_nothing_is_written(
    here: Room, app: FastAPI, body: Any, code: int, says: str
) -> None:
    here.ask(request(), request(ident="theirs", facility="mirror"))
    found = call(app, f"{FACILITY}/answers", body)
    assert (found.status_code, says in found.json()["error"]) == (code, True), found.text
    assert here.told() == []
    assert here.told("desk-mirror") == []


@pytest.mark.parametrize(
    ("content", "kind", "code"),
    [
        (b"{}", "text/plain", 415),
        (b"{}", "application/x-www-form-urlencoded", 415),
        (b"{}", "", 415),
        (orjson.dumps(RUN), "application/json; charset=utf-8", 200),
        (b"{", "application/json", 422),
        (b"[" * 60_000, "application/json", 422),
        (b"\xff\xfe", "application/json", 422),
        (b"", "application/json", 422),
        (b" " * (bodies.MOST_BYTES + 1), "application/json", 413),
    ],
)
def test_what_is_no_small_json_is_refused(app: FastAPI, content: bytes, kind: str, code: int) -> None:
    headers = HEADERS | ({"Content-Type": kind} if kind else {})
    found = ask(app, "POST", f"/too/desks/{FACILITY}/next", content=content, headers=headers)
    assert found.status_code == code, found.text
    assert code != 413 or found.headers["connection"] == "close"


@pytest.mark.parametrize(
    "body", [{}, {"run": "short"}, {"run": "a/strange/name"}, RUN | {"wait_s": 26.0}, RUN | {"wait_s": -1.0}]
)
def test_what_is_no_question_for_the_next_task_is_refused(app: FastAPI, body: dict[str, Any]) -> None:
    assert call(app, f"{FACILITY}/next", body).status_code == 422


def send(port: int, *parts: bytes) -> int:
    """Bytes as a client that heeds nothing sends them; the code of what comes back."""
    with closing(socket.create_connection(("127.0.0.1", port), 30)) as line:
        try:
            for part in parts:
                line.sendall(part)
        except OSError:
            pass  # the broker has hung up, as it may
        try:
            return int(line.recv(64).split()[1])
        except OSError:
            return 413  # hung up while bytes were still under way: the answer went with the line


HEAD = (
    f"POST /too/desks/{FACILITY}/answers HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    f"Authorization: Bearer {TOKEN}\r\n"
).encode()


def test_a_body_of_100_mb_is_not_read(here: Room) -> None:
    with served(here, tokens=TOKENS) as port:
        assert send(port, HEAD + b"Content-Length: 104857600\r\n\r\n") == 413
        chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        assert send(port, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 100) == 413
        assert httpx.get(f"http://127.0.0.1:{port}/too/desks/{FACILITY}", headers=HEADERS).status_code == 200


def test_a_slow_body_is_given_up(here: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "WITHIN_S", 0.1)
    with served(here, tokens=TOKENS) as port:
        assert send(port, HEAD + b"Content-Length: 100\r\n\r\n{") == 408
        assert httpx.get(f"http://127.0.0.1:{port}/too/desks/{FACILITY}", headers=HEADERS).status_code == 200


def test_who_asks_too_often_is_told_to_wait(here: Room) -> None:
    rules = DeskRules(calls=Allowance(3, 3600.0), openings=Allowance(1, 3600.0))
    desks = HttpDesks(here.log, rules, here.clock, here.said.append)
    app = desk_app(desks, TOKENS)
    assert next_key(app) == ("", False)
    again = call(app, f"{FACILITY}/next", {"run": "another-run"})
    assert (again.status_code, again.headers["retry-after"]) == (429, "5")
    assert "opened too often" in again.json()["error"]
    assert next_key(app) == ("", False)
    assert call(app, f"{FACILITY}/next", RUN).status_code == 429
    assert call(app, "mirror/next", RUN, headers={"Authorization": f"Bearer {OTHER}"}).status_code == 200
    assert desks.join(10.0)


def test_what_is_for_the_team_only_does_not_reach_who_shows_it(here: Room) -> None:
    here.ask(request(1, "r", team_only=True), request(1, "s"))
    desks = HttpDesks(here.log, replace(PATIENT, public=frozenset({FACILITY})), here.clock, here.said.append)
    app = desk_app(desks, TOKENS)
    assert next_key(app) == ("observe s/1", False)
    assert answer(app, request_id="s", state="accepted").status_code == 200
    assert answer(app, request_id="r", state="accepted").status_code == 409
    here.ask(request(2, "s", team_only=True, reason="a secret", exposure_s=99.0))
    found = call(app, f"{FACILITY}/next", {**RUN, "receipt": "observe s/1"}).json()["task"]
    assert (found["action"], found["request"]["reason"], found["request"]["exposure_s"]) == (
        "take_back",
        "withdrawn",
        61.0,
    )
    assert desks.join(10.0)


def test_what_is_for_the_team_only_reaches_who_keeps_it(here: Room, app: FastAPI) -> None:
    here.ask(request(1, team_only=True))
    assert next_key(app) == ("observe r/1", False)


def test_the_desk_says_who_was_there_last_and_nothing_more(here: Room, app: FastAPI) -> None:
    here.ask(request(1))
    assert call(app, FACILITY).json() == {"facility": FACILITY, "came": None, "over": None}
    next_key(app)
    assert call(app, FACILITY).json() == {"facility": FACILITY, "came": f"{NOW:%FT%T.%f}Z", "over": "http"}


def test_a_name_with_a_slash_has_its_desk(here: Room, desks: HttpDesks) -> None:
    here.ask(request(facility="LCO 1m/a"))
    app = desk_app(desks, {})
    assert call(app, "LCO%201m%2Fa/next", RUN).json()["receipt"] == "observe r/1"
    assert call(app, "LCO%201m%2Fa").json()["facility"] == "LCO 1m/a"


def test_a_broker_that_ends_sends_away_who_waits(desks: HttpDesks, app: FastAPI) -> None:
    Timer(0.3, desks.end).start()
    for _ in range(2):
        found = call(app, f"{FACILITY}/next", RUN | {"wait_s": 20.0})
        assert (found.status_code, found.headers["retry-after"]) == (503, "5")


def test_a_later_call_ends_one_that_still_waits(here: Room, desks: HttpDesks) -> None:
    there = desks.of(FACILITY)
    first, second = there.arrive(RUN["run"], ""), there.arrive(RUN["run"], "")
    here.ask(request(1))
    with pytest.raises(OvertakenError):
        there.next_task(first)
    assert there.next_task(second).task is not None


def test_a_loop_that_was_ended_does_not_disturb_the_newer_one_that_waits(here: Room, desks: HttpDesks) -> None:
    there = desks.of(FACILITY)
    there.arrive("the-older-run", "")
    waits = there.arrive("the-newer-run", "")
    with pytest.raises(Fenced):
        there.arrive("the-older-run", "")
    here.ask(request(1))
    assert there.next_task(waits).task is not None


def test_a_task_comes_to_who_waits_as_soon_as_it_is_due(here: Room) -> None:
    with served(here, tokens=TOKENS) as port, httpx.Client(headers=HEADERS, timeout=30.0) as client:
        url = f"http://127.0.0.1:{port}/too/desks/{FACILITY}/next"
        waiting = client.build_request("POST", url, json=RUN | {"wait_s": 20.0})
        Timer(0.3, here.ask, [request(1)]).start()
        found = client.send(waiting)
    assert found.json()["receipt"] == "observe r/1"
    assert found.elapsed.total_seconds() < 15


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({}, "no credential: set A"),
        ({"A": "short", "B": OTHER}, r"\[desk.imager\]: \$A: a token is one word of at least 32 characters"),
        ({"A": TOKEN + " more", "B": OTHER}, "one word"),
        ({"A": TOKEN + "\u00e9", "B": OTHER}, "one word"),
        ({"A": TOKEN, "B": TOKEN}, r"\[desk.mirror\]: \$B: is the token of imager too"),
    ],
)
def test_a_token_that_is_none_is_told_without_it(environ: dict[str, str], says: str) -> None:
    tables = {
        "imager": DeskSettings(credential="A", public=False),
        "mirror": DeskSettings(credential="B", public=False),
    }
    with pytest.raises(SettingsError, match=says) as caught:
        desk_tokens(tables, environ)
    assert TOKEN not in str(caught.value)
