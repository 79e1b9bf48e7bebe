"""``nuncius subscribe``: what the broker says, in a shell."""

from datetime import datetime
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from nuncius.broker.cli.options import Broker, Config, Json, settings_of
from nuncius.broker.cli.waiting import once_there, say
from nuncius.broker.settings import Settings

if TYPE_CHECKING:
    from nuncius.consumers.subscription import Subscription

_TOGETHER: Final = (500, 0.1)
"""Most records that are written before the bookmark moves, and how many seconds the first of them waits for others."""


def subscribe(
    what: Annotated[
        str,
        typer.Argument(
            metavar="STREAM",
            help="coincidences, alerts, candidates, counterparts, too, too-status, quarantine, or a named stream.",
        ),
    ] = "coincidences",
    *,
    filter_text: Annotated[
        str | None, typer.Option("--filter", metavar="TEXT", help="As after WHERE: \"messenger = 'neutrino'\".")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="From what came at this time (UTC) on: 2026-11-23 or 2026-11-23T12:00:00Z."),
    ] = None,
    last: Annotated[int | None, typer.Option(min=1, metavar="N", help="Begin with the last N records.")] = None,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Stop before what came at this time (UTC) or later; waits for a time to come."
        ),
    ] = None,
    until_end: Annotated[
        bool, typer.Option("--until-end/--follow", help="Stop where the log ends now, or go on for ever.")
    ] = False,
    resume: Annotated[
        str | None, typer.Option(metavar="NAME", help="Go on where the last run of this name stopped.")
    ] = None,
    restart: Annotated[
        bool,
        typer.Option("--restart", help="Forget where it stopped: with --resume NAME begin as --since or --last say."),
    ] = False,
    style: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="text|table|jsonl|avro|voevent",
            help="Of standard output. avro is a container file; voevent one document a line, with --save a file each.",
        ),
    ] = None,
    json: Json = False,
    fields: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="Which fields; of a table, or of JSON Lines.")
    ] = None,
    command: Annotated[
        str | None,
        typer.Option(
            "--exec",
            metavar="COMMAND",
            help="Run it for each record, which it gets as JSON on standard input; no shell. It ends the run if it "
            "fails, and the bookmark stays before that record.",
        ),
    ] = None,
    keep_going: Annotated[bool, typer.Option("--keep-going", help="Go on where the command fails.")] = False,
    save: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Each record as a file there (JSON, or VOEvent), with its sky maps."),
    ] = None,
    broker: Broker = None,
    config: Config = None,
) -> None:
    """Follow a stream; without --since, --last or --resume from now on. Waits for a broker that is not up.

    Ctrl-C ends it; what was begun is written, and the bookmark moved behind it.
    """
    from nuncius.broker.cli.subscribe_output import Interrupts, Outlet
    from nuncius.consumers.opening import moment_of

    settings = settings_of(config, broker)
    moment = moment_of(since, "--since")
    names = [word.strip() for word in (fields or "").split(",") if word.strip()]
    outlet = Outlet(settings, what, "jsonl" if json else style, names, command, save, keep_going=keep_going)
    ends = {"until": moment_of(until, "--until"), "until_end": until_end}
    wish = {"filter": filter_text, "last": last, **ends, "resume": resume, "restart": restart}
    subscription = _opened(what, settings, moment, wish)
    size, wait_s = (1, 0.0) if command else _TOGETHER
    if resume:
        subscription.ack()  # where it begins: what comes while nobody reads is not passed over
    with subscription, Interrupts() as interrupts:
        for batch in subscription.batches(size, wait_s):
            with interrupts.later():
                for record, taken, hits in zip(batch.records, batch.taken, batch.hits, strict=True):
                    outlet.put(record, batch.position, taken, hits)
                if resume:
                    subscription.ack()
    if resume:
        subscription.ack()  # behind what was not selected, too


def _opened(what: str, settings: Settings, since: datetime | None, wish: dict[str, Any]) -> "Subscription":
    """The subscription; where there is no log yet, to those records that a broker will write once it is up."""
    from nuncius.broker.app import areas_of, names_of, regions_on
    from nuncius.broker.connection import connection_of
    from nuncius.broker.transport.address import node_folder
    from nuncius.broker.transport.clock import utc_now
    from nuncius.consumers.subscriber import subscribe as follow

    areas = areas_of(settings, say)
    later = utc_now() if since is None and wish["last"] is None else since
    starts = chain([since], repeat(later))

    def begin() -> "Subscription":
        return follow(
            what,
            broker=settings.broker,
            since=next(starts),
            connection=connection_of(settings),
            folder_of_node=None if settings.data_folder is None else node_folder(settings.data_folder),
            on_wait=say,
            names=names_of(settings, areas),
            places=partial(regions_on, settings, areas=areas),
            **wish,
        )

    return once_there(begin, lambda: wish["until_end"] or (wish["until"] is not None and utc_now() >= wish["until"]))
