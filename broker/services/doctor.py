"""What is wrong on this machine or with this log, and how to mend it."""

import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal

from nuncius.broker.services.lines import printable
from nuncius.broker.services.streams.overview import overview
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log
from nuncius.schemas import NunciusError

Verdict = Literal["ok", "note", "wrong"]

EXTRAS: Final = {
    "numba": ("fast", "look-ups on the sky by numpy: the same numbers, some times slower"),
    "matplotlib": ("plots", "no pictures"),
    "fastapi": ("web", "no HTTP service"),
    "httpx": ("too", "no webhooks"),
    "authlib": ("registry", "no schema registry"),
}
"""Module -> the extra that brings it, and what is missing without."""

LOW_DISK_BYTES: Final = 2 * 2**30
"""Below it is time to make room (ours)."""

FULL_DISK_BYTES: Final = 2**28
"""Below it the log may not be written to in a moment: sixteen times the largest record (ours)."""

LAGGING: Final = 20_000
"""A minute of Rubin's mean rate, 333 alerts a second."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check.

    Parameters
    ----------
    what
        What was looked at.
    verdict
        ``wrong`` needs mending, ``note`` is worth knowing.
    detail
        What was found, and how to mend it.
    """

    what: str
    verdict: Verdict
    detail: str


def examine(open_log: Callable[[], Log], folder: Path | None, now: datetime) -> Iterator[Finding]:
    """Every check, in order; ``folder`` is that of an embedded log."""
    yield from examine_machine(folder)
    yield from _log(open_log, now)


def examine_machine(folder: Path | None) -> Iterator[Finding]:
    """Every check but those of the log; ``folder`` is that of an embedded one."""
    yield _python()
    yield Finding("sqlite", "ok", sqlite3.sqlite_version)
    yield from _extras()
    yield from _java()
    if folder is not None:
        yield examine_disk(folder)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < (3, 11):
        return Finding("python", "wrong", f"{version}; install 3.11 or newer")
    return Finding("python", "ok", version)


def _extras() -> Iterator[Finding]:
    for module, (extra, without) in EXTRAS.items():
        if find_spec(module) is None:
            yield Finding(module, "note", f"not installed: {without}; pip install 'nuncius[{extra}]'")
        else:
            yield Finding(module, "ok", "installed")


def _java() -> Iterator[Finding]:
    for program in ("java", "mvn"):
        where = shutil.which(program)
        text = "found" if where else "not found: only needed to start a Kafka on this machine"
        yield Finding(program, "ok" if where else "note", text)


def examine_disk(folder: Path) -> Finding:
    """Whether there is room where an embedded log lies."""
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    free = shutil.disk_usage(existing).free
    if free < LOW_DISK_BYTES:
        verdict: Verdict = "wrong" if free < FULL_DISK_BYTES else "note"
        return Finding("disk", verdict, f"{free / 2**30:.1f} GiB free at {existing}; make room or set data_folder")
    return Finding("disk", "ok", f"{free / 2**30:.0f} GiB free")


def _streams(log: Log) -> Iterator[Finding]:
    """Named streams that are not as their owners want them."""
    for view in overview(log):
        what = f"stream {printable(view.name)}"
        if view.state == "broken":
            yield Finding(what, "wrong", f"{printable(view.detail)}; mend it with: nuncius streams edit or delete")
        elif view.state == "waiting":
            yield Finding(what, "note", "not taken up yet; is the service up? nuncius streams run")
        elif view.behind is not None and view.behind > LAGGING:
            yield Finding(what, "note", f"{view.behind} records behind; is the service up? nuncius streams run")


def _log(open_log: Callable[[], Log], now: datetime) -> Iterator[Finding]:
    try:
        log = open_log()
    except NunciusError as error:
        yield Finding("log", "wrong", str(error))
        return
    try:
        for topic in topics.TOPICS:
            partitions = log.partitions(topic.name)
            verdict: Verdict = "ok" if partitions == topic.partitions else "wrong"
            yield Finding(topic.name, verdict, f"{partitions} partitions")
        yield Finding("log", "ok", log.probe())
        yield from _streams(log)
        yield Finding("clock", "ok", f"{now:%Y-%m-%dT%H:%M:%SZ}")
    except NunciusError as error:
        yield Finding("log", "wrong", str(error))
    finally:
        log.close()
