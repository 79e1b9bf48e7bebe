"""A scene on paper: the whole sky, a close-up beside it, the legend below, and words for who cannot see it."""

from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from nuncius.broker.plots.bodies import Bodies, bodies
from nuncius.broker.plots.graticule import close_up_rules, whole_sky_rules
from nuncius.broker.plots.lines import circle, frame, galactic_plane
from nuncius.broker.plots.moon import draw_moon, draw_sun
from nuncius.broker.plots.panel import GREY, INK, PALE, Panel
from nuncius.broker.plots.projection import CloseUp, WholeSky
from nuncius.broker.plots.saving import save
from nuncius.broker.plots.scene import Backdrop, Scene
from nuncius.broker.plots.turns import styled
from nuncius.broker.plots.words import area_in_words, described, in_short, moment_in_words
from nuncius.broker.sky.ranges import area_deg2

_WIDTH_IN: Final = 13.0
_SKY_IN: Final = 7.7
_ROW_IN: Final = 0.27
_NOTE_IN: Final = 0.22
_DPI: Final = 130
_SMALLEST_FRAME_DEG: Final = 3.0
_FACES: Final = ("#ffd400", "#e8476a", "#7ad151", "#ffffff")
_FOOTPRINTS: Final = ("#444444", "#7a4fa3")


def draw(scene: Scene, view: CloseUp, target: Path) -> None:
    """Draws the scene into a file; the same scene gives the same SVG.

    Raises
    ------
    SettingsError
        As `saving.save`.
    """
    style: dict[Any, Any] = {
        "font.size": 10.5,
        "svg.hashsalt": "nuncius",
        "text.parse_math": False,  # names that others chose may hold dollar signs
        "text.color": INK,
        "figure.facecolor": "white",
    }
    with styled(style):
        figure = Figure(figsize=(_WIDTH_IN, 5.6))
        seen = None if scene.backdrop.moment is None else bodies(scene.backdrop.moment)
        wide, close = _panels(figure, scene, view)
        for panel in (wide, close):
            _contents(panel, scene, seen)
        wide.curve(
            frame(CloseUp(view.ra, view.dec, max(view.radius_deg, _SMALLEST_FRAME_DEG))), color=INK, lw=0.9, zorder=7
        )
        save(figure, target, title=scene.title or "Sky map", words=described(scene, seen), dpi=_DPI)


def _panels(figure: Figure, scene: Scene, view: CloseUp) -> tuple[Panel, Panel]:
    """The two panels with their lines and headings, and the legend under them."""
    entries = _legend(scene)
    columns = 2 if max(len(label) for _, label in entries) > 34 else 4
    rows = -(-len(entries) // columns)
    below, panel_in = 0.55 + _ROW_IN * rows, _SKY_IN / 2
    height = below + panel_in + 0.85 + _NOTE_IN * len(scene.notes)
    figure.set_size_inches(_WIDTH_IN, height)
    sky = figure.add_axes((0.5 / _WIDTH_IN, below / height, _SKY_IN / _WIDTH_IN, panel_in / height))
    near = figure.add_axes((8.95 / _WIDTH_IN, below / height, panel_in / _WIDTH_IN, panel_in / height))
    wide, close = Panel.on(sky, WholeSky(), 1400), Panel.on(near, view, 500)
    for rule in whole_sky_rules(WholeSky()):
        wide.rule(rule)
    for rule in close_up_rules(view):
        close.rule(rule)
    figure.text(0.5, 1 - 0.14 / height, scene.title, ha="center", va="top", fontsize=14, fontweight="bold")
    for row, note in enumerate(scene.notes):
        figure.text(0.5, 1 - (0.44 + _NOTE_IN * row) / height, note, ha="center", va="top", fontsize=10.5, color=INK)
    moment = scene.backdrop.moment
    when = "" if moment is None else f", Sun and Moon on {moment_in_words(moment)}"
    head: dict[str, Any] = {"ha": "center", "va": "bottom", "fontsize": 10, "color": GREY}
    top = (below + panel_in + 0.12) / height
    figure.text((0.5 + _SKY_IN / 2) / _WIDTH_IN, top, f"whole sky, ICRS; the frame is the close-up{when}", **head)
    centre = f"close-up around RA {view.ra:.2f}°, Dec {view.dec:+.2f}°"
    figure.text((8.95 + panel_in / 2) / _WIDTH_IN, top, centre, **head)
    figure.legend(
        [handle for handle, _ in entries],
        [label for _, label in entries],
        loc="lower center",
        ncols=columns,
        frameon=False,
        fontsize=10.5,
        handlelength=2.6,
        borderaxespad=0.3,
    )
    return wide, close


def _contents(panel: Panel, scene: Scene, seen: Bodies | None) -> None:
    panel.shade(scene.members[0].sky)
    if scene.backdrop.galactic_plane:
        panel.curve(galactic_plane(), color=GREY, lw=1.1, ls=(0, (1, 1.6)), zorder=3)
        ra, dec = (float(values[0]) for values in galactic_plane())
        if panel.sees(ra, dec):
            panel.sign(ra, dec, "o", ms=4, color=GREY, zorder=3)
    if scene.crowd is not None:
        panel.dots(scene.crowd.ra, scene.crowd.dec, 3.0)
    for index, footprint in enumerate(scene.footprints):
        panel.footprint(footprint, _FOOTPRINTS[index % len(_FOOTPRINTS)])
    for index, member in enumerate(scene.members):
        panel.borders(member, scene.levels, filled=index > 0)
    if seen is not None:
        _bodies(panel, seen, scene.backdrop)
    for index, mark in enumerate(scene.points):
        if panel.sees(mark.ra, mark.dec):
            panel.sign(mark.ra, mark.dec, mark.marker, **_mark_style(index))
            if isinstance(panel.view, CloseUp):
                panel.name(mark.ra, mark.dec, mark.label, bold=True)


def _bodies(panel: Panel, seen: Bodies, backdrop: Backdrop) -> None:
    for place, radius in ((seen.sun, backdrop.sun_avoid_deg), (seen.moon, backdrop.moon_avoid_deg)):
        if radius is not None:
            panel.curve(circle(*place, radius), color=INK, lw=0.9, ls=(0, (1, 2)), zorder=6)
    draw_sun(panel, seen.sun)
    draw_moon(panel, seen)


def _mark_style(index: int) -> dict[str, Any]:
    return {"ms": 12, "mfc": _FACES[index % len(_FACES)], "mec": INK, "mew": 0.8, "zorder": 9}


def _legend(scene: Scene) -> list[tuple[Any, str]]:
    """A sample and a text for everything that has no name in the picture."""
    line = mpl.lines.Line2D
    out: list[tuple[Any, str]] = [
        (line([], [], color=m.colour, lw=2, ls=m.dashes), f"{m.label}: {in_short(m, scene.levels)}")
        for m in scene.members
    ]
    out += [
        (line([], [], marker=mark.marker, ls="none", **_mark_style(index)), mark.label)
        for index, mark in enumerate(scene.points)
        if mark.label
    ]
    out += [
        (
            mpl.patches.Patch(fc=f"{colour}22", ec=colour),
            f"{footprint.label}: {area_in_words(area_deg2(footprint.start, footprint.stop))}",
        )
        for footprint, colour in zip(scene.footprints, _FOOTPRINTS * len(scene.footprints), strict=False)
    ]
    if scene.crowd is not None:
        out.append((line([], [], marker=".", ls="none", color=PALE), f"{scene.crowd.label} ({len(scene.crowd.ra)})"))
    if scene.backdrop.galactic_plane:
        out.append((line([], [], color=GREY, lw=1.1, ls=(0, (1, 1.6))), "galactic plane, a dot at the galactic centre"))
    return out
