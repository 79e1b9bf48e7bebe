"""``nuncius filters`` as a user runs it: own filters and regions, and why a filter is silent."""

from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Run
from matching_alerts import alert, candidates, cone, grb, gw
from road import put

from nuncius.broker.cli.root import run
from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.local import open_local

DATA = Path(__file__).resolve().parents[1] / "data" / "producers"
SETTINGS = """[filters]
near = "IN_REGION('mine') AND reality = 'real'"
photons = "messenger = 'photon'"
lost = "IN_REGION('gone')"

[regions.mine]
file = "mine.csv"
radius_deg = 1
[regions.gone]
file = "gone.csv"
radius_deg = 1
"""

Nuncius = Callable[..., Run]


@pytest.fixture
def nuncius(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Nuncius:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    for name in ("NUNCIUS_BROKER", "NUNCIUS_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "nuncius.toml").write_text(SETTINGS)
    (tmp_path / "mine.csv").write_text("name,ra,dec\nM 31,10.68,41.27\nNGC 4993,197.45,-23.38\n")

    def command(*arguments: str, code: int = 0) -> Run:
        ended = run(arguments)
        out, err = capfdbinary.readouterr()
        assert ended == code, err
        return Run(ended, out, err.decode())

    return command


@pytest.fixture
def broker(tmp_path: Path) -> str:
    log = open_local(tmp_path / "log", utc_now)
    log.create(topics.TOPICS)
    bursts = [grb("fermi-gbm:1", localizations=cone(197.45, -23.48, 1.0)), grb("fermi-gbm:2", reality="test")]
    rows = candidates({"thread_id": "ztf:a", "ra": 10.68, "dec": 41.37}, {"thread_id": "ztf:b", "mag": 20.5})
    put(log, [*bursts, gw("lvk:S1"), alert("swift:3", messenger="photon", facility="Swift", reality="real")], rows)
    log.close()
    return "local:log"


def test_own_filters_and_regions_stand_in_the_list(nuncius: Nuncius, tmp_path: Path) -> None:
    lines = {line.split()[0]: line for line in nuncius("filters", "list").out.decode().splitlines()}
    assert {"bright_grb", "near", "photons", "lost", "mine", "gone"} <= lines.keys()
    assert f"{tmp_path / 'nuncius.toml'}, line 2" in lines["near"]
    assert f"2 targets, radius 1 deg: {tmp_path / 'mine.csv'}, of 20" in lines["mine"]
    assert f"WRONG: {tmp_path / 'gone.csv'}: No such file" in lines["gone"]
    rows = nuncius("filters", "list", "--json").rows()
    assert [row["holds"] for row in rows if row.get("region") == "mine"] == ["2 targets, radius 1 deg"]
    assert "messenger = 'photon'" in nuncius("filters", "show", "photons").out.decode()
    assert "2 targets" in nuncius("filters", "show", "mine").out.decode()


def test_all_of_ones_own_are_checked(nuncius: Nuncius, tmp_path: Path) -> None:
    said = nuncius("filters", "check", code=2)
    assert "wrong: gone" in said.err
    (tmp_path / "gone.csv").write_text("ra,dec\n1,2\n")
    assert nuncius("filters", "check").err == ""
    (tmp_path / "nuncius.toml").write_text('[filters]\nbad = "magg < 3"\n')
    assert b"(column 1)" in nuncius("filters", "check", code=2).out


def test_only_who_asks_for_a_broken_region_is_refused(nuncius: Nuncius, broker: str) -> None:
    shown = nuncius("subscribe", "alerts", "--filter", "near", "--until-end", "--broker", broker, "--json").rows()
    assert [row["thread_id"] for row in shown] == ["fermi-gbm:1"]
    (target,) = shown[0]["targets"]
    assert (target["region"], target["target"]) == ("mine", "NGC 4993")
    assert target["separation_arcsec"] == pytest.approx(360.0)
    asked = ("subscribe", "alerts", "--filter", "near", "--until-end", "--broker", broker)
    assert nuncius(*asked).out.decode().endswith("; near NGC 4993 (360 arcsec, mine)\n")
    assert "; near NGC 4993 (360 arcsec, mine)" in nuncius(*asked, "--format", "table").out.decode()
    (some,) = nuncius(*asked, "--fields", "messenger", "--json").rows()
    assert some["targets"] == shown[0]["targets"]
    for words in (
        ("subscribe", "alerts", "--filter", "photons AND lost", "--until-end", "--broker", broker),
        ("streams", "create", "x", "--filter", "mag < 3 AND lost", "--broker", broker),
    ):
        said = nuncius(*words, code=2).err
        assert "in the filter 'lost'" in said
        assert "line 4), at its column 11: the region 'gone' cannot be read" in said
        assert said.endswith(f"(column {next(word for word in words if 'lost' in word).index('lost') + 1})\n")


def test_a_filter_is_tried_on_what_a_broker_took_last(nuncius: Nuncius, broker: str) -> None:
    tried = nuncius("filters", "try", "photons AND near", "--last", "3", "--broker", broker, "--json")
    rows = {row["id"]: row for row in tried.rows()}
    assert rows.keys() == {"fermi-gbm:2", "lvk:S1", "swift:3"}
    assert rows["lvk:S1"]["causes"][0] == {
        "condition": "messenger = 'photon'",
        "truth": False,
        "saw": "messenger is gravitational_wave",
    }
    assert rows["swift:3"]["truth"] is None
    tried = nuncius("filters", "try", "photons AND near", "--broker", broker)
    yes, *no = tried.out.decode().splitlines()
    assert yes == "yes  fermi-gbm:1; near NGC 4993 (360 arcsec, mine)"
    assert "no   swift:3: IN_REGION('mine'): unknown (ra is NULL, dec is NULL)" in no
    assert "1 of 4 selected" in tried.err
    tried = nuncius("filters", "try", "near AND mag < 19", "--table", "candidates", "--broker", broker)
    assert tried.out.decode().splitlines() == [
        "yes  ztf:a; near M 31 (360 arcsec, mine)",
        "no   ztf:b: mag < 19: no (mag is 20.5)",
    ]


def test_a_filter_is_tried_on_files(nuncius: Nuncius) -> None:
    file = DATA / "snews_json.coincidence.json"
    assert file.is_file()
    tried = nuncius("filters", "try", "messenger = 'neutrino' AND run_mode = 'live'", str(file))
    assert tried.out.startswith(b"yes  snews_json.coincidence.json: ")
    assert "1 of 1 selected" in tried.err
    tried = nuncius("filters", "try", "photons", str(file), str(Path("mine.csv")))
    assert b": messenger = 'photon': no (messenger is neutrino)" in tried.out
    assert "mine.csv: cannot be read" in tried.err


def test_a_wrong_filter_points_at_its_column(nuncius: Nuncius) -> None:
    said = nuncius("filters", "try", "photons AND magg < 3", "mine.csv", code=2).err
    assert said.splitlines()[:2] == ["  photons AND magg < 3", f"  {' ' * 12}^"]
