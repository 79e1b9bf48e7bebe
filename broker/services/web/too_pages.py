"""``GET /too``, ``/too/{id}``, and ``/too/{id}/answer``: requests, and a person's yes or no by a signed link.

To open a link never answers: mail programs and scanners open what they see. Its buttons post.
"""

import os
import socket
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from hashlib import sha256
from threading import Lock
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse

from nuncius.broker.planning.order import same_wish
from nuncius.broker.services.links import Link, Links
from nuncius.broker.services.plan_found import tiles_of
from nuncius.broker.services.plan_together import siblings
from nuncius.broker.services.too_book import SHORT, Entry, word, write_word, write_words
from nuncius.broker.services.too_seen import acknowledged, stuck_at
from nuncius.broker.services.too_standing import page_of
from nuncius.broker.services.web.too_html import (
    STYLE,
    acknowledge_page,
    acknowledged_page,
    answer_page,
    entry_page,
    list_page,
    refusal_page,
    said_page,
)
from nuncius.broker.services.web.too_now import place_of
from nuncius.broker.services.web.too_shelf import Shelf
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.port import Log
from nuncius.schemas import CommitUnknown, Retry, SettingsError
from nuncius.schemas.vocabulary import RequestState

SHOWN: Final = 100
"""Requests of a page."""

_BODY_BYTES: Final = 1024
_STYLE_HASH: Final = b64encode(sha256(STYLE.encode()).digest()).decode()
_GUARD: Final = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src 'self'; "
    "form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_ANSWERS: Final[dict[bytes, RequestState]] = {b"answer=approved": "approved", b"answer=rejected": "rejected"}
"""What the two buttons send."""


class _Desk:
    """Answers by links, written one at a time."""

    def __init__(self, log: Log, shelf: Shelf, links: Links | None) -> None:
        self._log = log
        self._shelf = shelf
        self._links = links
        self._lock = Lock()
        self._slot = f"nuncius-person-web-{socket.gethostname()}-{os.getpid()}"

    def opened(self, request_id: str, query: str) -> Response:
        """What a link shows."""
        found = self._found(request_id, query)
        if isinstance(found, Response):
            return found
        link, entry = found
        return _html(answer_page(entry, link.receiver, utc_now()))

    def answered(self, request_id: str, query: str, body: bytes) -> Response:
        """Write what a person says by a link."""
        said = _ANSWERS.get(body)
        if said is None:
            return _refused(400, "No answer", "Neither yes nor no was sent.", "Open the link again and press a button.")
        with self._lock:
            found = self._found(request_id, query)
            if isinstance(found, Response):
                return found
            link, entry = found
            known = entry.life("").word
            if known is None or known.state != said:
                status = word(entry, said, who=f"{link.receiver} (link)", why="", now=utc_now())
                read = next(one for one in entry.revisions if one.revision == link.revision)
                status = replace(status, revision=read.revision, idempotency_key=read.idempotency_key)
                write_word(self._log, status, self._slot)
                entry = Entry(entry.revisions, (*entry.told, status))
        return _html(said_page(entry, said, utc_now()))

    def stuck(self, request_id: str, query: str) -> Response:
        """What a link about one that could not be cancelled shows."""
        found = self._found_stuck(request_id, query)
        if isinstance(found, Response):
            return found
        link, entry = found
        return _html(acknowledge_page(entry, " and ".join(stuck_at(entry)), link.receiver, utc_now()))

    def acknowledged(self, request_id: str, query: str, body: bytes) -> Response:
        """Write that a person sees to it, once."""
        if body != b"answer=acknowledged":
            return _refused(400, "No answer", "Nothing was sent.", "Open the link again and press the button.")
        with self._lock:
            found = self._found_stuck(request_id, query)
            if isinstance(found, Response):
                return found
            link, entry = found
            said = acknowledged(entry, who=f"{link.receiver} (link)", why="", now=utc_now())
            write_words(self._log, said, self._slot)
        return _html(acknowledged_page(Entry(entry.revisions, (*entry.told, *said)), utc_now()))

    def _found_stuck(self, request_id: str, query: str) -> tuple[Link, Entry] | Response:
        link = self._read(Links.read_acknowledging, request_id, query)
        if isinstance(link, Response):
            return link
        entry = self._shelf.entry(request_id)
        if entry is None or not stuck_at(entry):
            why = "No telescope holds it against our word any more."
            return _refused(410, "Nothing to see to", why, _see(request_id))
        return link, entry

    def _read(self, read: Callable[[Links, str, str], Link | None], request_id: str, query: str) -> Link | Response:
        """A link of ours that is still good; else the page that says why it is none."""
        if self._links is None:
            why = "This broker has no public_url, so nothing is answered by a link here."
            return _refused(404, "No answers by a link", why, "Use: nuncius too approve, decline or acknowledge")
        link = read(self._links, request_id, query)
        if link is None:
            why = "The link is not whole, or was not written by this broker."
            what = f"Copy all of it, to its last character. {_see(request_id)}"
            return _refused(403, "Not a link of ours", why, what)
        if utc_now() >= link.expires:
            why = f"The link was good until {link.expires:%Y-%m-%d %H:%M} UTC."
            return _refused(410, "Too late", why, _see(request_id))
        return link

    def _found(self, request_id: str, query: str) -> tuple[Link, Entry] | Response:
        """What a link is about, where it may still be answered; else the page that says why not."""
        link, see = self._read(Links.read, request_id, query), _see(request_id)
        if isinstance(link, Response):
            return link
        entry = self._shelf.entry(request_id)
        about = None if entry is None else next((r for r in entry.revisions if r.revision == link.revision), None)
        if entry is None or about is None:
            return _refused(404, "No such request", "The log of this broker does not have it.", see)
        try:
            word(entry, "approved", who="", why="", now=utc_now())
        except SettingsError as error:
            return _refused(410, "Nothing to answer", str(error), see)
        if not same_wish(about, entry.latest):
            why = "The request was revised since, and now asks for something else. Nothing was answered."
            return _refused(409, "Revised", why, f"A newer message has the link to it. {see}")
        return link, entry


def too_page_routes(log: Log, shelf: Shelf, links: Links | None) -> APIRouter:
    """The pages.

    Parameters
    ----------
    log
        Written with people's answers.
    shelf
        Its requests.
    links
        Checks links; None where nobody can answer by one.
    """
    router = APIRouter(include_in_schema=False)
    desk = _Desk(log, shelf, links)

    @router.get("/too")
    def get_list(cursor: Annotated[str, Query(max_length=60)] = "") -> Response:
        """Requests, a page at a time: what waits for a person first, what is not wanted or over last."""
        now = utc_now()
        found = page_of(shelf.standings(), now, SHOWN, place_of(cursor))
        return _html(list_page(found, now, shelf.skipped, is_first=not cursor))

    @router.get("/too/{request_id}")
    def get_one(request_id: str) -> Response:
        """One request, and all that was said of it."""
        entry = shelf.entry(request_id)
        if entry is None:
            return _refused(404, "No such request", "The log of this broker does not have it.", "See all: /too")
        every = siblings((one.entry for one in shelf.standings()), entry)
        return _html(entry_page(entry, utc_now(), sum(bool(tiles_of(one.latest)) for one in every)))

    @router.get("/too/{request_id}/answer")
    def get_answer(request_id: str, request: Request) -> Response:
        """The page of a link. It answers nothing."""
        return _or_away(partial(desk.opened, request_id, request.url.query))

    @router.post("/too/{request_id}/answer")
    async def post_answer(request_id: str, request: Request) -> Response:
        """A person's yes or no."""
        return await _posted(request, partial(desk.answered, request_id))

    @router.get("/too/{request_id}/acknowledge")
    def get_acknowledge(request_id: str, request: Request) -> Response:
        """The page of a link about one that could not be cancelled. It answers nothing."""
        return _or_away(partial(desk.stuck, request_id, request.url.query))

    @router.post("/too/{request_id}/acknowledge")
    async def post_acknowledge(request_id: str, request: Request) -> Response:
        """A person sees to it."""
        return await _posted(request, partial(desk.acknowledged, request_id))

    return router


def _see(request_id: str) -> str:
    return f"See how it stands: nuncius too show {request_id[:SHORT]}"


async def _posted(request: Request, answered: Callable[[str, bytes], Response]) -> Response:
    """What ``answered`` makes of the query and the body, which is short."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _BODY_BYTES:
            return _refused(413, "Too long", "No answer is that long.", "Open the link again and press a button.")
    return await run_in_threadpool(_or_away, partial(answered, request.url.query, bytes(body)))


def _or_away(answered: Callable[[], Response]) -> Response:
    """The page, or what a person is told while the log is away."""
    try:
        return answered()
    except CommitUnknown:
        why = "The broker lost its log while it wrote your answer. Whether it stands there is not known."
        return _refused(503, "Not known", why, "Open the link again in a minute, and answer if it still asks.")
    except Retry:
        why = "The broker does not reach its log. Nothing was answered."
        return _refused(503, "Not now", why, "Open the link again in a minute.")


def _html(page: str) -> Response:
    return HTMLResponse(page, headers=_GUARD)


def _refused(status: int, title: str, why: str, what: str) -> Response:
    return HTMLResponse(refusal_page(title, why, what), status, headers=_GUARD)
