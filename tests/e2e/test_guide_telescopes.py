"""docs/telescopes.md is followed to the letter."""

from pathlib import Path

import pytest
from guides import DOCS, blocks, follow, not_printed

pytestmark = pytest.mark.long

GUIDE = blocks((DOCS / "telescopes.md").read_text())


def test_what_the_guide_shows_is_what_is_printed(tmp_path: Path) -> None:
    assert {block.language for block in GUIDE} <= {"sh", "python", "text", "toml", "json"}
    assert list(not_printed(GUIDE, follow(GUIDE, tmp_path))) == []
    assert (tmp_path / "plan.png").stat().st_size > 10_000
