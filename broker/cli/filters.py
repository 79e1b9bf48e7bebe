"""``nuncius filters``: the filter language from a shell: what there is, and whether a text is right."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from nuncius.broker.cli.filters_try import try_out
from nuncius.broker.cli.options import Config, Json, settings_of

if TYPE_CHECKING:
    from nuncius.broker.services.areas import Areas
    from nuncius.broker.services.own_names import OwnFilter

app = typer.Typer(help="The filter language: filters and regions by name, fields, and whether a filter is right.")
app.command("try", short_help="which records a filter selects, and why not the others")(try_out)

Table = Annotated[
    str | None,
    typer.Option("--table", metavar="TABLE", help="alerts, candidates, coincidences, ...; else the first it fits."),
]


@app.command("list", short_help="filters and regions by name, your own too")
def list_(*, config: Config = None, json: Json = False) -> None:
    """Every ready-made filter, and the filters and regions of your settings.

    A filter's name is used as a bare word, as in "bright_grb AND NOT mine"; a region's as in "IN_REGION('mine')".
    """
    import orjson

    from nuncius.filters.ready import ready_filters

    for one in ready_filters():
        typer.echo(orjson.dumps(one) if json else f"{one.name:<24} {one.table:<12} {one.meaning}")
    for line in _own(config, json=json):
        typer.echo(line)


@app.command(short_help="one filter or region, with its source")
def show(name: Annotated[str, typer.Argument(metavar="NAME")], *, config: Config = None, json: Json = False) -> None:
    """One ready-made filter with its source and what it misses; or a filter or region of your settings."""
    import orjson

    from nuncius.filters.ready import ready_filters
    from nuncius.schemas import SettingsError

    own = list(_own(config, json=json, only=name))
    for line in own:
        typer.echo(line)
    one = next((each for each in ready_filters() if each.name == name), None)
    if own:
        if one is not None and not json:
            typer.echo(f"  it stands before the ready-made filter {name}")
        return
    if one is None:
        raise SettingsError(
            f"no filter or region {name!r}; ready-made filters are {', '.join(f.name for f in ready_filters())}; your "
            "own stand under [filters] and [regions] in nuncius.toml"
        )
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


@app.command(short_help="whether a filter is right; without one: all of your own")
def check(
    text: Annotated[
        str | None, typer.Argument(metavar="FILTER", help="As after WHERE; without it all of your settings.")
    ] = None,
    *,
    table: Table = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Say what a filter reads; a wrong one is told with its column, exit code 2.

    Without a filter every filter and region of your settings is checked, and told with file and line.
    """
    import orjson

    from nuncius.broker.app import areas_of, names_of
    from nuncius.broker.services.filter_trial import table_for
    from nuncius.filters import FilterError, parse_filter

    if text is None:
        _check_own(config, json=json)
        return
    settings = settings_of(config)
    names = names_of(settings, areas_of(settings))
    try:
        found = parse_filter(text, table or table_for(text, names), names)
    except FilterError as error:
        typer.echo(f"  {text}\n  {' ' * (error.column - 1)}^", err=True)
        raise
    row = {"table": found.table, "fields": sorted(found.fields), "places": sorted(map(str, found.places))}
    if json:
        typer.echo(orjson.dumps(row))
        return
    typer.echo(f"right; reads {', '.join(row['fields']) or 'no field'} of {found.table}")


def _check_own(config: Config, *, json: bool) -> None:
    from nuncius.broker.app import areas_of
    from nuncius.broker.services.own_names import names_in, own_filters

    settings = settings_of(config)
    areas = areas_of(settings)
    for line in _own(config, json=json):
        typer.echo(line)
    wrong = [one.name for one in own_filters(settings, names_in(settings)) if one.fault]
    wrong += [name for name in areas if areas.state(name).fault]
    if wrong:
        typer.echo(f"nuncius: wrong: {', '.join(wrong)}; the lines above say why", err=True)
        raise typer.Exit(2)


def _own(config: Config, *, json: bool, only: str | None = None) -> Iterator[str | bytes]:
    """Lines for what the settings name: all, or one of them."""
    import orjson

    from nuncius.broker.app import areas_of
    from nuncius.broker.services.lines import printable
    from nuncius.broker.services.own_names import names_in, own_filters, region_row

    settings = settings_of(config)
    areas: Areas = areas_of(settings)
    for one in own_filters(settings, names_in(settings)):
        if only in (None, one.name):
            yield orjson.dumps(one) if json else printable(_filter_line(one))
    for name in areas:
        if only in (None, name):
            row = region_row(name, areas)
            yield orjson.dumps(row, option=orjson.OPT_UTC_Z) if json else printable(f"{name:<24} {row.in_words()}")


def _filter_line(one: "OwnFilter") -> str:
    said = f"WRONG: {one.fault}" if one.fault else "your own"
    return f"{one.name:<24} {', '.join(one.tables):<12} {said}: {one.text} ({one.origin})"
