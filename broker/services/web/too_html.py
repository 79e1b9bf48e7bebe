"""Requests to telescopes as pages: the list, one of them, and the one that a signed link opens."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import quote

from nuncius.broker.services.plan_found import tiles_of
from nuncius.broker.services.too_book import SHORT, Entry
from nuncius.broker.services.too_held import held_back
from nuncius.broker.services.too_standing import Group, Page, Standing
from nuncius.broker.services.too_words import brief, headline, history
from nuncius.broker.services.web.front_tables import skipped_list
from nuncius.broker.services.web.html import Html, tag
from nuncius.broker.services.web.opened import Skipped
from nuncius.broker.services.web.too_now import cursor_of

STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 0 1rem 3rem; }
h1 { font-size: 1.3rem; overflow-wrap: anywhere; } a { overflow-wrap: anywhere; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; padding: .6rem 1rem; border: 1px solid #8884; }
pre { border-radius: .3rem; font-size: .9rem; }
form { display: inline-block; margin: 0 1rem 1rem 0; }
button { font-size: 1.3rem; padding: .8rem 2rem; border-radius: .5rem; border: 2px solid #8888; cursor: pointer; }
.yes { background: #178045; color: #fff; } .no { background: #b3261e; color: #fff; }
.said { font-size: 1.15rem; font-weight: 600; } .small { font-size: .85rem; opacity: .85; }
.waits { font-weight: 600; } img { max-width: 100%; border-radius: .3rem; }
li { overflow-wrap: anywhere; margin: .3rem 0; }
"""

_HEADS: Final = {
    Group.WAITS: "Waiting for a person",
    Group.TO_BE_TAKEN_BACK: "To be taken back",
    Group.STANDS: "Asked",
    Group.REST: "Not wanted, over, or done",
}
_LATER: Final = "The answer is written to the log; the service that delivers acts on it within seconds."


def list_page(found: Page, now: datetime, skipped: Sequence[Skipped], *, is_first: bool) -> str:
    """Requests under the heads of their groups, with the way to the next page."""
    parts = [tag("h1", "Requests to telescopes")]
    for group, words in _HEADS.items():
        rows = [_row(one, now) for one in found.shown if one.group(now) is group]
        if rows:
            parts += [tag("h2", f"{words} ({found.counts[group]})"), tag("ul", *rows)]
    if not found.shown:
        parts.append(tag("p", "None so far." if is_first else "No more."))
    if found.after is not None:
        parts.append(tag("p", tag("a", "the next ones", href=f"too?cursor={cursor_of(found.after)}")))
    if not is_first:
        parts.append(tag("p", tag("a", "from the beginning", href="too")))
    return page("Requests to telescopes", *parts, skipped_list(skipped))


def entry_page(entry: Entry, now: datetime, together: int) -> str:
    """One request, to be read; with how many that have a plan it belongs together."""
    how = ""
    if entry.waits(now):
        how = "It is answered by the link that was sent to those on call, or by the command above."
    ident = quote(entry.latest.request_id, safe="")
    more = tag("a", f"{together} requests of this event in one picture", href=f"{ident}/together.png")
    return page(
        headline(entry.latest),
        *_told(entry, now),
        _picture(entry, f"{ident}/plan.png"),
        tag("p", more) if together > 1 else "",
        tag("p", how),
        tag("p", tag("a", "all requests", href=".")),
    )


def _picture(entry: Entry, where: str) -> str:
    """The plan, where there is one."""
    if not tiles_of(entry.latest):
        return ""
    return tag("p", tag("img", src=where, alt="its plan: the fields, the nights and the exposures", loading="lazy"))


def answer_page(entry: Entry, receiver: str, now: datetime) -> str:
    """One request with two buttons."""
    word = entry.life("").word
    said = "Shall it go out?"
    if word is not None:
        said = f"{word.who or 'Somebody'} {_in_words(word.state)} it already. You may still say otherwise."
    return page(
        headline(entry.latest),
        tag("p", said, class_="said"),
        _button("approved", "Yes, ask the telescope", "yes"),
        _button("rejected", "No, decline it", "no"),
        *_told(entry, now),
        _picture(entry, "plan.png"),
        tag("p", f"You answer as {receiver}, to whom the link was sent. {_LATER}", class_="small"),
    )


def acknowledge_page(entry: Entry, where: str, receiver: str, now: datetime) -> str:
    """One request that could not be cancelled, with a button to say that one sees to it."""
    return page(
        headline(entry.latest),
        tag("p", f"{where} would not cancel it. Call them, and say here that you do.", class_="said"),
        _button("acknowledged", "I see to it", "yes"),
        *_told(entry, now),
        tag("p", f"You answer as {receiver}, to whom the link was sent.", class_="small"),
    )


def acknowledged_page(entry: Entry, now: datetime) -> str:
    """What a person has said of one that could not be cancelled."""
    words = "Thank you: nobody else is woken for it, and those who were told hear that you see to it."
    return page(headline(entry.latest), tag("p", words, class_="said"), *_told(entry, now))


def said_page(entry: Entry, state: str, now: datetime) -> str:
    """What a person has said."""
    words = f"Thank you: it is {_in_words(state)}. {_LATER}"
    return page(headline(entry.latest), tag("p", words, class_="said"), *_told(entry, now))


def refusal_page(title: str, why: str, what: str) -> str:
    """Why a link does nothing, and what to do."""
    return page(title, tag("h1", title), tag("p", why, class_="said"), tag("p", what))


def page(title: str, *parts: str) -> str:
    """A page without a script."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        tag("style", Html(STYLE)),
    )
    return f"<!doctype html>{tag('html', head, tag('body', *parts), lang='en')}"


def _told(entry: Entry, now: datetime) -> Iterator[Html]:
    yield tag("pre", *_lines(brief(entry, now).splitlines()))
    yield tag("h2", "History")
    yield tag("pre", *_lines(list(history(entry))))


def _lines(lines: Sequence[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield from (Html("\n"), line) if number else (line,)


def _row(one: Standing, now: datetime) -> Html:
    ident = one.entry.latest.request_id
    link = tag("a", ident[:SHORT], href=f"too/{quote(ident, safe='')}")
    state: str = "being taken back" if one.still_at else one.state
    if one.group(now) is Group.STANDS and held_back(one.entry):
        state = "held back"
    waits = one.group(now) is Group.WAITS
    mark = tag("span", "waits for a person", class_="waits") if waits else tag("span", state)
    return tag("li", link, " ", mark, " ", headline(one.entry.latest))


def _button(value: str, words: str, kind: str) -> Html:
    return tag("form", tag("button", words, class_=kind, name_="answer", value=value), method="post")


def _in_words(state: str) -> str:
    return "approved" if state == "approved" else "declined"
