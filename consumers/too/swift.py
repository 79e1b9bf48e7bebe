"""Asks the Neil Gehrels Swift Observatory by its ToO API (version 4): login, validation, submission, what was decided.

The API can neither change nor withdraw a ToO: a later revision is refused here while an earlier one stands, and a
cancellation is for a person. It has no name or comment of ours either; the idempotency key stands at the end of
``immediate_objective``, and all of the account's own ToOs are looked through for it before anything is submitted. But
only approved ones are listed, so what is not found after a lost answer may stand all the same: then nobody is asked
again (`Unsure`). Facts: swifttools 4.0.5, ``swift_too`` (``base/common.py``, ``base/constants.py``,
``swift/toorequest.py``, ``requests.py``) and its notebook "Swift TOO Requests Example".
"""

from typing import Final

from pydantic import BaseModel, SecretStr

from nuncius.consumers.too.door import Allowance, Answer, Untouched, said
from nuncius.consumers.too.doorway import door_to
from nuncius.consumers.too.naming import revision_in
from nuncius.consumers.too.once import Once
from nuncius.consumers.too.searched import PAGES, Searched, not_known
from nuncius.consumers.too.swift_form import SwiftSettings, form
from nuncius.schemas.errors import Retry
from nuncius.schemas.too import ToORequest, ToOStatus
from nuncius.schemas.vocabulary import RequestState

_ALLOWANCE: Final = Allowance(calls=30, within_s=60.0)
"""Ours; none is published."""
_TOO: Final = "/swift/too"
_LISTED: Final = 100
_CALL: Final = "ring the Swift Observatory Duty Scientist"
_UNKNOWN: Final = f"whether it stands there is not known, for what is not approved is not listed: {_CALL}"


class _Entry(BaseModel):
    too_id: int
    immediate_objective: str | None = None
    decision: str | None = None


class _Entries(BaseModel):
    entries: tuple[_Entry, ...]


class _State(BaseModel):
    status: str = ""
    too_id: int | None = None
    errors: tuple[str, ...] = ()


class _Done(BaseModel):
    status: str | _State
    too_id: int | None = None
    errors: tuple[str, ...] = ()

    @property
    def state(self) -> _State:
        """The API gives the state bare, with the rest beside it, or as an object."""
        if isinstance(self.status, _State):
            return self.status
        return _State(status=self.status, too_id=self.too_id, errors=self.errors)

    @property
    def is_refused(self) -> bool:
        """Whether the facility found something wrong."""
        return self.state.status == "Rejected" or bool(self.state.errors or self.errors)


class Swift:
    """An adapter for one account. Close it when done.

    Parameters
    ----------
    settings
        Who asks, and what every ToO of ours says.
    shared_secret
        Of the account.
    """

    real: Final = True
    public: Final = True

    def __init__(self, settings: SwiftSettings, shared_secret: SecretStr, allowance: Allowance = _ALLOWANCE) -> None:
        self.name = settings.name
        self._settings = settings
        self._secret = shared_secret
        self._session = ""
        self._once = Once()
        self._door = door_to(settings, allowance, shared_secret)

    def close(self) -> None:
        """Close the connection."""
        self._door.close()

    def submit(self, request: ToORequest, standing: str) -> ToOStatus:
        """Validate at the facility, then ask; nothing is asked while an earlier revision stands."""
        nowhere = self._once.unplaced(self, request, standing)
        if nowhere is not None:
            return nowhere
        if request.tiles:
            return self._door.status(request, "rejected", "a plan of tiles cannot be asked of Swift by this adapter")
        if not self._once.may_stand(request, standing):
            self._once.clear(request)
        searched = self._held(request)
        held = searched.found
        if request.revision in held:
            stands = held[request.revision]
            return self._door.status(request, "accepted", f"ToO {stands.too_id}", str(stands.too_id))
        if held:
            ident = held[max(held)].too_id
            detail = f"ToO {ident} of revision {max(held)} stands, and the API cannot change it: {_CALL}"
            return self._door.status(request, "rejected", detail, str(ident))
        if not searched.whole:
            return self._door.status(request, "rejected", not_known(PAGES * _LISTED, _CALL))
        if self._once.may_stand(request, standing):
            return self._not_again(request, standing)
        body = form(request, self._settings)
        checked = self._ask("POST", body | {"validate_only": "true"})
        if not checked.good or checked.read(_Done).is_refused:
            return self._door.status(request, "rejected", f"not valid there ({checked.code}): {checked.words}")
        return self._made(request, body)

    def unsure(self, request: ToORequest, standing: str) -> ToOStatus:
        """As `submit`; but what the list does not show is asked for only where certainly nothing was done."""
        self._once.doubt(request)
        return self.submit(request, standing)

    def cancel(self, request: ToORequest, standing: str) -> ToOStatus:
        """Nothing can be taken back by the API: success only where nothing stands."""
        searched = self._held(request)
        idents = {str(one.too_id) for one in searched.found.values() if not _declined(one)}
        told = self._once.reference(request, standing)
        idents |= {told} if told and not self._is_declined(told) else set()
        if not idents and not searched.whole:
            return self._door.status(request, "not_cancelled", not_known(PAGES * _LISTED, _CALL))
        if not idents and not told and not self._once.is_clear(request):
            return self._door.status(request, "not_cancelled", _UNKNOWN)
        if not idents:
            return self._door.status(request, "cancelled", "nothing of it stands there")
        detail = f"the API cannot withdraw ToO {', '.join(sorted(idents))}: {_CALL}"
        return self._door.status(request, "not_cancelled", detail, max(idents))

    def look(self, request: ToORequest, standing: str) -> ToOStatus | None:
        """What was decided; its words are not documented, so anything but a yes or a no is only told."""
        entry = self._entry(standing) if standing.isdecimal() else None
        if entry is None:
            return None
        decision = entry.decision or "no decision yet"
        state: RequestState = "scheduled" if _starts(decision, "approve") else "accepted"
        if _declined(entry):
            state = "rejected"
        detail = f"ToO {standing}: {decision}"
        return self._door.status(request, state, detail, standing)

    def _not_again(self, request: ToORequest, standing: str) -> ToOStatus:
        said_then = self._once.said(request)
        if said_then is not None and said_then.revision == request.revision:
            return said_then
        name = self._once.reference(request, standing)
        why = (
            f"ToO {name} of an earlier revision may stand, and the API cannot change it: {_CALL}" if name else _UNKNOWN
        )
        return self._door.status(request, "rejected", why, name)

    def _made(self, request: ToORequest, body: dict[str, str]) -> ToOStatus:
        """The ToO itself."""
        self._once.goes_out(request)
        try:
            made = self._ask("POST", body | {"validate_only": "false"})
        except Untouched:
            self._once.clear(request)
            raise
        if not made.good or made.read(_Done).state.status == "Rejected":
            self._once.clear(request)
            return self._door.status(request, "rejected", f"{made.code}: {made.words}")
        done = made.read(_Done)
        number = done.state.too_id if done.too_id is None else done.too_id
        if number is None:
            raise Retry(f"{self.name}: an answer without a ToO's number: {made.words}")
        status = self._door.status(request, "accepted", f"ToO {number}", str(number))
        self._once.stands(request, status)
        return status

    def _held(self, request: ToORequest) -> Searched[_Entry]:
        """The account's ToOs for this request, by revision; read until a page brings nothing new."""
        held: dict[int, _Entry] = {}
        seen: set[int] = set()
        for _ in range(PAGES):
            page = self._page(len(seen))
            for entry in page:
                revision = revision_in((entry.immediate_objective or "").rstrip(")"), request)
                if revision is not None:
                    held[revision] = entry
            fresh = {entry.too_id for entry in page} - seen
            if request.revision in held or not fresh:
                return Searched(held, whole=len(page) < _LISTED or request.revision in held)
            seen |= fresh
        return Searched(held, whole=False)

    def _page(self, offset: int) -> tuple[_Entry, ...]:
        place = {"limit": str(_LISTED), "offset": str(offset)}
        listed = self._ask("GET", query={"username": self._settings.username, "detail": "true"} | place)
        if not listed.good:
            raise Retry(f"{self.name}: its ToOs cannot be listed: {listed.code}: {listed.words}")
        return listed.read(_Entries).entries

    def _entry(self, ident: str) -> _Entry | None:
        listed = self._ask("GET", query={"too_id": ident, "detail": "true"})
        if not listed.good:
            raise Retry(f"{self.name}: ToO {ident} cannot be looked up: {listed.code}: {listed.words}")
        return next((one for one in listed.read(_Entries).entries if str(one.too_id) == ident), None)

    def _is_declined(self, ident: str) -> bool:
        entry = self._entry(ident)
        return entry is not None and _declined(entry)

    def _ask(self, method: str, body: dict[str, str] | None = None, query: dict[str, str] | None = None) -> Answer:
        """One call within a session, which is opened first where there is none, and once more where it has run out."""
        first = self._session
        if first:
            told = self._door.ask(method, _TOO, form=body, query=query, headers={"Cookie": first})
            if told.code != 401:
                return told
        self._login()
        return self._door.ask(method, _TOO, form=body, query=query, headers={"Cookie": self._session})

    def _login(self) -> None:
        who = {"username": self._settings.username, "password": self._secret.get_secret_value()}
        opened = self._door.ask("POST", "/login", body=who)
        cookie = next((one for one in opened.cookies if one.startswith("session=")), "")
        if not opened.good or not cookie:
            raise Untouched(f"{self.name}: no login as {self._settings.username}: {opened.code}: {opened.words}")
        self._session = cookie
        self._door.hide(cookie.partition("=")[2], *said(opened.body))


def _declined(entry: _Entry) -> bool:
    return any(_starts(entry.decision or "", word) for word in ("reject", "declin", "denied"))


def _starts(text: str, word: str) -> bool:
    return text.strip().lower().startswith(word)
