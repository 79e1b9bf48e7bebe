"""``nuncius replay``: files, folders and archives through the whole road."""

from pathlib import Path
from typing import Annotated, get_args

import typer

from nuncius.broker.cli.options import Config, Json, Schemas, Skymaps, settings_of


def replay(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Files, folders, tar archives; any format.")],
    *,
    broker: Annotated[
        str | None,
        typer.Option(
            "--broker",
            metavar="ADDRESS",
            help="local:DIR or kafka://HOST:PORT/NAME keeps the log and resumes there. "
            "Default, and kafka:local: thrown away.",
        ),
    ] = None,
    order: Annotated[
        str, typer.Option(metavar="WORD", help="issued (as the world received them), event, or given.")
    ] = "issued",
    speed: Annotated[
        float | None, typer.Option(min=0.001, metavar="N", help="Seconds of the past a second. Default: all at once.")
    ] = None,
    feed_only: Annotated[
        bool,
        typer.Option("--feed-only", help="Leave the work to services that run elsewhere on this log; wait for them."),
    ] = False,
    config: Config = None,
    json: Json = False,
    skymaps: Skymaps = None,
    schemas: Schemas = None,
) -> None:
    """Replay packets and print the final state: coincidences, candidate lists, requests, quarantine, a summary.

    The same files give the same output, byte for byte with --json, also after an interruption with --broker local:DIR.
    """
    from nuncius.broker.app import replay_paths
    from nuncius.broker.cli.progress import Bar
    from nuncius.broker.cli.report import print_outcome
    from nuncius.broker.services.harvest import Order
    from nuncius.schemas import SettingsError

    known = next((word for word in get_args(Order) if word == order), None)
    if known is None:
        raise SettingsError(f"--order {order}: choose one of {', '.join(get_args(Order))}")
    settings = settings_of(config)
    supplied = settings.model_copy(
        update={"skymaps": skymaps or settings.skymaps, "schemas": schemas or settings.schemas}
    )
    with Bar("replay") as bar:
        found = replay_paths(supplied, paths, broker, known, speed, bar, feed_only=feed_only)
    print_outcome(found, json=json)
