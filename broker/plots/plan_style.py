"""Colours of a plan's picture: dark, so that it can be looked at in a dome; colours that run with the order."""

from typing import Any, Final

from matplotlib import colormaps
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patheffects import withStroke

from nuncius.broker.planning.apparent import Floats

GROUND: Final = "#0e1116"
INK: Final = "#e6e8eb"
GREY: Final = "#a3a9b3"
PALE: Final = "#5a616c"
WARNING: Final = "#ff9e64"
LIMIT: Final = "#ff6b6b"
POSSIBLE: Final = "#7bd88f"
REGION: Final = "#7fb4ff"
MAP: Final = LinearSegmentedColormap.from_list("nuncius-night", [GROUND, "#1f4173", "#5a96e0"])
TWILIGHTS: Final = ((0.0, "#5b6478"), (-6.0, "#414a5c"), (-12.0, "#2a3140"), (-18.0, "#171b23"))
"""Sun at most so high, degrees: the names of the steps are sunset, civil, nautical and astronomical twilight."""
EDGE: Final[dict[str, Any]] = {"path_effects": [withStroke(linewidth=3.2, foreground=GROUND)]}
"""Behind an outline, so that it stands out from the map."""
RIM: Final[dict[str, Any]] = {"path_effects": [withStroke(linewidth=2.2, foreground=GROUND)]}


def colours(shares: Floats) -> list[Any]:
    """One a share of the order in [0, 1]: viridis without its dark end, told apart by the colour-blind too."""
    return list(colormaps["viridis"](0.4 + 0.6 * shares))
