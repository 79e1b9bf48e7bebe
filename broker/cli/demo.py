"""``nuncius demo``: two acts of history on a broker of its own."""

from pathlib import Path
from typing import Annotated

import typer

from nuncius.broker.cli.options import Json


def demo(
    *,
    speed: Annotated[
        float, typer.Option(min=1, metavar="N", help="Seconds of history a second; long silences are jumped.")
    ] = 36_000,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a picture of the sky (.png or .svg) at the end.")
    ] = None,
    broker: Annotated[
        str | None,
        typer.Option(
            "--broker",
            metavar="ADDRESS",
            help="local:DIR keeps the log; kafka:local plays on a Kafka started for it. Default: thrown away.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Play two acts of history through the whole broker, and say what it found.

    Act one: GW170817, GRB 170817A and AT2017gfo, among thousands of unrelated optical alerts, with a test, an injection
    and a retraction. Act two: IC-170922A and TXS 0506+056, whose flare alert comes six days late. Survey packets are
    re-staged: the surveys' public streams did not exist in 2017. No telescope is asked for anything.
    """
    from nuncius.broker.cli.progress import Bar
    from nuncius.broker.cli.report import print_outcome
    from nuncius.broker.rehearsal import play_demo
    from nuncius.producers.simulation import NAMES

    with Bar("preparing") as bar:
        found = play_demo(speed, broker, plot, bar)
    print_outcome(found, json=json, names=NAMES)
