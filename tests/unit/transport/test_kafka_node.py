"""The node of ``kafka:local``, as far as it goes without Java."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from nuncius.broker.transport.kafka.cluster import BATCH_BYTES
from nuncius.broker.transport.kafka.member import SESSION_MS
from nuncius.broker.transport.kafka.writer import OPEN_S
from nuncius.broker.transport.kafka_node import storage
from nuncius.broker.transport.kafka_node.jars import KAFKA_VERSION, cache_folder, jars, java
from nuncius.broker.transport.kafka_node.node import Node
from nuncius.broker.transport.kafka_node.ours import find_ours, start_ours
from nuncius.broker.transport.kafka_node.ports import Ports, choose, is_free
from nuncius.broker.transport.kafka_node.properties import BROKER_SETTINGS, as_text, node_properties
from nuncius.schemas.errors import SettingsError

OPENJDK = 'openjdk version "{}" 2025-04-15'
MAIN_JAR = f"kafka_2.13-{KAFKA_VERSION}.jar"
MAKES_JARS = f"""
for word in "$@"; do case $word in -DoutputDirectory=*) out=${{word#*=}};; esac; done
mkdir -p "$out" && touch "$out/{MAIN_JAR}"
"""
FAILS = f"""{MAKES_JARS}
printf '\\033[0m[ERROR] Failed to execute goal: Could not transfer kafka: no route to host -> [Help 1]\\n'
echo '[ERROR] '
echo '[ERROR] [Help 1] http://cwiki.apache.org/confluence/display/MAVEN/DependencyResolutionException'
exit 1
"""

Program = Callable[[str, str], None]


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder of programs, all there is on the path."""
    folder = tmp_path / "programs"
    folder.mkdir()
    return folder


def program(folder: Path, name: str, does: str) -> Path:
    """A shell script that counts its runs."""
    path = folder / name
    path.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\necho run >>{folder}/{name}.runs\n{does}\n")
    path.chmod(0o755)
    return path


def runs(folder: Path, name: str) -> int:
    counted = folder / f"{name}.runs"
    return len(counted.read_text().splitlines()) if counted.exists() else 0


def complaint(refused: pytest.ExceptionInfo[SettingsError]) -> str:
    """One line, short enough for a terminal, that names what needs no Java."""
    text = str(refused.value)
    assert "\n" not in text
    assert "\x1b" not in text
    assert len(text) < 390
    assert "(--broker local:DIR) needs neither Java nor Maven" in text
    return text


def test_no_java_is_one_line_that_says_what_to_install(programs: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        start_ours(tmp_path / "kafka", print, {"PATH": str(programs)})
    assert complaint(refused).startswith("no Java here: ")
    assert "Debian: apt install default-jre-headless; macOS: brew install openjdk" in complaint(refused)
    assert not (tmp_path / "kafka").exists()


@pytest.mark.parametrize(
    ("told", "major"),
    [
        ('java version "1.8.0_392"', 8),
        (OPENJDK.format("11.0.27"), 11),
        (OPENJDK.format("17"), 17),
        ("Picked up JAVA_TOOL_OPTIONS: -Xmx1g\n" + OPENJDK.format("21.0.3"), 21),
        (OPENJDK.format("26-ea"), 26),
        ("The operation couldn't be completed. Unable to locate a Java Runtime.", None),
    ],
)
def test_the_version_of_java(programs: Path, told: str, major: int | None) -> None:
    found = str(program(programs, "java", f"cat >&2 <<'END'\n{told}\nEND"))
    environ = {"PATH": str(programs)}
    if major is not None and major >= 17:
        assert java(environ) == found
        return
    with pytest.raises(SettingsError) as refused:
        java(environ)
    assert (f"is Java {major}, Kafka needs 17" if major else "does not tell its version") in complaint(refused)


def test_a_java_that_fails_is_none(programs: Path) -> None:
    program(programs, "java", f"echo '{OPENJDK.format(17)}' >&2; exit 1")
    with pytest.raises(SettingsError) as refused:
        java({"PATH": str(programs)})
    assert "does not tell its version" in complaint(refused)


def test_java_home_comes_before_the_path(programs: Path, tmp_path: Path) -> None:
    told = f"echo '{OPENJDK.format(17)}' >&2"
    on_the_path = program(programs, "java", told)
    (tmp_path / "home" / "bin").mkdir(parents=True)
    at_home = program(tmp_path / "home" / "bin", "java", told)
    assert java({"PATH": str(programs), "JAVA_HOME": str(tmp_path / "home")}) == str(at_home)
    assert java({"PATH": str(programs), "JAVA_HOME": str(tmp_path / "gone")}) == str(on_the_path)


def test_the_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert cache_folder({}) == Path("/home/me/.cache/nuncius")
    assert cache_folder({"XDG_CACHE_HOME": "/elsewhere"}) == Path("/elsewhere/nuncius")


def test_jars_are_fetched_once_and_maven_is_not_needed_afterwards(programs: Path, tmp_path: Path) -> None:
    said: list[str] = []
    environ = {"PATH": str(programs), "XDG_CACHE_HOME": str(tmp_path)}
    maven = program(programs, "mvn", MAKES_JARS)
    folder = jars(environ, said.append)
    assert folder == tmp_path / "nuncius" / f"kafka_2.13-{KAFKA_VERSION}"
    assert [path.name for path in folder.iterdir()] == [MAIN_JAR]
    maven.unlink()
    assert jars(environ, said.append) == folder
    assert runs(programs, "mvn") == 1
    assert said == [f"fetching Apache Kafka {KAFKA_VERSION} by Maven, once (about a minute) ..."]
    assert list((tmp_path / "nuncius").iterdir()) == [folder]


def test_no_maven_is_one_line(programs: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        jars({"PATH": str(programs), "XDG_CACHE_HOME": str(tmp_path)}, print)
    assert complaint(refused).startswith("no Maven here")
    assert "apt install maven" in complaint(refused)
    assert not (tmp_path / "nuncius").exists()


@pytest.mark.parametrize(
    ("does", "cause"),
    [
        (FAILS, "Apache Kafka: Failed to execute goal: Could not transfer kafka: no route to host;"),
        ("echo 'JAVA_HOME is not set' >&2; exit 1", "JAVA_HOME is not set"),
        ("exit 1", "it said nothing"),
        ("exit 0", f"Maven fetched no {MAIN_JAR}"),
        (f"echo '{'long ' * 200}end -> [Help 1]'; exit 1", "long long end;"),
    ],
)
def test_a_maven_that_fails_is_one_line_and_leaves_nothing(
    programs: Path, tmp_path: Path, does: str, cause: str
) -> None:
    program(programs, "mvn", does)
    with pytest.raises(SettingsError) as refused:
        jars({"PATH": str(programs), "XDG_CACHE_HOME": str(tmp_path)}, lambda _: None)
    assert cause in complaint(refused)
    assert list((tmp_path / "nuncius").iterdir()) == []


def test_two_that_fetch_at_once_both_have_the_jars(programs: Path, tmp_path: Path) -> None:
    program(programs, "mvn", f"{MAKES_JARS}\nwhile [ $(wc -l <{programs}/mvn.runs) -lt 2 ]; do sleep 0.01; done")
    found: list[Path] = []
    environ = {"PATH": str(programs), "XDG_CACHE_HOME": str(tmp_path)}

    def fetch() -> None:
        found.append(jars(environ, lambda _: None))

    both = [threading.Thread(target=fetch) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join(60)
    assert found == [tmp_path / "nuncius" / f"kafka_2.13-{KAFKA_VERSION}"] * 2
    assert list((tmp_path / "nuncius").iterdir()) == found[:1]
    assert (found[0] / MAIN_JAR).is_file()


def test_settings_take_what_our_clients_send() -> None:
    assert int(BROKER_SETTINGS["message.max.bytes"]) == BATCH_BYTES
    assert int(BROKER_SETTINGS["replica.fetch.max.bytes"]) >= BATCH_BYTES
    assert int(BROKER_SETTINGS["socket.request.max.bytes"]) > BATCH_BYTES
    assert int(BROKER_SETTINGS["group.min.session.timeout.ms"]) <= SESSION_MS
    assert int(BROKER_SETTINGS["transaction.max.timeout.ms"]) >= max(60_000, OPEN_S * 1000)
    assert int(BROKER_SETTINGS["offsets.retention.minutes"]) < 2**31


def test_settings_of_a_node_hold_those_of_every_broker_and_extra_ones_come_last() -> None:
    ports = Ports(1, 2, 3)
    assert BROKER_SETTINGS.items() <= node_properties(ports, {}).items()
    changed = node_properties(ports, {"log.dirs": "/elsewhere", "ssl.keystore.type": "PEM"})
    assert changed == {**node_properties(ports, {}), "log.dirs": "/elsewhere", "ssl.keystore.type": "PEM"}
    assert changed["listeners"] == "CLIENT://127.0.0.1:1,INTERNAL://127.0.0.1:2,CONTROLLER://127.0.0.1:3"


def test_values_that_java_would_read_otherwise_are_escaped() -> None:
    assert as_text({"a.b": "x=1;y", "c": " ä\\\n𝄞"}) == ("a.b=x=1;y\nc=\\u0020\\u00e4\\u005c\\u000a\\ud834\\udd1e\n")


def test_ports_are_free_and_different() -> None:
    chosen = choose(None)
    assert len({chosen.client, chosen.internal, chosen.controller}) == 3
    assert choose(chosen.client).client == chosen.client
    with socket.create_server(("127.0.0.1", chosen.client)):
        assert not is_free(chosen.client)
    assert is_free(chosen.client)


def test_a_given_port_that_is_taken_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(SettingsError, match=f"127.0.0.1:{port} is taken"):
            Node(tmp_path, tmp_path, "/no/java", port=port).start()


def test_the_node_of_a_folder_is_found_while_its_lock_is_held(tmp_path: Path) -> None:
    assert find_ours(tmp_path / "absent") is None
    assert find_ours(tmp_path) is None
    lock = storage.take(tmp_path)
    assert find_ours(tmp_path) is None
    storage.tell(tmp_path, "127.0.0.1:9", 1)
    assert find_ours(tmp_path) == "127.0.0.1:9"
    lock.close()
    assert find_ours(tmp_path) is None
    assert storage.told_servers(tmp_path) == "127.0.0.1:9"


@pytest.mark.parametrize("damaged", [b"", b"{", b"[1]", b'{"servers": 9}'])
def test_a_damaged_note_tells_nothing(tmp_path: Path, damaged: bytes) -> None:
    (tmp_path / "node.json").write_bytes(damaged)
    assert storage.told_servers(tmp_path) is None


def test_a_folder_whose_node_answers_is_refused_at_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "_ANSWERING_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        servers = f"127.0.0.1:{server.getsockname()[1]}"
        lock = storage.take(tmp_path)
        storage.tell(tmp_path, servers, 1)
        with pytest.raises(SettingsError, match=rf"node\.lock is held.* {servers}"):
            Node(tmp_path, tmp_path, "/no/java").start()
        lock.close()
