"""How many neutrino events came from each part of the sky: a stateful script on a broker's alerts, with Faust.

    pip install 'nuncius[faust]'
    NUNCIUS_BROKER=kafka:local python examples/faust_neutrino_rate.py

It prints one JSON line whenever a cell's count changes. Its tables lie on the broker too, so it goes on where it stood,
on this machine or another. Faust may hand an alert over twice, so no count is ever incremented: the tables say which
event lies where, and a copy, an update that moves the event or a retraction leaves them right. Who must not lose an
alert takes examples/exactly_once.py instead: once, on a busy machine, Faust left one out after a restart.
"""

import json
import sys

from nuncius.broker.sky import healpix
from nuncius.consumers.faust import alerts_topic, application, run
from nuncius.schemas import Alert, Cone, Ellipse

ORDER = 2
"""Of the HEALPix cells: 192 on the sky, of 215 deg² each."""
SPAN_DAYS = 365.25
"""A cell's count is of the events so long before its newest one."""

app = application("neutrino-rate")
cell_of_event = app.Table("cell_of_event", default=int, partitions=1, key_type=str, value_type=int)
events_in_cell = app.Table("events_in_cell", default=dict, partitions=1, key_type=str)


@app.agent(alerts_topic(app))
async def count(alerts):  # noqa: ANN001, ANN201  Faust's own stream
    """Keep the tables true to every alert."""
    async for alert in alerts:
        if alert.messenger == "neutrino" and alert.reality == "real":
            move(alert)


def move(alert: Alert) -> None:
    """Take the event out of the cell where it was, and put it where it is now."""
    before = cell_of_event[alert.thread_id] if alert.thread_id in cell_of_event else None  # noqa: SIM401  of a Faust table get() never gives None
    now = cell(alert)
    if before is not None and before != now:
        inside = {thread: time for thread, time in events_in_cell[str(before)].items() if thread != alert.thread_id}
        events_in_cell[str(before)] = inside
        del cell_of_event[alert.thread_id]
        say(before)
    if now is not None and alert.time_start is not None:
        cell_of_event[alert.thread_id] = now
        inside = events_in_cell[str(now)] | {alert.thread_id: alert.time_start.timestamp()}
        newest = max(inside.values())
        events_in_cell[str(now)] = {t: time for t, time in inside.items() if time > newest - SPAN_DAYS * 86400}
        say(now)


def cell(alert: Alert) -> int | None:
    """The HEALPix cell (nested, ICRS) of an event that stands and has a place; None otherwise."""
    place = next((p.shape for p in alert.localizations if isinstance(p.shape, Cone | Ellipse)), None)
    if place is None or alert.kind == "retraction":
        return None
    return int(healpix.pixel(place.ra, place.dec)) >> 2 * (healpix.ORDER - ORDER)


def say(number: int) -> None:
    """One line a change."""
    ra, dec = healpix.position(ORDER, number)
    count = len(events_in_cell[str(number)])
    line = {"cell": number, "ra": round(float(ra), 2), "dec": round(float(dec), 2), "events": count, "days": SPAN_DAYS}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    run(app)
