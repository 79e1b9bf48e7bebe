"""A dark, upright page that is filled from its top, in inches."""

from collections.abc import Sequence
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nuncius.broker.plots.plan_style import GROUND, INK, WARNING

WIDTH_IN: Final = 5.4
SIDE_IN: Final = 0.55
DPI: Final = 200
STYLE: Final[dict[Any, Any]] = {
    "font.size": 10,
    "svg.hashsalt": "nuncius",
    "text.parse_math": False,  # names that others chose may hold dollar signs
    "text.color": INK,
    "figure.facecolor": GROUND,
    "axes.facecolor": GROUND,
}
_LINE_IN: Final = 0.2
_TITLE_IN: Final = 0.42


def head_in(lines: int) -> float:
    """Height of a title and of so many lines below it."""
    return _TITLE_IN + _LINE_IN * lines


class Page:
    """A figure of a fixed width.

    Parameters
    ----------
    height_in
        Of all of it.
    """

    def __init__(self, height_in: float) -> None:
        self.figure = Figure(figsize=(WIDTH_IN, height_in))
        self._height_in = height_in

    def head(self, title: str, notes: Sequence[str], warning: str) -> None:
        """The title and the lines below it; a warning stands out."""
        first: dict[str, Any] = {"ha": "left", "va": "top"}
        left = 0.25 / WIDTH_IN
        self.figure.text(left, self._up(0.12), title, fontsize=13, fontweight="bold", **first)
        for row, line in enumerate([*notes, *([warning] if warning else [])]):
            colour = WARNING if line == warning else INK
            self.figure.text(left, self._up(0.40 + _LINE_IN * row), line, fontsize=9.5, color=colour, **first)

    def axes(self, top_in: float, left_in: float, width_in: float, height_in: float) -> Axes:
        """Axes whose upper edge lies so far below the page's."""
        return self.figure.add_axes(
            (
                left_in / WIDTH_IN,
                self._up(top_in + height_in),
                width_in / WIDTH_IN,
                height_in / self._height_in,
            )
        )

    def text(self, top_in: float, words: str, *, left_in: float | None = None, **style: Any) -> None:
        """Words so far below the upper edge, across the middle of the page where no place is said."""
        across = 0.5 if left_in is None else left_in / WIDTH_IN
        self.figure.text(across, self._up(top_in), words, ha="center" if left_in is None else "left", **style)

    def _up(self, top_in: float) -> float:
        return 1 - top_in / self._height_in
