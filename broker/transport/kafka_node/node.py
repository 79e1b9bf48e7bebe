"""One Kafka node: started, asked whether it is ready, stopped."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from nuncius.broker.transport.kafka.client import SILENT
from nuncius.broker.transport.kafka_node.classes import KeptClasses
from nuncius.broker.transport.kafka_node.guard import STOP_S
from nuncius.broker.transport.kafka_node.ports import HOST, Ports, answers, choose, is_free
from nuncius.broker.transport.kafka_node.properties import node_properties
from nuncius.broker.transport.kafka_node.storage import (
    JVM,
    LOG,
    PROPERTIES,
    NodeLock,
    forget,
    formatted,
    last_words,
    take,
    tell,
    told_servers,
    write_settings,
)
from nuncius.schemas.errors import SettingsError, Stop

HEAP_MB: Final = 512

READY_S: Final = 90.0
"""How long a node may take until it answers; some 3 s on a quiet machine with two cores."""

_TRIES: Final = 3
_ENDED_BY_SIGTERM: Final = 128 + signal.SIGTERM
"""As a JVM ends that was asked to, all its hooks run."""
_GUARD: Final = "nuncius.broker.transport.kafka_node.guard"


class Node:
    """A Kafka of one node in a folder, which it keeps. It ends with this process, however this process ends.

    Clients come to the listener ``CLIENT``, on the loopback address. For one with encryption and passwords, ``extra``
    says ``listener.security.protocol.map`` and ``listener.name.client.…``.

    Parameters
    ----------
    folder
        Its records, settings and log; made where absent. One process at a time runs it.
    jars, java
        As `nuncius.broker.transport.kafka_node.jars` finds them.
    port
        Of the clients' listener; None for the one that the folder's node had last, or another one where that is taken.
        It stays over restarts.
    extra
        Server settings that come before ours.
    format_arguments
        More of ``kafka-storage format``, used when the storage is new.
    environ
        Of the node's processes; None for this one's.
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
        self.folder = folder.absolute()
        self._java = java
        self._options = (*JVM, "-cp", f"{jars.absolute()}/*")
        self._classes = KeptClasses(jars.absolute(), java)
        self._port = port
        self.port = port or _last_port(self.folder) or choose(None).client
        self._extra = dict(extra or {})
        self._format_arguments = tuple(format_arguments)
        self._environ = dict(os.environ if environ is None else environ)
        self._guard: subprocess.Popen[bytes] | None = None
        self.pid = 0

    @property
    def servers(self) -> str:
        """``HOST:PORT`` for clients. Where no port was given, the first start may change it."""
        return f"{HOST}:{self.port}"

    def alive(self) -> bool:
        """Whether its processes run."""
        return self._guard is not None and self._guard.poll() is None

    def start(self) -> None:
        """Start it and return when it answers.

        Raises
        ------
        SettingsError
            A node runs in the folder already, or the port that was given is not free.
        Stop
            It ended while starting, or does not answer in `READY_S`; the message holds the end of its log.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = take(self.folder)
        try:
            self.stop()
            self._start(lock)
        except BaseException:
            self.stop()
            raise
        finally:
            lock.close()

    def stop(self) -> None:
        """End it cleanly, by force after 30 s; the folder is free then. Twice is allowed."""
        self.end_guard()

    def end_guard(self) -> None:
        """End the processes where they run; `start` starts them again at the same port."""
        guard, self._guard = self._guard, None
        if guard is None:
            return
        if guard.stdin is not None:
            guard.stdin.close()
        try:
            guard.wait(STOP_S + 10.0)
        except subprocess.TimeoutExpired:
            guard.kill()
            guard.wait()
        if guard.returncode == _ENDED_BY_SIGTERM:
            self._classes.keep(self.folder)

    def _start(self, lock: NodeLock) -> None:
        if not is_free(self.port):
            if self._port is not None:
                raise SettingsError(f"{HOST}:{self.port} is taken by another program: give Kafka another port")
            self.port = choose(None).client
        for tries_left in reversed(range(_TRIES)):
            ports = choose(self.port)
            write_settings(self.folder, node_properties(ports, self._extra))
            forget(self.folder)
            java = (self._java, *self._classes.options(), *self._options)
            cluster_id = formatted(self.folder, java, self._format_arguments, self._environ)
            said_before = self._said_bytes()
            self._launch(lock)
            if self._wait(ports, cluster_id):
                self._port = self.port
                tell(self.folder, self.servers, self.pid)
                return
            said = self._said(said_before)
            self.stop()
            if "Address already in use" not in said or not tries_left:
                raise Stop(f"Kafka ended while starting: {last_words(said)}; all it said: {self.folder / LOG}")
            if self._port is None and not is_free(self.port):
                self.port = choose(None).client

    def _launch(self, lock: NodeLock) -> None:
        """Start the guard, which starts Java."""
        self._classes.drop(self.folder)
        options = (f"-Xmx{HEAP_MB}m", *self._classes.options(self.folder), *self._options)
        java = (self._java, *options, "kafka.Kafka", PROPERTIES)
        command = [sys.executable, "-P", "-m", _GUARD, str(lock.descriptor), *java]
        with (self.folder / LOG).open("ab") as log:
            self._guard = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self._environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                pass_fds=(lock.descriptor,),
                start_new_session=True,
            )
        if self._guard.stdout is not None:
            with self._guard.stdout as told:
                self.pid = int(told.readline() or b"0")

    def _wait(self, ports: Ports, cluster_id: str) -> bool:
        """Whether it came to answer; False where it ended instead."""
        inside = f"{HOST}:{ports.internal}"
        admin = None
        deadline = time.monotonic() + READY_S
        while self.alive():
            if time.monotonic() > deadline:
                words = last_words(self._said(0))
                raise Stop(f"Kafka in {self.folder} does not answer after {READY_S:.0f} s; it said last: {words}")
            if answers(inside):
                admin = admin or AdminClient({"bootstrap.servers": inside}, logger=SILENT)
                if _answers_as(admin, cluster_id):
                    return True
            time.sleep(0.05)
        return False

    def _said_bytes(self) -> int:
        try:
            return (self.folder / LOG).stat().st_size
        except FileNotFoundError:
            return 0

    def _said(self, since_bytes: int) -> str:
        """The log from there on; all of it where it was begun anew since."""
        said = (self.folder / LOG).read_bytes()
        return said[since_bytes if since_bytes <= len(said) else 0 :].decode(errors="replace")


def _last_port(folder: Path) -> int | None:
    _, _, port = (told_servers(folder) or "").rpartition(":")
    return int(port) if port.isdecimal() else None


def _answers_as(admin: AdminClient, cluster_id: str) -> bool:
    """Whether that cluster answers: somebody else may have taken the port."""
    try:
        return bool(admin.list_topics(timeout=1.0).cluster_id == cluster_id)
    except KafkaException:
        return False
