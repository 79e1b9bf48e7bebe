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
    """The log that a command's options name.

    Raises
    ------
    SettingsError
        If there is none: a command that only looks makes no log, and a mistyped address is no empty one.
    """
    from nuncius.broker.app import has_log, open_log
    from nuncius.schemas import SettingsError

    settings = settings_of(config, broker)
    if not has_log(settings.broker):
        raise SettingsError(f"no log at {settings.broker}; is the address right? A new one is made by: nuncius up")
    log = open_log(settings, settings.broker)
    try:
        yield log
    finally:
        log.close()
