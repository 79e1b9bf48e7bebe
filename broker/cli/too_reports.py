"""``nuncius too report`` and ``reports``: who looked where, told and read back."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nuncius.broker.cli.opened import opened
from nuncius.broker.cli.options import Broker, Config, Json, settings_of

if TYPE_CHECKING:
    from nuncius.broker.services.reports_book import Followed, Share

File = Annotated[Path, typer.Argument(metavar="FILE", help="JSON Lines, or an ECSV table as `too plan --ecsv` writes.")]
Event = Annotated[str | None, typer.Argument(metavar="EVENT", help="E.g. lvk:S190814bv. None: all.")]


def report(file: File, *, broker: Broker = None, config: Config = None) -> None:
    """Say where you looked, or will look: plans made from then on leave out what is completed.

    A row names facility, thread_id (the event), ra, dec, and the field (radius_deg, or width_deg and height_deg, or
    footprint as a MOC) unless the facility is a telescope of your policies; start, stop, filter, depth, depth_unit,
    found, state (completed, planned, cancelled) where you know them. A report sent again replaces the earlier one.
    """
    from nuncius.broker.app import rules_of
    from nuncius.broker.follow_up import policies_of
    from nuncius.broker.services.lines import printable
    from nuncius.broker.services.reports_book import threads_on, write_reports
    from nuncius.broker.services.reports_file import Context, read_reports
    from nuncius.broker.transport.clock import utc_now

    settings = settings_of(config, broker)
    telescopes = policies_of(settings, rules_of(settings)).telescopes
    with opened(broker, config) as log:
        found = read_reports(file, Context(telescopes, threads_on(log), utc_now()))
        written = write_reports(log, found, f"nuncius-report-{os.getpid()}")
    events = ", ".join(sorted({one.thread_id for one in found}))
    known = f", {len(found) - written} stood there already" if written < len(found) else ""
    typer.echo(printable(f"{written} report{'' if written == 1 else 's'} on {events}{known}; see: nuncius too reports"))


def reports(event: Event = None, *, broker: Broker = None, config: Config = None, json: Json = False) -> None:
    """Who looked where for an event, ours and others', and how much of its map they hold together."""
    import orjson

    from nuncius.broker.services.lines import printable
    from nuncius.broker.services.reports_book import followed
    from nuncius.schemas.wire import to_json

    with opened(broker, config) as log:
        found = followed(log, event)
    for one in found:
        if json:
            row = {"type": "followed", "thread_id": one.thread_id, "together": to_json(one.together)}
            row |= {"shares": [to_json(share) for share in one.shares]}
            row |= {"reports": [to_json(report) for report in one.reports]}
            typer.echo(orjson.dumps(row, option=orjson.OPT_UTC_Z).decode())
            continue
        for line in _lines(one):
            typer.echo(printable(line))
    if not found:
        typer.echo(
            f"nobody reported{f' on {event}' if event else ''} yet; say where you looked: nuncius too report FILE",
            err=True,
        )


def _lines(one: "Followed") -> Iterator[str]:
    yield f"{one.thread_id}: {_held(one.together)}"
    for share in one.shares:
        when = "" if share.first is None else f", {share.first:%Y-%m-%d %H:%M} to {share.last:%Y-%m-%d %H:%M} UTC"
        who = f"{share.facility} {share.instrument}".rstrip() if share.instrument != share.facility else share.facility
        yield f"  {who}: {_held(share)}{when}"
    objects = sorted({name for report in one.reports for name in report.found})
    if objects:
        yield f"  found: {', '.join(objects)}"


def _held(share: "Share") -> str:
    held = "" if share.probability is None else f", {100 * share.probability:.1f} % of the map"
    more = "" if share.planned_probability is None else f" ({100 * share.planned_probability:.1f} % more)"
    planned = f", {share.planned} planned{more}" if share.planned else ""
    return f"{share.completed} fields, {share.area_deg2:.1f} deg²{held}{planned}"
