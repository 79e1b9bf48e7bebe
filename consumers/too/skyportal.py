"""Posts follow-up requests to a SkyPortal, for an instrument with its generic form.

A follow-up request points at a source, so the source is made first where there is none, and must lie where we want to
look. It is saved to groups: to all of the account's where the settings name none, and everybody is in one of those.
The idempotency key stands in the payload, which the form leaves open; what stands is found by allocation. Facts:
skyportal/skyportal, ``handlers/api/followup_request.py``, ``handlers/api/source.py``, ``handlers/api/user.py``,
``facility_apis/generic.py``.
"""

from typing import Any, Final

from pydantic import BaseModel, Field, SecretStr

from nuncius.broker.sky import separation_deg
from nuncius.consumers.too.door import Allowance, Answer
from nuncius.consumers.too.doorway import door_to
from nuncius.consumers.too.naming import revision_in
from nuncius.consumers.too.placed import position_of, unplaced
from nuncius.consumers.too.searched import PAGES, Searched, not_known, since
from nuncius.consumers.too.skyportal_body import KEY, SkyPortalSettings, follow_up, source, source_id
from nuncius.schemas.errors import Retry
from nuncius.schemas.too import ToORequest, ToOStatus
from nuncius.schemas.vocabulary import RequestState

_ALLOWANCE: Final = Allowance(calls=10, within_s=2.0)
"""``rate_limit`` 5 a second, ``burst`` 10, of SkyPortal's own default configuration."""
_LISTED: Final = 100
"""As it lists where nobody says; each comes with its source, so that a thousand would be megabytes."""
_CALL: Final = "look there yourself"
_NEAR_DEG: Final = 10 / 3600
"""A source further away from the target is another (ours)."""
_FOLLOW_UP: Final = "/api/followup_request"
_ENDS: Final[tuple[tuple[str, RequestState | None], ...]] = (
    ("rejected", "rejected"),
    ("failed to delete", None),
    ("failed to retrieve", None),
    ("failed", "rejected"),
    ("deleted", "cancelled"),
    ("complete", "observed"),
    ("not observed", "expired"),
    ("expired", "expired"),
)
"""How the free text of a status begins, and what it means; the first that fits. ``facility_apis``."""


class _FollowUp(BaseModel):
    id: int
    status: str
    payload: dict[str, Any] | None = None

    @property
    def end(self) -> RequestState | None:
        """How it ended; None while it stands."""
        text = self.status.lower()
        return next((state for word, state in _ENDS if text.startswith(word)), None)


class _FollowUps(BaseModel):
    followup_requests: tuple[_FollowUp, ...]
    total: int = Field(validation_alias="totalMatches")


class _Page(BaseModel):
    data: _FollowUps


class _One(BaseModel):
    data: _FollowUp


class _MadeData(BaseModel):
    id: int
    request_status: str = ""


class _Made(BaseModel):
    data: _MadeData


class _Place(BaseModel):
    ra: float
    dec: float


class _Source(BaseModel):
    data: _Place


class SkyPortal:
    """An adapter for one allocation. Close it when done.

    Parameters
    ----------
    settings
        Where, and what with.
    token
        Of the account, sent as ``Authorization: token``.
    """

    real: Final = True

    def __init__(self, settings: SkyPortalSettings, token: SecretStr, allowance: Allowance = _ALLOWANCE) -> None:
        self.name = settings.name
        self.public = not settings.group_ids
        self._settings = settings
        self._door = door_to(settings, allowance, token)
        self._who = {"Authorization": f"token {token.get_secret_value()}"}

    def close(self) -> None:
        """Close the connection."""
        self._door.close()

    def submit(self, request: ToORequest, standing: str) -> ToOStatus:
        """Make the source where there is none, post the request; earlier revisions are deleted once it stands."""
        nowhere = unplaced(self, request, standing)
        if nowhere is not None:
            return nowhere
        if request.tiles or request.window_start is None or request.window_stop is None:
            why = "a plan of tiles" if request.tiles else "a request without a window"
            return self._door.status(request, "rejected", f"{why} is no follow-up request of SkyPortal")
        searched = self._held(request)
        held = dict(searched.found)
        newest = max(held, default=0)
        if newest > request.revision:
            return self._door.status(request, "rejected", f"revision {newest} is already there", str(held[newest].id))
        if newest < request.revision and not searched.whole:
            return self._door.status(request, "rejected", not_known(PAGES * _LISTED, _CALL))
        if newest < request.revision:
            wrong = self._source(request)
            if wrong:
                return self._door.status(request, "rejected", wrong)
            made = self._ask("POST", _FOLLOW_UP, follow_up(request, self._settings))
            if not made.good:
                return self._door.status(request, "rejected", f"{made.code}: {made.words}")
            data = made.read(_Made).data
            held[request.revision] = _FollowUp(id=data.id, status=data.request_status)
        stands = held[request.revision]
        detail = f"follow-up request {stands.id}: {stands.status}"
        if stands.end == "rejected":
            return self._door.status(request, "rejected", detail, str(stands.id))
        refused = self._drop([one for revision, one in held.items() if revision < request.revision])
        if refused:
            raise Retry(f"{self.name}: an earlier revision stands still: {refused}")
        return self._door.status(request, "accepted", detail, str(stands.id))

    def cancel(self, request: ToORequest, standing: str) -> ToOStatus:
        """Delete every revision that stands."""
        searched = self._held(request)
        refused = self._drop(list(searched.found.values()))
        if not searched.whole:
            refused = refused or not_known(PAGES * _LISTED, _CALL)
        if refused:
            return self._door.status(request, "not_cancelled", refused, standing)
        return self._door.status(request, "cancelled", "nothing of it stands there any longer", standing)

    def look(self, request: ToORequest, standing: str) -> ToOStatus | None:
        """Its status there, whose words each instrument chooses."""
        if not standing.isdecimal():
            return None
        seen = self._ask("GET", f"{_FOLLOW_UP}/{standing}")
        if not seen.good:
            raise Retry(f"{self.name}: follow-up request {standing}: {seen.code}: {seen.words}")
        one = seen.read(_One).data
        return self._door.status(request, one.end or "accepted", one.status, standing)

    def _source(self, request: ToORequest) -> str:
        """Make sure that the source is there and lies where we want to look; why not, else empty."""
        name, where = source_id(request), position_of(request)
        found = self._ask("GET", f"/api/sources/{name}")
        if found.good:
            there = found.read(_Source).data
            apart = float(separation_deg(there.ra, there.dec, where.ra, where.dec))
            return "" if apart < _NEAR_DEG else f"source {name} lies {apart:.4f} deg from where we want to look"
        made = self._ask("POST", "/api/sources", source(request, self._settings))
        return "" if made.good else f"source {name} cannot be made: {made.code}: {made.words}"

    def _held(self, request: ToORequest) -> Searched[_FollowUp]:
        """What stands, or stood, of the request there, by revision: all of the allocation since the event."""
        held: dict[int, _FollowUp] = {}
        read = 0
        for number in range(1, PAGES + 1):
            page = self._page(request, number)
            for one in page.followup_requests:
                revision = revision_in(str((one.payload or {}).get(KEY, "")), request)
                if revision is not None:
                    held[revision] = one
            read += len(page.followup_requests)
            if read >= page.total or not page.followup_requests:
                return Searched(held, whole=True)
        return Searched(held, whole=False)

    def _page(self, request: ToORequest, number: int) -> _FollowUps:
        """Newest first: what is made meanwhile shows an entry twice and hides none."""
        query = {
            "allocationID": str(self._settings.allocation_id),
            "numPerPage": str(_LISTED),
            "pageNumber": str(number),
            "sortBy": "created_at",
            "sortOrder": "desc",
            "includeObjThumbnails": "false",
        }
        start = since(request)
        if start is not None:
            query["startDate"] = start.replace(tzinfo=None).isoformat(timespec="seconds")
        listed = self._ask("GET", _FOLLOW_UP, query=query)
        if not listed.good:
            raise Retry(f"{self.name}: what stands there cannot be listed: {listed.code}: {listed.words}")
        return listed.read(_Page).data

    def _drop(self, standing: list[_FollowUp]) -> str:
        """Delete what has not ended; what was refused, in the facility's words."""
        refused = []
        for one in standing:
            gone = self._ask("DELETE", f"{_FOLLOW_UP}/{one.id}", {}) if one.end is None else None
            if gone is not None and not gone.good and "Missing FollowUpRequest" not in gone.words:
                refused.append(f"follow-up request {one.id}: {gone.code}: {gone.words}")
        return "; ".join(refused)

    def _ask(self, method: str, path: str, body: object = None, query: dict[str, str] | None = None) -> Answer:
        return self._door.ask(method, path, body=body, query=query, headers=self._who)
