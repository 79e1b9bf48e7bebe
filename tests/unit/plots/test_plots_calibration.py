"""The picture of a calibration is written, and is the same each time."""

from pathlib import Path

import pytest

from nuncius.broker.matching.calibration import ChancePair, curve, global_test
from nuncius.broker.plots.calibration import Panel, plot_calibration
from nuncius.schemas import SettingsError

PAIRS = [ChancePair(1, k, k, "noise_pair", (k + 1) * 1e-9, 1.0, 1e-6) for k in range(40)]
PANEL = Panel("made", curve(PAIRS, 1e9), global_test(PAIRS, 1e9, 4e-8, "equal", 1))


def test_png_and_svg_are_written_and_svg_is_stable(tmp_path: Path) -> None:
    for name in ("a.png", "a.svg", "b.svg"):
        plot_calibration([PANEL], tmp_path / name, "made streams")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert b"<svg" in (tmp_path / "a.svg").read_bytes()


def test_nothing_to_draw_and_no_such_format(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing to draw"):
        plot_calibration([Panel("none", curve([], 1.0), PANEL.verdict)], tmp_path / "a.png")
    with pytest.raises(SettingsError, match="cannot draw"):
        plot_calibration([PANEL], tmp_path / "a.nothing")
