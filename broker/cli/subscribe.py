"""``nuncius subscribe``: what the broker says, in a shell."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from nuncius.broker.cli.options import Broker, Config, Json, settings_of
from nuncius.broker.settings import Settings

_AGAIN_S: Final = 0.3


def subscribe(
    what: Annotated[
        str,
        typer.Argument(
            metavar="STREAM", help="coincidences, alerts, candidates, counterparts, too, too-status or quarantine."
        ),
    ] = "coincidences",
    *,
    broker: Broker = None,
    config: Config = None,
    json: Json = False,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="From what came at this time (UTC) on: 2026-11-23 or 2026-11-23T12:00:00Z."),
    ] = None,
    last: Annotated[int | None, typer.Option(min=1, metavar="N", help="Begin with the last N records.")] = None,
    until_end: Annotated[bool, typer.Option("--until-end", help="Stop where the log ends now.")] = False,
) -> None:
    """Follow a stream; without --since or --last from now on. Waits for a broker that is not up. Ctrl-C ends it."""
    from nuncius.broker.services.lines import as_text
    from nuncius.schemas.codec import encode_json

    for value in _follow(what, settings_of(config, broker), _time(since), last, until_end=until_end):
        typer.echo(encode_json(value) if json else as_text(value))


def _follow(
    what: str, settings: Settings, since: datetime | None, last: int | None, *, until_end: bool
) -> Iterator[Any]:
    """The records; where there is no log yet, those that a broker will write once it is up."""
    from nuncius.broker.connection import connection_of
    from nuncius.broker.transport.address import node_folder
    from nuncius.broker.transport.clock import utc_now
    from nuncius.consumers.subscriber import NoBroker
    from nuncius.consumers.subscriber import subscribe as follow

    began = utc_now()
    waited = False
    while True:
        start = began if waited and since is None and last is None else since
        try:
            yield from follow(
                what,
                broker=settings.broker,
                since=start,
                last=last,
                until_end=until_end,
                connection=connection_of(settings),
                folder_of_node=None if settings.data_folder is None else node_folder(settings.data_folder),
            )
        except NoBroker as error:
            if until_end:
                raise
            if not waited:
                typer.echo(f"nuncius: {error}; waiting for it", err=True)
            waited = True
            time.sleep(_AGAIN_S)
        else:
            return


def _time(text: str | None) -> datetime | None:
    from nuncius.schemas import SettingsError

    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(f"--since {text}: no time; write 2026-11-23 or 2026-11-23T12:00:00Z") from error
    return moment.replace(tzinfo=moment.tzinfo or UTC)
