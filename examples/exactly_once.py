"""Count alerts by facility in a database of your own: each alert once, whatever is killed, and whenever.

The position goes into the same transaction as what the record led to: both are there, or neither is. With SQLite::

    python exactly_once.py sqlite counts.db

With PostgreSQL (``pip install psycopg``), the same two statements::

    python exactly_once.py postgres "dbname=night"

``$NUNCIUS_BROKER`` says which broker: local:DIR, kafka://HOST:PORT or http://HOST:PORT. A third argument,
``until-end``, stops at the end of the stream.
"""

import sqlite3
import sys
from contextlib import closing
from typing import Any

from nuncius.consumers import subscribe

STREAM = "alerts"
TABLES = (
    "CREATE TABLE IF NOT EXISTS counts (facility TEXT PRIMARY KEY, alerts INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS places (stream TEXT PRIMARY KEY, position TEXT NOT NULL)",
)
COUNT = "INSERT INTO counts VALUES ({0}, 1) ON CONFLICT (facility) DO UPDATE SET alerts = counts.alerts + 1"
LOOK = "SELECT position FROM places WHERE stream = {0}"
PLACE = "INSERT INTO places VALUES ({0}, {0}) ON CONFLICT (stream) DO UPDATE SET position = excluded.position"


def follow(database: Any, mark: str, *, until_end: bool) -> None:
    """Read on from the stored position; ``mark`` is how the database's driver writes a parameter."""
    cursor = database.cursor()
    for statement in TABLES:
        cursor.execute(statement)
    database.commit()
    cursor.execute(LOOK.format(mark), (STREAM,))
    row = cursor.fetchone()
    begin = {"since": "2000-01-01"} if row is None else {"position": row[0]}
    with subscribe(STREAM, until_end=until_end, **begin) as alerts:
        for alert in alerts:
            cursor.execute(COUNT.format(mark), (alert.facility,))
            cursor.execute(PLACE.format(mark), (STREAM, alerts.position))
            database.commit()


def main(kind: str, where: str, how: str = "follow") -> None:
    """Open the database and follow the stream."""
    if kind == "sqlite":
        database, mark = sqlite3.connect(where), "?"
    else:
        import psycopg  # noqa: PLC0415  not everybody has it

        database, mark = psycopg.connect(where), "%s"
    with closing(database):
        follow(database, mark, until_end=how == "until-end")


if __name__ == "__main__":
    main(*sys.argv[1:])
