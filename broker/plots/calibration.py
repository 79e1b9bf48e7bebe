"""The picture of a calibration: measured against stated rate, which should be one line."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from nuncius.broker.matching.calibration import Curve, Verdict
from nuncius.schemas.errors import SettingsError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

YEAR_S: Final = 365 * 86400.0
_COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_PALE: Final = "#8a8f98"
_SIDES: Final = {
    "equal": "to lie on the line",
    "not_above": "to lie on or below the line: a bound, by Markov's inequality",
}


@dataclass(frozen=True, slots=True)
class Panel:
    """One curve, what was tested of it, and its name in the legend."""

    label: str
    curve: Curve
    verdict: Verdict


def plot_calibration(panels: Sequence[Panel], path: str | Path, title: str = "") -> None:
    """Draw stated against measured rate, log-log, in pairs a year of 365 days.

    A curve on the dashed line is calibrated; one below it states a bound. The band is the 68 % Poisson interval of the
    cumulative count: neighbours are correlated, so it is for the eye, and the global test in the legend decides. The
    dotted line is the floor, one pair in the whole livetime; the thin upright line is where the test ends.

    Parameters
    ----------
    panels
        Curves with at least one pair between them.
    path
        Where the picture goes, ``.png`` or ``.svg``.
    title
        Text above.

    Raises
    ------
    ValueError
        If no curve has a pair that states a rate above 0.
    SettingsError
        matplotlib is not installed, or the suffix names no format it writes.
    """
    drawn = [panel for panel in panels if np.any(panel.curve.stated_hz > 0)]
    if not drawn:
        raise ValueError("no chance pair states a rate: there is nothing to draw")
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415  an extra, and slow to import

        from nuncius.broker.plots.saving import save  # noqa: PLC0415  imports matplotlib
        from nuncius.broker.plots.turns import styled  # noqa: PLC0415  imports matplotlib
    except ImportError as error:
        raise SettingsError("pictures need matplotlib: pip install 'nuncius[plots]'") from error
    target = Path(path)
    with styled({"font.size": 10, "axes.edgecolor": _PALE, "svg.hashsalt": "nuncius"}):
        figure = Figure(figsize=(7.4, 7.6), facecolor="white", layout="constrained")
        axes = figure.add_subplot()
        _diagonal(axes, drawn)
        for number, panel in enumerate(drawn):
            _draw(axes, panel, _COLOURS[number % len(_COLOURS)])
        axes.set(xscale="log", yscale="log", xlabel="stated: pairs a year", ylabel="measured in slides: pairs a year")
        axes.grid(visible=True, color=_PALE, lw=0.4, alpha=0.4)
        axes.set_title(title, fontsize=12, fontweight="bold")
        axes.legend(loc="upper left", fontsize=8.5, frameon=False)
        save(figure, target, title=title or "Calibration", words=described(drawn), dpi=130)


def described(panels: Sequence[Panel]) -> str:
    """The curves for who cannot see them: pairs, the range of stated rates, what was tested, and its outcome."""
    said = ["Rates measured in time slides against stated rates, pairs a year, both axes logarithmic"]
    for panel in panels:
        stated = panel.curve.stated_hz[panel.curve.stated_hz > 0] * YEAR_S
        p = panel.verdict.p_value
        tested = "too few pairs to test" if p is None else f"global p = {p:.3g}"
        said.append(
            f"{panel.label}: {len(stated)} pairs, stated {stated.min():.3g} to {stated.max():.3g} a year, "
            f"{_SIDES[panel.verdict.side]}, {tested}"
        )
    return ". ".join(said) + "."


def _diagonal(axes: "Axes", panels: Sequence[Panel]) -> None:
    rates = np.concatenate([np.r_[p.curve.stated_hz, p.verdict.floor_hz] for p in panels]) * YEAR_S
    rates = rates[rates > 0]
    ends = np.array([rates.min() / 2, rates.max() * 2])
    axes.plot(ends, ends, color="#1a1a1a", lw=1.0, ls=(0, (5, 3)), label="measured = stated")


def _draw(axes: "Axes", panel: Panel, colour: str) -> None:
    curve, verdict = panel.curve, panel.verdict
    some = curve.stated_hz > 0
    stated, measured, low, high = (
        values[some] * YEAR_S for values in (curve.stated_hz, curve.measured_hz, curve.low_hz, curve.high_hz)
    )
    low = np.maximum(low, verdict.floor_hz * YEAR_S / 10)
    p = "too few pairs to test" if verdict.p_value is None else f"global p = {verdict.p_value:.3g}"
    label = f"{panel.label}: {len(stated)} pairs, {p}\n({_SIDES[verdict.side]})"
    axes.fill_between(stated, low, high, step="post", color=colour, alpha=0.25, lw=0)
    axes.plot(stated, measured, drawstyle="steps-post", color=colour, lw=1.5, label=label)
    axes.plot(stated[:1], measured[:1], "o", color=colour, ms=4)
    axes.axhline(verdict.floor_hz * YEAR_S, color=colour, lw=0.8, ls=":")
    if verdict.complete_hz > 0:
        axes.axvline(verdict.complete_hz * YEAR_S, color=colour, lw=0.6, alpha=0.6)
