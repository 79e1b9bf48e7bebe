"""Options that several commands share, and how a command gets its settings and its log."""

import os
from pathlib import Path
from typing import Annotated

import typer

from nuncius.broker.settings import Settings, load
from nuncius.broker.transport.address import data_folder

Broker = Annotated[
    str | None,
    typer.Option(
        "--broker",
        metavar="ADDRESS",
        help="local:DIR | kafka://HOST:PORT[/NAME] | kafka:local | http://HOST:PORT. "
        "Default: $NUNCIUS_BROKER, the settings, else your data folder.",
    ),
]
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings file; default $NUNCIUS_CONFIG, ./nuncius.toml."),
]
Json = Annotated[bool, typer.Option("--json", help="JSON Lines on standard output, nothing else there.")]
Skymaps = Annotated[
    Path | None,
    typer.Option("--skymaps", metavar="DIR", help="Folder in which sky maps named in alerts are looked up."),
]
Schemas = Annotated[
    Path | None,
    typer.Option("--schemas", metavar="DIR", help="Folder of Avro writer schemas by Confluent id (Rubin)."),
]

Host = Annotated[str | None, typer.Option("--host", metavar="ADDRESS", help="Address of the HTTP service.")]
Port = Annotated[
    int | None, typer.Option("--port", min=0, max=65535, metavar="N", help="Its port; 0 picks a free one.")
]


def with_http(settings: Settings, host: str | None, port: int | None) -> Settings:
    """The settings, with what was said on the command line of the HTTP service."""
    return settings.model_copy(
        update={
            "http_host": settings.http_host if host is None else host,
            "http_port": settings.http_port if port is None else port,
        }
    )


def settings_of(config: Path | None, broker: str | None = None) -> Settings:
    """Settings of this run, with the broker's address always set."""
    settings = load(config, os.environ, Path.cwd())
    folder = settings.data_folder or data_folder(os.environ)
    named = broker or settings.broker or f"local:{folder}"
    return settings.model_copy(update={"broker": named, "data_folder": folder})
