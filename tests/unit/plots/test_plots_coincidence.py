"""A coincidence's picture, and the command, on small maps."""

import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest
from commands import nuncius
from matching_alerts import cone, grb, gw
from too_cases import coincidence

from nuncius.broker.plots.coincidence import plot_coincidence
from nuncius.schemas.coincidence import Member


def member(thread: str, alert_id: str, facility: str) -> Member:
    return Member(
        event_id=thread,
        threads=(thread,),
        alert_ids=(alert_id,),
        facility=facility,
        event_class="burst",
        time=datetime(2017, 8, 17, 12, 41, 4, tzinfo=UTC),
    )


def test_a_coincidence_is_drawn_with_all_its_members_at_its_time(tmp_path: Path) -> None:
    wave, burst = gw(localizations=cone(197.4, -23.4, 4.0)), grb(localizations=cone(176.8, -39.8, 11.6))
    made = coincidence(
        anchor=member("lvk:G298048", wave.alert_id, "lvk"),
        partner=member("fermi-gbm:524666471", burst.alert_id, "fermi-gbm"),
        others=(),
    )
    plot_coincidence(made, {a.alert_id: a for a in (wave, burst)}, {}, tmp_path / "both.svg")
    text = (tmp_path / "both.svg").read_text()
    words = text[text.index("<desc>") : text.index("</desc>")]
    for said in ("G298048 (lvk): 50 %", "524666471 (fermi-gbm): 50 %", "Sun at RA 146.9", "Moon at RA"):
        assert said in words, said
    with pytest.raises(ValueError, match="none of its members has a place"):
        plot_coincidence(made, {}, {}, tmp_path / "none.svg")


def test_the_command_draws_circles_marks_and_coverage(tmp_path: Path) -> None:
    (tmp_path / "tiles.moc").write_text("5/100-103")
    line = ["--place", "359 -60 4 GRB one", "--mark", "0 -61 source", "--moc", "tiles.moc", "--zoom", "0", "-60", "9"]
    more = ["--time", "2020-01-01", "--levels", "50,90,99", "--galactic-plane", "--avoid", "18", "30", "-o", "sky.svg"]
    assert nuncius("skymap", "plot", *line, *more, home=tmp_path).out == b""
    text = (tmp_path / "sky.svg").read_text()
    for said in (
        "GRB one: 50 % in",
        "99 % in",
        "source",
        "tiles.moc: 13.4 deg²",
        "RA 0.00°, Dec -60.00°",
        "2020-01-01",
    ):
        assert said in text, said


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("", "nothing to draw"),
        ("--place '10 20 5' -o sky.bmp", "must end in .png or .svg"),
        ("--place '10 20 5' --time yesterday", "not a time"),
        ("--place '10 20 5' --zoom 10 95 5", "--zoom"),
    ],
)
def test_a_wrong_line_is_told_in_one_line(line: str, complaint: str, tmp_path: Path) -> None:
    assert complaint in nuncius("skymap", "plot", *shlex.split(line), home=tmp_path, code=None).complaint()
