"""``nuncius too plan``: a request's fields as a table, a picture and a calendar."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nuncius.broker.cli.opened import opened
from nuncius.broker.cli.options import Broker, Config, Json, settings_of

if TYPE_CHECKING:
    from nuncius.broker.services.plan_found import Plan

Ident = Annotated[str, typer.Argument(metavar="ID", help="The beginning of a request's id, as `list` shows it.")]
Plot = Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="A picture: .png, .svg or .pdf.")]
Ecsv = Annotated[Path | None, typer.Option("--ecsv", metavar="FILE", help="The fields as a table for astropy.")]
ObsLocTap = Annotated[
    Path | None, typer.Option("--obsloctap", metavar="FILE", help="ObsLocTAP 1.0 rows: .ecsv, or .xml as VOTable.")
]
Ics = Annotated[Path | None, typer.Option("--ics", metavar="FILE", help="When it is, for a calendar (iCalendar).")]
Hide = Annotated[
    bool, typer.Option("--hide-target", help="ObsLocTAP without position and name: the time is shown as taken.")
]


def plan(
    ident: Ident,
    *,
    plot: Plot = None,
    ecsv: Ecsv = None,
    obsloctap: ObsLocTap = None,
    hide_target: Hide = False,
    ics: Ics = None,
    broker: Broker = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """A request's fields in their order, or its one pointing: as a table here, and in the files you name.

    The picture is upright and dark: the sky, a close-up with numbers, the nights with airmass, twilights and Moon.
    """
    from nuncius.broker.app import rules_of
    from nuncius.broker.follow_up import policies_of
    from nuncius.broker.services.plan_found import plan_of
    from nuncius.broker.services.plan_obsloctap import WRITERS
    from nuncius.broker.services.too_book import book, named

    if obsloctap is not None and obsloctap.suffix.lower() not in WRITERS:
        raise typer.BadParameter(f"{obsloctap.name}: name a file that ends in {', '.join(WRITERS)}")
    if hide_target and obsloctap is None:
        raise typer.BadParameter("--hide-target is about the file of --obsloctap; name one")
    settings = settings_of(config, broker)
    with opened(broker, config) as log:
        found = plan_of(log, named(book(log), ident), policies_of(settings, rules_of(settings)))
    _files(found, ecsv, obsloctap, ics, hide_target=hide_target)
    if plot is not None:
        from nuncius.broker.services.plan_picture import draw

        draw(found, plot)
    _print(found, json=json)


def _files(found: "Plan", ecsv: Path | None, obsloctap: Path | None, ics: Path | None, *, hide_target: bool) -> None:
    from nuncius.broker.services import plan_tables

    if ecsv is not None:
        plan_tables.write(ecsv, plan_tables.ecsv(found))
    if obsloctap is not None:
        from nuncius.broker.services.plan_obsloctap import WRITERS, obsplan

        rows = obsplan(found)
        plan_tables.write(obsloctap, WRITERS[obsloctap.suffix.lower()](rows.hidden() if hide_target else rows))
    if ics is not None:
        from nuncius.broker.services.plan_calendar import calendar

        plan_tables.write(ics, calendar(found))


def _print(found: "Plan", *, json: bool) -> None:
    import orjson

    from nuncius.broker.services.lines import printable
    from nuncius.broker.services.plan_tables import lines
    from nuncius.broker.services.too_words import headline
    from nuncius.schemas.wire import to_json

    if json:
        row = {"type": "too_request", **to_json(found.request), "stands": found.entry.state}
        row["map_sha256"] = found.map_sha256
        typer.echo(orjson.dumps(row, option=orjson.OPT_UTC_Z).decode())
        return
    typer.echo(printable(headline(found.request)))
    typer.echo(printable(f"{found.entry.state}: {found.request.reason}"))
    for line in lines(found):
        typer.echo(printable(line))
