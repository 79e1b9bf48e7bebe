"""The door to a facility's web service: patience, limits, words, and what is never shown or asked."""

import logging
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from time import monotonic

import httpx
import pytest
import trustme
from fakes.server import Call, Fake, Reply, Trouble, running
from pydantic import BaseModel

from nuncius.consumers.too.credentials import credential
from nuncius.consumers.too.door import Allowance, Door, TooLong, Untouched, _Pace, _seconds, checked_url, said
from nuncius.schemas import Retry, SettingsError

CANARY = "c4nary-0f-a-t0ken"
LOCAL = frozenset({"127.0.0.1"})


class Echo(Fake):
    """Says back what it heard."""

    code = 200
    body: object = None

    def asks(self, _call: Call) -> bool:
        return True

    def handle(self, call: Call) -> Reply:
        heard = {"method": call.method, "query": dict(call.query), "type": call.headers.get("content-type", "")}
        return Reply(
            self.code, self.body or heard | {"body": call.body.decode()}, {"ETag": '"7"', "Set-Cookie": "a=b; Path=/"}
        )


@pytest.fixture
def there() -> Iterator[tuple[Echo, Door]]:
    echo = Echo()
    with running(echo) as url:
        opened = door(url)
        yield echo, opened
        opened.close()


def door(url: str, timeout_s: float = 0.15) -> Door:
    free = Allowance(1000, 1.0)
    return Door("scope", url, allowed_hosts=LOCAL, allowance=free, secrets=(CANARY,), timeout_s=timeout_s)


def test_bodies_go_out_as_json_or_as_a_form(there: tuple[Echo, Door]) -> None:
    _, opened = there
    told = opened.ask("POST", "/x/", body={"ra": 1.5}, query={"a": "b c"})
    assert told.body == {"method": "POST", "query": {"a": "b c"}, "type": "application/json", "body": '{"ra":1.5}'}
    assert (told.good, told.etag, told.cookies) == (True, '"7"', ("a=b",))
    form = opened.ask("POST", "/x/", form={"ra": "1.5", "why": "a&b"}).body
    assert (form["type"], form["body"]) == ("application/x-www-form-urlencoded", "ra=1.5&why=a%26b")


@pytest.mark.parametrize(
    ("trouble", "says"),
    [("mute", "no answer"), ("slow", "without an end"), ("drip", "no answer"), ("lost", "no answer")],
)
def test_an_answer_that_does_not_come_means_again_later(there: tuple[Echo, Door], trouble: Trouble, says: str) -> None:
    echo, opened = there
    echo.trouble = trouble
    with pytest.raises(Retry, match=says) as caught:
        opened.ask("GET", "/")
    assert not isinstance(caught.value, Untouched)


def test_a_connection_that_is_used_again_has_bounds_of_its_own(there: tuple[Echo, Door]) -> None:
    echo, opened = there
    for _ in range(3):
        assert opened.ask("GET", "/").good
        Event().wait(0.1)
    echo.trouble = "drip"
    began = monotonic()
    with pytest.raises(Retry, match="ReadTimeout"):
        opened.ask("GET", "/")
    assert 0.1 < monotonic() - began < 2.0


def test_who_does_not_read_what_is_sent_is_not_waited_for() -> None:
    """A body larger than what the kernel keeps (4 MiB is Linux's largest send buffer as shipped), and nobody reads."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        opened = door(f"http://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(Retry, match="WriteTimeout"):
            opened.ask("POST", "/", body="x" * 16_000_000)
        opened.close()


def test_an_answer_without_bounds_is_cut_off(there: tuple[Echo, Door]) -> None:
    echo, _ = there
    echo.body = "x" * 5_000_000
    patient = door(echo.url, timeout_s=5.0)
    with pytest.raises(TooLong, match="more than 4000000 bytes"):
        patient.ask("GET", "/")
    patient.close()


def test_it_says_when_certainly_nothing_was_done(there: tuple[Echo, Door]) -> None:
    echo, opened = there
    echo.trouble = "busy"
    with pytest.raises(Untouched, match="429"):
        opened.ask("GET", "/")
    with running(Echo()) as url:
        pass
    gone = door(url)
    with pytest.raises(Untouched, match=r"no answer from 127\.0\.0\.1"):
        gone.ask("GET", "/")
    gone.close()


def test_calls_beyond_the_allowance_wait_until_one_has_left_the_window() -> None:
    pace = _Pace(Allowance(calls=2, within_s=10.0))
    assert pace.wait_s(100.0) == 0.0
    pace.made.extend([100.0, 103.0])
    assert pace.wait_s(104.0) == 6.0
    assert pace.wait_s(110.5) == 0.0
    pace.closed_until = 130.0
    assert pace.wait_s(111.0) == 19.0


def test_words_are_one_line_bounded_and_without_secrets(
    there: tuple[Echo, Door], caplog: pytest.LogCaptureFixture
) -> None:
    echo, opened = there
    echo.code, echo.body = 400, {"error": f"no\n\t\x1b[31m {CANARY} " + "x" * 1000, "empty": [], "deep": [{"at": 5}]}
    with caplog.at_level(logging.DEBUG):
        words = opened.ask("GET", "/", headers={"Authorization": CANARY}).words
    assert words.startswith("error: no [31m … xxx")
    assert len(words) <= 300
    assert words.isprintable()
    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert (CANARY in words + logged, "a=b" in logged) == (False, False)


def test_a_secret_is_blotted_out_however_it_is_spelled(there: tuple[Echo, Door]) -> None:
    echo, opened = there
    opened.hide('p&ss "w"/d é')
    echo.code = 400
    for spelled in ("p%26ss%20%22w%22/d%20%C3%A9", "p%26ss+%22w%22%2Fd+%C3%A9", 'p&ss \\"w\\"/d é', 'p&ss "w"/d é'):
        echo.body = {"you sent": f"<{spelled}>"}
        assert opened.ask("GET", "/").words == "you sent: <…>"


def test_words_of_an_answer_are_its_leaves_with_their_places() -> None:
    assert said({"a": {"b": ["x", {"c": 1}]}, "d": None, "e": ""}) == ["a.b: x", "a.b.c: 1"]
    deep: object = "end"
    for _ in range(50):
        deep = [deep]
    assert said(deep) == []


class Shape(BaseModel):
    id: int


@pytest.mark.parametrize("body", ["<html>", [], {"id": "x"}, {"ident": 1}])
def test_an_answer_of_another_shape_means_again_later(there: tuple[Echo, Door], body: object) -> None:
    echo, opened = there
    echo.body = body or [0]
    with pytest.raises(Retry, match="cannot be read"):
        opened.ask("GET", "/").read(Shape)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://telescope.example/S3cret", "https"),
        ("https://other.example/S3cret", "not allowed"),
        ("https://user:S3cret@telescope.example/", "user name"),
        ("https://telescope.example:S3cret/", "cannot be read"),
    ],
)
def test_an_unfit_url_is_refused_without_its_path(url: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as caught:
        checked_url(url, frozenset({"telescope.example"}), "scope")
    assert "S3cret" not in str(caught.value)


def test_a_credential_comes_from_the_environment_or_from_a_file_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{CANARY}\n")
    file.chmod(0o600)
    assert credential({"T": f" {CANARY} "}, "T").get_secret_value() == CANARY
    found = credential({"T_FILE": str(file)}, "T")
    assert found.get_secret_value() == CANARY
    assert CANARY not in f"{found!r} {found}"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_that_others_may_touch_is_refused_with_what_to_do(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "token"
    file.write_text(CANARY)
    file.chmod(mode)
    with pytest.raises(SettingsError, match=f"chmod 600 {file}") as caught:
        credential({"T_FILE": str(file)}, "T")
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "does not hold"), (b"a\nb", "does not hold"), (b"\xff\xfe", "not text"), (b"x" * 5000, "hold")],
)
def test_a_file_without_one_secret_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(SettingsError, match=says):
        credential({"T_FILE": str(file)}, "T")


def test_no_credential_names_both_ways(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="set T, or T_FILE"):
        credential({}, "T")
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        credential({"T_FILE": str(tmp_path / "none")}, "T")


@pytest.mark.parametrize(
    ("after", "date", "waits_s"),
    [
        ("120", "", 120.0),
        ("Fri, 27 Nov 2026 18:02:00 GMT", "Fri, 27 Nov 2026 18:00:00 GMT", 120.0),
        ("Fri, 27 Nov 2026 17:00:00 GMT", "Fri, 27 Nov 2026 18:00:00 GMT", 0.0),
        ("Fri, 27 Nov 2026 18:02:00 GMT", "", 0.0),
        ("soon", "Fri, 27 Nov 2026 18:00:00 GMT", 0.0),
        ("-5", "", 0.0),
        ("999999999", "", 0.0),
        ("", "", 0.0),
    ],
)
def test_how_long_to_wait_is_taken_from_the_answer_alone(after: str, date: str, waits_s: float) -> None:
    assert _seconds(httpx.Headers({"Retry-After": after, "Date": date})) == waits_s


def test_an_authority_that_nobody_knows_is_refused_before_anything_is_sent() -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            raw, _ = server.accept()
            with raw, suppress(ssl.SSLError, ConnectionError):
                heard.append(context.wrap_socket(raw, server_side=True).recv(1000))

        thread = Thread(target=serve)
        thread.start()
        opened = door(f"https://127.0.0.1:{server.getsockname()[1]}", 5.0)
        with pytest.raises(Untouched, match="ConnectError"):
            opened.ask("POST", "/x/", body={"key": CANARY}, headers={"Authorization": CANARY})
        opened.close()
        thread.join()
    assert not any(CANARY.encode() in data for data in heard)


def test_a_server_without_tls_is_refused_where_tls_was_named(there: tuple[Echo, Door]) -> None:
    echo, _ = there
    opened = door(echo.url.replace("http://", "https://"), 5.0)
    with pytest.raises(Untouched):
        opened.ask("POST", "/x/", headers={"Authorization": CANARY})
    opened.close()
    assert echo.seen == []
