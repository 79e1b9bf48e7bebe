"""README and CONTRIBUTING are tried: every block is written, run, or found in real output."""

import os
import re
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest
from guides import PORT, Block, blocks
from kafka_here import kafka_jars

from nuncius.producers.simulation.gw170817 import REGION
from nuncius.producers.simulation.multiorder import refine, write

ROOT = Path(__file__).resolve().parents[2]
README = blocks((ROOT / "README.md").read_text())


def of(language: str) -> list[Block]:
    return [block for block in README if block.language == language]


@dataclass(frozen=True)
class Home:
    """A newcomer's folder, with an environment of its own."""

    folder: Path
    port: str

    @property
    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("NUNCIUS_")}
        kept.pop("COLUMNS", None)
        path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
        return {**kept, "PATH": path, "HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder / "data")}

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), (command, done.stderr)
        return done.stdout

    def shell(self, line: str) -> str:
        return self.run("bash", "-c", line.replace(PORT, self.port))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    folder = tmp_path_factory.mktemp("newcomer")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    for block in (*of("json"), *of("toml")):
        (folder / block.name).write_text(block.text)
    settings = folder / "nuncius.toml"
    settings.write_text(f"{settings.read_text()}http_port = {port}\n")
    return Home(folder, port)


def lines(block: Block) -> list[str]:
    """Commands of a block, without their comments."""
    return [line.partition(" #")[0].strip() for line in block.text.splitlines() if line.strip()]


def test_every_block_is_of_a_kind_that_is_tried() -> None:
    assert [block.language for block in README if block.language not in {"sh", "json", "toml", "python", "text"}] == []
    assert [block for block in (*of("json"), *of("toml")) if not block.name] == []
    for block in of("json"):
        orjson.loads(block.text)
    for block in of("toml"):
        tomllib.loads(block.text)


def test_the_two_commands_are_targets() -> None:
    assert lines(of("sh")[0]) == ["make demo", "make test"]
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    assert {"demo", "test"} <= set(phony[1].split())


@pytest.fixture(scope="module")
def broker(home: Home) -> Iterator[Path]:
    """The block that starts things, with a file for what the subscriber says."""
    up, follow = (line.removesuffix("&").split() for line in lines(of("sh")[1]))
    said = home.folder / "subscriber.txt"
    with said.open("wb") as out, (home.folder / "up.txt").open("wb") as log:
        started = [
            subprocess.Popen(up, cwd=home.folder, env=home.environment, stderr=log),
            subprocess.Popen(follow, cwd=home.folder, env=home.environment, stdout=out, stderr=log),
        ]
        try:
            _await(lambda: "is up" in (home.folder / "up.txt").read_text())
            yield said
        finally:
            for process in started:
                process.send_signal(signal.SIGINT)
            for process in started:
                process.wait(20)


def _await(true: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def test_the_first_alert(home: Home, broker: Path) -> None:
    look, publish, post = lines(of("sh")[2])
    assert [line.partition(":")[0] for line in home.shell(look).splitlines()] == ["burst.json", "wave.json"]
    assert all("alert" in line and "test" in line for line in home.shell(publish).splitlines())
    if shutil.which("curl"):
        assert orjson.loads(home.shell(post))["fates"] == ["duplicate"]
    promised = of("text")[1].text
    _await(lambda: broker.read_text() == promised)
    printed = home.run(sys.executable, "-c", of("python")[0].text)
    assert printed.split()[:3] == ["gw-cbc-grb", "2.0", "unrelated_real"]


def test_filters_and_streams(home: Home, broker: Path) -> None:
    assert broker.is_file()
    look, check, tried, create, listed = lines(of("sh")[3])
    assert "fermi-gbm:999000001" in home.shell(look)
    assert home.shell(check).startswith("right; reads ")
    assert "significance_unit is NULL" in home.shell(f"{tried} 2>&1")
    assert home.shell(create).startswith("grb: revision 1")
    _await(lambda: "1 rows" in home.shell(listed))


def test_ones_own_rule(home: Home) -> None:
    doctor, replay = lines(of("sh")[4])
    assert "with" in next(line for line in home.shell(doctor).splitlines() if " rules " in line)
    assert "Coincidences: 3 (3 active)" in home.shell(replay)


@pytest.mark.long
def test_maps_and_rates(home: Home) -> None:
    plot, rules, calibrate = lines(of("sh")[5])
    (home.folder / "bayestar.multiorder.fits").write_bytes(write(refine(REGION, 6000), None, {}, compress=False))
    for command, picture in ((plot, "sky.png"), (calibrate, "calibration.png")):
        subprocess.run(
            ["bash", "-c", command], cwd=home.folder, env=home.environment, capture_output=True, timeout=120, check=True
        )
        assert (home.folder / picture).stat().st_size > 10_000
    assert "gw-cbc-xray" in home.shell(rules)


def test_telescopes(home: Home) -> None:
    check, listed = lines(of("sh")[6])
    said = home.run("bash", "-c", f"{check} 2>/dev/null")
    assert "burst-imaging: 1 request\n" in said
    assert "ZTF: fermi-gbm:999000001" in said
    assert ", 0 waiting for a person" in home.run("bash", "-c", f"{listed} 2>&1")


@pytest.mark.kafka
@pytest.mark.soak
def test_kafka_on_this_machine(tmp_path: Path, home: Home) -> None:
    demo, up, publish, doctor = lines(of("sh")[7])
    assert demo == "make demo KAFKA=local"
    kafka_jars()
    for file in home.folder.glob("*.json"):
        shutil.copy(file, tmp_path)
    (tmp_path / "nuncius.toml").write_text("http_port = 0")
    (tmp_path / ".cache").symlink_to(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    there = Home(tmp_path, "0")
    said = tmp_path / "up.txt"
    with said.open("wb") as log:
        running = subprocess.Popen(up.removesuffix("&").split(), cwd=tmp_path, env=there.environment, stderr=log)
        try:
            _await(lambda: "is up" in said.read_text(), 90.0)
            assert all("alert" in line and "test" in line for line in there.shell(publish).splitlines())
            _await(lambda: "nobody works" not in there.shell(doctor), 60.0)
        finally:
            running.send_signal(signal.SIGINT)
            assert running.wait(60) == 0


def test_python(home: Home) -> None:
    (home.folder / "bayestar.multiorder.fits").write_bytes(write(refine(REGION, 6000), None, {}, compress=False))
    shutil.copy(ROOT / "tests" / "data" / "producers" / "icecube.gold.xml", home.folder / "notice.xml")
    assert home.run(sys.executable, "-c", of("python")[1].text) == ""


def test_the_demo_ends_as_shown(home: Home) -> None:
    command = ["nuncius", "demo", "--speed", "1000000000"]
    done = subprocess.run(
        command, cwd=home.folder, env=home.environment, capture_output=True, text=True, timeout=120, check=True
    )
    said = done.stdout.splitlines()
    missing = [line for line in of("text")[0].text.splitlines() if line != "…" and line not in said]
    assert missing == []


def test_every_command_of_the_table_helps(home: Home) -> None:
    table = "\n".join(line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("| `"))
    listed = home.run("nuncius", "--help").partition("Commands:")[2]
    commands = {line.split()[0] for line in listed.splitlines() if line.strip()}
    assert {name for name in commands if not re.search(rf"[`/ ]{name}[` ]", table)} == set()


def test_contributing_s_rule_test_passes(tmp_path: Path) -> None:
    (block,) = (b for b in blocks((ROOT / "CONTRIBUTING.md").read_text()) if b.language == "python")
    file = tmp_path / "test_rule_myname.py"
    file.write_text(block.text)
    module = runpy.run_path(str(file))
    (test,) = (value for name, value in module.items() if name.startswith("test_"))
    (mark,) = test.pytestmark
    for case in mark.args[1]:
        test(*case)
    assert len(mark.args[1]) == 2


def test_what_documents_point_at_exists() -> None:
    for name in ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"):
        text = (ROOT / name).read_text()
        prose = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
        links = re.findall(r"\]\((?!http)([^)#]+)\)", prose)
        paths = re.findall(r"`((?:broker|producers|consumers|schemas|filters|tests|docs)/[\w./-]+)`", prose)
        made_up = {"producers/myfacility.py", "tests/unit/matching/test_rule_myname.py"}
        assert [path for path in {*links, *paths} - made_up if not (ROOT / path).exists()] == []
