"""A broker that runs until it is told to stop: the road, delivery, named streams and HTTP in a thread each."""

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Final

import uvicorn

from nuncius.broker.app import checked_areas, ingest_of, names_of, open_log, rules_of, supplies_of, workers_of
from nuncius.broker.connection import connection_of
from nuncius.broker.follow_up import links_of, policies_of, portal_of
from nuncius.broker.planning.policies_toml import shipped
from nuncius.broker.planning.policy import Policies
from nuncius.broker.services.crew import Crew, Say
from nuncius.broker.services.desk_tokens import desk_tokens
from nuncius.broker.services.facility_reader import read_packet
from nuncius.broker.services.health import Health
from nuncius.broker.services.http_desks import DeskRules, HttpDesks
from nuncius.broker.services.inbox import Inbox
from nuncius.broker.services.intake import Intake
from nuncius.broker.services.packets import Packet
from nuncius.broker.services.reading import Reading, read
from nuncius.broker.services.runner import Work
from nuncius.broker.services.web.app import web_app
from nuncius.broker.services.web.desk_guard import desk_guard
from nuncius.broker.services.web.guard import VARIABLE, guard
from nuncius.broker.services.web.hub import Hub
from nuncius.broker.services.web.wire import WireProtocol
from nuncius.broker.settings import Settings
from nuncius.broker.transport.address import KafkaAddress, LocalAddress, parse_address
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Cluster
from nuncius.broker.transport.port import Log
from nuncius.schemas import SettingsError

ROAD: Final = ("match", "associate", "too")

BESIDE_TOO: Final = ("deliver", "watch", "tell", "report", "exchange")
"""What runs in the process of ``too``, in threads of their own."""

_BACKLOG: Final = 512
"""Connections that may wait; from the moment the address is told, none is refused."""


def run_broker(settings: Settings, say: Say) -> None:
    """The whole broker in this process, until Ctrl-C or SIGTERM.

    Raises
    ------
    SettingsError
        If the port is taken or the log cannot be opened.
    """
    _serve(settings, ROAD, "ingest", say, inbox=True)


def run_service(name: str, settings: Settings, say: Say, *, slot: str | None = None, http: bool = True) -> None:
    """One service alone: ``ingest`` and ``web`` serve HTTP, the others work on the log.

    ``slot`` names its writer, the same after a restart; None for one of this process's own. Without ``http`` an
    ``ingest`` reads the inbox only.
    """
    if name == "web" or (name == "ingest" and http):
        _serve(settings, (), name, say, inbox=name == "ingest", slot=slot)
        return
    areas = checked_areas(settings, say) if name in ("streams", "too") else None
    log = open_log(settings, settings.broker)
    own = slot or _own_slot(name)
    deliver = workers_of(log, settings, BESIDE_TOO, say=say) if name == "too" else ()
    work = (_inbox_of(log, settings, own),) if name == "ingest" else workers_of(log, settings, (name,), own, areas)
    crew = Crew([(one,) for one in (*work, *deliver)], say)
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


def end_with_standard_input() -> None:
    """End this process as SIGTERM does when standard input ends: whoever holds its other end is gone."""

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _own_slot(name: str) -> str:
    return f"nuncius-{name}-{socket.gethostname()}-{os.getpid()}"


def _serve(
    settings: Settings, names: tuple[str, ...], door: str, say: Say, *, inbox: bool, slot: str | None = None
) -> None:
    with _listen(settings.http_host, settings.http_port) as listening:
        _serve_on(listening, settings, names, slot or _own_slot(door), say, inbox=inbox)


def _serve_on(
    listening: socket.socket, settings: Settings, names: tuple[str, ...], slot: str, say: Say, *, inbox: bool
) -> None:
    areas = checked_areas(settings, say)
    log = open_log(settings, settings.broker)
    intake = Intake(ingest_of(log, "live", slot))
    inboxes: tuple[Work, ...] = (_inbox_of(log, settings, f"{slot}-inbox"),) if inbox else ()
    deliver = workers_of(log, settings, BESIDE_TOO, say=say) if "too" in names else ()
    streams = workers_of(log, settings, ("streams",), areas=areas) if names else ()
    planning = workers_of(log, settings, ("too",), areas=areas) if "too" in names else ()  # a plan may take seconds
    road = workers_of(log, settings, [name for name in names if name != "too"], areas=areas)
    crew = Crew(((intake, *inboxes, *road), *((one,) for one in (*planning, *deliver)), streams), say)
    reader = _live_reader(settings)
    health = Health(log, crew, _folder(settings), utc_now)

    def read_posted(body: bytes, stream: str) -> Reading:
        return reader(body, stream, "http", utc_now())

    hub = Hub(log, areas, say)
    allow = guard(settings.http_host, os.environ.get(VARIABLE, ""))
    desks = HttpDesks(log, desk_rules(settings, names), utc_now, say)
    app = web_app(
        log,
        intake,
        read_posted,
        health.facts,
        hub,
        allow,
        names_of(settings, areas),
        _cluster(settings),
        settings.streams.most,
        links=links_of(settings),
        portal=portal_of(settings),
        desks=(desks, desk_guard(desk_tokens(settings.desk, os.environ), allow)),
        policies=policies_shown(settings, say),
    )

    def leave() -> None:
        crew.stop()
        desks.end()
        hub.end()

    server = _Server(uvicorn.Config(app, http=WireProtocol, log_level="warning", lifespan="off"), leave)
    crew.at_end = server.leave
    host, port = listening.getsockname()[:2]
    crew.start()
    say(f"nuncius is up: log {settings.broker}, http://{host}:{port} (POST /alerts, GET /health, /coincidences/stream)")
    try:
        server.run(sockets=[listening])
    finally:
        crew.join()
        if all([hub.join(), desks.join()]):
            log.close()
    if crew.error is not None:
        raise crew.error


def desk_rules(settings: Settings, names: tuple[str, ...]) -> DeskRules:
    """Quotas and quiet hours of the policies, and who shows others what it is asked.

    A service alone reads policies for the desks that its settings name only: a mistake there must not keep it from
    taking packets.
    """
    if not settings.desk and "too" not in names:
        return DeskRules()
    policies = policies_of(settings, rules_of(settings))
    public = frozenset(name for name, desk in settings.desk.items() if desk.public)
    return DeskRules(public, {policy.name: policy.restraint for policy in policies.active})


def policies_shown(settings: Settings, say: Say) -> Policies:
    """Whose telescopes stand in pictures of plans: the shipped ones where the settings' own cannot be read."""
    try:
        return policies_of(settings, rules_of(settings))
    except SettingsError as error:
        say(f"pictures of plans know the shipped telescopes alone: {error}")
        return shipped()


def _inbox_of(log: Log, settings: Settings, slot: str) -> Inbox:
    return Inbox(log, ingest_of(log, "live", slot), _live_reader(settings))


def _live_reader(settings: Settings) -> Callable[[bytes, str, str, datetime], Reading]:
    supplies = supplies_of(settings)

    def read_live(body: bytes, stream: str, source: str, received: datetime) -> Reading:
        packet = Packet(body, source, stream, received)
        return read(packet, supplies.context(packet, "live"), read_packet)

    return read_live


class _Server(uvicorn.Server):
    """Ends the streams, too, when told to stop."""

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
        self._on_exit()
        self.config.timeout_graceful_shutdown = 1
        self.should_exit = True


def _folder(settings: Settings) -> Path | None:
    address = parse_address(settings.broker or "")
    return address.folder if isinstance(address, LocalAddress) else None


def _cluster(settings: Settings) -> Cluster | None:
    match parse_address(settings.broker or ""):
        case KafkaAddress(servers, namespace):
            return Cluster(servers, namespace, connection_of(settings))
        case _:
            return None


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
