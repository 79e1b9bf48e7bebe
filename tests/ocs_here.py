"""A real Observatory Control System portal on the loopback interface, its PostgreSQL and ConfigDB beside it.

The server is observation-portal as published (GPL-3), in a Python of its own: nothing of ours imports it. It needs a
Python below 3.12, and gfortran for one of its packages.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from commands import PATIENCE_S, waiting
from fakes.server import running
from ocs_instruments import GOODMAN, SINISTRO, ConfigDb
from postgres_here import Postgres, postgres_node

WANTED = "django-ocs-observation-portal==4.18.9"
GIVEN = "NUNCIUS_OCS_PYTHON"
"""Names a Python that has it."""
PROPOSAL = "NUN2026-001"
SEMESTER = "2026X"

_SETUP = """
import sys, json
from datetime import timedelta
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.authtoken.models import Token
from observation_portal.accounts.models import Profile
from observation_portal.proposals.models import (
    Membership, Proposal, ScienceCollaborationAllocation, Semester, TimeAllocation)

proposal, semester, imager, spectrograph = sys.argv[1:]
team = ScienceCollaborationAllocation.objects.create(id="team")
now = timezone.now()
when = Semester.objects.create(id=semester, start=now - timedelta(days=90), end=now + timedelta(days=90))
Proposal.objects.create(id="OTHER", title="of others", sca=team)
Proposal.objects.create(id="PAUSED", title="inactive", active=False, sca=team)
Proposal.objects.create(id="POOR", title="without time", sca=team)
ours = Proposal.objects.create(id=proposal, title="ours", sca=team)
for instrument in (imager, spectrograph):
    TimeAllocation.objects.create(semester=when, proposal=ours, instrument_types=[instrument], ipp_limit=10.0,
        ipp_time_available=5.0, std_allocation=20.0, rr_allocation=5.0, tc_allocation=0.0)
member, staff = User.objects.create_user("member"), User.objects.create_superuser("scheduler")
Profile.objects.bulk_create([Profile(user=member), Profile(user=staff, staff_view=True)])
for name in (proposal, "PAUSED", "POOR"):
    Membership.objects.create(user=member, proposal_id=name, role="PI")
print(json.dumps([Token.objects.create(user=user).key for user in (member, staff)]))
"""


def portal_python() -> Path:
    """A Python with the portal in it, made where there is none; skips where it cannot be made."""
    given = os.environ.get(GIVEN)
    if given:
        return Path(given)
    home = Path(sys.prefix) / "ocs-portal"
    python, stamp = home / "bin" / "python", home / "stamp"
    if stamp.is_file() and stamp.read_text() == WANTED:
        return python
    base = sys.executable if sys.version_info < (3, 12) else shutil.which("python3.11")
    if base is None or shutil.which("gfortran") is None:
        pytest.skip(f"the OCS portal needs a Python below 3.12 and gfortran, or {GIVEN}=PYTHON that has {WANTED}")
    subprocess.run([base, "-m", "venv", "--clear", home], check=True)
    words = ("-m", "pip", "--disable-pip-version-check", "install", "--quiet", WANTED)
    done = subprocess.run([python, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    stamp.write_text(WANTED)
    return python


@dataclass
class Portal:
    """The running portal.

    Attributes
    ----------
    url
        Of it.
    token
        Of a member of `PROPOSAL`.
    scheduler
        The token of the staff: who fills the schedule, and tells what was observed.
    """

    python: Path
    words: dict[str, str]
    url: str
    token: str = ""
    scheduler: str = ""

    def run(self, script: str, *words: str) -> str:
        """Run a script inside the portal's process space, models loaded; what it printed."""
        text = f"import django\ndjango.setup()\n{script}"
        return self._do(["-c", text, *words])

    def manage(self, *words: str) -> None:
        """One of its own commands."""
        self._do(["-m", "django", *words])

    def _do(self, words: list[str]) -> str:
        done = subprocess.run([self.python, *words], env=self.words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def make_ready(self) -> None:
        """Tables, a semester, proposals with time and without, a member and a scheduler."""
        self.manage("migrate", "--verbosity=0")
        told: Any = json.loads(self.run(_SETUP, PROPOSAL, SEMESTER, SINISTRO, GOODMAN).splitlines()[-1])
        self.token, self.scheduler = told


@contextmanager
def portal_here(folder: Path, **more: str) -> Iterator[Portal]:
    """A running portal, `more` in its environment."""
    python = portal_python()
    with postgres_node() as node, running(ConfigDb()) as config:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        portal = Portal(python, _words(node, config, folder) | more, f"http://127.0.0.1:{port}")
        portal.make_ready()
        with _serving(portal, port, folder / "portal.log"):
            yield portal


@contextmanager
def _serving(portal: Portal, port: int, log: Path) -> Iterator[None]:
    words = ("-m", "gunicorn", "--workers=1", "--threads=4", f"--bind=127.0.0.1:{port}", "observation_portal.wsgi")
    with log.open("ab") as out:
        server = subprocess.Popen([portal.python, *words], env=portal.words, stdout=out, stderr=out)
    try:
        for _ in waiting("the portal to answer"):
            assert server.poll() is None, log.read_text()
            try:
                httpx.get(f"{portal.url}/api/requestgroups/", timeout=PATIENCE_S).raise_for_status()
            except httpx.ConnectError:
                continue
            break
        yield
    finally:
        server.terminate()
        server.wait(30)


def _words(node: Postgres, config: str, folder: Path) -> dict[str, str]:
    known = dict(word.split("=") for word in node.where.split())
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "DJANGO_SETTINGS_MODULE": "observation_portal.settings",
        "DB_NAME": known["dbname"],
        "DB_USER": known["user"],
        "DB_HOST": known["host"],
        "DB_PORT": known["port"],
        "CONFIGDB_URL": config,
        "DOWNTIMEDB_URL": f"{config}/downtime/",
    }
