"""The words and the exit codes of ``nuncius calibrate``."""

from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from matching_alerts import grb, gw

from nuncius.broker.cli import root
from nuncius.broker.matching import made_streams
from nuncius.broker.services.calibrating import Read
from nuncius.schemas import Localization, SkyMapRef

SMALL = {"independent": lambda seed: made_streams.independent(seed, 200, 200)}


def wrong(seed: int) -> made_streams.MadeStreams:
    made = made_streams.independent(seed, 200, 200)
    rate_hz = made.rule.partner_rate_hz or 0.0
    return replace(made, rule=replace(made.rule, partner_rate_hz=rate_hz / 5))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(made_streams.MADE, "independent", SMALL["independent"])
    monkeypatch.setitem(made_streams.MADE, "clustered", wrong)


def test_true_rates_end_with_0_and_rows(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    line = ["calibrate", "--simulate", "independent", "--slides", "4", "--json", "-o", str(tmp_path / "a.svg")]
    assert root.run(line) == 0
    (row,) = map(orjson.loads, capsys.readouterr().out.splitlines())
    assert row["type"] == "calibration"
    assert row["passed"] is True
    assert row["floor_hz"] == pytest.approx(1 / row["livetime_s"])
    assert row["livetime_s"] == 4 * 30 * 86400
    assert (tmp_path / "a.svg").is_file()


def test_wrong_rates_end_with_1_and_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert root.run(["calibrate", "--simulate", "clustered", "--slides", "4"]) == 1
    assert "FAILED" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "one of both"),
        (["x", "--simulate", "independent"], "one of both"),
        (["--simulate", "nothing"], "choose one of"),
        (["x", "--overlap", "fine"], "plain or measured"),
        (["x", "--out", "a.txt"], ".png or .svg"),
        (["x", "--rule", "no-such-rule"], "no enabled rule"),
    ],
)
def test_wrong_lines_end_with_2_and_what_to_do(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert root.run(["calibrate", *words]) == 2
    assert said in capsys.readouterr().err


def test_partners_whose_maps_are_only_named_measure_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    named = (Localization(SkyMapRef("", 0, "https://example.org/a.fits")),)
    there = Read((gw(), grb(localizations=named)), {}, 2, 0, 0)
    monkeypatch.setattr("nuncius.broker.cli.calibrating.read_alerts", lambda *_: there)
    assert root.run(["calibrate", ".", "--rule", "gw-cbc-grb", "--overlap", "measured"]) == 0
