"""Requests as lists, for people and as JSON Lines."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson
import typer

from nuncius.broker.planning.lifecycle import LEFT
from nuncius.broker.planning.twice import doubled
from nuncius.broker.services.left_behind import said_to_be_left, words
from nuncius.broker.services.lines import printable
from nuncius.broker.services.too_book import SHORT, Entry
from nuncius.broker.services.too_held import held_back
from nuncius.broker.services.too_standing import Group, Standing, Standings, in_order
from nuncius.broker.services.too_words import brief, headline, history
from nuncius.schemas.wire import to_json

if TYPE_CHECKING:
    from nuncius.broker.trial import Checked

RECENT: Final = timedelta(days=7)
"""What is done, or over without an end being told, is listed for so long after the last word on it (ours)."""

_OVER: Final = frozenset({"rejected", "cancelled", "expired"})


@dataclass(frozen=True, slots=True)
class Wish:
    """What of the list is wanted; what waits, is to be taken back, or stands is always in it.

    Parameters
    ----------
    every
        Also what was not wanted, or is over.
    since
        Of the rest what the log took a word about at or after this time, UTC; None for all of it.
    """

    every: bool
    since: datetime | None

    @classmethod
    def of(cls, since: datetime | None, now: datetime, *, every: bool) -> "Wish":
        """As a person says it: without a time what is recent, or all of everything."""
        return cls(every, since if since is not None or every else now - RECENT)

    def why_not(self, one: Standing, now: datetime) -> str | None:
        """In which words a request is left out; None where it is in the list."""
        if one.group(now) is not Group.REST:
            return None
        if not self.every and one.state in _OVER:
            return "not wanted or over"
        if self.since is not None and one.changed < self.since:
            return f"with no news since {self.since:%Y-%m-%d %H:%M} UTC"
        return None


def print_list(found: Standings, now: datetime, wish: Wish, *, json: bool) -> None:
    """What waits for a person first, then what is to be taken back, what stands, and the rest; the newest first."""
    ordered = in_order(found.standings(), now)
    judged = [(one, wish.why_not(one, now)) for one in ordered]
    left_out = Counter(why for _, why in judged if why is not None)
    shown = [one for one, why in judged if why is None]
    if json:
        for one in shown:
            _json(_entry(one.entry, now))
        return
    if shown:
        typer.echo("\n".join(_line(one, now) for one in shown))
    said = (one.entry for one in ordered if any(status.detail.startswith(LEFT) for status in one.entry.told))
    for left in (left for entry in said for left in said_to_be_left(entry, now)):
        typer.echo(printable(words(left)), err=True)
    for unread in found.unread[-1:]:
        place = f"{unread.record.topic}/{unread.record.partition}/{unread.record.offset}"
        number = f"{found.unread_count} record{'' if found.unread_count == 1 else 's'}"
        typer.echo(f"{number} cannot be read, the last is {place}: {unread.error}", err=True)
    waiting = sum(one.group(now) is Group.WAITS for one in shown)
    hidden = ", ".join(f"{number} {why}" for why, number in left_out.items())
    typer.echo(
        f"{_requests(len(ordered))}, {waiting} waiting for a person"
        + (f"; {hidden}, --all shows them" if hidden else "")
        + (f"; see one: nuncius too show {shown[0].entry.latest.request_id[:SHORT]}" if shown else ""),
        err=True,
    )


def _line(one: Standing, now: datetime) -> str:
    group, latest = one.group(now), one.entry.latest
    mark: str = "waits for you" if group is Group.WAITS else "taking it back" if one.still_at else one.state
    if group is Group.STANDS and held_back(one.entry):
        mark = "held back"
    return f"{latest.request_id[:SHORT]}  {mark:<14} {printable(headline(latest))}"


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


def print_check(found: "Checked", *, json: bool) -> None:
    """What would have been asked, when, and why not."""
    if json:
        for revision in found.revisions:
            _json({"type": "too_request", **to_json(revision)})
        _json({"type": "summary", "source": found.source, "notes": list(found.notes), **_counts(found)})
        return
    for line in _check_lines(found):
        typer.echo(printable(line))


def _check_lines(found: "Checked") -> Iterator[str]:
    for policy in found.policies.policies:
        about = [one for one in found.revisions if one.policy == policy.name]
        idle = "" if policy.active else ("  (off)" if policy.source else "  (off: it states no source)")
        yield f"{policy.name}: {_requests(len({one.request_id for one in about}))}{idle}"
        for one in about:
            when = "at no known time   " if one.issued_time is None else f"{one.issued_time:%Y-%m-%d %H:%M:%S}"
            yield f"  {when}  {one.state:<9} {one.facility}: {one.target_name}: {one.reason}"
    last = {one.request_id: one for one in found.revisions}
    behind = Counter((first.policy, one.policy, one.facility) for first, one in doubled(last.values()))
    for (first, second, facility), number in sorted(behind.items()):
        wait = f"{number} of its requests {'wait' if number > 1 else 'waits'} behind {first} once that was asked"
        yield f"{second}: {wait}: both want the same look of {facility}"
    yield from (f"note: {note}" for note in found.notes)
    counts = _counts(found)
    yield f"tried on {found.source}: " + ", ".join(f"{number} {word}" for word, number in counts["last_states"].items())


def _requests(number: int) -> str:
    return f"{number} request{'' if number == 1 else 's'}"


def _counts(found: "Checked") -> dict[str, Any]:
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
