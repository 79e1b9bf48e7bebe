"""People to be told on the loopback interface: a mail server, and a web service that takes JSON and pushed messages."""

import asyncio
import email
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, cast
from urllib.parse import parse_qsl

import orjson
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Post:
    """A mail server: the mails it took; ``answer`` is what it says to the next ones."""

    mails: list[EmailMessage] = field(default_factory=list)
    answer: str = "250 taken"
    address: str = ""

    async def handle_DATA(  # noqa: N802  the server calls it by this name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        if self.answer.startswith("250"):
            content = envelope.content
            data = content if isinstance(content, bytes) else str(content).encode()
            self.mails.append(email.message_from_bytes(data, policy=default))
        return self.answer

    def text(self, number: int = -1) -> str:
        """The words of a mail."""
        body = self.mails[number].get_body(("plain",))
        return "" if body is None else str(body.get_content())

    def files(self, number: int = -1) -> dict[str, tuple[str, bytes]]:
        """Media type and bytes of what came with a mail, by name."""
        parts = self.mails[number].iter_attachments()
        return {
            str(part.get_filename()): (part.get_content_type(), cast("bytes", part.get_payload(decode=True)))
            for part in parts
        }


@contextmanager
def post() -> Iterator[Post]:
    """A running mail server, and its address for apprise."""
    state = Post()
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(lambda: SMTP(state, loop=loop), "127.0.0.1", 0))
    port = server.sockets[0].getsockname()[1]
    state.address = f"mailto://127.0.0.1:{port}?from=nuncius@example.org&to=shift@example.org"
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        yield state
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.run_until_complete(server.wait_closed())
        loop.close()


@dataclass
class Web:
    """A web service: what was posted to it, by path; ``status`` is what it answers, and to files maybe 413."""

    seen: list[tuple[str, Any]] = field(default_factory=list)
    status: int = 200
    refuses_files: bool = False
    location: str = ""
    port: int = 0

    def said(self, path: str) -> list[Any]:
        """What came on one path."""
        return [said for where, said in self.seen if where == path]


@contextmanager
def web() -> Iterator[Web]:
    """A running web service."""
    state = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            path, _, query = self.path.partition("?")
            is_file = not body.startswith(b"{")
            said = dict(parse_qsl(query)) | {"body": body} if is_file else orjson.loads(body)
            state.seen.append((path, said))
            self.send_response(413 if is_file and state.refuses_files else state.status)
            if state.location:
                self.send_header("Location", state.location)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_PUT = do_POST  # noqa: N815  as above

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_port
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
