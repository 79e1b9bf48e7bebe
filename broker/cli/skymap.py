"""``nuncius skymap``: what a sky map says, at a point, against another, as a picture."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nuncius.broker.cli.options import Json

if TYPE_CHECKING:
    from nuncius.broker.sky import SkyMap

app = typer.Typer(help="Look into sky maps: multi-order or flat FITS, plain or gzipped.")
File = Annotated[Path, typer.Argument(metavar="FILE")]
Files = Annotated[list[Path], typer.Argument(metavar="FILE")]


@app.command()
def info(files: Files, *, json: Json = False) -> None:
    """Order, tiles, credible areas, distance."""
    for file in files:
        sky_map = _read(file)
        mean, std = sky_map.distance_mean_mpc, sky_map.distance_std_mpc
        _say(
            json,
            {
                "file": file.name,
                "order_max": sky_map.order_max,
                "tiles": sky_map.tiles,
                "area50_deg2": float(sky_map.area(0.5)),
                "area90_deg2": float(sky_map.area(0.9)),
                "distance_mean_mpc": mean,
                "distance_std_mpc": std,
            },
        )


@app.command()
def at(
    files: Files,
    *,
    ra: Annotated[float, typer.Option(metavar="DEG", help="Right ascension, ICRS degrees.", min=-360, max=360)],
    dec: Annotated[float, typer.Option(metavar="DEG", help="Declination, ICRS degrees.", min=-90, max=90)],
    json: Json = False,
) -> None:
    """Probability density and credible level at a point."""
    for file in files:
        sky_map = _read(file)
        density, level = float(sky_map.probdensity(ra, dec)), float(sky_map.credible_level(ra, dec))
        _say(json, {"file": file.name, "probdensity_per_sr": density, "credible_level": level})


@app.command("overlap", short_help="How far two maps agree: the overlap integral.")
def overlap_(first: File, second: File, *, json: Json = False) -> None:
    """Overlap integral 4 pi ∫ p1 p2 dΩ of two maps: 1 for no information, larger where they agree."""
    from nuncius.broker.sky import overlap

    _say(json, {"files": [first.name, second.name], "overlap": float(overlap(_read(first), _read(second)))})


@app.command()
def plot(
    files: Files,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Picture to write: .png or .svg.")] = Path(
        "skymap.png"
    ),
    ra: Annotated[list[float] | None, typer.Option(metavar="DEG", help="Mark a point; give --dec as often.")] = None,
    dec: Annotated[list[float] | None, typer.Option(metavar="DEG", help="Declination of the marked point.")] = None,
) -> None:
    """All-sky picture and a zoom, with 50 % and 90 % contours."""
    from nuncius.broker.plots.sky import Mark, plot_skymap
    from nuncius.schemas import SettingsError

    if len(files) != 1:
        raise SettingsError("plot takes one map")
    if out.suffix not in (".png", ".svg"):
        raise SettingsError(f"{out}: the picture's name must end in .png or .svg")
    if len(ra or []) != len(dec or []):
        raise SettingsError("give --ra and --dec equally often")
    points = [Mark(r, d, f"{r:.4f} {d:+.4f}") for r, d in zip(ra or [], dec or [], strict=True)]
    plot_skymap(_read(files[0]), out, points=points, title=files[0].name)
    typer.echo(f"wrote {out}", err=True)


def _read(file: Path) -> "SkyMap":
    from nuncius.broker.sky import SkyMap
    from nuncius.schemas import Quarantine, SettingsError

    if not file.is_file():
        raise SettingsError(f"no such file: {file}")
    try:
        return SkyMap.read(file)
    except Quarantine as error:
        raise type(error)(f"{file.name}: {error}", error.field) from error


def _say(json: bool, row: dict[str, object]) -> None:  # noqa: FBT001  as the option is called
    import orjson

    if json:
        typer.echo(orjson.dumps(row).decode())
    else:
        typer.echo("  ".join(f"{name} {_short(value)}" for name, value in row.items() if value is not None))


def _short(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
