"""``nuncius keys``: what may stand in `nuncius.toml` and in a file of policies."""

from typing import Annotated

import typer

from nuncius.broker.cli.options import Json

TableName = Annotated[str | None, typer.Argument(metavar="[TABLE]", show_default=False)]


def keys(table: TableName = None, *, json: Json = False) -> None:
    """Every key of a table: what its value is, what it is without you, and what it means.

    Without a table: which there are.
    """
    import orjson

    from nuncius.broker.keys import TABLES, keys_of

    if table is None:
        for name, one in TABLES.items():
            line = f"{name:<24} {one.file:<14} {one.heading:<18} {one.says}"
            typer.echo(orjson.dumps({"table": name, "file": one.file, "heading": one.heading}) if json else line)
        return
    for key in keys_of(table):
        if json:
            typer.echo(orjson.dumps(key))
        else:
            state = "needed" if key.needed else f"else {key.default}" if key.default else "may be left out"
            typer.echo(f"{key.name}: {key.kind} ({state})")
            typer.echo(f"    {' '.join(key.says.split())}")
