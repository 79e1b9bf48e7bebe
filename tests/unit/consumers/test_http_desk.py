"""Definitions over HTTP, from something that is no broker of this version."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from nuncius.consumers.http_desk import HttpDesk
from nuncius.schemas import SettingsError


class Other(BaseHTTPRequestHandler):
    """Answers everything with the same bytes."""

    said = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.said)))
        self.end_headers()
        self.wfile.write(self.said)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as the standard library names it
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Other) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"[]", "is that a Nuncius broker"),
        (b'"x"', "is that a Nuncius broker"),
        (b"{}", "is that a Nuncius broker"),
        (b"<html>", "is that a Nuncius broker"),
        (b'{"definition": {"name": "x"}}', "of this version"),
        (b'{"definition": null, "detail": "written by a later version"}', "written by a later version"),
    ],
)
def test_what_is_no_stream_is_said_in_words(url: str, said: bytes, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Other, "said", said)
    desk = HttpDesk(url, "")
    with pytest.raises(SettingsError, match=words):
        desk.last("mine")
    desk.close()


def test_an_open_call_goes_through_no_proxy(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Other, "said", b"{}")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    desk = HttpDesk(url, "secret")
    with pytest.raises(SettingsError, match="is that a Nuncius broker"):
        desk.last("mine")
    desk.close()
