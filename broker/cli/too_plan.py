"""``nuncius too plan``: a request's fields, or those of all requests of an event, as table, picture and calendar."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nuncius.broker.cli.opened import opened
from nuncius.broker.cli.options import Broker, Config, Json, settings_of

if TYPE_CHECKING:
    from nuncius.broker.services.plan_together import Together

Ident = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="The beginning of a request's id, as `list` shows it; or an event such as lvk:S190814bv, or the beginning "
        "of a cause's id: all that is asked for it, together.",
    ),
]
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

    Of an event the same for every telescope that is asked for it, in one table and one picture.

    The picture is upright and dark: the sky, a close-up with numbers, the nights with airmass, twilights and Moon.
    """
    from nuncius.broker.app import rules_of
    from nuncius.broker.follow_up import policies_of
    from nuncius.broker.services.archive import Archive
    from nuncius.broker.services.maps import MapShelf
    from nuncius.broker.services.plan_found import PlanFinder
    from nuncius.broker.services.plan_obsloctap import WRITERS
    from nuncius.broker.services.plan_together import chosen, together
    from nuncius.broker.services.too_book import book

    if obsloctap is not None and obsloctap.suffix.lower() not in WRITERS:
        raise typer.BadParameter(f"{obsloctap.name}: name a file that ends in {', '.join(WRITERS)}")
    if hide_target and obsloctap is None:
        raise typer.BadParameter("--hide-target is about the file of --obsloctap; name one")
    settings = settings_of(config, broker)
    with opened(broker, config) as log:
        finder = PlanFinder(log, Archive(log), MapShelf(log), policies_of(settings, rules_of(settings)))
        found = together(finder, chosen(book(log), ident))
    _files(found, ecsv, obsloctap, ics, hide_target=hide_target)
    if plot is not None:
        from nuncius.broker.services import plan_picture

        if found.alone is None:
            plan_picture.draw_together(found, plot)
        else:
            plan_picture.draw(found.alone, plot)
    _print(found, json=json)


def _files(
    found: "Together", ecsv: Path | None, obsloctap: Path | None, ics: Path | None, *, hide_target: bool
) -> None:
    from nuncius.broker.services import plan_tables

    if ecsv is not None:
        table = plan_tables.ecsv_together(found) if found.alone is None else plan_tables.ecsv(found.alone)
        plan_tables.write(ecsv, table)
    if obsloctap is not None:
        from nuncius.broker.services.plan_obsloctap import WRITERS, obsplan_together

        rows = obsplan_together(found)
        plan_tables.write(obsloctap, WRITERS[obsloctap.suffix.lower()](rows.hidden() if hide_target else rows))
    if ics is not None:
        from nuncius.broker.services.plan_calendar import calendar_together

        plan_tables.write(ics, calendar_together(found))


def _print(found: "Together", *, json: bool) -> None:
    from nuncius.broker.services.lines import printable
    from nuncius.broker.services.plan_tables import lines, lines_together, meta_together
    from nuncius.broker.services.too_words import headline
    from nuncius.schemas.wire import to_json

    alone = found.alone
    if json:
        for one in found.plans:
            row = {"type": "too_request", **to_json(one.request), "stands": one.entry.state}
            row["map_sha256"] = one.map_sha256
            _json(row)
        if alone is None:
            _json({"type": "plans_together", "name": found.name, "fields": found.fields, **meta_together(found)})
        return
    if alone is None:
        for line in lines_together(found):
            typer.echo(printable(line))
        return
    typer.echo(printable(headline(alone.request)))
    typer.echo(printable(f"{alone.entry.state}: {alone.request.reason}"))
    for line in lines(alone):
        typer.echo(printable(line))


def _json(row: dict[str, Any]) -> None:
    import orjson

    typer.echo(orjson.dumps(row, option=orjson.OPT_UTC_Z).decode())
