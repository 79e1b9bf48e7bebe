"""``nuncius ingest``, ``match``, ``associate``, ``too``, ``web``: one service alone."""

import typer

from nuncius.broker.cli.options import Broker, Config, settings_of


def _run(name: str, config: "Config", broker: "Broker") -> None:
    from nuncius.broker.live import run_service

    run_service(name, settings_of(config, broker), lambda line: typer.echo(line, err=True))


def ingest(*, broker: Broker = None, config: Config = None) -> None:
    """Read packets over HTTP (POST /alerts) and write them to the log. One writer; a newer one takes over."""
    _run("ingest", config, broker)


def match(*, broker: Broker = None, config: Config = None) -> None:
    """Match survey candidates with events."""
    _run("match", config, broker)


def associate(*, broker: Broker = None, config: Config = None) -> None:
    """Match events with events; publish coincidences and candidate lists. One is active, others stand by."""
    _run("associate", config, broker)


def too(*, broker: Broker = None, config: Config = None) -> None:
    """Turn coincidences into ToO requests, and deliver them."""
    _run("too", config, broker)


def web(*, broker: Broker = None, config: Config = None) -> None:
    """Serve health and coincidences over HTTP, and accept alerts."""
    _run("web", config, broker)
