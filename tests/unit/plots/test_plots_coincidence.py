"""A coincidence's picture, and the command, on small maps."""

import shlex
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from commands import nuncius
from matching_alerts import cone, grb, gw
from too_cases import coincidence
from too_log import lay_bytes

from nuncius.broker.cli.root import run
from nuncius.broker.plots.coincidence import shown
from nuncius.broker.plots.sky import Backdrop, plot_places
from nuncius.broker.services.coincidence_shown import coincidence_shown
from nuncius.broker.sky import Cone, geometry
from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.local import open_local
from nuncius.schemas import SkyMapRef
from nuncius.schemas.codec import encode
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
    found = shown(made, {a.alert_id: a for a in (wave, burst)}, {})
    backdrop = Backdrop(found.moment)
    plot_places(found.layers, tmp_path / "both.svg", backdrop=backdrop, title=found.title, notes=found.notes)
    text = (tmp_path / "both.svg").read_text()
    words = text[text.index("<desc>") : text.index("</desc>")]
    said = (
        "G298048 (lvk): 50 %",
        "524666471 (fermi-gbm): 50 %",
        "Sun at RA 146.9",
        "Moon at RA",
        "Δt +2.03 s · overlap 32.3",
    )
    assert [one for one in said if one not in words] == []
    with pytest.raises(ValueError, match="none of its members has a place"):
        shown(made, {}, {})


def test_the_combined_map_and_who_has_no_place_are_shown_too() -> None:
    wave, burst = gw(localizations=cone(197.4, -23.4, 4.0)), grb(localizations=())
    both = SkyMapRef(sha256="c" * 64, nbytes=1)
    made = coincidence(
        anchor=member("lvk:G298048", wave.alert_id, "lvk"),
        partner=replace(member("fermi-gbm:524666471", burst.alert_id, "fermi-gbm"), retracted=True),
        combined_map=both,
        separation_deg=12.345,
    )
    combined = geometry(Cone(197.0, -23.0, 2.0))
    assert combined is not None
    found = shown(made, {a.alert_id: a for a in (wave, burst)}, {"c" * 64: combined})
    assert [layer.label for layer in found.layers] == ["G298048 (lvk)", "both maps together"]
    assert found.layers[1].place is combined
    assert found.title == "G298048 (lvk) and 524666471 (fermi-gbm), retracted: gw-grb"
    (note,) = found.notes
    assert "best positions 12.3° apart" in note
    assert note.endswith("without a place: 524666471 (fermi-gbm), retracted")
    assert len(shown(made, {a.alert_id: a for a in (wave, burst)}, {}).layers) == 1


@pytest.fixture
def broker(tmp_path: Path) -> str:
    """A log with two coincidences of one gravitational wave."""
    wave, burst = gw(localizations=cone(197.4, -23.4, 4.0)), grb(localizations=cone(176.8, -39.8, 11.6))
    log = open_local(tmp_path / "log", utc_now)
    log.create(topics.TOPICS)
    writer = log.writer("test")
    with writer.transaction() as tx:
        for one in (wave, burst):
            tx.send(topics.EVENTS.name, encode(one), key=one.thread_id.encode())
        for ident, rule in (("ab12-cd", "gw-grb"), ("ff00-ee", "gw-burst-grb")):
            made = coincidence(
                coincidence_id=ident,
                rule=rule,
                anchor=member(wave.thread_id, wave.alert_id, "lvk"),
                partner=member(f"{ident}:{burst.thread_id}", burst.alert_id, "fermi-gbm"),
                run_mode="replay",
            )
            tx.send(topics.COINCIDENCES.name, encode(made), key=ident.encode())
    writer.close()
    log.close()
    return f"local:{tmp_path / 'log'}"


def test_the_command_draws_a_coincidence_by_an_event_in_it(
    tmp_path: Path, broker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    line = ["skymap", "plot", "--coincidence", f"ab12-cd:{grb().thread_id}", "--broker", broker, "-o", "sky.svg"]
    assert run([*line, "--mark", "197.45 -23.38 a host"]) == 0
    text = (tmp_path / "sky.svg").read_text()
    words = text[text.index("<desc>") : text.index("</desc>")]
    said = (
        "(lvk): 50 %",
        "(fermi-gbm): 50 %",
        "Δt +2.03 s",
        "a host at RA 197.4500",
        "Sun at RA 146.9",
        "(real, replay)",
    )
    assert [one for one in said if one not in words] == []


def test_the_beginning_of_its_id_names_a_coincidence_beside_what_cannot_be_read(broker: str) -> None:
    with closing(open_local(Path(broker.removeprefix("local:")), utc_now)) as log:
        lay_bytes(log, topics.COINCIDENCES.name, b"of another version")
        by_id, _ = coincidence_shown(log, "ab12")
        by_event, _ = coincidence_shown(log, f"ab12-cd:{grb().thread_id}")
    assert (by_id.title, by_id.notes) == (by_event.title, by_event.notes)
    assert by_id.title.endswith(": gw-grb")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("zz", "--coincidence zz: no coincidence of that id or event on this log; see: nuncius subscribe"),
        ("WAVE", "2 coincidences: ab12-cd (gw-grb, active); ff00-ee (gw-burst-grb, active); write the beginning"),
    ],
)
def test_a_coincidence_that_is_none_or_several_is_told_so(
    broker: str, name: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = gw().thread_id if name == "WAVE" else name
    assert run(["skymap", "plot", "--coincidence", wanted, "--broker", broker]) == 2
    assert says in capsys.readouterr().err


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
