"""All commands in one table, and what becomes of an error."""

import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Annotated, Final, Protocol, cast

import typer
from typer.main import get_command

from nuncius.broker.cli import (
    calibrate,
    demo,
    doctor,
    facilities,
    filters,
    keys,
    parse,
    publish,
    replay,
    rules,
    service,
    skymap,
    streams,
    subscribe,
    too,
    up,
)
from nuncius.schemas.errors import NunciusError, SettingsError

app = typer.Typer(
    name="nuncius",
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
_COMMANDS: Final[tuple[tuple[str, Callable[..., None], str], ...]] = (
    ("up", up.up, "the whole broker on this machine, with HTTP"),
    ("demo", demo.demo, "play two acts of history through the broker"),
    ("replay", replay.replay, "files and archives through the whole road"),
    ("calibrate", calibrate.calibrate, "time slides: are stated rates true"),
    ("publish", publish.publish, "packets into a broker"),
    ("subscribe", subscribe.subscribe, "follow what a broker says"),
    ("parse", parse.parse, "what is in a packet, without a broker"),
    ("facilities", facilities.facilities, "what is read, and how far that was tried"),
    ("rules", rules.rules, "what is looked for, its rates, and its budget"),
    ("keys", keys.keys, "what may stand in nuncius.toml and in policies"),
    ("doctor", doctor.doctor, "what is wrong here, and how to mend it"),
    ("ingest", service.ingest, "one service alone: take packets over HTTP"),
    ("match", service.match, "one service alone: candidates with events"),
    ("associate", service.associate, "one service alone: events with events"),
    ("web", service.web, "one service alone: HTTP"),
)
"""In the order of the list, with what the list says: short enough for 80 columns."""

for _name, _command, _short in _COMMANDS:
    app.command(_name, short_help=_short)(_command)
app.add_typer(filters.app, name="filters", short_help="ready-made filters, fields, is a filter right")
app.add_typer(streams.app, name="streams", short_help="selections in topics of their own")
app.add_typer(too.app, name="too", short_help="requests to telescopes; alone: that service")
app.add_typer(skymap.app, name="skymap", short_help="what a sky map says")


def _version(asked: object) -> None:
    """Say which Nuncius this is, and end."""
    if asked:
        sys.stdout.write(f"nuncius {version('nuncius')}\n")
        raise typer.Exit


@app.callback()
def _any_command(
    *,
    _asked: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Which Nuncius.")] = False,
) -> None:
    """Multimessenger alert broker: alerts in; coincidences with a stated significance, and ToO requests out."""


class _ClickError(Protocol):
    """What click raises where a command line is wrong."""

    ctx: typer.Context | None

    def format_message(self) -> str:
        """What is wrong, with the option's name."""


def _click_error() -> type[Exception]:
    """The root of click's errors, from wherever this version of typer has its click."""
    return next(
        kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException" and issubclass(kind, Exception)
    )


_WRONG_LINE: Final = _click_error()


def run(arguments: Sequence[str]) -> int:
    """Run one command line; returns the exit code."""
    try:
        ended = get_command(app).main(list(arguments) or ["--help"], prog_name="nuncius", standalone_mode=False)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except (KeyboardInterrupt, typer.Abort):
        return _say("stopped", 130)
    except _WRONG_LINE as error:
        return _say(_usage(cast("_ClickError", error)), 2)
    except SettingsError as error:
        return _say(str(error), 2)
    except NunciusError as error:
        return _say(str(error), 1)
    except ModuleNotFoundError as error:
        return _say(f"{error.name} is not installed; try: pip install 'nuncius[all]'", 1)
    except OSError as error:
        return _say(f"{error.filename or 'input or output'}: {error.strerror or error}", 1)
    return ended if isinstance(ended, int) else 0


def _usage(error: _ClickError) -> str:
    command = error.ctx.command_path if error.ctx is not None else "nuncius"
    return f"{error.format_message().rstrip('.')}; see: {command} --help"


def _say(message: str, code: int) -> int:
    from nuncius.broker.services.lines import printable

    sys.stderr.write(f"nuncius: {printable(' '.join(message.split()))}\n")
    return code
