"""``nuncius up`` on Kafka: each service a process, started again when it dies, and stopped together."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from nuncius.broker.app import checked_areas, open_log
from nuncius.broker.settings import Settings
from nuncius.broker.transport.address import KafkaLocalAddress, node_folder, parse_address
from nuncius.broker.transport.kafka_node.node import Node
from nuncius.broker.transport.kafka_node.ours import start_ours
from nuncius.schemas import SettingsError, Stop

Say = Callable[[str], None]

LOOK_S: Final = 0.2
"""How often it is looked whether all still run."""

AGAIN_S: Final = 1.0
"""How long a service that died is left alone."""

MOST_DEATHS: Final = 5
"""A service that dies so often within `WITHIN_S` will not come right by itself."""

WITHIN_S: Final = 60.0

END_S: Final = 20.0
"""How long a service may take to end before it is killed: longer than a transaction may stay open."""


@dataclass
class Servant:
    """One service process.

    Parameters
    ----------
    name
        For messages.
    command
        What starts it.
    """

    name: str
    command: tuple[str, ...]
    process: "subprocess.Popen[bytes] | None" = None
    deaths: list[float] = field(default_factory=list)

    def start(self) -> None:
        """Start it; it ends when this process does, however that ends, because its standard input then does."""
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, start_new_session=True)

    def died(self) -> int | None:
        """Its exit code where it has ended."""
        return None if self.process is None else self.process.poll()

    def end(self) -> None:
        """Ask it to end."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def join(self, timeout_s: float) -> None:
        """Wait for its end; kill it where it takes too long."""
        if self.process is None:
            return
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()


def run_household(settings: Settings, config: Path | None, say: Say) -> None:
    """The whole broker as processes on a Kafka cluster, until Ctrl-C or SIGTERM.

    Parameters
    ----------
    settings
        Of all services.
    config
        The settings file, for the services to read; None for the one they find by themselves.
    say
        Takes one line for the operator.

    Raises
    ------
    SettingsError
        If the cluster cannot be used, or the node of ``kafka:local`` runs already.
    Stop
        If a service dies again and again.
    """
    checked_areas(settings, lambda _: None)  # a wrong name ends it here; each service tells of regions for itself
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    node: Node | None = None
    broker = settings.broker or ""
    try:
        if isinstance(parse_address(broker), KafkaLocalAddress):
            if settings.data_folder is None:
                raise SettingsError("kafka:local: no data folder for the node; set data_folder")
            node = start_ours(node_folder(settings.data_folder), say, os.environ)
            broker = f"kafka://{node.servers}"
            say(f"kafka: {node.servers}, in {node_folder(settings.data_folder)}")
        open_log(settings, broker).close()
        _keep(list(servants(settings, broker, config)), node, stop, say)
    finally:
        if node is not None:
            node.stop()


def servants(settings: Settings, broker: str, config: Path | None) -> Iterator[Servant]:
    """Every service, in the order of the road, with the name of its writer: stable over restarts of this ``up``."""
    ours = f"{socket.gethostname()}-{settings.http_port or os.getpid()}"
    shared = ("--broker", broker, "--leash", *(() if config is None else ("--config", str(config))))
    counts = settings.services
    wanted: Sequence[tuple[str, int, tuple[str, ...]]] = (
        ("ingest", counts.ingest, ("--no-http",)),
        ("match", counts.match, ()),
        ("associate", counts.associate, ()),
        ("too", counts.too, ()),
        ("streams", 1, ()),
        ("web", 1, ("--host", settings.http_host, "--port", str(settings.http_port))),
    )
    for name, count, more in wanted:
        for number in range(count):
            slot = ("--slot", f"nuncius-{name}-{ours}-{number}") if name in ("ingest", "match", "web") else ()
            words = ("streams", "run") if name == "streams" else (name,)
            command = (sys.executable, "-m", "nuncius.broker.cli", *words, *shared, *more, *slot)
            yield Servant(f"{name} {number}" if count > 1 else name, command)


def _keep(house: Sequence[Servant], node: Node | None, stop: threading.Event, say: Say) -> None:
    try:
        for servant in house:
            servant.start()
        while not stop.wait(LOOK_S):
            if node is not None and not node.alive():
                say("kafka: the node has died; starting it again")
                node.start()
            for servant in house:
                code = servant.died()
                if code is not None:
                    _again(servant, code, stop, say)
    finally:
        for servant in house:
            servant.end()
        deadline = time.monotonic() + END_S
        for servant in house:
            servant.join(max(0.1, deadline - time.monotonic()))


def _again(servant: Servant, code: int, stop: threading.Event, say: Say) -> None:
    now = time.monotonic()
    servant.deaths = [moment for moment in servant.deaths if now - moment < WITHIN_S] + [now]
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    if code == 2:
        raise SettingsError(f"{servant.name} ended with {how}: see its message above")
    if len(servant.deaths) >= MOST_DEATHS:
        raise Stop(f"{servant.name} ended {MOST_DEATHS} times within {WITHIN_S:.0f} s, last with {how}: see above")
    say(f"{servant.name} ended ({how}); starting it again")
    if not stop.wait(AGAIN_S):
        servant.join(0.1)
        servant.start()
