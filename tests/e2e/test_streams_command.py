"""``nuncius streams`` as a user types it: each command, and what it says to what is wrong."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from commands import Run
from matching_alerts import candidates
from road import put
from streams_here import work_streams

from nuncius.broker.cli.root import run
from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.local import open_local

LOCAL = ("--broker", "local:log")

Streams = Callable[..., Run]


@pytest.fixture
def streams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Streams:
    """``nuncius streams …`` in a folder of its own, with a log that has all topics."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    for name in ("NUNCIUS_BROKER", "NUNCIUS_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    with closing(open_local(tmp_path / "log", utc_now)) as log:
        log.create(topics.TOPICS)

    def command(*arguments: str, code: int = 0) -> Run:
        ended = run(("streams", *arguments, *LOCAL))
        out, err = capfdbinary.readouterr()
        assert ended == code, err
        return Run(ended, out, err.decode())

    return command


def work(folder: Path, *magnitudes: float) -> None:
    """The service takes up what was defined, then selects from candidates of these magnitudes."""
    with closing(open_local(folder / "log", utc_now)) as log:
        work_streams(log)
        if magnitudes:
            put(log, batch=candidates(*({"alert_id": f"c{n}", "mag": mag} for n, mag in enumerate(magnitudes))))
            work_streams(log)


def test_the_life_of_a_stream(streams: Streams, tmp_path: Path) -> None:
    said = streams(
        "create", "bright", "--filter", "mag < 19", "--include", "mag, survey", "--owner", "Ada", "--quota", "5"
    )
    assert said.out == b"bright: revision 1; read it with: nuncius subscribe bright\n"
    assert streams("list").out.split()[:2] == [b"bright", b"waiting"]
    work(tmp_path, 18.0, 20.0)
    assert b"active candidates, revision 1, 1 rows, 0 behind" in streams("list").out
    shown = streams("show", "bright").out.decode()
    for part in ("mag < 19", "mag, survey", "Ada", "5 rows a second"):
        assert part in shown
    (row,) = streams("show", "bright", "--json").rows()
    assert (row["name"], row["state"], row["published"]) == ("bright", "active", 1)
    assert row["definition"]["include"] == ["mag", "survey"]
    assert streams("edit", "bright", "--filter", "mag < 21").out == b"bright: revision 2\n"
    assert streams("pause", "bright").out == b"bright: paused\n"
    work(tmp_path, 18.0)
    assert b"paused" in streams("list").out
    assert streams("resume", "bright").out == b"bright: active\n"
    work(tmp_path, 18.0, 20.0)
    (row,) = streams("list", "--json").rows()
    assert (row["published"], row["definition"]["filter"], row["definition"]["revision"]) == (3, "mag < 21", 4)
    assert streams("delete", "bright").out == b"bright: deleted\n"
    assert streams("list").out == b""
    assert "revision 6" in streams("create", "bright").out.decode()


def test_a_filter_is_tried_on_the_past(streams: Streams, tmp_path: Path) -> None:
    work(tmp_path, 18.0, 20.0, 18.5)
    assert streams("try", "mag < 19").out == b"2 of 3 candidates of the last 1 days\n"
    assert "column 1" in streams("try", "magg < 19", code=2).complaint()
    assert "days" in streams("try", "mag < 19", "--days", "40", code=2).err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "Mine"), "lower-case"),
        (("create", "mine", "--filter", "magg < 3"), "'mag'"),
        (("create", "mine", "--filter", "mag < "), "cannot be understood"),
        (("create", "mine", "--table", "stars"), "alerts, candidates, coincidences"),
        (("create", "mine", "--include", "colour"), "colour"),
        (("create", "mine", "--quota", "0"), "quota 0"),
        (("create", "mine", "--quota", "nan"), "quota nan"),
        (("create", "mine", "--quota", "1e9"), "from 1e-06 to 1000"),
        (("create", "mine", "--since", "yesterday"), "no time"),
        (("create", "mine", "--owner", "a\nb"), "one line"),
        (("create", "there"), "nuncius streams edit there"),
        (("edit", "nowhere", "--filter", "mag < 3"), "nuncius streams list"),
        (("edit", "there", "--filter", "SPARKLES(ra)"), "SPARKLES"),
        (("pause", "nowhere"), "no such stream"),
        (("resume", "nowhere"), "no such stream"),
        (("delete", "nowhere"), "no such stream"),
        (("show", "nowhere"), "no such stream"),
        (("try", "mag < 3", "--table", "stars"), "alerts, candidates, coincidences"),
    ],
)
def test_bad_input_gets_one_line_and_changes_nothing(streams: Streams, arguments: tuple[str, ...], said: str) -> None:
    streams("create", "there")
    before = streams("list", "--json").out
    assert said in streams(*arguments, code=2).complaint()
    assert streams("list", "--json").out == before


def test_one_stream_too_many_is_refused_as_the_settings_say(streams: Streams, tmp_path: Path) -> None:
    (tmp_path / "nuncius.toml").write_text("[streams]\nmost = 1\n")
    streams("create", "one")
    complaint = streams("create", "two", code=2).complaint()
    assert "there are 1 streams" in complaint
    assert "[streams]" in complaint
    streams("edit", "one", "--filter", "mag < 19")
    streams("delete", "one")
    streams("create", "two")


def test_a_definition_that_cannot_be_read_is_in_the_list(streams: Streams, tmp_path: Path) -> None:
    streams("create", "good")
    with closing(open_local(tmp_path / "log", utc_now)) as log, log.writer("newer").transaction() as tx:
        tx.send(topics.STREAMS.name, b"\xc3\x01of a newer version", key=b"newer")
    work(tmp_path)
    good, newer = streams("list").out.decode().splitlines()
    assert good.split()[:2] == ["good", "active"]
    assert newer.split()[:2] == ["newer", "broken:"]
    assert "its definition cannot be read" in newer
    assert "broken" in streams("show", "newer").out.decode()
    assert [row["definition"] is None for row in streams("list", "--json").rows()] == [False, True]
