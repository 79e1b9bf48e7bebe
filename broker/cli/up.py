"""``nuncius up``: the whole broker on one machine."""

from typing import Annotated

import typer

from nuncius.broker.cli.options import Broker, Config, settings_of


def up(
    *,
    broker: Broker = None,
    config: Config = None,
    host: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Address of the HTTP service.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, metavar="N", help="Its port; 0 picks a free one.")
    ] = None,
) -> None:
    """Run the whole broker: ingest, match, associate, too and the HTTP service, on the embedded log. Ctrl-C ends it."""
    from nuncius.broker.live import run_broker

    settings = settings_of(config, broker)
    run_broker(
        settings.model_copy(
            update={
                "http_host": settings.http_host if host is None else host,
                "http_port": settings.http_port if port is None else port,
            }
        ),
        lambda line: typer.echo(line, err=True),
    )
