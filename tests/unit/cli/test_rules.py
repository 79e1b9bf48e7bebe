"""``nuncius rules``: every rule with its numbers and their sources, and the published total."""

from pathlib import Path

import pytest
from commands import nuncius

from nuncius.broker.matching import shipped_rules

OWN = """
[[rule]]
name = "gw-cbc-grb"
window_s = [-2, 7]
[[rule]]
name = "mine"
kind = "events"
anchor = { messengers = ["neutrino"] }
partner = { messengers = ["photon"], event_classes = ["frb"] }
window_s = [-10, 10]
far_budget_hz = 1e-3
far_budget_source = "ours"
"""


def test_rows_and_their_total(tmp_path: Path) -> None:
    *rows, total = nuncius("rules", "--json", home=tmp_path).rows()
    assert [row["name"] for row in rows] == [rule.name for rule in shipped_rules()]
    by_name = {row["name"]: row for row in rows}
    grb = by_name["gw-cbc-grb"]
    assert (grb["window_s"], grb["method"]) == ([-1.0, 5.0], "untargeted")
    assert grb["partner_rate_hz"] == pytest.approx(310 / (365 * 86400))
    assert grb["rate_source"].startswith("cited: Fermi")
    assert by_name["neutrino-flare"]["rate_source"] == "measured: in the 90 days before the anchor"
    assert by_name["gw-subgrb-targeted-swift"]["rate_source"] == "the partner's own false-alarm rate"
    assert by_name["gw-optical"]["far_budget_hz"] is None
    assert all(row["far_budget_source"] for row in rows)
    assert total["far_budget_total_hz"] == pytest.approx(sum(row["far_budget_hz"] or 0 for row in rows), rel=1e-12)
    assert total["rules"] == len(rows)


def test_a_file_is_checked(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(OWN)
    said = nuncius("rules", "--check", "own.toml", home=tmp_path).out.decode()
    assert "[-2, +7] s" in said
    assert "DISABLED" in said
    assert "no source given" in said
    # a disabled rule's budget is no part of the total
    plain = nuncius("rules", home=tmp_path).out.decode()
    assert said.splitlines()[-1].partition(";")[2] == plain.splitlines()[-1].partition(";")[2]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (OWN.replace("window_s = [-10", "windows = [-10"), "'mine': key 'windows'"),
        (OWN.replace('far_budget_source = "ours"', ""), "'mine': key 'far_budget_source'"),
        ("[[rule", "not TOML"),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "own.toml").write_text(text)
    assert words in nuncius("rules", "--check", "own.toml", home=tmp_path, code=None).complaint(2)
    assert "absent.toml" in nuncius("rules", "--check", "absent.toml", home=tmp_path, code=None).complaint(2)
