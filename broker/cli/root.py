"""All commands in one table, and what becomes of an error."""

import sys
from collections.abc import Sequence
from typing import Final, Protocol, cast

import typer
from typer.main import get_command

from nuncius.broker.cli import (
    demo,
    doctor,
    facilities,
    parse,
    publish,
    replay,
    service,
    skymap,
    subscribe,
    up,
)
from nuncius.schemas.errors import NunciusError, SettingsError

app = typer.Typer(
    name="nuncius",
    help="Multimessenger alert broker: alerts in; coincidences with a stated significance, and ToO requests out.",
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="rich",
)
app.command("up", rich_help_panel="Run")(up.up)
app.command("demo", rich_help_panel="Run")(demo.demo)
app.command("replay", rich_help_panel="Run")(replay.replay)
app.command("publish", rich_help_panel="Use")(publish.publish)
app.command("subscribe", rich_help_panel="Use")(subscribe.subscribe)
app.command("parse", rich_help_panel="Look")(parse.parse)
app.add_typer(skymap.app, name="skymap", rich_help_panel="Look")
app.command("facilities", rich_help_panel="Look")(facilities.facilities)
app.command("doctor", rich_help_panel="Look")(doctor.doctor)
app.command("ingest", rich_help_panel="One service")(service.ingest)
app.command("match", rich_help_panel="One service")(service.match)
app.command("associate", rich_help_panel="One service")(service.associate)
app.command("too", rich_help_panel="One service")(service.too)
app.command("web", rich_help_panel="One service")(service.web)


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
    sys.stderr.write(f"nuncius: {' '.join(message.split())}\n")
    return code
