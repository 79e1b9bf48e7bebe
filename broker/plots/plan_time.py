"""An axis of time: UTC along it, the twilights behind it."""

from datetime import datetime, timedelta
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.ticker import FixedLocator, FuncFormatter

from nuncius.broker.planning.apparent import Floats
from nuncius.broker.plots.plan_style import GREY, GROUND, PALE, TWILIGHTS

_TICKS_S: Final = (60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 432000)
_TICKS: Final = 7
_DAY_S: Final = 86400.0


def along_time(axes: Axes, noon: datetime, first_s: float, last_s: float) -> int:
    """An axis from one moment to another, seconds after ``noon``; days are told where it is longer than one.

    Returns
    -------
    int
        Lines of the labels below it.
    """
    axes.set_xlim(first_s, last_s)
    span = last_s - first_s
    step = next((step for step in _TICKS_S if span / step <= _TICKS), _TICKS_S[-1])
    shift = (noon - noon.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
    ticks = np.arange(np.ceil((first_s + shift) / step) * step, last_s + shift, step) - shift
    words = "%H:%M" if span <= _DAY_S else "%d %b" if step >= _DAY_S else "%d %b\n%H:%M"
    axes.xaxis.set_major_locator(FixedLocator(ticks.tolist()))
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{noon + timedelta(seconds=float(value) + 0.5):{words}}")
    )
    axes.tick_params(colors=GREY, labelsize=9, length=3)
    for side in axes.spines.values():
        side.set_color(PALE)
    return 1 + words.count("\n")


def twilights(axes: Axes, offset_s: Floats, sun_deg: Floats, low: float = 0.0, high: float = 1.0) -> None:
    """Shades behind a part of an axis, as high as the Sun stands at moments that lie evenly.

    Parameters
    ----------
    axes
        Its upper and lower end are 0 and 1 for ``low`` and ``high``.
    offset_s, sun_deg
        Seconds on the axis, and altitudes, shape (moments,).
    low, high
        Between which shares of the height.
    """
    steps = TWILIGHTS[::-1]  # from dark to day, as the Sun rises
    norm = BoundaryNorm([-90.0, *(level for level, _ in steps), 90.0], len(steps) + 1)
    axes.imshow(
        sun_deg[None, :], extent=(float(offset_s[0]), float(offset_s[-1]), low, high), aspect="auto",
        cmap=ListedColormap([GROUND, *(colour for _, colour in steps)]), transform=axes.get_xaxis_transform(),
        norm=norm, zorder=0, interpolation="nearest",
    )  # fmt: skip
