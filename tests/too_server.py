"""A facility's web service on the loopback interface, for adapters to ask: it keeps what it got and can misbehave."""

import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import orjson

SECRET = "correct horse battery staple"  # noqa: S105  a made-up one
PATH = "/hooks/T0P5ECRET/B99?token=Qx7Zq8"


class Facility:
    """What the service does, and what it saw.

    Attributes
    ----------
    answer
        Status code of the next answers.
    words
        Body of the answers; ``{path}`` is replaced by the path asked.
    mute
        When set: take the request, then do not answer until `release`.
    seen
        (path, headers, body) of every request.
    orders
        Request id -> revision of what the facility will do.
    """

    def __init__(self) -> None:
        self.answer = 201
        self.words = "noted"
        self.location: str | None = None
        self.mute = False
        self.release = Event()
        self.seen: list[tuple[str, dict[str, str], bytes]] = []
        self.orders: dict[str, int] = {}
        self.executed: list[str] = []

    def take(self, path: str, headers: dict[str, str], body: bytes) -> None:
        """Check the signature, and act on each key once."""
        self.seen.append((path, headers, body))
        key = headers["Idempotency-Key"]
        mac = hmac.new(SECRET.encode(), key.encode() + b"\n" + body, sha256).hexdigest()
        if headers["Nuncius-Signature"] != f"sha256={mac}" or self.answer >= 300 or key in self.executed:
            return
        self.executed.append(key)
        said: dict[str, Any] = orjson.loads(body)
        if said["action"] == "submit":
            self.orders[said["request"]["request_id"]] = said["request"]["revision"]
        else:
            self.orders.pop(said["request"]["request_id"], None)


@contextmanager
def facility() -> Iterator[tuple[Facility, str]]:
    """A running service and the URL of its secret path."""
    state = Facility()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.take(self.path, dict(self.headers.items()), body)
            if state.mute:
                state.release.wait(10)
                self.close_connection = True
                return
            words = state.words.format(path=self.path).encode()
            self.send_response(state.answer)
            if state.location is not None:
                self.send_header("Location", state.location)
            self.send_header("Content-Length", str(len(words)))
            self.end_headers()
            self.wfile.write(words)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state, f"http://127.0.0.1:{server.server_address[1]}{PATH}"
    finally:
        state.release.set()
        server.shutdown()
        thread.join()
        server.server_close()
