"""The front page as HTML: what a person sees who opens the broker's address at three in the morning."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from nuncius.broker.services.web.front_tables import (
    Asked,
    alert_table,
    coincidence_card,
    request_table,
    skipped_list,
)
from nuncius.broker.services.web.html import Html, joined, tag
from nuncius.broker.services.web.opened import Skipped
from nuncius.schemas import Alert, Coincidence

STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 0 auto; padding: 0 1rem 3rem; }
header { display: flex; flex-wrap: wrap; gap: 0 1.5rem; align-items: baseline; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.15rem; margin-top: 2rem; } h3 { font-size: 1rem; margin: 0; }
h3, p, li { overflow-wrap: anywhere; } td { overflow-wrap: break-word; max-width: 30rem; }
.card { border: 1px solid #8886; border-left: .35rem solid #2a7; border-radius: .3rem; }
.card { padding: .6rem 1rem; margin: .6rem 0; }
.mock { border-left-color: #c60; } .back { border-left-color: #999; opacity: .75; } .card p { margin: .2rem 0; }
.words { font-size: 1.15rem; font-weight: 600; } .small { font-size: .85rem; opacity: .85; }
.mark { background: #c60; color: #fff; border-radius: .3rem; padding: 0 .4rem; font-size: .8rem; }
.good::before { content: "●"; color: #2a7; } .bad::before { content: "▲"; color: #d33; }
.good::before, .bad::before { margin-right: .4rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8884; }
pre { overflow-x: auto; padding: .6rem 1rem; border: 1px solid #8884; border-radius: .3rem; }
img { max-width: 100%; background: #fff; border-radius: .3rem; }
"""

SCRIPT: Final = """
"use strict";
const note = document.getElementById("live");
let waiting = 0;
async function refresh() {
  waiting = 0;
  const answer = await fetch(location.pathname);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.querySelector("main").replaceWith(page.querySelector("main"));
}
for (const path of ["coincidences/stream", "alerts/stream"]) {
  const stream = new EventSource(path);
  for (const kind of ["coincidence", "candidate_list", "alert", "skipped"])
    stream.addEventListener(kind, () => { waiting = waiting || setTimeout(refresh, 1000); });
  stream.onopen = () => { note.textContent = "live"; };
  stream.onerror = () => { note.textContent = "not connected, tries again; what you see may be old"; };
}
"""


class Front(NamedTuple):
    """What the page shows, newest first.

    Parameters
    ----------
    base
        Address that the reader asked for, ending in ``/``.
    health
        As ``GET /health``: ``ok``, ``error``.
    coincidences, alerts, requests
        The last few.
    picture
        The sha256 of the map to show of the first coincidence; empty for none.
    skipped
        What lies among them and cannot be read.
    now
        When it was made, in words.
    """

    base: str
    health: Mapping[str, Any]
    coincidences: Sequence[Coincidence]
    alerts: Sequence[Alert]
    requests: Sequence[Asked]
    picture: str
    skipped: Sequence[Skipped]
    now: str


def front_page(front: Front) -> str:
    """The whole page."""
    return _page(
        _health(front.health),
        tag("h2", "Coincidences"),
        *_coincidences(front),
        tag("h2", "Requests to telescopes"),
        _scrolled(request_table(front.requests)) if front.requests else tag("p", "None so far."),
        tag("h2", "Alerts"),
        _scrolled(alert_table(front.alerts)) if front.alerts else tag("p", "None so far."),
        skipped_list(front.skipped),
        tag("p", f"As of {front.now} UTC. Newest first. All times are UTC.", class_="small"),
        after=_how(front.base),
    )


def away_page(reason: str) -> str:
    """The page where the log cannot be read now."""
    return _page(
        tag("p", f"The log cannot be read now: {reason}", class_="bad"),
        tag("p", "Nothing is lost by that. This page tries again by itself."),
        after=Html(),
    )


def _page(*parts: str, after: Html) -> str:
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        tag("title", "Nuncius"),
        tag("link", rel="stylesheet", href="page.css"),
        tag("noscript", tag("meta", **{"http-equiv": "refresh", "content": "30"})),
    )
    top = tag("header", tag("h1", "Nuncius"), tag("span", "as it was when loaded", id="live", class_="small"))
    body = tag("body", top, tag("main", *parts), after, tag("script", src="page.js", defer=""))
    return f"<!doctype html>{tag('html', head, body, lang='en')}"


def _health(health: Mapping[str, Any]) -> Html:
    if health.get("ok"):
        return tag("p", "All services of this broker work.", class_="good")
    why = str(health.get("error") or "see GET /health")
    return tag("p", f"Something is wrong: {why}. What comes now may not be matched or asked for.", class_="bad")


def _coincidences(front: Front) -> list[Html]:
    if not front.coincidences:
        return [tag("p", "None so far.")]
    first, *rest = front.coincidences
    found = [coincidence_card(first, front.picture)]
    if front.picture:
        where = f"skymaps/{quote(front.picture, safe='')}?format=png"
        found.append(tag("p", tag("img", src=where, alt="sky map of the newest coincidence", loading="lazy")))
    return found + [coincidence_card(one, "" if one.combined_map is None else one.combined_map.sha256) for one in rest]


def _scrolled(table: Html) -> Html:
    return tag("div", table, class_="scroll")


def _how(base: str) -> Html:
    lines = (
        f"curl -N {base}coincidences/stream",
        f"nuncius subscribe coincidences --broker {base.rstrip('/')}",
    )
    words = (("streams", "named streams"), ("filters", "what filters may use"), ("health", "health"))
    documents = (("openapi.json", "OpenAPI"), ("asyncapi.json", "AsyncAPI"))
    links = [tag("a", name, href=path) for path, name in (*words, *documents)]
    parts = [joined(" · " if number else "", link) for number, link in enumerate(links)]
    return tag("footer", tag("h2", "Follow it"), tag("pre", lines[0], Html("\n"), lines[1]), tag("p", *parts))
