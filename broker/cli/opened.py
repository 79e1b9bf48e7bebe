"""The log of a command, closed at its end."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from nuncius.broker.cli.options import settings_of

if TYPE_CHECKING:
    from nuncius.broker.transport.port import Log


@contextmanager
def opened(broker: str | None, config: Path | None) -> "Iterator[Log]":
    """The log that a command's options name."""
    from nuncius.broker.app import open_log

    settings = settings_of(config, broker)
    log = open_log(settings, settings.broker)
    try:
        yield log
    finally:
        log.close()
