"""``nuncius skymap``: what a sky map says, at a point, against another, as a picture."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nuncius.broker.cli.options import Broker, Config, Json

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
                "volume90_mpc3": _volume90(sky_map),
            },
        )


@app.command()
def at(
    files: Files,
    *,
    ra: Annotated[float, typer.Option(metavar="DEG", help="Right ascension, ICRS degrees.", min=-360, max=360)],
    dec: Annotated[float, typer.Option(metavar="DEG", help="Declination, ICRS degrees.", min=-90, max=90)],
    distance: Annotated[
        float | None, typer.Option(metavar="MPC", help="Distance of the point: adds its level in space.", min=0)
    ] = None,
    json: Json = False,
) -> None:
    """Probability density and credible level at a point; with a distance also in space."""
    for file in files:
        sky_map = _read(file)
        density, level = float(sky_map.probdensity(ra, dec)), float(sky_map.credible_level(ra, dec))
        row: dict[str, object] = {"file": file.name, "probdensity_per_sr": density, "credible_level": level}
        _say(json, row if distance is None else row | _in_space(sky_map, file, (ra, dec, distance)))


@app.command(short_help="Which galaxy of a list is the host: ranked.")
def galaxies(
    file: Annotated[Path, typer.Argument(metavar="MAP")],
    catalogue: Annotated[
        Path, typer.Argument(metavar="CATALOGUE", help="CSV with columns ra, dec, distance_mpc, [name, weight].")
    ],
    *,
    top: Annotated[int, typer.Option(metavar="N", help="Rows to print.", min=1)] = 20,
    json: Json = False,
) -> None:
    """Galaxies of a list, most probable first: probability that each is the host, given that one of the list is."""
    import numpy as np

    from nuncius.broker.services.catalogue import read_catalogue
    from nuncius.broker.sky.galaxies import rank_galaxies
    from nuncius.schemas import SettingsError

    listed = read_catalogue(catalogue)
    places = (np.array(listed.ra), np.array(listed.dec), np.array(listed.distance_mpc))
    try:
        ranked = rank_galaxies(_read(file), *places, None if listed.weight is None else np.array(listed.weight))
    except ValueError as error:
        raise SettingsError(f"{file.name}: {error}") from error
    for rank, place in enumerate(ranked.index[:top].tolist()):
        _say(
            json,
            {
                "rank": rank + 1,
                "name": listed.name[place] or None,
                "ra": listed.ra[place],
                "dec": listed.dec[place],
                "distance_mpc": listed.distance_mpc[place],
                "probability": float(ranked.probability[rank]),
                "credible_level_3d": float(ranked.credible_level[rank]),
            },
        )


@app.command("overlap", short_help="How far two maps agree: the overlap integral.")
def overlap_(first: File, second: File, *, json: Json = False) -> None:
    """Overlap integral 4 pi ∫ p1 p2 dΩ of two maps: 1 for no information, larger where they agree."""
    from nuncius.broker.sky import overlap

    _say(json, {"files": [first.name, second.name], "overlap": float(overlap(_read(first), _read(second)))})


@app.command()
def plot(
    files: Annotated[list[Path] | None, typer.Argument(metavar="FILE")] = None,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Picture to write: .png or .svg.")] = Path(
        "skymap.png"
    ),
    ra: Annotated[list[float] | None, typer.Option(metavar="DEG", help="Mark a point; give --dec as often.")] = None,
    dec: Annotated[list[float] | None, typer.Option(metavar="DEG", help="Declination of the marked point.")] = None,
    mark: Annotated[list[str] | None, typer.Option(metavar="'RA DEC NAME'", help="Mark a point.")] = None,
    place: Annotated[
        list[str] | None, typer.Option(metavar="'RA DEC RADIUS NAME'", help="A 90 % circle, beside the maps.")
    ] = None,
    moc: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE|MOC", help="A footprint: ASCII MOC, or a file (FITS, JSON, ASCII)."),
    ] = None,
    time: Annotated[
        str | None, typer.Option(metavar="TIME", help="Of Sun and Moon, UTC; default: the first map's DATE-OBS.")
    ] = None,
    avoid: Annotated[
        tuple[float, float] | None, typer.Option(metavar="SUN MOON", help="Circles around them, degrees.")
    ] = None,
    zoom: Annotated[
        tuple[float, float, float] | None, typer.Option(metavar="RA DEC RADIUS", help="The close-up, degrees.")
    ] = None,
    levels: Annotated[str, typer.Option(metavar="PERCENTS", help="Borders of the credible regions.")] = "50,90",
    galactic_plane: Annotated[bool, typer.Option("--galactic-plane", help="Draw the galactic plane.")] = False,
    title: Annotated[str | None, typer.Option(metavar="TEXT", help="Default: the names of what is drawn.")] = None,
    coincidence: Annotated[
        str | None,
        typer.Option(metavar="ID", help="A coincidence on a log, by its id or an event in it; draws all its members."),
    ] = None,
    broker: Broker = None,
    config: Config = None,
) -> None:
    """All-sky picture and a close-up; several maps are drawn as members of one coincidence, with Sun and Moon."""
    from nuncius.broker.cli import skymap_plot as words
    from nuncius.broker.plots.sky import Backdrop, Layer, plot_places
    from nuncius.schemas import SettingsError

    if out.suffix not in (".png", ".svg"):
        raise SettingsError(f"{out}: the picture's name must end in .png or .svg")
    if len(ra or []) != len(dec or []):
        raise SettingsError("give --ra and --dec equally often")
    if not files and not place and coincidence is None:
        raise SettingsError("nothing to draw: name a sky map, or give --place or --coincidence")
    if zoom is not None and not (abs(zoom[0]) <= 360 and abs(zoom[1]) <= 90 and 0 < zoom[2] <= 90):
        raise SettingsError("--zoom: RA 0 to 360, Dec -90 to 90, radius above 0 and at most 90 degrees")
    if avoid is not None and not all(0 < radius < 180 for radius in avoid):
        raise SettingsError("--avoid: two radii between 0 and 180 degrees")
    points = [words.mark(f"{r} {d}") for r, d in zip(ra or [], dec or [], strict=True)]
    points += [words.mark(text) for text in mark or []]
    footprints = [words.footprint(text) for text in moc or []]
    shares = words.levels(levels)
    maps = [_read(file) for file in files or []]
    found = None if coincidence is None else words.coincidence(coincidence, broker, config)
    layers = [] if found is None else list(found.layers)
    layers += [Layer(sky, name) for sky, name in zip(maps, words.labels(files or [], maps), strict=True)]
    layers += [words.place(text) for text in place or []]
    sun_avoid, moon_avoid = avoid or (None, None)
    plot_places(
        layers,
        out,
        points=points,
        footprints=footprints,
        backdrop=Backdrop(
            found.moment if found is not None and time is None else words.moment(time, maps),
            galactic_plane,
            sun_avoid,
            moon_avoid,
        ),
        levels=shares,
        title=words.title(layers, found) if title is None else title,
        notes=() if found is None else found.notes,
        zoom_on=None if zoom is None else (zoom[0] % 360, zoom[1]),
        zoom_radius_deg=None if zoom is None else zoom[2],
    )
    typer.echo(f"wrote {out}", err=True)


def _volume90(sky_map: "SkyMap") -> float | None:
    from nuncius.broker.sky.volume import Volume

    try:
        return float(Volume(sky_map).volume(0.9))
    except ValueError:
        return None


def _in_space(sky_map: "SkyMap", file: Path, point: tuple[float, float, float]) -> dict[str, object]:
    from nuncius.broker.sky.distance import line_of_sight
    from nuncius.broker.sky.volume import Volume
    from nuncius.schemas import SettingsError

    try:
        level = float(Volume(sky_map).credible_level(*point))
    except ValueError as error:
        raise SettingsError(f"{file.name}: {error}") from error
    along = line_of_sight(sky_map, *point[:2])
    known = along.known > 0
    return {
        "credible_level_3d": level,
        "distance_mean_mpc": along.mean_mpc if known else None,
        "distance_std_mpc": along.std_mpc if known else None,
    }


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
