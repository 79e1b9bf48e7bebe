"""A broker that runs until it is told to stop: workers in one thread, HTTP in another."""

import os
import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

import uvicorn

from nuncius.broker.app import ingest_of, open_log, supplies_of, workers_of
from nuncius.broker.services.facility_reader import read_packet
from nuncius.broker.services.intake import Intake
from nuncius.broker.services.packets import Packet
from nuncius.broker.services.reading import Reading, read
from nuncius.broker.services.runner import Work, run
from nuncius.broker.services.web.app import web_app
from nuncius.broker.settings import Settings
from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.port import Log, TopicPartition
from nuncius.schemas import NunciusError, SettingsError

Say = Callable[[str], None]

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
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        say(f"{name}: working on {settings.broker}; Ctrl-C ends it")
        run(workers_of(log, settings, (name,)), stop.is_set, stop.wait, say)
    finally:
        log.close()


def _serve(settings: Settings, names: tuple[str, ...], door: str, say: Say) -> None:
    listening = _listen(settings.http_host, settings.http_port)
    log = open_log(settings.broker)
    supplies = supplies_of(settings)
    intake = Intake(ingest_of(log, "live", f"nuncius-{door}-{os.getpid()}"))
    worker = _WorkerThread((intake, *workers_of(log, settings, names)), say)

    def read_live(body: bytes, stream: str) -> Reading:
        packet = Packet(body, "http", stream, utc_now())
        return read(packet, supplies.context(packet, "live"), read_packet)

    app = web_app(log, intake, read_live, lambda: _health(log, worker))
    server = _Server(uvicorn.Config(app, log_level="warning", lifespan="off"), worker.stop)
    worker.at_end = server.leave
    host, port = listening.getsockname()[:2]
    worker.start()
    say(f"nuncius is up: log {settings.broker}, http://{host}:{port} (POST /alerts, GET /health, /coincidences/stream)")
    try:
        server.run(sockets=[listening])
    finally:
        worker.stop()
        worker.join()
        log.close()
    if worker.error is not None:
        raise worker.error


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


class _WorkerThread(threading.Thread):
    """Runs the workers; remembers why it ended, and calls ``at_end``: a broker that does not work must not stay up."""

    def __init__(self, workers: tuple[Work, ...], say: Say) -> None:
        super().__init__(name="nuncius-workers", daemon=True)
        self._workers = workers
        self._say = say
        self._stop_event = threading.Event()
        self.error: NunciusError | None = None
        self.at_end: Callable[[], None] = _nothing

    def run(self) -> None:
        """Work until told to stop."""
        try:
            run(self._workers, self._stop_event.is_set, self._stop_event.wait, self._say)
        except NunciusError as error:
            self.error = error
        finally:
            self.at_end()

    def stop(self) -> None:
        """Ask it to end after the step it is in."""
        self._stop_event.set()


def _nothing() -> None:
    """What a thread does at its end until it is told otherwise."""


def _health(log: Log, worker: _WorkerThread) -> dict[str, Any]:
    ends = {
        topic.name: sum(log.end(TopicPartition(topic.name, p)) for p in range(topic.partitions))
        for topic in (topics.EVENTS, topics.COINCIDENCES, topics.QUARANTINE, topics.TOO_REQUESTS)
    }
    return {"ok": worker.is_alive() and worker.error is None, "error": str(worker.error or ""), "log_ends": ends}


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
