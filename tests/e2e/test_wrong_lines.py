"""What a user gets wrong is answered by one clear line and exit code 2; help is there for every command."""

import socket
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
from commands import PATIENCE_S, Run, nuncius, service

from nuncius.broker.cli.root import run

COMMANDS = (
    "up demo replay publish subscribe parse facilities doctor ingest match associate too web skymap".split()  # noqa: SIM905  shorter
)
SKYMAP = ("info", "at", "overlap", "plot")


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    """Runs a command line in this process, which is quicker than one of its own."""
    for name in ("NUNCIUS_BROKER", "NUNCIUS_CONFIG"):
        monkeypatch.delenv(name, raising=False)

    def type_it(home: Path, *words: str) -> Run:
        monkeypatch.chdir(home)
        monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
        code = run(words)
        said = capfd.readouterr()
        return Run(code, said.out.encode(), said.err)

    return type_it


def test_the_version_is_said(tmp_path: Path, typed: Callable[..., Run]) -> None:
    assert typed(tmp_path, "--version") == Run(0, f"nuncius {version('nuncius')}\n".encode(), "")


def test_every_command_has_help(tmp_path: Path, typed: Callable[..., Run]) -> None:
    for line in [(name,) for name in COMMANDS] + [("skymap", name) for name in SKYMAP] + [()]:
        said = typed(tmp_path, *line, "--help")
        assert (said.code, said.err) == (0, "")
        assert said.out.startswith(b"Usage: nuncius" + "".join(f" {word}" for word in line).encode())
        assert b"--help" in said.out


def test_a_bare_command_shows_what_there_is(tmp_path: Path) -> None:
    said = nuncius(home=tmp_path).out.decode()
    assert [name for name in COMMANDS if name not in said] == []


WRONG: dict[str, tuple[str, str]] = {
    "no such command": ("relpay x", "No such command 'relpay'"),
    "no such option": ("replay --fast x", "No such option: --fast"),
    "no file": ("replay", "Missing argument"),
    "order": ("replay --order newest x", "--order newest: choose one of issued, event, given"),
    "speed": ("replay --speed fast x", "--speed"),
    "replay of nothing": ("replay nowhere", "no such file or folder: nowhere"),
    "parse of nothing": ("parse nowhere.xml", "no such file or folder: nowhere.xml"),
    "publish of nothing": ("publish --broker local:log nowhere", "no such file or folder: nowhere"),
    "sky map of nothing": ("skymap info nowhere.fits", "no such file: nowhere.fits"),
    "no such folder of maps": ("parse --skymaps nowhere a.xml", "no such folder: nowhere"),
    "stream": ("subscribe coincidence --broker local:.", "no such stream: coincidence; there are coincidences"),
    "no broker": ("subscribe --until-end --broker local:nowhere", "no broker in nowhere"),
    "nobody listens": ("publish --broker http://127.0.0.1:1 a.xml", "no broker answers at http://127.0.0.1:1"),
    "address": ("up --broker redis://x", "redis"),
    "settings file": ("up --config nowhere.toml", "no such settings file: nowhere.toml"),
    "settings not TOML": ("up --config bad.toml", "bad.toml"),
    "settings key": ("up --config key.toml", "htpp_port"),
    "settings value": ("doctor --config value.toml", "http_port"),
    "rules": ("replay --config rules.toml a.xml", "nowhere-rules.toml"),
    "port": ("up --broker local:log --port 99999", "--port"),
    "archive": ("replay cut.tar.bz2", "cut.tar.bz2: cannot read the archive"),
    "a log that is none": ("associate --broker local:a.xml", "a.xml"),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    for name, text in {
        "a.xml": "<a/>",
        "bad.toml": "broker = ",
        "key.toml": "htpp_port = 1",
        "value.toml": "http_port = 'x'",
        "rules.toml": "rules = 'nowhere-rules.toml'",
        "cut.tar.bz2": "BZh91AY",
    }.items():
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_line_is_answered_by_one_line(home: Path, typed: Callable[..., Run], case: str) -> None:
    line, says = WRONG[case]
    said = typed(home, *line.split())
    assert says in said.complaint(), said
    assert said.out == b""


def test_a_process_of_its_own_answers_alike(home: Path) -> None:
    said = nuncius("replay", "nowhere", home=home, code=None)
    assert said.complaint() == "nuncius: no such file or folder: nowhere"
    assert said.out == b""


def test_a_port_in_use_is_one_line(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run = nuncius("up", "--broker", "local:log", "--port", str(port), home=home, code=None)
    assert f"127.0.0.1:{port}" in run.complaint()
    assert "--port" in run.err


def test_settings_come_from_the_environment_and_the_working_folder_too(home: Path, tmp_path: Path) -> None:
    assert "htpp_port" in nuncius("doctor", home=home, code=None, NUNCIUS_CONFIG="key.toml").complaint()
    (tmp_path / "nuncius.toml").write_text("htpp_port = 1")
    assert "htpp_port" in nuncius("doctor", home=tmp_path, code=None).complaint()
    run = nuncius("subscribe", "--until-end", home=home, code=None, NUNCIUS_BROKER="local:other")
    assert "no broker in other" in run.complaint()


def test_the_doctor_finds_a_sound_machine(tmp_path: Path) -> None:
    rows = nuncius("doctor", "--json", home=tmp_path).rows()
    assert {"what", "verdict", "detail"} == set(rows[0])
    assert [row for row in rows if row["verdict"] == "wrong"] == []


def test_facilities_are_listed(tmp_path: Path) -> None:
    rows = nuncius("facilities", "--json", home=tmp_path).rows()
    names = " ".join(row["name"] for row in rows)
    assert all(name in names for name in ("IceCube", "Fermi", "Swift", "ZTF", "Rubin"))
    assert {row["status"] for row in rows} <= {"supported", "profile, untested on real packets"}


def test_a_reader_that_leaves_early_gets_no_traceback(home: Path) -> None:
    with service("facilities", "--json", home=home) as running:
        assert running.process.stdout is not None
        running.process.stdout.close()
        running.process.wait(PATIENCE_S)
        assert "Traceback" not in running.said
        assert "Exception" not in running.said
