"""What a receiver reads: what happened, and what to press, in words for a mail, a chat and a text message."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from nuncius.broker.planning.lifecycle import PERSON
from nuncius.broker.planning.telling import Due, Item
from nuncius.broker.planning.told import AT, SEEN, seen_to
from nuncius.broker.services.lines import printable
from nuncius.broker.services.links import Links
from nuncius.broker.services.too_book import SHORT, Entry
from nuncius.broker.services.too_words import brief, headline, in_hand, press

_MOST: Final = 20
"""Changes told in one message; of more their number is."""

_STORM_CHARACTERS: Final = 3500
"""Of what is told at once in a storm; the smallest chat takes 4096 (Telegram's sendMessage), a title is before it."""

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
    if due.urgent and len(due.items) > 1:
        said = f"{_numbers(due)}, among them {about}"
    elif due.urgent and first.state == "waits":
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
    if due.urgent and len(due.items) > 1:
        return "\n".join(_storm(due, entries, now))
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
    if due.urgent and len(due.items) > 1:
        return f"{title(due, entries, now)[:120]}. All of them: nuncius too list"
    if due.urgent and due.items[0].state == "not_cancelled":
        link = "" if links is None else links.acknowledging(entry.latest, due.receiver)
        return f"{title(due, entries, now)[:110]} {link or f'nuncius too acknowledge {_ident(entry)}'}"
    if due.items[0].state != "waits":
        return f"{title(due, entries, now)[:120]}. nuncius too show {_ident(entry)}"
    link = "" if links is None else links.url(entry.latest, due.receiver)
    return f"{title(due, entries, now)[:110]} {link or press(entry).partition('   ')[0]}"


def change(item: Item, entry: Entry) -> str:
    """One change in a few words."""
    if item.subject.startswith(SEEN):
        name = item.subject.removeprefix(SEEN)
        seen = seen_to(entry.told, name)
        return f"{(seen.who if seen else '') or 'somebody'} sees to what {name} would not cancel"
    if item.subject.startswith(AT):
        return f"{_adapter(item)} {_AT_A_FACILITY.get(item.state, item.state)}{_reference(item, entry)}"
    if item.state == "withdrawn" and entry.still_at:
        return f"taken back: {' and '.join(entry.still_at)} did not confirm it yet, and is asked again until it does"
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
            _line(_without_an_answer(entry)),
            "All times are UTC.",
        ]
    said = next((one.detail for one in reversed(entry.told) if one.state == "not_cancelled"), "")
    link = "" if links is None else links.acknowledging(entry.latest, due.receiver)
    reference = _reference(item, entry)
    return [
        _line(f"{_adapter(item)} still has this request{reference} and would not cancel it: {said}"),
        "Nothing more is tried. Call them, and say that you do, or the next on call is told:",
        f"nuncius too acknowledge {_ident(entry)}",
        *(f"or {one}" for one in (link,) if one),
        "",
        brief(entry, now),
    ]


def _without_an_answer(entry: Entry) -> str:
    there = in_hand(entry)
    if not there:
        return "No answer is a no: it goes to nobody without a yes."
    return f"{' and '.join(there)} may have what was asked before, and keeps it unless you decline; no more goes out."


def _storm(due: Due, entries: Mapping[str, Entry], now: datetime) -> Iterator[str]:
    """All that is urgent, a line each while they fit; of the rest how many of which policy."""
    yield f"{_numbers(due)}. Too many came at once for a message each."
    yield "nuncius too approve ID, decline ID, acknowledge ID; all of them: nuncius too list. All times are UTC."
    used, left = 0, Counter[str]()
    for item in due.items:
        entry = entries[item.request_id]
        mark = f"at {_adapter(item)}" if item.state == "not_cancelled" else "YES OR NO?"
        ident = _ident(entry) if item.state == "not_cancelled" else f"{_ident(entry)}/{entry.latest.revision}"
        line = _line(f"{ident} {mark} {headline(entry.latest)}{_until(entry, now)}")
        used += len(line) + 1
        if used > _STORM_CHARACTERS:
            left[entry.latest.policy] += 1
        else:
            yield line
    if left:
        yield _line("and " + ", ".join(f"{number} more of policy {policy}" for policy, number in left.items()))


def _numbers(due: Due) -> str:
    stuck = sum(item.state == "not_cancelled" for item in due.items)
    said = [f"CANCEL BY HAND: {stuck}"] if stuck else []
    return "; ".join([*said, *([f"YES OR NO? {len(due.items) - stuck} requests"] if stuck < len(due.items) else [])])


def _press(entry: Entry, receiver: str, links: Links | None) -> list[str]:
    link = "" if links is None else links.url(entry.latest, receiver)
    return [press(entry), *filter(None, (link,))]


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
