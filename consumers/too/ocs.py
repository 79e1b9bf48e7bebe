"""Asks an Observatory Control System portal: LCO, and SOAR and Blanco through AEON, which share its contract.

A request is one request group whose name is the idempotency key (at most 50 characters there, ours have 38 to 46), so
that what stands is found by name, under whatever proposal. Facts: observation-portal 4.18.9, ``requestgroups`` and
``observations`` (views, filters, serializers, models), and its default throttles; ``make soak`` runs it.
"""

from dataclasses import replace
from typing import Final

from pydantic import BaseModel, SecretStr

from nuncius.consumers.too.door import Allowance, Answer
from nuncius.consumers.too.doorway import door_to
from nuncius.consumers.too.naming import revision_in
from nuncius.consumers.too.ocs_body import OcsSettings, request_group
from nuncius.consumers.too.ocs_errors import unseen, words
from nuncius.consumers.too.placed import unplaced
from nuncius.schemas.errors import Retry
from nuncius.schemas.too import ToORequest, ToOStatus
from nuncius.schemas.vocabulary import RequestState

_ALLOWANCE: Final = Allowance(calls=60, within_s=60.0)
"""Ours; the portal's own defaults are 5 000 submissions, 2 000 cancellations and 20 000 validations a day."""
_GROUPS: Final = "/api/requestgroups/"
_OVER: Final[dict[str, RequestState]] = {
    "COMPLETED": "observed",
    "WINDOW_EXPIRED": "expired",
    "FAILURE_LIMIT_REACHED": "rejected",
    "CANCELED": "cancelled",
}
_UNDER_WAY: Final = ("IN_PROGRESS",)
_ON_ITS_WAY: Final = ("PENDING", *_UNDER_WAY)


class _Field(BaseModel):
    tile: int | None = None


class _Part(BaseModel):
    state: str
    extra_params: _Field = _Field()


class _Group(BaseModel):
    id: int
    name: str
    state: str
    requests: tuple[_Part, ...] = ()

    @property
    def taken(self) -> tuple[int, ...] | None:
        """Numbers of the observed tiles; None where it has none, or another client made it."""
        numbers = [part.extra_params.tile for part in self.requests]
        done = [part.extra_params.tile for part in self.requests if part.state == "COMPLETED"]
        return None if None in numbers else tuple(number for number in done if number is not None)


class _Groups(BaseModel):
    results: tuple[_Group, ...]
    next: str | None = None


class _Verdict(BaseModel):
    errors: dict[str, object] | list[object]


class _Observation(BaseModel):
    start: str
    site: str = ""


class _Schedule(BaseModel):
    count: int
    results: tuple[_Observation, ...]


class Ocs:
    """An adapter for one instrument under one proposal. Close it when done.

    Parameters
    ----------
    settings
        Where, and what with.
    token
        Of the portal's user, sent as ``Authorization: Token``.
    """

    real: Final = True
    public: Final = False

    def __init__(self, settings: OcsSettings, token: SecretStr, allowance: Allowance = _ALLOWANCE) -> None:
        self.name = settings.name
        self._settings = settings
        self._door = door_to(settings, allowance, token)
        self._who = {"Authorization": f"Token {token.get_secret_value()}"}

    def close(self) -> None:
        """Close the connection."""
        self._door.close()

    def submit(self, request: ToORequest, standing: str) -> ToOStatus:
        """Ask for the observation; earlier revisions are cancelled once this one stands."""
        nowhere = unplaced(self, request, standing)
        if nowhere is not None:
            return nowhere
        held = self._held(request)
        newest = max(held, default=0)
        if newest > request.revision:
            return self._door.status(
                request, "rejected", f"revision {newest} is already there", str(held[newest][0].id)
            )
        left_out = ""
        if newest < request.revision:
            body = request_group(request, self._settings)
            errors = self._errors(body)
            missing = unseen(errors)
            if missing:
                seen = tuple(tile for place, tile in enumerate(request.tiles) if place not in missing)
                left_out = f"; {len(missing)} of {len(request.tiles)} fields left out: {words(errors)}"
                body = request_group(replace(request, tiles=seen), self._settings)
                errors = self._errors(body)
            if errors:
                return self._door.status(request, "rejected", f"not valid there: {words(errors)}")
            made = self._ask("POST", _GROUPS, body)
            if not made.good:
                return self._door.status(request, "rejected", f"{made.code}: {made.words}")
            held[request.revision] = [made.read(_Group)]
        stands, *doubles = held[request.revision]
        older = [group for revision, groups in held.items() if revision < request.revision for group in groups]
        self._drop(older + doubles)
        detail = f"request group {stands.id}: {stands.state}{left_out}"
        return self._door.status(request, "accepted", detail, str(stands.id))

    def cancel(self, request: ToORequest, standing: str) -> ToOStatus:
        """Take back every revision that is pending there."""
        held = self._held(request)
        found = [group for groups in held.values() for group in groups]
        if standing.isdecimal() and int(standing) not in {group.id for group in found}:
            found.append(_Group(id=int(standing), name="", state="PENDING"))
        refused = self._drop(found)
        if refused:
            return self._door.status(request, "not_cancelled", "; ".join(refused), standing)
        over = [f"request group {group.id}: {group.state}" for group in found if group.state != "PENDING"]
        return self._door.status(request, "cancelled", "; ".join(over) or "nothing of it is pending there", standing)

    def look(self, request: ToORequest, _standing: str) -> ToOStatus | None:
        """The group's state; of a pending one, whether the scheduler has a time for it.

        What an earlier revision has there, because its call came late, is dropped.
        """
        held = self._held(request)
        groups = held.get(request.revision, [])
        if not groups:
            return None
        group, *doubles = groups
        older = [one for revision, earlier in held.items() if revision < request.revision for one in earlier]
        self._drop(older + doubles)
        standing = str(group.id)
        state = _OVER.get(group.state)
        if state == "expired" and (running := self._schedule(group, _UNDER_WAY)) is not None and running.count:
            said = f"{group.state} while it is observed: what comes of it is waited for"
            return self._door.status(request, "scheduled", said, standing)
        done = f"{sum(part.state == 'COMPLETED' for part in group.requests)} of {len(group.requests)} observed"
        if state is not None:
            return replace(self._door.status(request, state, f"{group.state}, {done}", standing), taken=group.taken)
        planned = self._schedule(group, _ON_ITS_WAY)
        if planned is not None and planned.results:
            first = planned.results[0]
            where = (
                f"the first of {planned.count} in the schedule: {first.start} at {first.site or 'a site of its choice'}"
            )
            return self._door.status(request, "scheduled", f"{where}, {done}", standing)
        return self._door.status(request, "accepted", f"{group.state}, {done}", standing)

    def _errors(self, body: object) -> object:
        """What the portal finds wrong with a group; empty where nothing is."""
        checked = self._ask("POST", f"{_GROUPS}validate/", body)
        return checked.read(_Verdict).errors if checked.good else f"{checked.code}: {checked.words}"

    def _schedule(self, group: _Group, states: tuple[str, ...]) -> _Schedule | None:
        """Observations of the group in these states, the earliest first; None where the portal does not say."""
        query: dict[str, str | tuple[str, ...]] = {
            "request_group_id": str(group.id),
            "state": states,
            "ordering": "start",
            "limit": "1",
        }
        listed = self._ask("GET", "/api/observations/", query=query)
        return listed.read(_Schedule) if listed.good else None

    def _held(self, request: ToORequest) -> dict[int, list[_Group]]:
        """What stands of the request there by revision, oldest first.

        No proposal is named: of one that it does not know, the portal lists nothing but an error.
        """
        listed = self._ask("GET", _GROUPS, query={"name": f"{request.request_id}/", "limit": "100"})
        if not listed.good:
            raise Retry(f"{self.name}: what stands there cannot be listed: {listed.code}: {listed.words}")
        page = listed.read(_Groups)
        if page.next is not None:
            raise Retry(f"{self.name}: more than 100 request groups have {request.request_id} in their names")
        held: dict[int, list[_Group]] = {}
        for group in sorted(page.results, key=lambda one: one.id):
            revision = revision_in(group.name, request)
            if revision is not None:
                held.setdefault(revision, []).append(group)
        return held

    def _drop(self, groups: list[_Group]) -> list[str]:
        """Cancel what is pending; what the portal refused, in its words. That it is over or unknown is no refusal."""
        refused = []
        for group in groups:
            if group.state != "PENDING":
                continue
            gone = self._ask("POST", f"{_GROUPS}{group.id}/cancel/", {})
            if gone.good or gone.code == 404:
                continue
            now = self._ask("GET", f"{_GROUPS}{group.id}/")
            if not now.good or now.read(_Group).state == "PENDING":
                refused.append(f"request group {group.id}: {gone.code}: {gone.words}")
        return refused

    def _ask(
        self, method: str, path: str, body: object = None, query: dict[str, str | tuple[str, ...]] | None = None
    ) -> Answer:
        return self._door.ask(method, path, body=body, query=query, headers=self._who)
