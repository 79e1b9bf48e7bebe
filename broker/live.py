"""A broker that runs until it is told to stop: the road in one thread, delivery in another, HTTP in a third."""

import os
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

import uvicorn

from nuncius.broker.app import ingest_of, open_log, supplies_of, workers_of
from nuncius.broker.services.crew import Crew, Say
from nuncius.broker.services.facility_reader import read_packet
from nuncius.broker.services.intake import Intake
from nuncius.broker.services.packets import Packet
from nuncius.broker.services.reading import Reading, read
from nuncius.broker.services.web.app import web_app
from nuncius.broker.settings import Settings
from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.port import Log, TopicPartition
from nuncius.schemas import SettingsError

ROAD: Final = ("match", "associate", "too")

_BACKLOG: Final = 512
"""Connections that may wait; from the moment the address is told, none is refused."""


def run_broker(settings: Settings, say: Say) -> None:
    """The whole broker on one machine, until Ctrl-C or SIGTERM.

    Raises
    ------
    SettingsError
        If the port is taken or the log cannot be opened.
    """
    _serve(settings, ROAD, "ingest", say)


def run_service(name: str, settings: Settings, say: Say) -> None:
    """One service alone: ``ingest`` and ``web`` serve HTTP, the others work on the log."""
    if name in ("ingest", "web"):
        _serve(settings, (), name, say)
        return
    log = open_log(settings.broker)
    deliver = workers_of(log, settings, ("deliver",)) if name == "too" else ()
    crew = Crew((workers_of(log, settings, (name,)), deliver), say)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: crew.stop())
    say(f"{name}: working on {settings.broker}; Ctrl-C ends it")
    try:
        crew.start()
        crew.wait()
    finally:
        crew.join()
        log.close()
    if crew.error is not None:
        raise crew.error


def _serve(settings: Settings, names: tuple[str, ...], door: str, say: Say) -> None:
    with _listen(settings.http_host, settings.http_port) as listening:
        _serve_on(listening, settings, names, door, say)


def _serve_on(listening: socket.socket, settings: Settings, names: tuple[str, ...], door: str, say: Say) -> None:
    log = open_log(settings.broker)
    supplies = supplies_of(settings)
    intake = Intake(ingest_of(log, "live", f"nuncius-{door}-{os.getpid()}"))
    deliver = workers_of(log, settings, ("deliver",)) if "too" in names else ()
    crew = Crew(((intake, *workers_of(log, settings, names)), deliver), say)

    def read_live(body: bytes, stream: str) -> Reading:
        packet = Packet(body, "http", stream, utc_now())
        return read(packet, supplies.context(packet, "live"), read_packet)

    app = web_app(log, intake, read_live, lambda: _health(log, crew))
    server = _Server(uvicorn.Config(app, log_level="warning", lifespan="off"), crew.stop)
    crew.at_end = server.leave
    host, port = listening.getsockname()[:2]
    crew.start()
    say(f"nuncius is up: log {settings.broker}, http://{host}:{port} (POST /alerts, GET /health, /coincidences/stream)")
    try:
        server.run(sockets=[listening])
    finally:
        crew.join()
        log.close()
    if crew.error is not None:
        raise crew.error


class _Server(uvicorn.Server):
    """Ends the streams' waits, too, when told to stop."""

    def __init__(self, config: uvicorn.Config, on_exit: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_exit = on_exit

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """As uvicorn's; a waiting stream is cut after a moment instead of holding the process.

        The signal is not raised again at the end, as uvicorn would: it would kill the process before the log is closed.
        """
        self._on_exit()
        self.config.timeout_graceful_shutdown = 1
        super().handle_exit(sig, frame)
        self._captured_signals.clear()

    def leave(self) -> None:
        """End as after a signal; from any thread."""
        self.config.timeout_graceful_shutdown = 1
        self.should_exit = True


def _health(log: Log, crew: Crew) -> dict[str, Any]:
    ends = {
        topic.name: sum(log.end(TopicPartition(topic.name, p)) for p in range(topic.partitions))
        for topic in (topics.EVENTS, topics.COINCIDENCES, topics.QUARANTINE, topics.TOO_REQUESTS)
    }
    return {"ok": crew.works, "error": str(crew.error or ""), "log_ends": ends}


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {host}:{port}: {error.strerror}; another broker may be up, choose a port with --port"
        ) from error
    return listening
