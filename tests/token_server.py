"""A server of OAuth 2.0 tokens on the loopback interface: client credentials in, tokens out, or what a test wants."""

from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote

import orjson


@dataclass(frozen=True)
class Asked:
    """One request, taken apart as RFC 6749 says (sections 2.3.1 and 4.4.2)."""

    path: str
    headers: Mapping[str, str]
    form: dict[str, list[str]]

    @property
    def basic(self) -> tuple[str, str]:
        """Id and secret of the client."""
        scheme, _, told = self.headers["Authorization"].partition(" ")
        assert scheme == "Basic"
        client_id, _, secret = b64decode(told, validate=True).decode("ascii").partition(":")
        return unquote(client_id), unquote(secret)


@dataclass(frozen=True)
class Answer:
    """What the server says."""

    body: bytes
    code: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def answer_json(code: int = 200, **words: Any) -> Answer:
    return Answer(orjson.dumps(words), code, {"Content-Type": "application/json"})


class TokenServer:
    """What the server does, and what it saw.

    Attributes
    ----------
    answer
        Makes the next answers.
    asked
        All requests.
    """

    def __init__(self, answer: Callable[[Asked], Answer]) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        self.url = ""


@contextmanager
def token_server(answer: Callable[[Asked], Answer]) -> Iterator[TokenServer]:
    """A running server."""
    state = TokenServer(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked = Asked(self.path, dict(self.headers.items()), parse_qs(body.decode(), strict_parsing=True))
            state.asked.append(asked)
            self._say(state.answer(asked))

        def do_GET(self) -> None:
            """What a redirect leads to."""
            state.asked.append(Asked(self.path, dict(self.headers.items()), {}))
            self._say(state.answer(state.asked[-1]))

        def _say(self, said: Answer) -> None:
            self.send_response(said.code)
            for name, value in said.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said.body)))
            self.end_headers()
            self.wfile.write(said.body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}/token"
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
