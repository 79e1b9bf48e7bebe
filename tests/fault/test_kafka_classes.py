"""The classes of a Kafka are kept for the next start; a file of them that is damaged, or missing, costs no more."""

import subprocess
from pathlib import Path

import pytest
from kafka_here import kafka_jars

from nuncius.broker.transport.kafka_node.classes import KeptClasses

pytestmark = pytest.mark.kafka


def tool(java: str, jars: Path, *options: str) -> str:
    """What a small program of Kafka's says on standard output; it must end well and complain of nothing."""
    command = [java, *options, "-cp", f"{jars}/*", "kafka.tools.StorageTool", "random-uuid"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


@pytest.mark.long
def test_made_at_the_end_kept_and_used(tmp_path: Path) -> None:
    found, java = kafka_jars()
    jars = tmp_path / "cache" / "jars"
    jars.parent.mkdir()
    jars.symlink_to(found)
    classes = KeptClasses(jars, java)
    assert classes.options() == ()
    assert len(tool(java, jars, *classes.options(tmp_path)).split()) == 1
    classes.keep(tmp_path)
    assert [path.suffix for path in sorted(jars.parent.iterdir())] == ["", ".jsa"]
    assert classes.options(tmp_path) == classes.options()
    loaded = tool(java, jars, *classes.options(), "-Xlog:class+load")
    assert "kafka.tools.StorageTool source: shared objects file (top)" in loaded

    (kept,) = jars.parent.glob("*.jsa")
    whole = kept.read_bytes()
    kept.write_bytes(b"no classes".ljust(len(whole)))
    assert len(tool(java, jars, *classes.options()).split()) == 1
    kept.write_bytes(whole[:100_000])
    assert classes.options() == ()


def test_what_was_not_made_is_not_kept(tmp_path: Path) -> None:
    classes = KeptClasses(tmp_path / "jars", "/no/java")
    classes.keep(tmp_path)
    classes.drop(tmp_path)
    assert classes.options() == ()
    assert list(tmp_path.iterdir()) == []
