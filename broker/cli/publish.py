"""``nuncius publish``: a facility's packets into a broker, from a shell."""

from pathlib import Path
from typing import Annotated

import typer

from nuncius.broker.cli.options import Broker, Config, Json, Schemas, Skymaps, settings_of


def publish(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE", help="Packets, folders or archives; - for stdin.")],
    *,
    stream: Annotated[
        str, typer.Option(metavar="NAME", help="The stream they come on, if the bytes do not tell.")
    ] = "",
    broker: Broker = None,
    config: Config = None,
    json: Json = False,
    skymaps: Skymaps = None,
    schemas: Schemas = None,
) -> None:
    """Publish packets as they are. Each is durable when its line appears; exit code 1 if one was quarantined."""
    from nuncius.broker.app import publish_paths
    from nuncius.broker.services.lines import printable

    settings = settings_of(config, broker)
    supplied = settings.model_copy(
        update={"skymaps": skymaps or settings.skymaps, "schemas": schemas or settings.schemas}
    )
    refused = 0
    for line in publish_paths(supplied, paths, stream, typer.get_binary_stream("stdin"), json=json):
        refused += line.quarantined
        typer.echo(line.text if json else printable(line.text))
    if refused:
        raise typer.Exit(1)
