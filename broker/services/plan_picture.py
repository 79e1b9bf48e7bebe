"""The picture of a plan that lies on a log."""

from pathlib import Path

from nuncius.broker.plots.plan import PlanPicture, plot_plan
from nuncius.broker.services.lines import printable
from nuncius.broker.services.plan_found import Plan

_LONGEST = 66
"""Characters of a line that stand in the picture."""
_LONGEST_TITLE = 42
"""Likewise, of the title: its letters are larger."""


def draw(plan: Plan, path: Path) -> None:
    """Draws it into a file; see `nuncius.broker.plots.plan.plot_plan`."""
    plot_plan(picture(plan), path)


def picture(plan: Plan) -> PlanPicture:
    """What is drawn of a plan."""
    one = plan.request
    what = f"{one.exposure_s:g} s {one.filter}".rstrip()
    asked = f"{len(one.tiles)} fields of {what}" if one.tiles else what
    share = "" if one.probability is None else f"{100 * one.probability:.0f} % of the map · "
    first, last = plan.tiles[0].start, max(tile.stop for tile in plan.tiles)
    real = (one.reality, one.run_mode) == ("real", "live")
    return PlanPicture(
        title=_short(f"{one.facility}: {asked}", _LONGEST_TITLE),
        notes=(
            _short(f"{one.target_name} · {one.policy} · {plan.entry.state}"),
            f"{share}{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC",
        ),
        warning="" if real else f"{one.reality}, {one.run_mode}: no telescope is asked",
        sky=plan.sky,
        tiles=plan.tiles,
        field=None if plan.telescope is None else plan.telescope.field,
        sites=plan.sites,
        limits=plan.limits,
    )


def _short(text: str, most: int = _LONGEST) -> str:
    line = printable(text)
    return line if len(line) <= most else f"{line[: most - 1]}…"
