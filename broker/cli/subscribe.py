"""``nuncius subscribe``: what the broker says, in a shell."""

from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from nuncius.broker.cli.options import Broker, Config, Json, settings_of

_TIMES: Final = ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z")


def subscribe(
    what: Annotated[
        str, typer.Argument(metavar="STREAM", help="coincidences, alerts, too, too-status, quarantine.")
    ] = ("coincidences"),
    *,
    broker: Broker = None,
    config: Config = None,
    json: Json = False,
    since: Annotated[
        datetime | None,
        typer.Option(formats=list(_TIMES), help="From this time on (UTC), as the broker received it."),
    ] = None,
    last: Annotated[int | None, typer.Option(min=1, help="Begin with the last N records.")] = None,
    until_end: Annotated[bool, typer.Option("--until-end", help="Stop where the log ends now.")] = False,
) -> None:
    """Follow a stream; without --since or --last from now on. Ctrl-C ends it."""
    from nuncius.broker.services.lines import as_text
    from nuncius.consumers.subscriber import subscribe as follow
    from nuncius.schemas.codec import encode_json

    address = settings_of(config, broker).broker or ""
    moment = None if since is None else since.replace(tzinfo=since.tzinfo or UTC)
    for value in follow(what, broker=address, since=moment, last=last, until_end=until_end):
        typer.echo(encode_json(value) if json else as_text(value))
