"""``nuncius calibrate``: time slides over past alerts, stated against measured rate."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nuncius.broker.cli.options import Config, Json, Schemas, Skymaps, settings_of

if TYPE_CHECKING:
    from nuncius.broker.services.calibrating import Calibration


def calibrate(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[PATH]...", help="Files, folders, tar archives; any format.")
    ] = None,
    *,
    slides: Annotated[int, typer.Option(min=1, metavar="N", help="Time slides a rule, where the span has room.")] = 100,
    rule: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this rule; may be repeated.")] = None,
    simulate: Annotated[
        str | None,
        typer.Option(metavar="WORD", help="Made streams instead of files: independent, clustered or anisotropic."),
    ] = None,
    overlap: Annotated[
        str,
        typer.Option(metavar="WORD", help="plain, as published, or measured: against the partners' own density."),
    ] = "plain",
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="Picture, .png or .svg.")] = None,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Of the tests, and of made streams.")] = 1,
    config: Config = None,
    json: Json = False,
    skymaps: Skymaps = None,
    schemas: Schemas = None,
) -> None:
    """Whether coincidences happen by chance as often as is stated, measured by time slides.

    The partners of each rule are shifted in time against its anchors, many times; what still coincides is chance. Exit
    code 0: no test has p < 0.01 (also where too few pairs came for a test: the output says so). 1: a test has.
    """
    from nuncius.broker.cli.calibrating import calibrate_made, calibrate_paths
    from nuncius.broker.cli.progress import Bar
    from nuncius.schemas import SettingsError

    if overlap not in ("plain", "measured"):
        raise SettingsError(f"--overlap {overlap}: choose plain or measured")
    if out is not None and out.suffix not in (".png", ".svg"):
        raise SettingsError(f"{out}: the picture's name must end in .png or .svg")
    if bool(paths) == (simulate is not None):
        raise SettingsError("give files to read, or --simulate WORD; one of both")
    measured = overlap == "measured"
    with Bar("calibrate") as bar:
        if simulate is not None:
            found = calibrate_made(simulate, slides, seed, bar, measured=measured)
        else:
            settings = settings_of(config)
            supplied = settings.model_copy(
                update={"skymaps": skymaps or settings.skymaps, "schemas": schemas or settings.schemas}
            )
            found = calibrate_paths(supplied, paths or [], rule or [], slides, seed, bar, measured=measured)
    for one in found:
        _print(one, json=json)
    if out is not None:
        _draw(found, out, simulate or ", ".join(path.name for path in paths or []))
    if not all(one.passed for one in found):
        raise typer.Exit(1)


def _draw(found: "tuple[Calibration, ...]", out: Path, title: str) -> None:
    from nuncius.broker.plots.calibration import Panel, plot_calibration

    panels = [Panel(f"{one.rule}, {r.null}", r.curve, r.verdict) for one in found for r in one.results]
    if any(panel.curve.stated_hz.any() for panel in panels):
        plot_calibration(panels, out, f"calibration by time slides: {title}")
        typer.echo(f"wrote {out}", err=True)
    else:
        typer.echo(f"{out} not written: no chance pair states a rate, so there is nothing to draw", err=True)


def _print(one: "Calibration", *, json: bool) -> None:
    import orjson

    from nuncius.broker.services.calibration_lines import as_rows, as_text

    if json:
        for row in as_rows(one):
            typer.echo(orjson.dumps(row).decode())
    else:
        typer.echo(as_text(one))
