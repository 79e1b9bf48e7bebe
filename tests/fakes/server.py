"""A facility's web service on the loopback interface, which can misbehave in every way that an adapter must survive."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import orjson

Trouble = Literal[
    "",
    "lost",
    "lost after",
    "mute",
    "busy",
    "busy until",
    "broken",
    "page",
    "rubbish",
    "half",
    "huge",
    "slow",
    "drip",
    "moved",
]
"""What goes wrong with the calls that ask for something: the line is cut, before or after it was done; done, and no
answer at all; 429 for seconds, or until a moment of a clock that is years behind; 503 as JSON; 502 as a page; done, and
an answer that is no JSON, is cut in the middle, is of five megabytes, or comes byte by byte without an end; one whose
head does until `Fake.release`, and that is whole then; moved."""


@dataclass(frozen=True)
class Call:
    """One request as it came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    pairs: tuple[tuple[str, str], ...] = ()
    """The query with every value of a name that is said more than once."""

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass(frozen=True)
class Reply:
    """One answer: bytes as they are, anything else as JSON."""

    code: int
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Fake:
    """Base of the fakes: what they saw, and the trouble they make with calls that ask for something."""

    def __init__(self) -> None:
        self.trouble: Trouble = ""
        self.refusing = False
        self.release = Event()
        self.seen: list[Call] = []
        self.lock = Lock()
        self.faults: list[BaseException] = []
        self.url = ""
        self.moved = 307
        self.elsewhere = ""

    def handle(self, call: Call) -> Reply:
        """What a well-behaved service does."""
        raise NotImplementedError

    def asks(self, call: Call) -> bool:
        """Whether the call asks for an observation, or takes one back."""
        raise NotImplementedError

    @property
    def asked(self) -> list[Call]:
        return [call for call in self.seen if self.asks(call)]


def _answer(fake: Fake, handler: BaseHTTPRequestHandler, call: Call) -> None:
    trouble = fake.trouble if fake.asks(call) else ""
    if trouble == "lost":
        handler.close_connection = True
        return
    sent = f"{dict(call.headers)} {call.pairs} {call.body.decode()}"
    early = {
        "busy": Reply(429, {"detail": "Request was throttled.", "sent": sent}, {"Retry-After": "120"}),
        "busy until": Reply(429, {"sent": sent}, {"Retry-After": _theirs(120), "Date": _theirs(0)}),
        "broken": Reply(503, {"sent": sent, "detail": "down for maintenance"}),
        "page": Reply(502, None),
        "moved": Reply(fake.moved, {"detail": "moved"}, {"Location": f"{fake.elsewhere or fake.url}/elsewhere/"}),
    }.get(trouble)
    with fake.lock:
        reply = early or fake.handle(call)
    if trouble in {"lost after", "mute"}:
        fake.release.wait(0 if trouble == "lost after" else 10)
        handler.close_connection = True
        return
    body = _body(trouble, reply, sent)
    handler.send_response_only(reply.code)
    if trouble == "drip":
        _drip(fake, handler)
    for name, value in reply.headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body) * (1000 if trouble == "slow" else 1)))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2] if trouble == "half" else body)
    while trouble == "slow" and not fake.release.wait(0.05):
        try:
            handler.wfile.write(b" ")
        except OSError:
            return
    handler.close_connection = trouble in {"slow", "half"}


def _drip(fake: Fake, handler: BaseHTTPRequestHandler) -> None:
    handler.flush_headers()
    handler.wfile.write(b"X-Slow: ")
    while not fake.release.wait(0.02):
        handler.wfile.write(b"x")
    handler.wfile.write(b"\r\n")


def _body(trouble: str, reply: Reply, sent: str) -> bytes:
    if trouble in {"rubbish", "page"}:
        return f"<html><title>Bad gateway</title><body>{sent}</body></html>".encode()
    body = reply.body if isinstance(reply.body, bytes) else orjson.dumps(reply.body)
    return body.ljust(5_000_000 if trouble == "huge" else 0)


def _theirs(seconds: float) -> str:
    return format_datetime(datetime(2017, 8, 17, 12, 41, tzinfo=UTC) + timedelta(seconds=seconds), usegmt=True)


@contextmanager
def running(fake: Fake) -> Iterator[str]:
    """The fake behind a port of its own; its URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _do(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            call = Call(
                self.command,
                parts.path,
                dict(parse_qsl(parts.query)),
                {name.lower(): value for name, value in self.headers.items()},
                self.rfile.read(length),
                tuple(parse_qsl(parts.query)),
            )
            fake.seen.append(call)
            _answer(fake, self, call)

        def do_GET(self) -> None:
            self._do()

        def do_POST(self) -> None:
            self._do()

        def do_PUT(self) -> None:
            self._do()

        def do_PATCH(self) -> None:
            self._do()

        def do_DELETE(self) -> None:
            self._do()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            error = sys.exception()
            if error is not None and not isinstance(error, ConnectionError):
                fake.faults.append(error)

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.002})
    thread.start()
    try:
        yield fake.url
    finally:
        fake.release.set()
        server.shutdown()
        thread.join()
        server.server_close()
    assert fake.faults == []
