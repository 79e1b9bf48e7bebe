"""Requests as lists, for people and as JSON Lines."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson
import typer

from nuncius.broker.services.left_behind import said_to_be_left, words
from nuncius.broker.services.lines import printable
from nuncius.broker.services.too_book import SHORT, Entry
from nuncius.broker.services.too_words import brief, headline, history
from nuncius.broker.trial import Checked
from nuncius.schemas import ToORequest
from nuncius.schemas.wire import to_json

_OVER: Final = frozenset({"rejected", "cancelled", "expired"})


def print_list(found: Sequence[Entry], now: datetime, *, every: bool, json: bool) -> None:
    """Those that wait for a person first, then the newest; without ``every`` only what is not over."""
    shown = [entry for entry in found if every or entry.state not in _OVER or entry.still_at]
    shown.sort(key=lambda entry: (not entry.waits(now), -_issued(entry.latest).timestamp()))
    if json:
        for entry in shown:
            _json(_entry(entry, now))
        return
    for entry in shown:
        mark = "waits for you" if entry.waits(now) else "taking it back" if entry.still_at else entry.state
        typer.echo(f"{entry.latest.request_id[:SHORT]}  {mark:<14} {printable(headline(entry.latest))}")
    for left in (one for entry in found for one in said_to_be_left(entry, now)):
        typer.echo(printable(words(left)), err=True)
    waiting = sum(entry.waits(now) for entry in found)
    hidden = len(found) - len(shown)
    typer.echo(
        f"{_requests(len(found))}, {waiting} waiting for a person"
        + (f"; {hidden} not wanted or over, --all shows them" if hidden else "")
        + (f"; see one: nuncius too show {shown[0].latest.request_id[:SHORT]}" if shown else ""),
        err=True,
    )


def print_entry(entry: Entry, now: datetime, *, json: bool) -> None:
    """One request and its history."""
    if json:
        _json(_entry(entry, now))
        return
    typer.echo("\n".join(printable(line) for line in brief(entry, now).splitlines()))
    typer.echo("\nHISTORY")
    for line in history(entry):
        typer.echo(printable(line))
    for number, tile in enumerate(entry.latest.tiles, 1):
        where = f"{tile.start:%Y-%m-%d %H:%M:%S}  RA {tile.ra:8.4f} Dec {tile.dec:+8.4f}"
        what = f"{tile.exposure_s:g} s {tile.filter:<3} airmass {tile.airmass:.2f}  {100 * tile.probability:5.2f} %"
        typer.echo(f"{number:>4}  {where}  {what}  {tile.target_name}".rstrip())


def print_check(found: Checked, *, json: bool) -> None:
    """What would have been asked, when, and why not."""
    if json:
        for revision in found.revisions:
            _json({"type": "too_request", **to_json(revision)})
        _json({"type": "summary", "source": found.source, **_counts(found)})
        return
    for line in _check_lines(found):
        typer.echo(printable(line))


def _check_lines(found: Checked) -> Iterator[str]:
    for policy in found.policies.policies:
        about = [one for one in found.revisions if one.policy == policy.name]
        idle = "" if policy.active else ("  (off)" if policy.source else "  (off: it states no source)")
        yield f"{policy.name}: {_requests(len({one.request_id for one in about}))}{idle}"
        for one in about:
            when = "at no known time   " if one.issued_time is None else f"{one.issued_time:%Y-%m-%d %H:%M:%S}"
            yield f"  {when}  {one.state:<9} {one.facility}: {one.target_name}: {one.reason}"
    counts = _counts(found)
    yield f"tried on {found.source}: " + ", ".join(f"{number} {word}" for word, number in counts["last_states"].items())


def _requests(number: int) -> str:
    return f"{number} request{'' if number == 1 else 's'}"


def _counts(found: Checked) -> dict[str, Any]:
    last = {one.request_id: one.state for one in found.revisions}
    return {
        "policies": len(found.policies.active),
        "requests": len(last),
        "last_states": dict(sorted(Counter(last.values()).items())) or {"requests": 0},
    }


def _entry(entry: Entry, now: datetime) -> dict[str, Any]:
    return {
        "type": "too_request",
        **to_json(entry.latest),
        "stands": entry.state,
        "waits_for_a_person": entry.waits(now),
        "still_at": entry.still_at,
        "told": [to_json(status) for status in entry.told],
    }


def _json(value: object) -> None:
    typer.echo(orjson.dumps(value, option=orjson.OPT_UTC_Z).decode())


def _issued(one: ToORequest) -> datetime:
    return one.issued_time or datetime.min.replace(tzinfo=UTC)
