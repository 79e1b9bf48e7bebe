"""``nuncius ingest``, ``match``, ``associate``, ``web``: one service alone."""

from typing import Annotated

import typer

from nuncius.broker.cli.options import Broker, Config, Host, Port, settings_of, with_http
from nuncius.broker.settings import Settings

Slot = Annotated[
    str | None,
    typer.Option(
        "--slot",
        metavar="NAME",
        help="Name of its writer on the log, the same after a restart; a second of that name takes over. "
        "Default: one of this process's own.",
    ),
]
Leash = Annotated[bool, typer.Option("--leash", help="End when standard input ends.", hidden=True)]


def run_one(name: str, settings: Settings, slot: str | None, *, leash: bool, http: bool = True) -> None:
    """Run a service until told to stop; with ``leash`` until standard input ends."""
    from nuncius.broker.live import end_with_standard_input, run_service

    if leash:
        end_with_standard_input()
    run_service(name, settings, lambda line: typer.echo(line, err=True), slot=slot, http=http)


def ingest(
    *,
    broker: Broker = None,
    config: Config = None,
    host: Host = None,
    port: Port = None,
    no_http: Annotated[bool, typer.Option("--no-http", help="Read the topic nuncius.inbox only.")] = False,
    slot: Slot = None,
    leash: Leash = False,
) -> None:
    """Read packets from the topic nuncius.inbox and over HTTP (POST /alerts), and write them to the log."""
    run_one("ingest", with_http(settings_of(config, broker), host, port), slot, leash=leash, http=not no_http)


def match(*, broker: Broker = None, config: Config = None, slot: Slot = None, leash: Leash = False) -> None:
    """Match survey candidates with events. On Kafka several share the candidates."""
    run_one("match", settings_of(config, broker), slot, leash=leash)


def associate(*, broker: Broker = None, config: Config = None, leash: Leash = False) -> None:
    """Match events with events; publish coincidences and candidate lists. One is active, others stand by."""
    run_one("associate", settings_of(config, broker), None, leash=leash)


def web(
    *,
    broker: Broker = None,
    config: Config = None,
    host: Host = None,
    port: Port = None,
    slot: Slot = None,
    leash: Leash = False,
) -> None:
    """Serve health and coincidences over HTTP, and accept alerts."""
    run_one("web", with_http(settings_of(config, broker), host, port), slot, leash=leash)
