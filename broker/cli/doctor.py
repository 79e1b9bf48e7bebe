"""``nuncius doctor``: what is wrong here, and how to mend it."""

import typer

from nuncius.broker.cli.options import Broker, Config, Json, settings_of


def doctor(*, broker: Broker = None, config: Config = None, json: Json = False) -> None:
    """Check this machine and the log: versions, extras, disk, topics. Exit code 1 if one fails."""
    import orjson

    from nuncius.broker.app import diagnose

    wrong = 0
    for finding in diagnose(settings_of(config, broker)):
        wrong += finding.verdict == "wrong"
        if json:
            typer.echo(orjson.dumps({"what": finding.what, "verdict": finding.verdict, "detail": finding.detail}))
        else:
            typer.echo(f"{finding.verdict:5}  {finding.what:24} {finding.detail}")
    if wrong:
        raise typer.Exit(1)
