"""A made-up telescope takes what it is asked into its schedule, each revision once, whatever is killed, and whenever.

    NUNCIUS_BROKER=kafka://HOST:PORT python telescope_loop.py FACILITY night.db
    NUNCIUS_BROKER=https://HOST NUNCIUS_DESK_TOKEN_FILE=token python telescope_loop.py FACILITY night.db

Only what is real, live, unexpired and approved comes here; what is no longer wanted comes as a task to take back. A
task that was not answered when this was killed comes again, so the schedule decides by the request's key: it holds each
once. Tell how it went on as it happens, from here or from a shell: ``nuncius too answer ID observed``. A third
argument, ``until-end``, stops where nothing is due.
"""

import sqlite3
import sys
from contextlib import closing
from typing import Final

from nuncius.consumers import follow_requests
from nuncius.consumers.desk.answers import Answer
from nuncius.schemas import ToORequest

LOWEST_DEC_DEG: Final = -50.0
"""What this telescope sees."""
TABLE = """
CREATE TABLE IF NOT EXISTS blocks (
    key TEXT PRIMARY KEY, request TEXT NOT NULL, revision INTEGER NOT NULL, target TEXT NOT NULL,
    ra REAL NOT NULL, dec REAL NOT NULL, exposure_s REAL NOT NULL, state TEXT NOT NULL)
"""
REPLACE = "UPDATE blocks SET state = 'replaced' WHERE request = ? AND revision < ? AND state = 'waiting'"
ADD = "INSERT OR IGNORE INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting')"
DROP = "UPDATE blocks SET state = 'taken back' WHERE request = ? AND state = 'waiting'"
BEGUN = "SELECT key FROM blocks WHERE request = ? AND state IN ('running', 'done')"


def schedule(night: sqlite3.Connection, request: ToORequest) -> tuple[Answer, str]:
    """Put one revision into the schedule in place of an earlier one; the answer, and a word for people."""
    if request.ra is None or request.dec is None:
        return "rejected", "no position yet: ask again once there is one"
    if request.dec < LOWEST_DEC_DEG:
        return "rejected", f"declination {request.dec:.1f} is too far south for us"
    with night:
        night.execute(REPLACE, (request.request_id, request.revision))
        about = (request.request_id, request.revision, request.target_name, request.ra, request.dec, request.exposure_s)
        night.execute(ADD, (request.idempotency_key, *about))
    return "accepted", ""


def take_back(night: sqlite3.Connection, request: ToORequest) -> tuple[Answer, str]:
    """Take everything of a request out of the schedule that has not begun."""
    with night:
        night.execute(DROP, (request.request_id,))
    begun = night.execute(BEGUN, (request.request_id,)).fetchone()
    return ("not_cancelled", f"{begun[0]} has begun") if begun else ("cancelled", "")


def main(facility: str, where: str, how: str = "follow") -> None:
    """Open the schedule and follow what is asked."""
    with closing(sqlite3.connect(where)) as night:
        night.execute(TABLE)
        with follow_requests(facility, until_end=how == "until-end") as tasks:
            for task in tasks:
                act = schedule if task.action == "observe" else take_back
                answer, note = act(night, task.request)
                tasks.answer(task, answer, reference=task.request.idempotency_key, note=note)


if __name__ == "__main__":
    main(*sys.argv[1:])
