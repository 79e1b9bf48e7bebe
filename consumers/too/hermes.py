"""Tells people through Hermes, which publishes to a Hopskotch topic: a message a request, one more to take it back.

A message cannot be changed or unsaid: a later revision, and a cancellation, is a message that names the one before;
what is taken back is also marked as retracted in the archive, where its name is known.
The idempotency key stands in the message's data, and the topic is looked through for it first, back to the event.
Facts: LCOGT/hermes, ``hermes/views.py`` and ``serializers.py`` (a refusal may come with 200 and an ``error``; that
Kafka did not take it, with 400; references by ``hop_uuid`` are refused until Hermes has read the message back, so we
cite by key).
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from nuncius.consumers.too.door import Allowance, Answer, said
from nuncius.consumers.too.doorway import door_to
from nuncius.consumers.too.naming import revision_in
from nuncius.consumers.too.searched import PAGES, not_known, since
from nuncius.schemas.errors import Retry
from nuncius.schemas.too import ToORequest, ToOStatus
from nuncius.schemas.vocabulary import RequestState

_ALLOWANCE: Final = Allowance(calls=30, within_s=60.0)
"""Ours; none is published."""
_LISTED: Final = 100
_CALL: Final = "look at the topic, and write there yourself"
_SUBMIT: Final = "/api/v0/submit_message/"
_KAFKA: Final = "Error posting message to kafka"
"""The message was right, and did not come through; unless the account may not write to the topic."""
_NO_RIGHT: Final = "authoriz"
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DATA: Final = "nuncius"
"""Hermes hands on what it does not know within ``data``."""


class HermesSettings(BaseModel):
    """One topic, and who writes there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["hermes"] = "hermes"
    name: str = Field(default="hermes", description="of the adapter, in statuses")
    url: str = Field(default="https://hermes.lco.global", description="of Hermes")
    allowed_hosts: frozenset[str] = Field(
        default=frozenset({"hermes.lco.global"}), description="hosts that may be asked"
    )
    timeout_s: float = Field(default=20.0, gt=0, description="for one answer")
    topic: str = Field(
        default="hermes.test", description="where messages go; the account must be allowed to write there"
    )
    submitter: str = Field(min_length=1, description="who sends it")
    authors: str = Field(default="", description="as they are to be named")


class _Ours(BaseModel):
    key: str
    action: Literal["request", "cancel"]


class _Metadata(BaseModel):
    timestamp: float | None = None
    """Milliseconds since 1970."""


class _Said(BaseModel):
    metadata: _Metadata = _Metadata()
    message: object = None

    @property
    def ours(self) -> _Ours | None:
        """What stands in it of ours."""
        data = self.message.get("data") if isinstance(self.message, dict) else None
        note = data.get(_DATA) if isinstance(data, dict) else None
        try:
            return None if note is None else _Ours.model_validate(note)
        except ValueError:
            return None


class _Topic(BaseModel):
    messages: tuple[_Said, ...]


class _Sent(BaseModel):
    uuid: str


@dataclass(frozen=True, slots=True)
class _Out:
    """Revisions of which a message is out, and whether the topic was looked through to where the request began."""

    requests: frozenset[int]
    cancels: frozenset[int]
    whole: bool


class Hermes:
    """An adapter for one topic. Close it when done.

    Parameters
    ----------
    settings
        Where and as whom.
    token
        Of the account, sent as ``Authorization: Token``.
    """

    real: Final = True
    public: Final = True

    def __init__(self, settings: HermesSettings, token: SecretStr, allowance: Allowance = _ALLOWANCE) -> None:
        self.name = settings.name
        self._settings = settings
        self._door = door_to(settings, allowance, token)
        self._who = {"Authorization": f"Token {token.get_secret_value()}"}
        self._sent: dict[tuple[Literal["request", "cancel"], str], ToOStatus] = {}
        """What went out from here: the archive that is looked through may lag behind."""

    def close(self) -> None:
        """Close the connection."""
        self._door.close()

    def submit(self, request: ToORequest, _standing: str) -> ToOStatus:
        """Publish the request, unless this revision or a later one is out."""
        searched = self._out(request)
        newest = max(searched.requests, default=0)
        if newest > request.revision:
            return self._door.status(request, "rejected", f"revision {newest} is out already")
        if newest == request.revision:
            return self._known(request, "request", "accepted")
        if not searched.whole:
            return self._door.status(request, "rejected", not_known(PAGES * _LISTED, _CALL))
        return self._publish(request, message(request, self._settings, "request", newest), "request")

    def cancel(self, request: ToORequest, standing: str) -> ToOStatus:
        """Publish that it is taken back, where it was published."""
        searched = self._out(request)
        newest = max(searched.requests, default=0)
        if max(searched.cancels, default=0) > newest or (searched.whole and not newest):
            return self._known(request, "cancel", "cancelled")
        if not newest:
            return self._door.status(request, "not_cancelled", not_known(PAGES * _LISTED, _CALL))
        status = self._publish(request, message(request, self._settings, "cancel", newest), "cancel")
        if status.state != "cancelled" or _UUID.fullmatch(standing) is None:
            return status
        return replace(status, detail=f"{status.detail}; {self._marked(standing)}")

    def look(self, _request: ToORequest, _standing: str) -> None:
        """Nothing: readers of a topic do not answer there."""

    def _known(self, request: ToORequest, action: Literal["request", "cancel"], state: RequestState) -> ToOStatus:
        detail = "nothing of it was published" if action == "cancel" else "it is out already"
        return self._sent.get((action, request.idempotency_key)) or self._door.status(request, state, detail)

    def _publish(self, request: ToORequest, body: dict[str, Any], action: Literal["request", "cancel"]) -> ToOStatus:
        good, bad = _OUTCOMES[action]
        checked = self._ask("POST", f"{_SUBMIT}validate/", body)
        if not checked.good or said(checked.body):
            return self._door.status(request, bad, f"not valid there ({checked.code}): {checked.words}")
        sent = self._ask("POST", _SUBMIT, body)
        if _KAFKA in sent.words and _NO_RIGHT not in sent.words.lower():
            raise Retry(f"{self.name}: {self._settings.topic}: {sent.words}")
        refused = isinstance(sent.body, dict) and "error" in sent.body
        if not sent.good or refused:
            return self._door.status(request, bad, f"{sent.code}: {sent.words}")
        ident = sent.read(_Sent).uuid
        status = self._door.status(request, good, f"published to {self._settings.topic} as {ident}", ident)
        self._sent[action, request.idempotency_key] = status
        return status

    def _marked(self, ident: str) -> str:
        """Mark a message as retracted; what came of it, which changes nothing of what was published."""
        try:
            told = self._ask("PATCH", f"/api/v0/query/message/{ident}/", {"retracted": True})
        except Retry as error:
            return f"whether {ident} is marked as retracted is not known: {error}"
        said_so = "" if told.good else f": no, {told.code}: {told.words}"
        return f"{ident} marked as retracted{said_so}"

    def _out(self, request: ToORequest) -> _Out:
        """What is out of the request: read backwards in time until a page reaches no further back."""
        notes = [_Ours(key=key, action=action) for action, key in self._sent]
        end: float | None = None
        whole = False
        for _ in range(PAGES):
            page = self._page(since(request), end)
            notes += [note for one in page if (note := one.ours) is not None]
            oldest = min((one.metadata.timestamp for one in page if one.metadata.timestamp is not None), default=None)
            if oldest is None or (end is not None and oldest >= end):
                whole = len(page) < _LISTED
                break
            end = oldest
        found = [(note.action, revision_in(note.key, request)) for note in notes]
        return _Out(
            requests=frozenset(revision for what, revision in found if what == "request" and revision is not None),
            cancels=frozenset(revision for what, revision in found if what == "cancel" and revision is not None),
            whole=whole,
        )

    def _page(self, start: datetime | None, end_ms: float | None) -> tuple[_Said, ...]:
        """The newest messages of a span; its end is part of it, a millisecond more: others may have the same time."""
        query = {"topic": self._settings.topic, "limit": str(_LISTED)}
        if start is not None:
            query["start"] = start.isoformat(timespec="seconds")
        if end_ms is not None:
            query["end"] = datetime.fromtimestamp((end_ms + 1) / 1000, UTC).isoformat(timespec="milliseconds")
        listed = self._ask("GET", "/api/v0/query/", query=query)
        if not listed.good:
            raise Retry(f"{self.name}: {self._settings.topic} cannot be read: {listed.code}: {listed.words}")
        return listed.read(_Topic).messages

    def _ask(self, method: str, path: str, body: object = None, query: dict[str, str] | None = None) -> Answer:
        return self._door.ask(method, path, body=body, query=query, headers=self._who)


_OUTCOMES: Final[dict[str, tuple[RequestState, RequestState]]] = {
    "request": ("accepted", "rejected"),
    "cancel": ("cancelled", "not_cancelled"),
}


def message(
    request: ToORequest, settings: HermesSettings, action: Literal["request", "cancel"], before: int
) -> dict[str, Any]:
    """The body of ``POST /api/v0/submit_message/``; places in degrees, as text.

    Parameters
    ----------
    request
        What is asked, or the revision that takes it back.
    settings
        Topic and names.
    action
        Which of the two.
    before
        The last revision that was published; 0 for none.
    """
    what = "Follow-up wanted" if action == "request" else "Follow-up no longer wanted"
    where = request.position
    at = ", position not known yet" if where is None else f" at {where.ra:.5f} {where.dec:+.5f} (ICRS degrees)"
    window = f"Window: {_when(request.window_start)} to {_when(request.window_stop)}"
    if where is None:
        window = (
            f"Event: {_when(request.event_time)}. Make ready, and look where you can: a message with the place follows"
        )
    lines = [
        f"{what}: {request.target_name}{at}, by {request.facility}.",
        f"Why: {request.reason}",
        f"{window}; worth nothing after {_when(request.expires)}.",
        f"Exposure: {request.exposure_s:g} s {request.filter}".rstrip(),
    ]
    targets = [
        {"name": f"{request.target_name} {tile.number}", "ra": repr(tile.ra), "dec": repr(tile.dec)}
        for tile in request.tiles
    ]
    if where is not None and not targets:
        targets = [{"name": request.target_name, "ra": repr(where.ra), "dec": repr(where.dec)}]
    data: dict[str, Any] = {
        "targets": targets,
        _DATA: {"key": request.idempotency_key, "action": action, "facility": request.facility},
    }
    if request.event_thread.startswith("lvk:"):
        data["event_id"] = request.event_thread.removeprefix("lvk:")
    if before:
        data["references"] = [{"source": _DATA, "citation": f"{request.request_id}/{before}"}]
    return {
        "topic": settings.topic,
        "title": f"{what}: {request.target_name} ({request.facility})",
        "submitter": settings.submitter,
        "authors": settings.authors,
        "message_text": "\n".join(lines if action == "request" else lines[:2]),
        "data": data,
    }


def _when(time: datetime | None) -> str:
    return "any time" if time is None else f"{time:%Y-%m-%d %H:%M} UTC"
