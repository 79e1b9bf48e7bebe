"""``nuncius up`` with filters and regions of one's own: checked at the start, read again while it runs."""

from pathlib import Path

import httpx
import pytest
import voevents
from commands import service, waiting

from nuncius.broker.cli.root import run

UP = r"http://127\.0\.0\.1:(\d+)"
REGIONS = """[regions.mine]
file = "mine.csv"
radius_deg = 1
[regions.gone]
file = "gone.csv"
radius_deg = 1
"""


@pytest.mark.parametrize("command", [["up", "--port", "0"], ["web", "--port", "0"], ["streams", "run"]])
def test_a_wrong_filter_ends_it_with_file_and_line(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.toml").write_text('[filters]\nmine = "magg < 3"\n')
    monkeypatch.chdir(tmp_path)
    assert run([*command, "--broker", "local:log", "--config", "mine.toml"]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("nuncius: mine.toml, line 2: the filter 'mine': alerts have no field 'magg'")
    assert not (tmp_path / "log").exists()


def test_a_region_is_read_again_and_a_broken_one_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "nuncius.toml").write_text(REGIONS)
    (tmp_path / "mine.csv").write_text("ra,dec\n20,20\n")
    packet = voevents.packet(
        "ivo://nasa.gsfc.gcn/SWIFT#BAT_GRB_Pos_7-001",
        values={"TrigID": 7},
        sky=voevents.where(ra=100.0, dec=20.0, radius=0.05),
    )
    with service("up", "--broker", "local:log", "--port", "0", home=tmp_path) as running:
        port = running.wait_for(UP)[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30.0) as client:
            client.post("/alerts", content=packet).raise_for_status()

            def found(region: str) -> httpx.Response:
                return client.get("/alerts", params={"filter": f"IN_REGION('{region}')"})

            assert found("mine").json()["alerts"] == []
            refused = found("gone")
            assert refused.status_code == 400
            assert "the region 'gone' cannot be read" in refused.json()["error"]
            (tmp_path / "mine.csv").write_text("ra,dec\n20,20\n100,20\n")
            for _ in waiting("the new version of the list"):
                if found("mine").json()["alerts"]:
                    break
        assert "region mine: " in running.said
        assert "has changed and was read again: 2 targets" in running.said
        assert running.said.count("region gone: ") == 1
        assert running.end() == 0
