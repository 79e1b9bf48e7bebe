"""Apache Kafka's jars by their Maven coordinates, resolved once and kept; and the Java that runs them."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from nuncius.schemas.errors import Retry, SettingsError

KAFKA_VERSION: Final = "4.3.1"
"""The version that was tried."""

OLDEST_JAVA: Final = 17
"""Kafka 4 brokers need it (KIP-1013)."""

EMBEDDED: Final = "the embedded log (--broker local:DIR) needs neither Java nor Maven"

_FETCH_S: Final = 900.0
_CAUSE_LENGTH_MAX: Final = 240

# Kafka's own pom leaves the binding of its log to whoever runs it; the version is that of its log4j.
_POM: Final = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>nuncius</groupId><artifactId>kafka-node</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version>
  </dependency><dependency>
    <groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.25.4</version>
  </dependency></dependencies>
</project>
"""


def java(environ: Mapping[str, str]) -> str:
    """The program of ``$JAVA_HOME``, else the one on the path.

    Raises
    ------
    SettingsError
        If there is none, or it is too old.
    """
    home = environ.get("JAVA_HOME")
    own = Path(home) / "bin" / "java" if home else None
    on_path = shutil.which("java", path=environ.get("PATH", ""))
    program = str(own) if own is not None and os.access(own, os.X_OK) else on_path
    if program is None:
        raise SettingsError(f"no Java here: {_install('java')}; {EMBEDDED}")
    version = _java_version(program)
    if version < OLDEST_JAVA:
        raise SettingsError(f"{program} is Java {version}, Kafka needs {OLDEST_JAVA}: {_install('java')}; {EMBEDDED}")
    return program


def jars(environ: Mapping[str, str], say: Callable[[str], object]) -> Path:
    """The folder with Kafka's jars in the user's cache; fetched with Maven where it is not there yet.

    Raises
    ------
    SettingsError
        If they are not there and Maven is not either, or cannot fetch them.
    """
    return resolved(("org.apache.kafka", "kafka_2.13", KAFKA_VERSION), "Apache Kafka", environ, say)


def resolved(
    coordinates: tuple[str, str, str], what: str, environ: Mapping[str, str], say: Callable[[str], object]
) -> Path:
    """The folder with the jars of an artifact (group, artifact, version) and of all it needs."""
    group, artifact, version = coordinates
    folder = cache_folder(environ) / f"{artifact}-{version}"
    if folder.is_dir():
        return folder
    maven = shutil.which("mvn", path=environ.get("PATH", ""))
    if maven is None:
        raise SettingsError(f"no Maven here to fetch {what} with: {_install('maven')}; {EMBEDDED}")
    say(f"fetching {what} {version} by Maven, once (about a minute) ...")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetching-") as temporary:
            _fetch(maven, Path(temporary), _POM.format(group=group, artifact=artifact, version=version), what, environ)
            if not (Path(temporary) / "jars" / f"{artifact}-{version}.jar").is_file():
                raise SettingsError(f"Maven fetched no {artifact}-{version}.jar; {EMBEDDED}")
            _put(Path(temporary) / "jars", folder)
    except OSError as error:
        raise SettingsError(
            f"{folder.parent}: cannot keep {what} there: {error.strerror}; set XDG_CACHE_HOME"
        ) from error
    return folder


def cache_folder(environ: Mapping[str, str]) -> Path:
    """The user's cache folder (XDG base directories)."""
    base = environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "nuncius"


def _fetch(maven: str, folder: Path, pom: str, what: str, environ: Mapping[str, str]) -> None:
    (folder / "pom.xml").write_text(pom, encoding="utf-8")
    command = [maven, "--quiet", "--batch-mode", "--strict-checksums", "-Dstyle.color=never"]
    command += ["-f", str(folder / "pom.xml"), "dependency:copy-dependencies"]
    command += [f"-DoutputDirectory={folder / 'jars'}", "-DincludeScope=runtime"]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_FETCH_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Retry(
            f"Maven did not fetch {what} in {_FETCH_S:.0f} s; try again, or run: {' '.join(command)}"
        ) from error
    if done.returncode != 0:
        raise SettingsError(f"Maven cannot fetch {what}: {_cause(done.stdout + done.stderr)}; {EMBEDDED}")


def _cause(said: str) -> str:
    """What Maven means: the error that points to its help pages, else the last line; its end, which tells most."""
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).removeprefix("[ERROR] ").strip() for line in said.splitlines()]
    telling = [line for line in lines if "-> [Help" in line] or [line for line in lines if line]
    cause = telling[-1].partition(" -> [Help")[0] if telling else "it said nothing"
    return cause if len(cause) <= _CAUSE_LENGTH_MAX else "…" + cause[-_CAUSE_LENGTH_MAX:]


def _put(fetched: Path, folder: Path) -> None:
    """Into its place in one move; where another process was quicker, its folder stands."""
    try:
        fetched.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def _java_version(program: str) -> int:
    try:
        said = subprocess.run(
            [program, "-version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60.0,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SettingsError(f"{program} does not run: {error}; {_install('java')}; {EMBEDDED}") from error
    found = re.search(r'version "(?:1\.)?(\d+)', said.stderr + said.stdout)
    if found is None or said.returncode != 0:
        raise SettingsError(f"{program} does not tell its version; {_install('java')}; {EMBEDDED}")
    return int(found[1])


def _install(what: str) -> str:
    debian = {"java": "default-jre-headless", "maven": "maven"}[what]
    other = {"java": "openjdk", "maven": "maven"}[what]
    return f"install it (Debian: apt install {debian}; macOS: brew install {other})"
