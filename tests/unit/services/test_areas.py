"""Users' regions while a service runs: read when asked for, again when the file has changed, kept if that is broken."""

import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from nuncius.broker.services.areas import LOOK_S, Areas
from nuncius.broker.settings import RegionSettings

M31 = np.array([10.68]), np.array([41.27])
NGC4993 = np.array([197.45]), np.array([-23.38])


class Clock:
    """Time that passes when told to, seconds since 1970."""

    def __init__(self) -> None:
        self.now = 1_000_000_000.0

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)


class Here:
    """Regions of a folder, what they said, and their clock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.said: list[str] = []
        names = ("good", "bad")
        regions = {name: RegionSettings(file=folder / f"{name}.csv", radius_deg=0.1) for name in names}
        self.areas = Areas(regions, self.said.append, self.clock)

    def write(self, name: str, text: str) -> None:
        """A new version of a file, written now, by the clock."""
        file = self.folder / f"{name}.csv"
        file.write_text(text)
        self.clock.now += 1e-3
        os.utime(file, (self.clock.now, self.clock.now))

    def look(self, times: int = 2) -> None:
        """Time for a look, so many times."""
        for _ in range(times):
            self.clock.now += LOOK_S + 0.01
            self.areas.get("good")


@pytest.fixture
def here(tmp_path: Path) -> Here:
    made = Here(tmp_path)
    made.write("good", "ra,dec\n10.68,41.27\n")
    return made


def test_one_that_cannot_be_read_is_not_there_and_the_others_are(here: Here) -> None:
    assert here.areas.get("bad") is None
    assert here.areas["good"].contains(*M31)
    (line,) = here.said
    assert line.startswith("region bad: ")
    assert "bad.csv: No such file" in line
    assert "No such file" in here.areas.why_not("bad")
    assert here.areas.why_not("good") == ""
    here.areas.get("bad")
    assert len(here.said) == 1


def test_what_nobody_asks_for_is_not_read(here: Here) -> None:
    here.areas.get("good")
    assert here.said == []
    with pytest.raises(KeyError):
        here.areas["none"]


def test_a_changed_file_is_read_again_with_a_word(here: Here) -> None:
    before = here.areas["good"]
    here.look()
    assert here.areas["good"] is before
    here.write("good", "ra,dec\n197.45,-23.38\n10.68,41.27\n")
    assert here.areas["good"] is before
    here.look(1)
    assert here.areas["good"].contains(*NGC4993)
    (line,) = here.said
    assert "has changed and was read again: 2 targets" in line


def test_one_that_is_still_being_written_is_not_read(here: Here) -> None:
    before = here.areas["good"]
    here.clock.now += LOOK_S
    for _ in range(3):
        here.write("good", "ra,dec\n197.45,-23.38\n")
        assert here.areas["good"] is before
        here.clock.now += LOOK_S - 2e-3
    here.look(1)
    assert here.areas["good"].contains(*NGC4993)
    assert len(here.said) == 1


def test_the_first_that_comes_an_hour_after_a_change_meets_the_new_version(here: Here) -> None:
    here.areas.get("good")
    here.write("good", "ra,dec\n197.45,-23.38\n")
    here.clock.now += 3600.0
    assert here.areas["good"].contains(*NGC4993)


def test_a_broken_new_version_leaves_the_old_one(here: Here) -> None:
    here.areas.get("good")
    here.write("good", "ra,dec\n10.68,x\n")
    here.look(4)
    assert here.areas["good"].contains(*M31)
    (line,) = here.said
    assert "good.csv, line 2: dec 'x'" in line
    assert "what was read before stays" in line
    assert here.areas.why_not("good") == ""
    (here.folder / "good.csv").unlink()
    here.look(4)
    assert here.areas["good"].contains(*M31)
    assert len(here.said) == 2


def test_one_that_was_mended_is_there(here: Here) -> None:
    assert here.areas.get("bad") is None
    here.write("bad", "ra,dec\n10.68,41.27\n")
    here.clock.now += LOOK_S + 0.01
    assert here.areas["bad"].contains(*M31)
    assert here.said[-1].endswith("read again: 1 targets, radius 0.1 deg")
