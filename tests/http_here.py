"""The HTTP service of a log, in this process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from web_server import NoIntake

from nuncius.broker.services.links import Links
from nuncius.broker.services.reading import Reading
from nuncius.broker.services.web.app import web_app
from nuncius.broker.services.web.guard import guard
from nuncius.broker.services.web.hub import Hub
from nuncius.broker.services.web.wire import WireProtocol
from nuncius.broker.transport.port import Log


@contextmanager
def serving(log: Log, port: int = 0, links: Links | None = None) -> Iterator[int]:
    """The HTTP service of a log, in a thread; its port, a free one for 0."""
    said: list[str] = []
    hub = Hub(log, {}, said.append)
    app = web_app(log, NoIntake(), nothing_is_posted, lambda: {"ok": True}, hub, guard("127.0.0.1", ""), links=links)
    server = uvicorn.Server(uvicorn.Config(app, http=WireProtocol, port=port, log_level="warning", lifespan="off"))
    listening = server.config.bind_socket()
    listening.listen(512)  # who asks before the thread runs waits, and is not refused
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        thread.join(30)
        hub.join()
        listening.close()


def nothing_is_posted(body: bytes, stream: str) -> Reading:
    raise AssertionError(f"{body!r} on {stream!r}")
