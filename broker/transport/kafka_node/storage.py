"""The folder of a node: its lock, its files, and its storage, formatted once."""

import os
import re
import secrets
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import orjson

from nuncius.broker.transport.file_lock import FileLock
from nuncius.broker.transport.kafka_node.ports import answers
from nuncius.broker.transport.kafka_node.properties import DATA, LOG4J, as_text
from nuncius.schemas.errors import SettingsError, Stop

LOCK: Final = "node.lock"
LOG: Final = "kafka.log"
PROPERTIES: Final = "node.properties"

JVM: Final = (
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "-Dlog4j2.configurationFile=log4j2.properties",
)
"""The quick compiler alone: ready in two thirds of the time, and a million records cost the broker no more work
(measured with Java 17)."""

_ENDING_S: Final = 40.0
"""How long a node whose starter was killed may take to end: more than the guard's ``STOP_S``."""

_ANSWERING_S: Final = 3.0
"""How long it may answer meanwhile."""

_FORMATTED: Final = "cluster.id"
_TOLD: Final = "node.json"


class NodeLock(FileLock):
    """The lock of a node's folder, to be shared with the processes that run the node."""

    @property
    def descriptor(self) -> int:
        """To be inherited; -1 once it is closed."""
        return -1 if self._descriptor is None else self._descriptor


def take(folder: Path) -> NodeLock:
    """The folder's lock. One whose node is just ending is waited for.

    Raises
    ------
    SettingsError
        A node runs in the folder.
    """
    lock = NodeLock(folder / LOCK)
    begin = time.monotonic()
    while not lock.try_acquire():
        servers = told_servers(folder)
        patience_s = _ANSWERING_S if servers is not None and answers(servers) else _ENDING_S
        if time.monotonic() > begin + patience_s:
            lock.close()
            raise SettingsError(f"{folder / LOCK} is held: a Kafka runs there already, at {servers}")
        time.sleep(0.05)
    return lock


def told_servers(folder: Path) -> str | None:
    """``HOST:PORT`` of the node that ran in the folder last; None where there was none or it is just starting."""
    try:
        told = orjson.loads((folder / _TOLD).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
    servers = told.get("servers") if isinstance(told, dict) else None
    return servers if isinstance(servers, str) else None


def tell(folder: Path, servers: str, pid: int) -> None:
    """Write down where the node is."""
    _replace(folder / _TOLD, orjson.dumps({"servers": servers, "pid": pid}) + b"\n")


def forget(folder: Path) -> None:
    """Undo `tell`."""
    (folder / _TOLD).unlink(missing_ok=True)


def write_settings(folder: Path, settings: Mapping[str, str]) -> None:
    """The files that Kafka reads. They may hold passwords: they are for their owner only."""
    _replace(folder / "log4j2.properties", LOG4J.encode())
    _replace(folder / PROPERTIES, as_text(settings).encode())


def formatted(folder: Path, java: Sequence[str], arguments: Sequence[str], environ: Mapping[str, str]) -> str:
    """The cluster id of the folder's storage, which is formatted where it is not.

    A format that was interrupted is done again; records are never touched.

    Parameters
    ----------
    folder
        Has the settings already.
    java
        The program and its options.
    arguments
        More of ``kafka-storage format``, for example ``--add-scram``.
    environ
        Of the program.
    """
    mark = folder / _FORMATTED
    if mark.is_file():
        return mark.read_text().strip()
    for name in ("meta.properties", "bootstrap.checkpoint"):
        (folder / DATA / name).unlink(missing_ok=True)
    cluster_id = "N" + secrets.token_urlsafe(16)[1:]
    command = [*java, "kafka.tools.StorageTool", "format", "-c", PROPERTIES, "-t", cluster_id, *arguments]
    done = subprocess.run(
        command,
        cwd=folder,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise Stop(f"formatting Kafka's storage in {folder} failed: {last_words(done.stdout + done.stderr)}")
    _replace(mark, cluster_id.encode())
    return cluster_id


def last_words(said: str) -> str:
    """The last two lines that are not part of a stack trace, as one."""
    telling = [line.strip() for line in said.splitlines() if line.strip() and not re.match(r"\s+(at |\.\.\. )", line)]
    return " | ".join(line[:300] for line in telling[-2:]) or "it said nothing"


def _replace(path: Path, content: bytes) -> None:
    """Write it whole or not at all; readable by its owner only."""
    part = path.with_name(f"{path.name}.part")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:  # noqa: PTH123  of a descriptor
        file.write(content)
    part.replace(path)
