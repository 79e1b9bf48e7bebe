"""``nuncius filters``: the filter language from a shell: what there is, and whether a text is right."""

from typing import Annotated

import typer

from nuncius.broker.cli.options import Config, Json, settings_of

app = typer.Typer(help="The filter language: ready-made filters, fields, and whether a filter is right.")

Table = Annotated[str, typer.Option("--table", metavar="TABLE", help="alerts, candidates, coincidences, ...")]


@app.command("list", short_help="ready-made filters")
def list_(*, json: Json = False) -> None:
    """Every ready-made filter: use its name as a bare word, as in "bright_grb AND NOT gold_neutrino"."""
    import orjson

    from nuncius.filters.ready import ready_filters

    for one in ready_filters():
        typer.echo(orjson.dumps(one) if json else f"{one.name:<24} {one.table:<12} {one.meaning}")


@app.command(short_help="one ready-made filter, with its source")
def show(name: Annotated[str, typer.Argument(metavar="NAME")], *, json: Json = False) -> None:
    """Text, meaning and source of one, and what it misses."""
    import orjson

    from nuncius.filters.ready import ready_filters
    from nuncius.schemas import SettingsError

    one = next((each for each in ready_filters() if each.name == name), None)
    if one is None:
        raise SettingsError(f"no ready-made filter {name!r}; there are {', '.join(f.name for f in ready_filters())}")
    if json:
        typer.echo(orjson.dumps(one))
        return
    typer.echo(f"{one.name} (on {one.table}): {one.meaning}")
    typer.echo(f"  filter:  {one.text}")
    typer.echo(f"  source:  {one.source or 'none: our own choice'}")
    typer.echo(f"  misses:  {one.misses}")


@app.command(short_help="what a filter may ask of a table")
def fields(table: Annotated[str, typer.Argument(metavar="TABLE")] = "alerts", *, json: Json = False) -> None:
    """Every field of a table with its kind, unit and meaning."""
    import orjson

    from nuncius.filters import FIELDS
    from nuncius.schemas import SettingsError

    if table not in FIELDS:
        raise SettingsError(f"no table {table!r}; there are {', '.join(FIELDS)}")
    for field in FIELDS[table].values():
        row = {"name": field.name, "kind": field.kind, "unit": field.unit, "meaning": field.meaning}
        typer.echo(orjson.dumps(row) if json else f"{field.name:<28} {field.kind:<8} {field.unit:<9} {field.meaning}")


@app.command(short_help="whether a filter is right")
def check(
    text: Annotated[str, typer.Argument(metavar="FILTER", help="As after WHERE.")],
    *,
    table: Table = "alerts",
    config: Config = None,
    json: Json = False,
) -> None:
    """Say what a filter reads; a wrong one is told with its column, exit code 2."""
    import orjson

    from nuncius.broker.app import names_of
    from nuncius.filters import FilterError, parse_filter

    try:
        found = parse_filter(text, table, names_of(settings_of(config)))
    except FilterError as error:
        typer.echo(f"  {text}\n  {' ' * (error.column - 1)}^", err=True)
        raise
    row = {"table": table, "fields": sorted(found.fields), "places": sorted(map(str, found.places))}
    if json:
        typer.echo(orjson.dumps(row))
        return
    typer.echo(f"right; reads {', '.join(row['fields']) or 'no field'} of {table}")
