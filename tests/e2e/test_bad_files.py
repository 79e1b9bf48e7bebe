"""Bad files among good ones: each is told with what, where and why; the others go on."""

import pickle
from datetime import UTC, datetime
from pathlib import Path

import pytest
import voevents
from commands import nuncius

from nuncius.producers.simulation import ztf
from nuncius.producers.simulation.faults import broken_packets

DAY = datetime(2017, 8, 17, tzinfo=UTC)
NOTHING_BYTES = 50 * 10**6
GOOD = voevents.packet(
    "ivo://nasa.gsfc.gcn/SWIFT#BAT_GRB_Pos_1-001", values={"TrigID": 1}, sky=voevents.where(radius=0.05)
)
DTD = broken_packets(DAY)[1].payload
ZTF = ztf.write(
    ztf.Detection(
        object_id="ZTF17aaaaaaa",
        candid=1,
        time=DAY,
        first=DAY,
        ra=10.0,
        dec=10.0,
        filter="r",
        mag=18.0,
        mag_err=0.1,
        score=0.9,
        star_score=0.1,
        star_arcsec=5.0,
    )
)
BAD: dict[str, tuple[bytes, str, str]] = {
    "cut.xml": (GOOD[: len(GOOD) // 2], "malformed", ""),
    "cut.avro": (ZTF[:-40], "malformed", "cut short"),
    "dtd.xml": (DTD, "malformed", "DOCTYPE"),
    "empty.json": (b"", "malformed", "empty"),
    "noise.bin": (bytes(range(1, 256)) * 9, "malformed", "neither VOEvent, JSON, Avro nor FITS"),
    "other-schema.avro": (b"\x00\x00\x00\x27\x0f" + bytes(300), "unknown_schema", "9999"),
    "tier.pickle": (pickle.dumps({"tier": 1}), "malformed", "pickle"),
    "wrong.avro": (ZTF.replace(b'"double"', b'"duoble"', 1), "", ""),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bad")
    inner = folder / "inbox"
    inner.mkdir()
    for name, (payload, _, _) in BAD.items():
        (inner / name).write_bytes(payload)
    with (inner / "nothing.dat").open("wb") as file:
        file.truncate(NOTHING_BYTES)
    (inner / "good.xml").write_bytes(GOOD)
    (inner / "zzz.avro").write_bytes(ZTF)
    return folder


def test_parse_names_every_bad_file_and_reads_the_others(home: Path) -> None:
    run = nuncius("parse", "--json", "inbox", home=home, code=1)
    assert "Traceback" not in run.err
    assert run.err.splitlines() == [f"nuncius: {len(BAD) + 1} could not be read; the lines above say why"]
    rows = {row["file"]: row for row in run.rows()}
    assert list(rows) == sorted(f"inbox/{name}" for name in (*BAD, "nothing.dat", "good.xml", "zzz.avro"))
    for name, (_, reason, says) in BAD.items():
        row = rows[f"inbox/{name}"]
        assert len(row["error"]) > 10, row
        assert reason in row["reason"], row
        assert says in row["error"], row
        assert "\n" not in row["error"]
        assert "please report" not in row["error"]
    nothing = rows["inbox/nothing.dat"]
    assert (nothing["reason"], str(NOTHING_BYTES) in nothing["error"]) == ("limit_exceeded", True)
    assert rows["inbox/good.xml"]["thread_id"] == "swift-bat:1"
    assert rows["inbox/zzz.avro"]["thread_id"] == "ztf:ZTF17aaaaaaa"


def test_what_parse_says_for_people_is_a_line_a_file(home: Path) -> None:
    run = nuncius("parse", "inbox", home=home, code=1)
    lines = run.out.decode().splitlines()
    assert len(lines) == len(BAD) + 3
    assert sum(": cannot be read: " in line for line in lines) == len(BAD) + 1


def test_the_rows_of_an_alert_hold_what_scripts_look_for(home: Path) -> None:
    (row,) = nuncius("parse", "--json", "inbox/good.xml", home=home).rows()
    assert row["file"] == "good.xml"
    assert row["event_time"] == row["time_start"] == "2021-03-04T05:06:07.890000Z"
    assert (row["ra_deg"], row["dec_deg"], row["radius_deg"]) == (123.25, -45.5, 0.05)
    assert 0 < row["containment"] <= 1
    assert (row["has_skymap"], row["area90_deg2"]) == (False, None)


def test_replay_quarantines_them_with_what_where_and_why(home: Path) -> None:
    run = nuncius("replay", "--json", "inbox", home=home)
    rows = run.rows()
    summary = rows[-1]
    quarantined = {row["source"]: row for row in rows if row["type"] == "quarantined"}
    assert set(quarantined) == {f"inbox/{name}" for name in (*BAD, "nothing.dat")}
    for name, (payload, reason, says) in BAD.items():
        row = quarantined[f"inbox/{name}"]
        assert row["nbytes"] == len(payload)
        assert reason in row["reason"]
        assert says in row["detail"]
        assert len(row["sha256"]) == 64
    assert quarantined["inbox/nothing.dat"]["nbytes"] == NOTHING_BYTES
    assert (summary["packets"], summary["alerts"], summary["quarantined"]) == (len(BAD) + 3, 2, len(BAD) + 1)
    assert sum(summary["quarantined_by_reason"].values()) == len(BAD) + 1


def test_publish_says_which_were_refused(home: Path) -> None:
    run = nuncius("publish", "--json", "--broker", "local:log", "inbox", home=home, code=1)
    rows = {row["file"]: row for row in run.rows()}
    assert {name for name, row in rows.items() if "error" in row} == {f"inbox/{n}" for n in (*BAD, "nothing.dat")}
    assert rows["inbox/good.xml"]["fates"] == ["alert=initial:real"]
    assert len(rows["inbox/good.xml"]["alert_ids"]) == 1
    again = nuncius("publish", "--broker", "local:log", "inbox/good.xml", home=home)
    assert again.out.decode().startswith("good.xml: duplicate")


def test_publish_reads_standard_input(home: Path) -> None:
    run = nuncius("publish", "--json", "--broker", "local:log2", "-", home=home, stdin=GOOD)
    (row,) = run.rows()
    assert (row["file"], row["fates"]) == ("stdin", ["alert=initial:real"])
    (line,) = nuncius("subscribe", "alerts", "--json", "--until-end", "--broker", "local:log2", home=home).rows()
    assert line["alert_id"] == row["alert_ids"][0]
    assert line["source"] == "stdin"
    assert line["received_time"] is not None


def test_a_file_that_is_no_map_is_one_line(home: Path) -> None:
    run = nuncius("skymap", "info", "inbox/noise.bin", home=home, code=None)
    assert run.complaint(code=1).startswith("nuncius: noise.bin: ")
