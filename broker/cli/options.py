"""Options that several commands share, and how a command gets its settings and its log."""

import os
from pathlib import Path
from typing import Annotated

import typer

from nuncius.broker.settings import Settings, default_data_folder, load

Broker = Annotated[
    str | None,
    typer.Option(
        "--broker",
        metavar="ADDRESS",
        help="local:DIR | http://HOST:PORT. Default: $NUNCIUS_BROKER, the settings, else your data folder.",
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


def settings_of(config: Path | None, broker: str | None = None) -> Settings:
    """Settings of this run, with the broker's address always set."""
    settings = load(config, os.environ, Path.cwd())
    folder = settings.data_folder or default_data_folder(os.environ)
    return settings.model_copy(update={"broker": broker or settings.broker or f"local:{folder}"})
