"""A telescope's desk over HTTP, in this process, and the line to it, which can be cut."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Final, Literal

import uvicorn
from desk_here import Room
from fastapi import FastAPI
from pydantic import SecretStr

from nuncius.broker.services.allowance import Allowance
from nuncius.broker.services.http_desks import DeskRules, HttpDesks
from nuncius.broker.services.web.answers import answer_errors
from nuncius.broker.services.web.desk_guard import desk_guard
from nuncius.broker.services.web.desk_routes import desk_routes
from nuncius.broker.services.web.guard import guard
from nuncius.broker.services.web.wire import WireProtocol

Fate = Literal["arrives", "lost before", "lost after", "half"]
"""Of one call: nothing of it comes to the broker, nothing of the answer comes back, or half of it."""

PATIENT: Final = DeskRules(openings=Allowance(10_000, 1.0))
"""Rules for tests that open many desks."""


def desk_app(desks: HttpDesks, tokens: Mapping[str, SecretStr], host: str = "127.0.0.1") -> FastAPI:
    """These paths alone: the whole service takes longer to make than a test."""
    app = FastAPI()
    answer_errors(app)
    app.include_router(desk_routes(desks, desk_guard(tokens, guard(host, ""))))
    return app


@contextmanager
def served(
    here: Room, rules: DeskRules = PATIENT, tokens: Mapping[str, SecretStr] | None = None, tls: Path | None = None
) -> Iterator[int]:
    """A broker's desks on a room's log; the port. A second one on the same log is the broker after a restart.

    ``tls`` is a PEM file with key and certificate.
    """
    desks = HttpDesks(here.log, rules, here.clock, here.said.append)
    app = desk_app(desks, tokens or {})
    config = uvicorn.Config(app, http=WireProtocol, port=0, log_level="warning", lifespan="off", ssl_certfile=tls)
    server = uvicorn.Server(config)
    listening = server.config.bind_socket()
    listening.listen(64)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        desks.end()
        server.should_exit = server.force_exit = True
        thread.join(30)
        assert desks.join(30.0)
        listening.close()


@dataclass
class Line:
    """A proxy, call by call: the fate of each is asked for before it is made."""

    port: int
    fate: Callable[[], Fate] = lambda: "arrives"
    calls: int = 0
    to: int = 0


@contextmanager
def line_to(port: int) -> Iterator[Line]:
    """A line to a port of this machine."""
    line = Line(0, to=port)

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                while (asked := _message(self.rfile.readline, self.rfile.read)) and self._carry(asked):
                    pass

        def _carry(self, asked: bytes) -> bool:
            line.calls += 1
            fate = line.fate()
            if fate == "lost before":
                return False
            with socket.create_connection(("127.0.0.1", line.to), 30) as broker, broker.makefile("rb") as come:
                broker.sendall(asked)
                answer = _message(come.readline, come.read)
            if fate == "lost after" or not answer:
                return False
            self.wfile.write(answer[: len(answer) - 20] if fate == "half" else answer)
            return fate == "arrives"

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        line.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield line
        finally:
            server.shutdown()
            thread.join()


def _message(read_line: Callable[[], bytes], read: Callable[[int], bytes]) -> bytes:
    """One request or answer with its body; empty at the end."""
    head, length = b"", 0
    while (one := read_line()) not in (b"", b"\r\n"):
        name, _, value = one.partition(b":")
        length = int(value) if name.lower() == b"content-length" else length
        head += one
    return head + b"\r\n" + read(length) if head else b""
