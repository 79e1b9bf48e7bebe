"""``nuncius subscribe`` as a user runs it: formats, bookmarks, commands, files, and clean ends."""

import io
import shlex
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastavro
import orjson
import pytest
import voeventparse
from commands import Run, service, waiting
from matching_alerts import candidates, grb, gw, neutrino
from road import history, put, work_through

from nuncius.broker.cli.root import run
from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.local import open_local
from nuncius.broker.transport.port import Log
from nuncius.consumers import log_source, subscribe, to_voevent
from nuncius.producers.nuncius_records import read_back
from nuncius.schemas import Localization, SkyMapRef, ids
from nuncius.schemas.codec import encode_json

LOCAL = ("--broker", "local:log")
ALL = ("--until-end", *LOCAL)
ALERTS = [gw("lvk:S0"), grb("fermi-gbm:1"), neutrino("icecube:1_1"), gw("lvk:S2"), grb("fermi-gbm:3")]
NAMES = [alert.thread_id for alert in ALERTS]


Nuncius = Callable[..., Run]


class Here:
    """The command in this process, as in a shell whose folder is a new one."""

    def __init__(self, capture: pytest.CaptureFixture[bytes]) -> None:
        self._capture = capture

    def __call__(self, *arguments: str, code: int = 0) -> Run:
        ended = run(arguments)
        out, err = self._capture.readouterr()
        assert ended == code, err
        return Run(ended, out, err.decode())


@pytest.fixture
def nuncius(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Nuncius:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    for name in ("NUNCIUS_BROKER", "NUNCIUS_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    return Here(capfdbinary)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    made = open_local(tmp_path / "log", utc_now)
    made.create(topics.TOPICS)
    return made


def threads(rows: list[dict[str, Any]]) -> list[str]:
    return [row["thread_id"] for row in rows]


def test_a_filter_and_fields_as_json_lines(nuncius: Nuncius, log: Log) -> None:
    put(log, ALERTS)
    asked = ("--filter", "messenger = 'photon'", "--fields", "thread_id,facility,time", "--format", "jsonl")
    rows = nuncius("subscribe", "alerts", *asked, *ALL).rows()
    assert [row.keys() for row in rows] == [{"thread_id", "facility", "time"}] * 2
    assert threads(rows) == ["fermi-gbm:1", "fermi-gbm:3"]


def test_a_wrong_filter_says_where(nuncius: Nuncius, log: Log) -> None:
    put(log, ALERTS)
    said = nuncius("subscribe", "alerts", "--filter", "messengr = 'photon'", *ALL, code=2)
    assert "messenger" in said.err
    assert "(column 1)" in said.err


def test_a_table_is_aligned(nuncius: Nuncius, log: Log) -> None:
    put(log, (), candidates({"thread_id": "ztf:1", "mag": 18.25}, {"thread_id": "ztf:a-long-one", "mag": 9.5}))
    said = nuncius("subscribe", "candidates", "--fields", "survey,mag,filter,thread_id", *ALL)
    header, first, second = said.out.decode().splitlines()
    assert header.split() == ["survey", "mag[mag]", "filter", "thread_id"]
    column = header.index("thread_id")
    assert (first[column:], second[column:]) == ("ztf:1", "ztf:a-long-one")
    assert first[header.index("mag[mag]") :].startswith("18.25 ")


def test_a_field_that_is_none_is_refused(nuncius: Nuncius, log: Log) -> None:
    put(log, ALERTS)
    said = nuncius("subscribe", "alerts", "--fields", "thread_id,magg", *ALL, code=2)
    assert "no field 'magg'" in said.err


def test_avro_is_a_container_that_fastavro_reads(nuncius: Nuncius, log: Log) -> None:
    put(log, history())
    work_through(log)
    for stream, kinds in (("alerts", {"nuncius.Alert"}), ("coincidences", {"nuncius.Coincidence"})):
        said = nuncius("subscribe", stream, "--format", "avro", *ALL)
        shown = nuncius("subscribe", stream, "--json", *ALL).rows()
        found: list[Any] = list(fastavro.reader(io.BytesIO(said.out), return_record_name=True))
        assert {name for name, _ in found} >= kinds
        assert len(found) == len(shown)
        key = "alert_id" if stream == "alerts" else "rule"
        assert [record[key] for _, record in found] == [row[key] for row in shown]


def test_a_bookmark_goes_on_where_the_last_run_stopped(nuncius: Nuncius, log: Log) -> None:
    put(log, ALERTS[:3])
    asked = ("subscribe", "alerts", "--json", "--resume", "mine", *ALL)
    assert threads(nuncius(*asked).rows()) == NAMES[:3]
    assert nuncius(*asked).rows() == []
    put(log, ALERTS[3:])
    assert threads(nuncius(*asked).rows()) == NAMES[3:]


def test_a_command_gets_each_record_and_no_shell_reads_it(nuncius: Nuncius, tmp_path: Path, log: Log) -> None:
    evil = grb("$(touch hacked);`touch hacked`")
    put(log, [gw("lvk:S0"), evil])
    script = tmp_path / "take.py"
    script.write_text(
        "import json, os, sys\n"
        "row = json.load(sys.stdin)\n"
        "assert os.environ['NUNCIUS_FIELD_THREAD_ID'] == row['thread_id'], row\n"
        "print(sys.argv[1:], row['thread_id'], os.environ['NUNCIUS_STREAM'], file=open('taken.txt', 'a'))\n"
    )
    command = f"'{sys.executable}' take.py 'two words' $HOME {{thread_id}}"
    nuncius("subscribe", "alerts", "--exec", command, *ALL)
    words = "['two words', '$HOME', '{thread_id}']"
    assert (tmp_path / "taken.txt").read_text().splitlines() == [
        f"{words} {thread} alerts" for thread in ("lvk:S0", evil.thread_id)
    ]
    assert not (tmp_path / "hacked").exists()


def test_a_command_that_fails_keeps_the_bookmark_before_its_record(nuncius: Nuncius, tmp_path: Path, log: Log) -> None:
    put(log, ALERTS)
    script = tmp_path / "take.py"
    script.write_text(
        "import json, pathlib, sys\n"
        "thread = json.load(sys.stdin)['thread_id']\n"
        "bad = thread == 'icecube:1_1' and not pathlib.Path('mended').exists()\n"
        "print('no' if bad else thread, file=open('taken.txt', 'a'))\n"
        "sys.exit(3 if bad else 0)\n"
    )
    command = ("--exec", f"'{sys.executable}' take.py", "--resume", "night")
    said = nuncius("subscribe", "alerts", *command, *ALL, code=1)
    assert "ended with 3" in said.err
    (tmp_path / "mended").touch()
    nuncius("subscribe", "alerts", *command, *ALL)
    assert (tmp_path / "taken.txt").read_text().split() == [*NAMES[:2], "no", *NAMES[2:]]


def test_going_on_past_a_command_that_fails(nuncius: Nuncius, log: Log) -> None:
    put(log, ALERTS)
    said = nuncius("subscribe", "alerts", "--exec", "false", "--keep-going", "--json", *ALL)
    assert threads(said.rows()) == NAMES
    assert said.err.count("ended with 1") == len(NAMES)


def test_records_and_sky_maps_are_saved(nuncius: Nuncius, tmp_path: Path, log: Log) -> None:
    data = b"SIMPLE  = a file as it came"
    shape = SkyMapRef(sha256=ids.digest(data), url="", nbytes=len(data))
    alert = gw("lvk:S0", localizations=(Localization(shape=shape),))
    with log.writer("maps").transaction() as transaction:
        transaction.send(topics.MAPS.name, data, key=shape.sha256.encode())
    put(log, [alert, gw("lvk:S1")])
    nuncius("subscribe", "alerts", "--save", "kept", *ALL)
    assert (tmp_path / "kept" / f"{shape.sha256}.fits").read_bytes() == data
    assert orjson.loads((tmp_path / "kept" / f"{alert.alert_id}.json").read_bytes()) == orjson.loads(encode_json(alert))
    assert len(list((tmp_path / "kept").iterdir())) == 3


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("--format csv", "expected one of text, table, jsonl, avro, voevent"),
        ("--format voevent --fields mag", "leave --fields out"),
        ("--until yesterday", "--until 'yesterday': no time"),
        ("--since 2026-11-02 --until 2026-11-01", "is not before until"),
        ("--restart", "say which: resume"),
        ("--format avro --fields mag", "leave --fields out"),
        ("--exec ''", "names no command"),
        ("--exec /no/such/program", "No such file"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(nuncius: Nuncius, log: Log, line: str, says: str) -> None:
    put(log, ALERTS[:1])
    said = nuncius("subscribe", "alerts", *shlex.split(line), *ALL, code=2)
    assert says in said.err
    assert said.err.count("\n") == 1


def test_voevents_come_one_a_line(nuncius: Nuncius, log: Log) -> None:
    alerts = [*ALERTS, gw("lvk:S5", properties={"note": "two\nlines"})]
    put(log, alerts)
    said = nuncius("subscribe", "alerts", "--format", "voevent", *ALL)
    lines = said.out.splitlines()
    assert all(voeventparse.valid_as_v2_0(voeventparse.loads(line)) for line in lines)
    assert [encode_json(read_back(line)) for line in lines] == [encode_json(alert) for alert in alerts]


def test_voevents_are_saved_a_file_each(nuncius: Nuncius, tmp_path: Path, log: Log) -> None:
    put(log, history())
    work_through(log)
    for stream in ("alerts", "coincidences"):
        said = nuncius("subscribe", stream, "--format", "voevent", "--save", "kept", *ALL)
        records = list(subscribe(stream, broker=f"local:{tmp_path / 'log'}", until_end=True))
        files = [tmp_path / line for line in said.out.decode().splitlines()]
        assert [file.read_bytes() for file in files] == [to_voevent(record) for record in records]
        assert len(set(files)) == len(records) > 0
    assert {file.suffix for file in (tmp_path / "kept").iterdir()} == {".xml", ".fits"}


@pytest.mark.parametrize("stream", ["candidates", "quarantine"])
def test_what_is_no_voevent_is_refused(nuncius: Nuncius, log: Log, stream: str) -> None:
    put(log, ALERTS)
    said = nuncius("subscribe", stream, "--format", "voevent", *ALL, code=2)
    assert said.err.startswith("nuncius: --format voevent: alerts and coincidences can be had")


def test_it_ends_before_a_time(nuncius: Nuncius, tmp_path: Path, log: Log) -> None:
    put(log, ALERTS[:2])
    put(log, ALERTS[2:])
    (batch,) = subscribe("alerts", broker=f"local:{tmp_path / 'log'}", until_end=True).batches()
    third = batch.taken[2]
    assert third is not None
    asked = ("subscribe", "alerts", "--json", "--resume", "mine", *LOCAL)
    assert threads(nuncius(*asked, "--until", third.isoformat()).rows()) == NAMES[:2]
    assert threads(nuncius(*asked, "--until-end").rows()) == NAMES[2:]
    assert threads(nuncius(*asked, "--until-end", "--restart").rows()) == NAMES


def test_the_age_of_a_record_is_shown(nuncius: Nuncius, tmp_path: Path, log: Log) -> None:
    put(log, ALERTS[:1])
    (batch,) = subscribe("alerts", broker=f"local:{tmp_path / 'log'}", until_end=True).batches()
    (age,) = batch.to_polars()["age_s"].to_list()
    rows = nuncius("subscribe", "alerts", "--format", "jsonl", "--fields", "thread_id,age_s", *ALL).rows()
    assert rows == [{"thread_id": "lvk:S0", "age_s": age}]


def test_looking_far_back_is_said_and_bounded(nuncius: Nuncius, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_source, "MOST_LOOKED", 1500)
    put(log, [neutrino("icecube:1_1"), grb("fermi-gbm:0"), *(gw(f"lvk:S{n}") for n in range(1400)), grb("fermi-gbm:1")])
    put(log, [gw(f"lvk:T{n}") for n in range(200)])
    asked = ("subscribe", "alerts", "--json", "--last", "2")
    said = nuncius(*asked, "--filter", "messenger = 'photon'", *ALL)
    assert threads(said.rows()) == ["fermi-gbm:1"]
    first, second = said.err.splitlines()
    assert first == "nuncius: 1 of the last 2 found in the newest 500 records; looking farther back"
    assert second.startswith("nuncius: 1 of the last 2 found in the newest 1500 records, back to 20")
    assert "--since" in second


def test_control_c_is_clean_and_loses_nothing(nuncius: Nuncius, tmp_path: Path, log: Log) -> None:
    put(log, ALERTS[:2])
    asked = ("subscribe", "alerts", "--json", "--since", "2000-01-01", "--resume", "mine", *LOCAL)
    with service(*asked, home=tmp_path) as running:
        stdout = running.process.stdout
        assert stdout is not None
        seen = [orjson.loads(stdout.readline())["thread_id"] for _ in range(2)]
        for _ in waiting("the bookmark"):
            if any("position" in file.read_text() for file in (tmp_path / "data").rglob("*.json")):
                break
        assert running.end(signal.SIGINT) == 130
        assert "Traceback" not in running.said
    put(log, ALERTS[2:])
    rest = threads(nuncius(*asked, "--until-end").rows())
    assert seen + rest == NAMES
