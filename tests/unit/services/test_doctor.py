"""The doctor finds what is wrong and says how to mend it."""

import shutil
from collections import namedtuple
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from road import memory

from nuncius.broker.services import doctor
from nuncius.broker.services.doctor import EXTRAS, Finding, examine
from nuncius.broker.transport import topics
from nuncius.broker.transport.local import open_local
from nuncius.broker.transport.port import Log
from nuncius.schemas import LogDamaged

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def findings(open_log: Callable[[], Log] = memory) -> dict[str, Finding]:
    return {finding.what: finding for finding in examine(open_log, Path(), NOW)}


def test_a_sound_machine_has_nothing_wrong() -> None:
    found = findings()
    assert {f.what for f in found.values() if f.verdict == "wrong"} == set()
    assert {topic.name for topic in topics.TOPICS} < set(found)


@pytest.mark.parametrize(("free", "verdict", "says"), [(2**30, "note", "1.0 GiB"), (2**27, "wrong", "0.1 GiB")])
def test_a_full_disk_is_wrong(monkeypatch: pytest.MonkeyPatch, free: int, verdict: str, says: str) -> None:
    usage = namedtuple("usage", "total used free")  # noqa: PYI024  as shutil has it
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10**12, 10**12, free))
    assert findings()["disk"].verdict == verdict
    assert f"{says} free" in findings()["disk"].detail


@pytest.mark.parametrize("module", EXTRAS)
def test_a_missing_extra_is_worth_a_note(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    monkeypatch.setattr(doctor, "find_spec", lambda name: None if name == module else object())
    found = findings()
    assert {name for name in EXTRAS if found[name].verdict != "ok"} == {module}
    assert found[module].verdict == "note"
    assert f"pip install 'nuncius[{EXTRAS[module][0]}]'" in found[module].detail


def test_a_log_that_cannot_be_opened_is_wrong() -> None:
    def damaged() -> Log:
        raise LogDamaged("the file is broken; restore it")

    found = findings(damaged)["log"]
    assert (found.verdict, found.detail) == ("wrong", "the file is broken; restore it")


def test_a_log_without_its_topics_is_wrong() -> None:
    assert findings(lambda: open_local(None, lambda: NOW))["log"].verdict == "wrong"
