"""One Kafka node: started, ready, stopped."""

import base64
import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from uuid import uuid4

from nuncius.broker.transport.file_lock import FileLock
from nuncius.broker.transport.kafka_node import guard
from nuncius.broker.transport.kafka_node.properties import as_text, node_properties
from nuncius.schemas.errors import Retry, SettingsError

READY_S: Final = 90.0
"""How long a start may take, on a slow machine."""

HEAP: Final = ("-Xms128m", "-Xmx512m")
QUICK: Final = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")
"""Less time to start: 3 s instead of 5 s, measured on two cores."""

_FORMAT: Final = "kafka.tools.StorageTool"
_STARTED: Final = "Kafka Server started"
_LOG4J: Final = """rootLogger.level=WARN
rootLogger.appenderRef.file.ref=FILE
logger.server.name=kafka.server.KafkaRaftServer
logger.server.level=INFO
appender.file.type=RollingFile
appender.file.name=FILE
appender.file.fileName={folder}/kafka.log
appender.file.filePattern={folder}/kafka.log.%i
appender.file.layout.type=PatternLayout
appender.file.layout.pattern=%d %p %m (%c)%n
appender.file.policies.type=Policies
appender.file.policies.size.type=SizeBasedTriggeringPolicy
appender.file.policies.size.size=10MB
appender.file.strategy.type=DefaultRolloverStrategy
appender.file.strategy.max=2
"""


class Node:
    """A Kafka node in a folder of its own, on the loopback address.

    It ends with this process, however that ends: its guard holds a pipe to it.

    Parameters
    ----------
    folder
        Made where absent; what it holds is there again at the next start.
    jars, java
        What it runs (`nuncius.broker.transport.kafka_node.jars`).
    port
        Where it listens; None for a free one, which it keeps over restarts of this object.
    extra
        Settings that go before ours.
    format_arguments
        Further arguments where its storage is made, such as the first SCRAM users.
    environ
        Of the node's process; None for this one's.

    Raises
    ------
    SettingsError
        If another process runs a node in this folder.
    """

    def __init__(
        self,
        folder: Path,
        jars: Path,
        java: str,
        *,
        port: int | None = None,
        extra: Mapping[str, str] | None = None,
        format_arguments: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self._jars = jars
        self._java = java
        self._extra = dict(extra or {})
        self._format_arguments = tuple(format_arguments)
        self._environ = dict(os.environ if environ is None else environ)
        self.port = free_port() if port is None else port
        self._guard: subprocess.Popen[bytes] | None = None
        self.pid = 0
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(folder / "node.lock")
        if not self._lock.try_acquire():
            self._lock.close()
            raise SettingsError(f"{folder}: another process runs a Kafka node there")

    @property
    def servers(self) -> str:
        """``HOST:PORT``."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and return when it answers.

        Raises
        ------
        SettingsError
            If it does not come up; the message has its last words.
        Retry
            If that takes too long.
        """
        self.end_guard()
        properties = self.folder / "server.properties"
        settings = {**node_properties(self.folder, self.port, free_port()), **self._extra}
        properties.write_text(as_text(settings), encoding="utf-8")
        (self.folder / "log4j2.properties").write_text(_LOG4J.format(folder=self.folder), encoding="utf-8")
        if not (self.folder / "data" / "meta.properties").is_file():
            self._format(properties)
        log = self.folder / "kafka.log"
        log.unlink(missing_ok=True)
        command = [sys.executable, guard.__file__, *self._command(), "kafka.Kafka", str(properties)]
        with (self.folder / "kafka.out").open("wb") as out:
            self._guard = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=out,
                env=self._environ,
                start_new_session=True,
            )
        assert self._guard.stdout is not None  # noqa: S101  a pipe was asked for
        self.pid = int(self._guard.stdout.readline() or 0)
        self._wait(log)

    def alive(self) -> bool:
        """Whether its process runs."""
        return self._guard is not None and self._guard.poll() is None

    def stop(self) -> None:
        """End it cleanly, and free the folder. Twice is allowed."""
        self.end_guard()
        self._lock.close()

    def end_guard(self) -> None:
        """End the process where one runs."""
        if self._guard is None:
            return
        for pipe in (self._guard.stdin, self._guard.stdout):
            if pipe is not None:
                pipe.close()
        self._guard.wait(guard.END_S + 10.0)
        self._guard = None

    def _command(self) -> list[str]:
        log4j = f"-Dlog4j2.configurationFile={self.folder / 'log4j2.properties'}"
        return [self._java, *HEAP, *QUICK, log4j, "-cp", f"{self._jars}/*"]

    def _format(self, properties: Path) -> None:
        cluster = base64.urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")
        command = [*self._command(), _FORMAT, "format", "-t", cluster, "-c", str(properties), *self._format_arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=self._environ, check=False)
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines() or ["nothing"]
            raise SettingsError(f"{self.folder}: the storage of the Kafka node cannot be made: {said[-1]}")

    def _wait(self, log: Path) -> None:
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            if not self.alive():
                raise SettingsError(f"the Kafka node in {self.folder} did not start: {self._last_words()}")
            said = log.read_text(errors="replace") if log.is_file() else ""
            if _STARTED in said and _listens(self.port):
                return
            time.sleep(0.05)
        self.end_guard()
        raise Retry(f"the Kafka node in {self.folder} did not start in {READY_S:.0f} s: {self._last_words()}")

    def _last_words(self) -> str:
        for name in ("kafka.log", "kafka.out"):
            with contextlib.suppress(OSError):
                lines = (self.folder / name).read_text(errors="replace").strip().splitlines()
                told = [line for line in lines if " ERROR " in line or "Exception" in line] or lines
                if told:
                    return " ".join(told[-1].split())[:400]
        return "it said nothing"


def free_port() -> int:
    """A port of the loopback address that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
        return True
    return False
