"""The picture of a plan that lies on a log, and of all plans of an event."""

from collections.abc import Sequence
from pathlib import Path

from nuncius.broker.plots.plan import PlanPicture, plot_plan
from nuncius.broker.plots.together import TogetherPicture, plot_together
from nuncius.broker.services.lines import printable
from nuncius.broker.services.plan_found import Plan
from nuncius.broker.services.plan_together import Together, share_of
from nuncius.broker.services.too_book import Entry
from nuncius.schemas import ToORequest

_LONGEST = 66
"""Characters of a line that stand in the picture."""
_LONGEST_TITLE = 42
"""Likewise, of the title: its letters are larger."""


def draw(plan: Plan, path: Path) -> None:
    """Draws it into a file; see `nuncius.broker.plots.plan.plot_plan`."""
    plot_plan(picture(plan), path)


def draw_together(plans: Together, path: Path) -> None:
    """Draws them into a file; see `nuncius.broker.plots.together.plot_together`."""
    plot_together(picture_together(plans), path)


def picture(plan: Plan) -> PlanPicture:
    """What is drawn of a plan."""
    one = plan.request
    return PlanPicture(
        title=_short(f"{one.facility}: {_asked(one)}", _LONGEST_TITLE),
        notes=(
            _short(f"{one.target_name} · {one.policy} · {plan.entry.state}"),
            f"{_percent(share_of(plan), ' of the map · ')}{_span([plan])}",
        ),
        warning=_warning(one),
        sky=plan.sky,
        tiles=plan.tiles,
        field=None if plan.telescope is None else plan.telescope.field,
        sites=plan.sites,
        limits=plan.limits,
    )


def picture_together(plans: Together) -> TogetherPicture:
    """What is drawn of the plans of an event."""
    first = plans.plans[0].request
    count = len(plans.plans)
    return TogetherPicture(
        title=_short(f"{plans.name}: {count} telescope{'' if count == 1 else 's'}", _LONGEST_TITLE),
        notes=(f"{plans.fields} fields{_percent(plans.probability, ' of the map together', ', ')}", _span(plans.plans)),
        warning=_warning(first),
        sky=plans.sky,
        plans=tuple(_lane(plan, plans) for plan in plans.plans),
        idle=tuple(_idle(entry) for entry in plans.idle),
    )


def _lane(plan: Plan, plans: Together) -> PlanPicture:
    one = plan.request
    alike = sum(other.request.facility == one.facility for other in plans.plans)
    policy = f" ({one.policy})" if alike > 1 else ""
    made = picture(plan)
    says = f"{_asked(one)}{_percent(share_of(plan), '', ', ')} · {plan.entry.state}"
    room = _LONGEST - 10 - len(says)
    return PlanPicture(
        title=_short(f"{one.facility}{policy}", max(12, room)),
        notes=(says,),
        sky=plans.sky,
        tiles=made.tiles,
        field=made.field,
        sites=made.sites,
        limits=made.limits,
    )


def _idle(entry: Entry) -> str:
    return _short(f"{entry.latest.facility}: {entry.state}: {entry.latest.reason}")


def _asked(one: ToORequest) -> str:
    what = f"{one.exposure_s:g} s {one.filter}".rstrip()
    return f"{len(one.tiles)} field{'' if len(one.tiles) == 1 else 's'} of {what}" if one.tiles else what


def _percent(share: float | None, after: str, before: str = "") -> str:
    if share is None:
        return ""
    return f"{before}{100 * share:{'.0f' if share >= 0.1 else '.2g'}} %{after}"


def _span(plans: Sequence[Plan]) -> str:
    first = min(tile.start for plan in plans for tile in plan.tiles)
    last = max(tile.stop for plan in plans for tile in plan.tiles)
    return f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"


def _warning(one: ToORequest) -> str:
    real = (one.reality, one.run_mode) == ("real", "live")
    return "" if real else f"{one.reality}, {one.run_mode}: no telescope is asked"


def _short(text: str, most: int = _LONGEST) -> str:
    line = printable(text)
    return line if len(line) <= most else f"{line[: most - 1]}…"
