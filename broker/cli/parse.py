"""``nuncius parse``: what is made of each packet, without a broker."""

from pathlib import Path
from typing import Annotated

import typer

from nuncius.broker.cli.options import Json, Schemas, Skymaps


def parse(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE", help="Packets, folders or tar archives.")],
    *,
    json: Json = False,
    skymaps: Skymaps = None,
    schemas: Schemas = None,
) -> None:
    """Read packets of any format and say what is in them. Exit code 1 if one could not be read; the others go on."""
    from nuncius.broker.services.look import as_line, look
    from nuncius.broker.services.packets import from_paths
    from nuncius.broker.services.supplies import Supplies

    supplies = Supplies(skymaps=skymaps, schemas=schemas)
    unread = 0
    for packet in from_paths(paths):
        for row in look(packet, supplies):
            unread += "error" in row
            typer.echo(as_line(row, json=json))
    if unread:
        typer.echo(f"nuncius: {unread} could not be read; the lines above say why", err=True)
        raise typer.Exit(1)
