"""``nuncius too``: what stands, a yes and a no that reach delivery, a policy file tried on the past."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from too_cases import GW, MERGER, TRACK, request
from too_cases import POLICIES as MADE_UP
from too_log import lay

from nuncius.broker.cli.root import run
from nuncius.broker.services.delivering import Delivering, Route
from nuncius.broker.services.left_behind import watching_left
from nuncius.broker.services.runner import drain
from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.local import open_local
from nuncius.broker.transport.port import Log
from nuncius.consumers.adapter import answer
from nuncius.schemas import Retry, ToORequest, ToOStatus
from nuncius.schemas.codec import encode

POLICIES = MADE_UP.replace('"gw-grb"', '"gw-cbc-grb"')
"""On rules that there are."""


class Telescope:
    """A real adapter that remembers what it was told."""

    name = "telescope"
    real = True
    public = False

    def __init__(self) -> None:
        self.told: list[str] = []

    def submit(self, asked: ToORequest, _standing: str) -> ToOStatus:
        self.told.append(f"submit {asked.idempotency_key}")
        return answer(asked, "accepted", self.name, "observing block 17", reference="17")

    def cancel(self, gone: ToORequest, standing: str) -> ToOStatus:
        self.told.append(f"cancel {standing}")
        return answer(gone, "cancelled", self.name)

    def look(self, _request: ToORequest, _standing: str) -> None:
        pass


@dataclass
class Command:
    """``nuncius`` in this process."""

    capsys: pytest.CaptureFixture[str]

    def __call__(self, *words: str, code: int = 0) -> tuple[str, str]:
        """What it wrote to standard output and error."""
        assert run(words) == code
        told = self.capsys.readouterr()
        return told.out, told.err


@pytest.fixture
def nuncius(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


@contextmanager
def opened(folder: Path) -> Iterator[Log]:
    log = open_local(folder, utc_now)
    log.create(topics.TOPICS)
    yield log
    log.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A log with a request that waits, one that is not wanted, and a drill."""
    waiting = request(ident="aa11", needs_approval=True, expires=utc_now() + timedelta(hours=3))
    unwanted = request(ident="bb22", state="rejected", reason="too large")
    drill = request(ident="cc33", run_mode="drill", expires=utc_now() + timedelta(hours=3))
    with opened(tmp_path / "log") as log:
        lay(log, waiting, unwanted, drill)
    return tmp_path / "log"


def deliver(folder: Path, telescope: Telescope) -> None:
    with opened(folder) as log:
        delivering = Delivering(log, Route(adapter=telescope), utc_now)
        drain((delivering,))
        delivering.close()


def test_the_list_begins_with_what_waits_and_says_what_to_do(folder: Path, nuncius: Command) -> None:
    out, err = nuncius("too", "list", "--broker", f"local:{folder}")
    first = out.splitlines()[0]
    assert first.startswith("aa11")
    assert "waits for you" in first
    assert "[real, drill]" in out
    assert "bb22" not in out
    assert "3 requests, 1 waiting for a person; 1 not wanted or over" in err


def test_one_is_shown_so_that_a_person_can_act(folder: Path, nuncius: Command) -> None:
    told = nuncius("too", "show", "aa", "--broker", f"local:{folder}")[0]
    for words in ("WHY    a test", "RA 197.4504 Dec -23.3815", "UNTIL", "nuncius too approve aa11", "HISTORY"):
        assert words in told
    shown = orjson.loads(nuncius("too", "show", "aa", "--json", "--broker", f"local:{folder}")[0])
    assert (shown["request_id"], shown["stands"], shown["waits_for_a_person"]) == ("aa11", "proposed", True)


def test_nothing_goes_out_before_the_yes_and_the_no_takes_it_back(folder: Path, nuncius: Command) -> None:
    telescope = Telescope()
    deliver(folder, telescope)
    assert telescope.told == []
    said = nuncius("too", "approve", "aa11", "--who", "Ana", "--why", "clear sky", "--broker", f"local:{folder}")
    assert said[0].startswith("Ana approved aa11 (revision 1)")
    deliver(folder, telescope)
    assert telescope.told == ["submit aa11/1"]
    shown = nuncius("too", "show", "aa", "--broker", f"local:{folder}")[0]
    assert "Ana approved: clear sky" in shown
    assert "accepted: observing block 17" in shown
    nuncius("too", "decline", "aa11", "--who", "Ben", "--broker", f"local:{folder}")
    deliver(folder, telescope)
    assert telescope.told == ["submit aa11/1", "cancel 17"]


@pytest.mark.parametrize(
    ("ident", "says"),
    [
        ("bb", "it is rejected: too large"),
        ("cc", "it is real, drill"),
        ("zz", "no request 'zz'"),
        ("", "no id was written"),
    ],
)
def test_a_yes_that_could_do_nothing_is_refused(folder: Path, ident: str, says: str, nuncius: Command) -> None:
    told = nuncius("too", "approve", ident, "--broker", f"local:{folder}", code=2)
    assert says in told[1]


def test_a_yes_to_what_was_read_is_none_to_what_is_asked_for_now(folder: Path, nuncius: Command) -> None:
    moved = request(2, "aa11", needs_approval=True, expires=utc_now() + timedelta(hours=3), dec=30.0)
    with opened(folder) as log:
        lay(log, moved)
    broker = f"--broker=local:{folder}"
    assert "asks for something else now" in nuncius("too", "approve", "aa11/1", broker, code=2)[1]
    assert "no revision '3'" in nuncius("too", "approve", "aa11/3", broker, code=2)[1]
    assert "nuncius too approve aa11/2 " in nuncius("too", "show", "aa11", broker)[0]
    assert "(revision 2)" in nuncius("too", "approve", "aa11/2", broker)[0]


class Mute(Telescope):
    """It takes requests and does not answer who takes them back."""

    def cancel(self, gone: ToORequest, standing: str) -> ToOStatus:
        raise Retry(f"no answer about {gone.request_id} {standing}")


def test_what_a_telescope_did_not_confirm_is_not_shown_as_cancelled(folder: Path, nuncius: Command) -> None:
    broker = f"--broker=local:{folder}"
    nuncius("too", "approve", "aa11", broker)
    deliver(folder, Mute())
    nuncius("too", "decline", "aa11", broker)
    deliver(folder, Mute())
    assert "taking it back" in nuncius("too", "list", broker)[0]
    assert "telescope may have it still" in nuncius("too", "show", "aa11", broker)[0]
    assert orjson.loads(nuncius("too", "show", "aa11", broker, "--json")[0])["still_at"] == ["telescope"]
    with opened(folder) as log:
        later = Delivering(log, Route(adapter=Telescope()), lambda: utc_now() + timedelta(minutes=1))
        drain((later,))
        later.close()
    assert "taking it back" not in nuncius("too", "list", "--all", broker)[0]


@pytest.mark.parametrize(
    "words", [("list",), ("approve", "aa11"), ("plan", "aa11"), ("reports",), ("answer", "aa", "accepted")]
)
def test_a_mistyped_address_is_no_empty_log_and_makes_none(
    tmp_path: Path, nuncius: Command, words: tuple[str, ...]
) -> None:
    typo = tmp_path / "lgo"
    assert f"no log at local:{typo}" in nuncius("too", *words, "--broker", f"local:{typo}", code=2)[1]
    assert not typo.exists()


@pytest.mark.parametrize("command", ["approve", "decline", "show", "acknowledge"])
@pytest.mark.parametrize("ident", ["", " "])
def test_an_id_that_was_not_written_names_nothing(folder: Path, nuncius: Command, command: str, ident: str) -> None:
    assert "no id was written" in nuncius("too", command, ident, f"--broker=local:{folder}", code=2)[1]


def test_a_policy_file_is_tried_on_past_alerts(tmp_path: Path, nuncius: Command) -> None:
    file = tmp_path / "policies.toml"
    file.write_text(POLICIES, encoding="utf-8")
    told = nuncius("too", "check", str(file), "--broker", f"local:{tmp_path / 'none'}")
    assert "pair: 0 requests" in told[0]
    assert "no log at" in told[0]
    file.write_text(POLICIES.replace("expires_h = 24.0", "expires_h = 24.0\nexpire_h = 3"), encoding="utf-8")
    wrong = nuncius("too", "check", str(file), code=2)
    line = POLICIES.replace("expires_h = 24.0", "expires_h = 24.0\nexpire_h = 3").splitlines().index("expire_h = 3") + 1
    assert f"policies.toml: line {line}: policy 'track': key 'expire_h': unknown key" in wrong[1]


def test_what_was_given_and_cannot_be_read_is_said(tmp_path: Path, nuncius: Command) -> None:
    file, folder = tmp_path / "policies.toml", tmp_path / "past"
    file.write_text(POLICIES, encoding="utf-8")
    folder.mkdir()
    assert "tried on 0 packets, 0 alerts" in nuncius("too", "check", str(file), str(folder))[0]
    (folder / "notes.txt").write_text("not a packet", encoding="utf-8")
    told = nuncius("too", "check", str(file), str(folder))[0]
    assert "tried on 1 packet, 0 alerts, 1 not to be read (first past/notes.txt: " in told


def test_what_lies_on_a_log_is_asked_again_and_nothing_is_written(
    folder: Path, tmp_path: Path, nuncius: Command
) -> None:
    with opened(folder) as log:
        writer = log.writer("test")
        with writer.transaction() as tx:
            tx.send(topics.EVENTS.name, encode(replace(TRACK, run_mode="live")), key=b"t")
        writer.close()
    file = tmp_path / "policies.toml"
    file.write_text(POLICIES, encoding="utf-8")
    lines = nuncius("too", "check", str(file), "--json", "--broker", f"local:{folder}")[0].splitlines()
    asked, summary = [orjson.loads(line) for line in lines]
    assert (asked["policy"], asked["cause_id"], asked["run_mode"]) == ("track", "icecube:1_1", "live")
    assert summary["requests"] == 1
    listed = nuncius("too", "list", "--all", "--json", "--broker", f"local:{folder}")[0].splitlines()
    assert len(listed) == 3


def test_a_policy_that_names_no_rule_is_told_the_nearest(tmp_path: Path, nuncius: Command) -> None:
    file = tmp_path / "policies.toml"
    wrong = POLICIES.replace('"gw-cbc-grb"', '"gw-cbc-grp"')
    file.write_text(wrong, encoding="utf-8")
    _, err = nuncius("too", "check", str(file), code=2)
    line = wrong.splitlines().index('rules = ["gw-cbc-grp"]') + 1
    assert f"{file}: line {line}: policy 'pair': key 'rules': no rule 'gw-cbc-grp'; is it 'gw-cbc-grb'?" in err


def test_a_policy_file_that_cannot_be_read_is_a_wrong_file(tmp_path: Path, nuncius: Command) -> None:
    assert "Is a directory" in nuncius("too", "check", str(tmp_path), code=2)[1]


GALAXIES = """
[[policy]]
name = "hosts"
source = "a test"
cause = "alert"
messengers = ["gravitational_wave"]
facility = "DECam"
ask = "galaxies"
tiles_max = 3
expires_h = 24.0
exposure_s = 60.0
max_airmass = 2.5
sun_altitude_max_deg = -12.0
"""


def test_a_policy_that_asks_for_galaxies_needs_a_catalogue_and_lays_fields_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nuncius: Command
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policies.toml").write_text(GALAXIES, encoding="utf-8")
    _, err = nuncius("too", "check", "policies.toml", code=2)
    assert "policies.toml: line 8: policy 'hosts': key 'ask': name a catalogue as 'galaxies' in nuncius.toml" in err
    rows = "name,ra,dec,distance_mpc\nNGC 4993,197.4487,-23.3839,40\nelsewhere,10,20,40\n"
    (tmp_path / "galaxies.csv").write_text(rows, encoding="utf-8")
    (tmp_path / "nuncius.toml").write_text('galaxies = "galaxies.csv"\n', encoding="utf-8")
    wave = replace(GW, issued_time=MERGER + timedelta(hours=5))
    with opened(tmp_path / "log") as log:
        writer = log.writer("test")
        with writer.transaction() as tx:
            tx.send(topics.EVENTS.name, encode(wave), key=b"t")
        writer.close()
    out, _ = nuncius("too", "check", "policies.toml", "--json", "--broker", f"local:{tmp_path / 'log'}")
    asked = orjson.loads(out.splitlines()[0])
    assert (asked["state"], asked["ask"], asked["facility"]) == ("proposed", "galaxies", "DECam")
    assert [tile["target_name"] for tile in asked["tiles"]] == ["NGC 4993"]


def stuck(folder: Path) -> None:
    """The telescope has it and would not drop it."""
    with opened(folder) as log:
        one = request(ident="dd44", expires=utc_now() + timedelta(hours=3))
        gone = replace(one, revision=2, state="cancelled", reason="taken back")
        lay(log, one, gone, answer(one, "accepted", "telescope"), answer(gone, "not_cancelled", "telescope"))


def test_a_person_sees_to_what_could_not_be_cancelled_once(folder: Path, nuncius: Command) -> None:
    stuck(folder)
    where = ("--broker", f"local:{folder}")
    said = nuncius("too", "acknowledge", "dd44", "--who", "Ana", "--why", "on the phone", *where)[0]
    assert said == "Ana sees to it: dd44 (revision 2) at telescope\n"
    assert "Ana sees to it at telescope: on the phone" in nuncius("too", "show", "dd44", *where)[0]
    assert nuncius("too", "acknowledge", "dd44", *where)[0].startswith("somebody sees to it already")
    assert "no telescope refused to cancel it" in nuncius("too", "acknowledge", "aa11", *where, code=2)[1]


def test_what_stands_where_nobody_can_take_it_back_is_on_the_list(folder: Path, nuncius: Command) -> None:
    with opened(folder) as log:
        one = request(ident="dd44", expires=utc_now() + timedelta(hours=3))
        lay(log, one, answer(one, "accepted", "lco", reference="17"))
        watch = watching_left(log, ["swift"], utc_now, lambda _: None)
        drain((watch,))
        watch.close()
    err = nuncius("too", "list", "--broker", f"local:{folder}")[1]
    assert "request dd44 still stands at lco (there 17), and the settings have no such adapter any more" in err
