"""A request in words that a person can act on: what, where, when, how sure, until when, what to press."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from nuncius.broker.planning.lifecycle import PERSON
from nuncius.broker.planning.told import SEEN, TELL
from nuncius.broker.services.lines import printable
from nuncius.broker.services.too_book import SHORT, Entry
from nuncius.schemas import ToORequest, ToOStatus


def brief(entry: Entry, now: datetime, link: str = "") -> str:
    """A few short lines; for chat, mail and the terminal.

    Parameters
    ----------
    entry
        The request.
    now
        UTC; only to say how long something still is.
    link
        A page with two buttons, where it may be answered by one.
    """
    return "\n".join(map(printable, _lines(entry, now, link)))  # alerts are strangers': one line stays one line


def press(entry: Entry) -> str:
    """What to type. A yes names the revision that was read: what is asked for instead by then does not inherit it."""
    one = entry.latest
    ident = one.request_id[:SHORT]
    return f"nuncius too approve {ident}/{one.revision}   or   nuncius too decline {ident}"


def in_hand(entry: Entry) -> tuple[str, ...]:
    """Adapters that may have it, in this revision or in one before."""
    asked = dict.fromkeys(one.adapter for one in entry.told if one.state in {"sent", "accepted"})
    return tuple(name for name in asked if entry.life(name).outstanding)


def headline(one: ToORequest) -> str:
    """One line: who is asked for what."""
    drill = "" if (one.reality, one.run_mode) == ("real", "live") else f"[{one.reality}, {one.run_mode}] "
    doubt = "[IN DOUBT] " if one.doubt else ""
    return f"{drill}{doubt}{one.facility}: {one.target_name} ({_asked(one)}), policy {one.policy}"


def history(entry: Entry) -> Iterator[str]:
    """Every change, in order."""
    for one in entry.revisions:
        when = "" if one.issued_time is None else f"{one.issued_time:%Y-%m-%d %H:%M:%S} "
        yield f"{when}revision {one.revision}: {one.state}: {one.reason}"
        yield from (f"  {_status(status)}" for status in entry.told if status.revision == one.revision)


def _lines(entry: Entry, now: datetime, link: str) -> Iterator[str]:
    one = entry.latest
    yield headline(one)
    yield f"WHY    {one.reason}"
    if one.event_thread:
        kind = f" ({one.event_class})" if one.event_class else ""
        yield f"EVENT  {one.event_thread}{kind}{_since(one.event_time, now)}"
    yield f"TAKE   {_taken(one)}"
    yield f"WHERE  {_where(one)}"
    if one.tiles:
        share = "" if one.probability is None else f", {100 * one.probability:.0f} % of the map"
        yield f"PLAN   {_fields(one)}{share}, the first at {one.tiles[0].start:%Y-%m-%d %H:%M} UTC"
    if one.window_start is not None and one.window_stop is not None:
        site = f" from {one.site}" if one.site else ""
        began = " (it has begun)" if one.window_start <= now < one.window_stop else ""
        yield f"WHEN   {one.window_start:%Y-%m-%d %H:%M} to {one.window_stop:%Y-%m-%d %H:%M} UTC{site}{began}"
    elif one.position is None and one.state == "proposed":
        yield "WHEN   from now on: a revision with a position follows once one is known"
    if one.expires is not None:
        left = "over" if one.expires <= now else f"{_span(one.expires - now)} left"
        yield f"UNTIL  {one.expires:%Y-%m-%d %H:%M} UTC ({left})"
    still = f", and {' and '.join(entry.still_at)} may have it still" if entry.still_at else ""
    there = in_hand(entry) if entry.waits(now) else ()
    before = f", and {' and '.join(there)} may have what was asked before" if there else ""
    yield f"STATE  {entry.state}{before}{still}{_last_words(entry)}"
    if entry.waits(now):
        yield f"PRESS  {press(entry)}"
        if link:
            yield f"  or   {link}"


def _asked(one: ToORequest) -> str:
    if one.position is None:
        return "no position yet, make ready"
    what = f"{one.exposure_s:g} s {one.filter}".rstrip()
    return f"{_fields(one)} of {what}" if one.tiles else what


def _fields(one: ToORequest) -> str:
    return f"{len(one.tiles)} field{'s' if len(one.tiles) > 1 else ''}"


def _where(one: ToORequest) -> str:
    where = one.position
    if where is None:
        return "not known yet"
    area = f", 90 % within {where.radius_deg:.3g} deg" if where.radius_deg else ""
    return f"RA {where.ra:.4f} Dec {where.dec:+.4f} (ICRS){area}"


def _taken(one: ToORequest) -> str:
    said = [_asked(one), f"priority {one.priority:g}"]
    if one.position is None:
        said.insert(1, f"{one.exposure_s:g} s {one.filter}".rstrip() + " once there is one")
    if one.instrument:
        said.insert(1, f"with {one.instrument}")
    if one.max_airmass is not None:
        best = "" if one.airmass_min is None else f" (at best {one.airmass_min:.2f})"
        said.append(f"airmass up to {one.max_airmass:g}{best}")
    if one.preempt:
        said.append("may interrupt what runs")
    return ", ".join(said)


def _since(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return ""
    ago = f", {_span(now - moment)} ago" if moment <= now else ""
    return f", {moment:%Y-%m-%d %H:%M:%S} UTC{ago}"


def _last_words(entry: Entry) -> str:
    said = [
        status
        for status in entry.told
        if status.revision == entry.latest.revision
        and status.state != "recorded"
        and not status.adapter.startswith(TELL)
    ]
    return f": {_status(said[-1])}" if said else ""


def _status(status: ToOStatus) -> str:
    when = "" if status.time is None else f"{status.time:%Y-%m-%d %H:%M:%S} "
    detail = f": {status.detail}" if status.detail else ""
    if status.adapter.startswith(TELL):
        return f"{when}{'told' if status.state == 'recorded' else 'trying'} {status.adapter.removeprefix(TELL)}{detail}"
    if status.adapter.startswith(SEEN):
        return f"{when}{status.who or 'somebody'} sees to it at {status.adapter.removeprefix(SEEN)}{detail}"
    who = (status.who or "somebody") if status.adapter == PERSON else status.adapter
    return f"{when}{who} {status.state}{detail}"


def _span(left: timedelta) -> str:
    minutes = int(left.total_seconds() // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} d"
