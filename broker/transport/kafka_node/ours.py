"""The node that ``kafka:local`` means: one in the user's data folder, found by other shells, or one to throw away."""

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from nuncius.broker.transport.file_lock import FileLock
from nuncius.broker.transport.kafka_node.jars import jars, java
from nuncius.broker.transport.kafka_node.node import Node
from nuncius.schemas.errors import SettingsError

NOTE: Final = "node.json"
"""Where other shells find the address."""

Say = Callable[[str], object]


def start_ours(folder: Path, say: Say, environ: Mapping[str, str]) -> Node:
    """The node of this folder, running; its address stands in the folder for others.

    Raises
    ------
    SettingsError
        If it runs already, or cannot be started here.
    """
    if (servers := find_ours(folder)) is not None:
        raise SettingsError(
            f"kafka:local runs already, at {servers}: clients and services find it by --broker kafka:local,"
            f" and another broker joins it by --broker kafka://{servers}"
        )
    node = Node(folder, jars(environ, say), java(environ), port=_last_port(folder))
    try:
        say("starting Apache Kafka on this machine (a few seconds) ...")
        node.start()
        note = folder / f"{NOTE}.new"
        note.write_text(json.dumps({"servers": node.servers, "pid": os.getpid()}), encoding="utf-8")
        note.replace(folder / NOTE)
    except BaseException:
        node.stop()
        raise
    return node


def find_ours(folder: Path) -> str | None:
    """``HOST:PORT`` of the node that runs in this folder now; None where none does."""
    if not (folder / "node.lock").is_file():
        return None
    lock = FileLock(folder / "node.lock")
    try:
        if lock.try_acquire():
            return None
    finally:
        lock.close()
    try:
        found = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        return str(found["servers"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # it is just starting


@contextlib.contextmanager
def throw_away(say: Say, environ: Mapping[str, str]) -> Iterator[Node]:
    """A node that is gone at the end of the block, with all it held."""
    found, program = jars(environ, say), java(environ)
    with tempfile.TemporaryDirectory(prefix="nuncius-kafka-", ignore_cleanup_errors=True) as temporary:
        node = Node(Path(temporary), found, program)
        try:
            say("starting Apache Kafka on this machine (a few seconds) ...")
            node.start()
            yield node
        finally:
            node.stop()


def _last_port(folder: Path) -> int | None:
    """The port of the run before, so that an address that was written down stays right."""
    try:
        return int(str(json.loads((folder / NOTE).read_text(encoding="utf-8"))["servers"]).rpartition(":")[2])
    except (OSError, ValueError, KeyError, TypeError):
        return None
