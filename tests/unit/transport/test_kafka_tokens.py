"""Tokens for Kafka: asked for as RFC 6749 says, and what goes wrong told without a secret."""

import socket
import time
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
from token_server import Answer, Asked, TokenServer, answer_json, token_server

from nuncius.broker.transport.kafka.tokens import OAuthClient, token_of
from nuncius.schemas.errors import NunciusError, Retry

CLIENT_ID = "nuncius:reader/1"
SECRET = "staple+with every%sign:ü"  # noqa: S105  a made-up one
TOKEN = "t0p-5ecret-token"  # noqa: S105  a made-up one


def good(_: Asked) -> Answer:
    return answer_json(access_token=TOKEN, expires_in=60, token_type="Bearer")  # noqa: S106  a made-up one


@pytest.fixture
def server() -> Iterator[TokenServer]:
    with token_server(good) as running:
        yield running


def ask(url: str, scope: str = "") -> tuple[str, float]:
    return token_of(OAuthClient(url, CLIENT_ID, SECRET, scope))("")


def refused(url: str) -> str:
    """What is said: one line, the server's address in it, and nothing that is secret."""
    with pytest.raises(NunciusError) as caught:
        ask(url)
    assert isinstance(caught.value, Retry)
    told = str(caught.value)
    assert "\n" not in told
    assert url in told
    assert len(told) < 400
    for secret in (SECRET, TOKEN, "staple", "Basic"):
        assert secret not in told
    return told


def life(server: TokenServer, **words: Any) -> float:
    """Seconds from the question to the end of the token's life."""
    server.answer = lambda _: answer_json(access_token=TOKEN, **words)
    before = time.time()  # noqa: TID251  librdkafka goes by it
    token, ends = ask(server.url)
    assert token == TOKEN
    return ends - before


def test_id_and_secret_come_encoded_in_a_header_and_nowhere_else(server: TokenServer) -> None:
    assert ask(server.url)[0] == TOKEN
    (asked,) = server.asked
    assert asked.basic == (CLIENT_ID, SECRET)
    assert asked.form == {"grant_type": ["client_credentials"]}
    assert asked.path == "/token"
    assert asked.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_a_scope_is_named_where_there_is_one(server: TokenServer) -> None:
    ask(server.url, "kafka read&write")
    assert server.asked[0].form == {"grant_type": ["client_credentials"], "scope": ["kafka read&write"]}


def test_the_first_token_is_there_before_it_is_called_for_and_every_call_brings_a_new_one(server: TokenServer) -> None:
    fetch = token_of(OAuthClient(server.url, CLIENT_ID, SECRET))
    assert len(server.asked) == 1
    assert fetch("")[0] == TOKEN
    assert len(server.asked) == 1
    server.answer = lambda _: answer_json(access_token="another", expires_in=60)  # noqa: S106  a made-up one
    assert fetch("")[0] == "another"


def test_the_end_of_its_life_is_counted_from_the_question(server: TokenServer) -> None:
    assert life(server, expires_in=60) == pytest.approx(60.0, abs=5.0)
    assert life(server, expires_in=1.5) == pytest.approx(1.5, abs=1.0)


@pytest.mark.parametrize("stated", [None, "soon", [60], {"s": 60}, True, False])
def test_a_life_that_is_not_stated_is_short(server: TokenServer, stated: object) -> None:
    assert life(server, expires_in=stated) == pytest.approx(300.0, abs=5.0)


def test_a_life_that_is_left_out_is_short(server: TokenServer) -> None:
    assert life(server) == pytest.approx(300.0, abs=5.0)


def test_some_servers_state_the_life_as_text(server: TokenServer) -> None:
    assert life(server, expires_in="60") == pytest.approx(60.0, abs=5.0)


@pytest.mark.parametrize("stated", [b"0", b"-5", b"1e400", b"-1e400", b"NaN", b'"1e999"', b"1" + b"0" * 400])
def test_a_life_that_cannot_be_is_not_used(server: TokenServer, stated: bytes) -> None:
    server.answer = lambda _: Answer(b'{"access_token": "%s", "expires_in": %s}' % (TOKEN.encode(), stated))
    before = time.time()  # noqa: TID251  librdkafka goes by it
    assert ask(server.url)[1] - before == pytest.approx(300.0, abs=5.0)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b'"%s"' % TOKEN.encode(),
        b"null",
        b'{"access_token": ""}',
        b'{"access_token": null, "x": "%s"}' % TOKEN.encode(),
        b'{"access_token": 5}',
        b'{"id_token": "%s"}' % TOKEN.encode(),
    ],
)
def test_an_answer_without_a_token(server: TokenServer, body: bytes) -> None:
    server.answer = lambda _: Answer(body)
    assert "access_token" in refused(server.url)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>log in</html>",
        b"\xff\xfe\x00",
        b'{"access_token": "%s' % TOKEN.encode(),
        b"[" * 200_000,
        b'{"access_token": "' + b"x" * 2**21 + b'"}',
    ],
    ids=["empty", "html", "bytes", "cut", "deep", "long"],
)
def test_an_answer_that_is_not_json(server: TokenServer, body: bytes) -> None:
    server.answer = lambda _: Answer(body)
    assert "no token from" in refused(server.url)


@pytest.mark.parametrize("code", [400, 401, 403, 404, 500, 503])
def test_a_server_that_refuses(server: TokenServer, code: int) -> None:
    server.answer = lambda _: answer_json(code, error="invalid_client", error_description=f"no {SECRET}")
    assert str(code) in refused(server.url)


@pytest.mark.parametrize("token", ["a b", "line\nline", "\x00", "ü"])
def test_a_token_that_no_header_could_hold(server: TokenServer, token: str) -> None:
    server.answer = lambda _: answer_json(access_token=token, expires_in=60)
    assert "access_token" in refused(server.url)


def test_a_server_that_is_away() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        assert "no token from" in refused(f"http://127.0.0.1:{held.getsockname()[1]}/token")


def test_a_server_that_speaks_something_else() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/token"

        def talk() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"220 mail.example ready\r\n")

        talking = Thread(target=talk)
        talking.start()
        assert "no token from" in refused(url)
        talking.join()


@pytest.mark.parametrize("url", ["tokens.example", "file:///etc/hostname", "ftp://127.0.0.1/token", "http://[::1", ""])
def test_an_address_that_is_none_of_the_web(url: str) -> None:
    assert "token_url in [kafka]" in refused(url)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("place", ["file:///etc/hostname", "ftp://127.0.0.1:1/x", "{here}/elsewhere"])
def test_a_redirect_is_not_followed(server: TokenServer, code: int, place: str) -> None:
    told = place.format(here=server.url)
    server.answer = lambda asked: good(asked) if "elsewhere" in asked.path else Answer(b"", code, {"Location": told})
    assert str(code) in refused(server.url)
    assert [asked.path for asked in server.asked] == ["/token"]


def test_the_secret_is_in_no_repr(server: TokenServer) -> None:
    client = OAuthClient(server.url, CLIENT_ID, SECRET)
    for shown in (repr(client), repr(token_of(client))):
        assert "staple" not in shown
        assert TOKEN not in shown
