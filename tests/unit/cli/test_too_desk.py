"""``nuncius too follow`` and ``answer``: a telescope's own side, in a shell."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from desk_here import Room
from desk_served import served
from desk_token import TOKEN
from pydantic import SecretStr
from too_cases import request
from too_log import lay

from nuncius.broker.cli.root import run
from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.local import open_local
from nuncius.broker.transport.port import Log
from nuncius.schemas import ToORequest

SCRIPT = """
import json, os, sys
task = json.load(sys.stdin)
with open({seen!r}, "a") as seen:
    seen.write(task["action"] + " " + os.environ["NUNCIUS_IDEMPOTENCY_KEY"] + " " + os.environ["NUNCIUS_RA"] + "\\n")
{then}
"""
ACCEPTS = (
    'print(json.dumps({"state": "accepted" if task["action"] == "observe" else "cancelled", "reference": "OB-17"}))'
)


@dataclass
class Shell:
    """``nuncius`` in this process, on a log in a folder."""

    capsys: pytest.CaptureFixture[str]
    folder: Path
    log: Log

    def __call__(self, *words: str, code: int = 0) -> tuple[str, str]:
        """What it wrote to standard output and error."""
        where = () if {"--url", "--broker"} & set(words) else ("--broker", f"local:{self.folder / 'log'}")
        assert run(("too", *words, *where)) == code, self.capsys.readouterr()
        told = self.capsys.readouterr()
        return told.out, told.err

    def ask(self, *requests: ToORequest) -> None:
        lay(self.log, *requests)

    def script(self, then: str) -> str:
        """A command of the telescope's own, which writes down what it saw."""
        path = self.folder / "telescope.py"
        path.write_text(SCRIPT.format(seen=str(self.folder / "seen"), then=then))
        return f"{sys.executable} {path}"

    def seen(self) -> list[str]:
        return (self.folder / "seen").read_text().splitlines()


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    monkeypatch.chdir(tmp_path)
    log = open_local(tmp_path / "log", utc_now)
    log.create(topics.TOPICS)
    yield Shell(capsys, tmp_path, log)
    log.close()


def soon(revision: int = 1, ident: str = "aa11", **changed: object) -> ToORequest:
    return request(revision, ident, **({"expires": utc_now() + timedelta(hours=3)} | changed))


FOLLOW = ("follow", "--facility", "imager", "--until-end")


def test_a_line_a_task_and_an_answer_by_hand(shell: Shell) -> None:
    shell.ask(soon(), soon(ident="bb22", run_mode="drill"))
    out, err = shell(*FOLLOW)
    assert out.startswith("OBSERVE   aa11 revision 1  imager: AT2017gfo")
    assert (len(out.splitlines()), err) == (1, "")
    said = shell("answer", "aa", "accepted", "--reference", "OB-17", "--note", "tonight")[0]
    assert said == "imager accepted aa11 (revision 1): AT2017gfo\n"
    shell("answer", "aa", "observed")
    shown = shell("show", "aa")[0]
    assert "desk-imager accepted: tonight" in shown
    assert "desk-imager observed" in shown
    assert shell(*FOLLOW) == ("", "")


def test_json_lines_hold_the_whole_request(shell: Shell) -> None:
    shell.ask(soon())
    line = orjson.loads(shell(*FOLLOW, "--json")[0])
    assert (line["type"], line["action"], line["again"], line["reference"]) == ("too_task", "observe", False, "")
    assert (line["request"]["request_id"], line["request"]["exposure_s"]) == ("aa11", 61.0)


def test_a_command_gets_each_task_and_answers(shell: Shell) -> None:
    command = shell.script(ACCEPTS)
    shell.ask(soon())
    shell(*FOLLOW, "--exec", command)
    shell.ask(soon(2, state="cancelled"))
    shell(*FOLLOW, "--exec", command)
    shell(*FOLLOW, "--exec", command)
    assert shell.seen() == ["observe aa11/1 197.450354", "take_back aa11/2 197.450354"]
    assert "cancelled" in shell("list", "--all")[0]


@pytest.mark.parametrize(
    ("then", "says"),
    [
        ("sys.exit(3)", "ended with 3 on observe aa11/1"),
        ("print('yes')", "its answer to observe aa11/1 cannot be read: no JSON"),
        ('print(\'{"state": "maybe"}\')', "cannot be read: state: Input should be 'accepted', 'rejected'"),
        ('print(\'{"state": "not_cancelled"}\')', "nobody takes it back"),
    ],
)
def test_a_command_that_fails_ends_the_run_and_the_task_comes_again(shell: Shell, then: str, says: str) -> None:
    shell.ask(soon())
    failed = shell(*FOLLOW, "--exec", shell.script(then), code=2 if "nobody" in says else 1)
    assert says in failed[1]
    shell(*FOLLOW, "--exec", shell.script(then), "--keep-going")
    assert "(again)" in shell(*FOLLOW, "--exec", shell.script(ACCEPTS))[0]
    assert "desk-imager accepted" in shell("show", "aa")[0]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("answer", "zz", "accepted"), "no request 'zz'"),
        (("answer", "aa", "perhaps"), "no such answer: perhaps; there are accepted, rejected"),
        (("answer", "aa", "cancelled"), "was not handed over to imager"),
        (("answer", "bb", "accepted"), "was not handed over to imager: not asked: not live"),
        (("answer", "aa", "accepted", "--revision", "7"), "has no revision 7; the latest is 1"),
        (("follow", "--facility", ""), "name the facility"),
        (("follow", "--facility", "imager", "--exec", "'"), "No closing quotation"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(shell: Shell, words: tuple[str, ...], says: str) -> None:
    shell.ask(soon(), soon(ident="bb22", run_mode="drill"))
    err = shell(*words, code=2)[1]
    assert says in err
    assert len(err.splitlines()) == 1


def test_a_name_that_nobody_asks_is_said(shell: Shell) -> None:
    shell.ask(soon())
    err = shell("follow", "--facility", "imagr", "--until-end")[1]
    assert err == "nuncius: no request of imagr so far; requests are for imager\n"


def test_the_same_over_http_with_the_facilitys_token(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.ask(soon(), soon(ident="bb22", facility="another"))
    room = Room(shell.log, utc_now())
    with served(room, tokens={"imager": SecretStr(TOKEN), "another": SecretStr("b" * 32)}) as port:
        at = ("--url", f"http://127.0.0.1:{port}")
        assert "put it into $NUNCIUS_DESK_TOKEN here" in shell(*FOLLOW, *at, code=2)[1]
        monkeypatch.setenv("NUNCIUS_DESK_TOKEN", TOKEN)
        assert "over HTTP say whose request it is" in shell("answer", "aa", "accepted", *at, code=2)[1]
        assert shell(*FOLLOW, *at, "--exec", shell.script(""))[0].startswith("OBSERVE   aa11 revision 1  imager")
        said = shell("answer", "aa11/1", "accepted", "--facility", "imager", *at)[0]
        assert said == "imager accepted aa11 (revision 1): AT2017gfo\n"
        for ident, facility, why in (
            ("bb", "imager", "no request 'bb'"),
            ("bb", "another", "with the token of another"),
        ):
            told = shell("answer", ident, "accepted", "--facility", facility, *at, code=2)[1]
            assert why in told
            assert TOKEN not in told
    assert shell.seen() == ["observe aa11/1 197.450354"]


def test_who_only_looks_once_is_told_that_nobody_is_there(shell: Shell) -> None:
    err = shell(*FOLLOW, "--url", "http://127.0.0.1:1", code=2)[1]
    assert "no broker answers at http://127.0.0.1:1" in err


def test_an_answer_may_say_whose_request_it_is(shell: Shell) -> None:
    shell.ask(soon(ident="aa11"), soon(ident="aa22", facility="another"))
    shell("answer", "aa", "accepted", "--facility", "another")
    assert "2 requests begin with 'aa'" in shell("answer", "aa", "accepted", code=2)[1]
