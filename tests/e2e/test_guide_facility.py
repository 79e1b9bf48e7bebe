"""The session over HTTPS in docs/facility.md is followed to the letter."""

from pathlib import Path

import pytest
from guides import DOCS, blocks, follow, not_printed

pytestmark = pytest.mark.long

PAGE = (DOCS / "facility.md").read_text(encoding="utf-8")
SESSION = blocks(PAGE[PAGE.index("## A desk over HTTPS") : PAGE.index("## VOEvents on Kafka")])


def test_what_the_page_shows_is_what_is_printed(tmp_path: Path) -> None:
    printed = follow(SESSION, tmp_path)
    assert list(not_printed(SESSION, printed)) == [], printed
