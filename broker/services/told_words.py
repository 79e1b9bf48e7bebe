"""What a receiver reads: what happened, and what to press, in words for a mail, a chat and a text message."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from nuncius.broker.planning.lifecycle import PERSON
from nuncius.broker.planning.telling import Due, Item
from nuncius.broker.planning.told import AT
from nuncius.broker.services.lines import printable
from nuncius.broker.services.links import Links
from nuncius.broker.services.too_book import SHORT, Entry
from nuncius.broker.services.too_words import brief, headline

_MOST: Final = 20
"""Changes told in one message; of more their number is."""

_CHANGES: Final[Mapping[str, str]] = {
    "waits": "waits for your yes, and was revised",
    "withdrawn": "taken back: nothing to do any more",
    "over": "has expired without an answer",
    "drill": "DRILL, no telescope is asked",
    "approved": "approved",
    "rejected": "declined",
}
_AT_A_FACILITY: Final[Mapping[str, str]] = {
    "accepted": "has it",
    "rejected": "refused it",
    "scheduled": "has scheduled it",
    "observed": "has observed it",
    "expired": "did not do it in time",
    "cancelled": "has cancelled it",
    "not_cancelled": "WOULD NOT CANCEL IT: call them",
}


def title(due: Due, entries: Mapping[str, Entry], now: datetime) -> str:
    """One line that says whether to get up."""
    first = due.items[0]
    about = headline(entries[first.request_id].latest)
    if due.urgent and first.state == "waits":
        said = f"YES OR NO? {about}{_until(entries[first.request_id], now)}"
    elif due.urgent:
        said = f"CANCEL BY HAND at {_adapter(first)}: {about}"
    elif len(due.items) == 1:
        said = f"{change(first, entries[first.request_id])}: {about}"
    else:
        said = f"{len(due.items)} changes, among them {about}"
    return _line(said)


def text(due: Due, entries: Mapping[str, Entry], now: datetime, links: Links | None) -> str:
    """All of it, as plain text."""
    if due.urgent:
        return "\n".join(_urgent(due, entries[due.items[0].request_id], now, links))
    lines: list[str] = []
    for item in due.items[:_MOST]:
        entry = entries[item.request_id]
        lines += [f"* {change(item, entry)}", f"  {headline(entry.latest)}", f"  {entry.latest.reason}"]
        if item.state == "waits":
            lines += [f"  {line}" for line in _press(entry, due.receiver, links)]
        else:
            lines.append(f"  nuncius too show {_ident(entry)}")
    if len(due.items) > _MOST:
        lines.append(f"and {len(due.items) - _MOST} more: nuncius too list")
    return "\n".join(map(_line, lines))


def short(due: Due, entries: Mapping[str, Entry], now: datetime, links: Links | None) -> str:
    """The same for a text message: the title and what to press."""
    entry = entries[due.items[0].request_id]
    if due.items[0].state != "waits":
        return f"{title(due, entries, now)[:120]}. nuncius too show {_ident(entry)}"
    link = "" if links is None else links.url(entry.latest, due.receiver)
    return f"{title(due, entries, now)[:110]} {link or f'nuncius too approve {_ident(entry)}'}"


def change(item: Item, entry: Entry) -> str:
    """One change in a few words."""
    if item.subject.startswith(AT):
        return f"{_adapter(item)} {_AT_A_FACILITY.get(item.state, item.state)}{_reference(item, entry)}"
    words = _CHANGES.get(item.state, item.state)
    who = next((one.who for one in reversed(entry.told) if one.adapter == PERSON), "")
    return f"{words} by {who}" if item.state in {"approved", "rejected"} and who else words


def _urgent(due: Due, entry: Entry, now: datetime, links: Links | None) -> Sequence[str]:
    item = due.items[0]
    if item.state == "waits":
        link = "" if links is None else links.url(entry.latest, due.receiver)
        return [
            brief(entry, now, link),
            "",
            "No answer is a no: it goes to nobody without a yes.",
            "All times are UTC.",
        ]
    said = next((one.detail for one in reversed(entry.told) if one.state == "not_cancelled"), "")
    reference = _reference(item, entry)
    return [
        _line(f"{_adapter(item)} still has this request{reference} and would not cancel it: {said}"),
        "Nothing more is tried. Call them.",
        "",
        brief(entry, now),
    ]


def _press(entry: Entry, receiver: str, links: Links | None) -> list[str]:
    ident = _ident(entry)
    link = "" if links is None else links.url(entry.latest, receiver)
    return [f"nuncius too approve {ident}   or   nuncius too decline {ident}", *filter(None, (link,))]


def _until(entry: Entry, now: datetime) -> str:
    expires = entry.latest.expires
    if expires is None:
        return ""
    day = "" if expires.date() == now.date() else f"{expires:%Y-%m-%d} "
    return f", until {day}{expires:%H:%M} UTC"


def _reference(item: Item, entry: Entry) -> str:
    name = _adapter(item)
    found = next((one.reference for one in reversed(entry.told) if one.adapter == name and one.reference), "")
    return f" (there {found})" if found else ""


def _adapter(item: Item) -> str:
    return item.subject.removeprefix(AT)


def _ident(entry: Entry) -> str:
    return entry.latest.request_id[:SHORT]


def _line(text: str) -> str:
    """Alerts are strangers': one line stays one line."""
    return printable(text)
