"""The Kafka node of the user's data folder (``kafka:local``), and nodes that are thrown away."""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from nuncius.broker.transport.file_lock import FileLock
from nuncius.broker.transport.kafka_node.jars import jars, java
from nuncius.broker.transport.kafka_node.node import Node
from nuncius.broker.transport.kafka_node.storage import LOCK, told_servers
from nuncius.schemas.errors import SettingsError

Say = Callable[[str], object]

_LOOKS: Final = 3
_STARTING: Final = "starting Apache Kafka on this machine (a few seconds) ..."


def start_ours(folder: Path, say: Say, environ: Mapping[str, str]) -> Node:
    """Start the node of a folder.

    Parameters
    ----------
    folder
        `nuncius.broker.transport.address.node_folder` of the user's data folder.
    say
        Gets a line before the download, and one before the start.
    environ
        Where Java, Maven and the cache are; the node's.

    Raises
    ------
    SettingsError
        One runs there already, or Java or Maven are missing; the message is one line.
    Stop
        It does not start.
    """
    program = java(environ)
    node = Node(folder, jars(environ, say), program, environ=environ)
    try:
        _start(node, say)
    except SettingsError as error:
        servers = find_ours(folder)
        if servers is None:
            raise
        raise SettingsError(
            f"kafka:local runs already, at {servers}: clients and services find it by --broker kafka:local,"
            f" and another broker joins it by --broker kafka://{servers}"
        ) from error
    return node


def find_ours(folder: Path) -> str | None:
    """``HOST:PORT`` of the node that runs in the folder now; None where none does, or it is just starting.

    It runs as long as its lock is held, whatever files a killed one left behind.
    """
    if not (folder / LOCK).is_file():
        return None
    lock = FileLock(folder / LOCK)
    try:
        for look in range(_LOOKS):  # another one may be looking at the same moment
            if lock.try_acquire():
                return None
            time.sleep(0.005 * look)
    finally:
        lock.close()
    return told_servers(folder)


@contextmanager
def throw_away(say: Say, environ: Mapping[str, str]) -> Iterator[Node]:
    """A running node in a temporary folder; both are gone at the end."""
    program = java(environ)
    found = jars(environ, say)
    with tempfile.TemporaryDirectory(prefix="nuncius-kafka-") as folder:
        node = Node(Path(folder), found, program, environ=environ)
        _start(node, say)
        try:
            yield node
        finally:
            node.stop()


def _start(node: Node, say: Say) -> None:
    say(_STARTING)
    began = time.monotonic()
    node.start()
    say(f"Apache Kafka answers at {node.servers} after {time.monotonic() - began:.1f} s")
