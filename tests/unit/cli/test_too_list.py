"""``nuncius too list``: what is to be done is never hidden, what is long done is."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from too_cases import request
from too_log import lay, lay_bytes

from nuncius.broker.cli.root import run
from nuncius.broker.planning.lifecycle import Held
from nuncius.broker.planning.restraint import QUIET
from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.local import open_local
from nuncius.consumers.adapter import answer
from nuncius.schemas import ToORequest, ToOStatus

OLD, RECENT = timedelta(days=30), timedelta(days=2)


def put(folder: Path, ago: timedelta, *records: ToORequest | ToOStatus) -> None:
    """Onto the log, so long ago."""
    log = open_local(folder, lambda: utc_now() - ago)
    log.create(topics.TOPICS)
    lay(log, *records)
    log.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A month old: one that waits, one that stands, one a telescope would not drop, two that are done; and newer."""
    still = utc_now() + timedelta(days=9)
    waiting = request(ident="waits", needs_approval=True, expires=still)
    standing = request(ident="stands", expires=still)
    stuck = request(ident="stuck")
    gone = replace(stuck, revision=2, state="cancelled", idempotency_key="2")
    done, unwanted = request(ident="olddone"), request(ident="oldno", state="rejected")
    said = [answer(one, "accepted", "scope") for one in (standing, stuck, done)]
    said += [answer(gone, "not_cancelled", "scope"), answer(done, "observed", "scope")]
    put(tmp_path, OLD, unwanted, waiting, standing, stuck, gone, done, *said)
    newer = request(ident="newdone")
    put(tmp_path, RECENT, newer, answer(newer, "observed", "scope"), request(ident="newno", state="rejected"))
    return tmp_path


def listed(folder: Path, capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> tuple[list[str], str]:
    """The first words of the lines, and what stands below."""
    assert run(["too", "list", f"--broker=local:{folder}", *words]) == code
    told = capsys.readouterr()
    return [line.split()[0] for line in told.out.splitlines()], told.err


def since(ago: timedelta) -> Sequence[str]:
    return "--since", (utc_now() - ago).isoformat()


def test_what_is_to_be_done_is_never_hidden_and_what_is_long_done_is(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found, below = listed(folder, capsys)
    assert found == ["waits", "stuck", "stands", "newdone"]
    assert "7 requests, 1 waiting for a person; " in below
    assert "2 not wanted or over" in below
    assert "1 with no news since " in below
    assert "--all shows them; see one: nuncius too show waits" in below


def test_all_are_all_and_a_time_parts_what_is_done(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    always = ["waits", "stuck", "stands"]
    assert listed(folder, capsys, "--all")[0] == [*always, "newno", "newdone", "olddone", "oldno"]
    assert listed(folder, capsys, *since(timedelta(days=60)))[0] == [*always, "newdone", "olddone"]
    assert listed(folder, capsys, *since(timedelta(days=1)))[0] == always
    assert listed(folder, capsys, "--all", *since(timedelta(days=3)))[0] == [*always, "newno", "newdone"]
    assert "--since yesterday" in listed(folder, capsys, "--since", "yesterday", code=2)[1].replace("'", "")


def test_news_of_an_old_one_bring_it_back(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(folder, RECENT, answer(request(ident="olddone"), "observed", "scope", "all fields"))
    assert "olddone" in listed(folder, capsys)[0]


def test_a_record_of_another_version_hides_no_other(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = open_local(folder, utc_now)
    lay_bytes(log, topics.TOO_STATUS.name, b"of another version", b"of another one")
    log.close()
    found, below = listed(folder, capsys)
    assert found[0] == "waits"
    assert "2 records cannot be read, the last is nuncius.too.status/0/" in below


def test_what_a_quota_holds_back_is_listed_so_and_a_yes_says_that_it_stays_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = request(ident="quota", needs_approval=False, expires=utc_now() + timedelta(hours=9))
    why = Held("the quota of 1 requests in 24 h is used", one.expires).words
    put(tmp_path, timedelta(0), one, answer(one, "proposed", "scope", why))
    broker = f"--broker=local:{tmp_path}"
    assert run(["too", "list", broker]) == 0
    assert capsys.readouterr().out.startswith("quota  held back ")
    assert run(["too", "approve", "quota", broker]) == 0
    assert "the quota of 1 requests in 24 h is used; a yes does not lift that" in capsys.readouterr().err
    put(tmp_path, timedelta(0), answer(one, "accepted", "scope"))
    assert run(["too", "list", broker]) == 0
    assert "held back" not in capsys.readouterr().out


def test_a_yes_in_quiet_hours_lets_it_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = request(ident="quiet", needs_approval=False, expires=utc_now() + timedelta(hours=9))
    put(tmp_path, timedelta(0), one, answer(one, "proposed", "scope", Held(f"{QUIET}: until then", one.expires).words))
    assert run(["too", "approve", "quiet", f"--broker=local:{tmp_path}"]) == 0
    assert "does not lift" not in capsys.readouterr().err
