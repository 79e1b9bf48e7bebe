"""A stand-in for an Observatory Control System portal, with the rules of observation-portal's serializers.

Written from ``requestgroups/serializers.py``, ``models.py``, ``observations/filters.py`` and
``common/state_changes.py`` of observatorycontrolsystem/observation-portal, and compared with the portal itself
(``tests/contract/test_ocs_portal.py``). Its time accounting is left out; what can be seen is a bound on declination.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from fakes.server import Call, Fake, Reply
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

TOKEN = "0cs-t0ken-aa11bb22cc33"  # noqa: S105  a made-up one
PROPOSAL = "NUN2026A-001"
FILTERS = {"rp", "ip", "gp"}
NEEDED = {"1M0-SCICAM-SINISTRO": {"filter": FILTERS}, "SOAR_GHTS_REDCAM": {"slit": {"1.0as"}, "grating": {"SYZY_400"}}}
"""Instruments, and the optical elements that each must have set."""


UNSEEN = "According to the constraints of the request, the target will not be visible within the time window."
RAPID = "A Rapid Response observation must start within the next 24 hours"


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Target(Strict):
    name: Annotated[str, Field(min_length=1, max_length=50)]
    type: Literal["ICRS"]
    ra: Annotated[float, Field(ge=0, le=360)]
    dec: Annotated[float, Field(ge=-90, le=90)]


class InstrumentConfig(Strict):
    exposure_count: Annotated[int, Field(ge=1)]
    exposure_time: Annotated[float, Field(ge=0)]
    mode: str = ""
    optical_elements: dict[str, str] = {}
    rotator_mode: Literal["SKY", "VFLOAT", ""] = ""
    extra_params: dict[str, str | float] = {}


class Mode(Strict):
    mode: Literal["ON", "OFF", "MANUAL", ""] = ""


class Constraints(Strict):
    max_airmass: Annotated[float, Field(ge=1, le=25)] = 1.6
    min_lunar_distance: Annotated[float, Field(ge=0, le=180)] = 30.0


class Configuration(Strict):
    type: Literal["EXPOSE", "SPECTRUM"]
    extra_params: dict[str, str | float] = {}
    instrument_type: str
    target: Target
    instrument_configs: Annotated[list[InstrumentConfig], Field(min_length=1)]
    acquisition_config: Mode
    guiding_config: Mode
    constraints: Constraints

    @model_validator(mode="after")
    def known(self) -> Self:
        needed = NEEDED.get(self.instrument_type)
        if needed is None:
            raise ValueError(f"Invalid instrument type {self.instrument_type}")
        for one in self.instrument_configs:
            for kind, known in needed.items():
                if one.optical_elements.get(kind) not in known:
                    raise ValueError(
                        f"Must set optical element of type {kind} for instrument type {self.instrument_type}"
                    )
        return self


class Window(Strict):
    start: datetime | None = None
    end: datetime

    @model_validator(mode="after")
    def in_order(self) -> Self:
        if self.start is not None and self.end <= self.start:
            raise ValueError("Window end cannot be earlier than window start")
        return self


class Location(Strict):
    telescope_class: Literal["1m0", "2m0", "0m4", "4m0"]
    site: Literal["coj", "cpt", "lsc", "elp", "sor"] | None = None


class Request(Strict):
    extra_params: dict[str, str | float] = {}
    observation_note: Annotated[str, Field(max_length=255)] = ""
    configurations: Annotated[list[Configuration], Field(min_length=1)]
    windows: Annotated[list[Window], Field(min_length=1)]
    location: Location


class RequestGroup(Strict):
    name: Annotated[str, Field(min_length=1, max_length=50)]
    proposal: str
    ipp_value: Annotated[float, Field(ge=0.5, le=2.0)]
    operator: Literal["SINGLE", "MANY"]
    observation_type: Literal["NORMAL", "RAPID_RESPONSE", "TIME_CRITICAL"]
    requests: Annotated[list[Request], Field(min_length=1)]

    @model_validator(mode="after")
    def agreed(self) -> Self:
        if self.proposal != PROPOSAL:
            raise ValueError("You do not belong to the proposal you are trying to submit with")
        if (self.operator == "SINGLE") != (len(self.requests) == 1):
            raise ValueError(f"{self.operator} does not go with {len(self.requests)} child requests")
        if self.observation_type == "RAPID_RESPONSE" and any(w.start for r in self.requests for w in r.windows):
            raise ValueError("The Rapid Response observation window start time cannot be in the future.")
        return self


class Portal(Fake):
    """The portal, its request groups by id, and how many were ever made.

    Attributes
    ----------
    observations
        What is in the schedule, by the id of a request.
    now
        Its clock; None: windows may lie anywhere.
    northernmost_deg
        What lies north of it is never visible.
    """

    def __init__(self) -> None:
        super().__init__()
        self.groups: dict[int, dict[str, Any]] = {}
        self.observations: dict[int, list[dict[str, Any]]] = {}
        self.now: datetime | None = None
        self.northernmost_deg = 90.0

    def asks(self, call: Call) -> bool:
        return call.method == "POST" and not call.path.endswith("/validate/")

    def handle(self, call: Call) -> Reply:
        if call.headers.get("authorization") != f"Token {TOKEN}":
            # the portal says no more than the first two words; the rest is here for an adapter to hide
            return Reply(403, {"detail": f"Invalid token. {call.headers.get('authorization')}"})
        match call.method, *call.path.strip("/").split("/"):
            case "GET", "api", "requestgroups":
                return self._list(call)
            case "GET", "api", "requestgroups", ident:
                return self._one(int(ident), lambda group: Reply(200, group))
            case "GET", "api", "observations":
                return self._scheduled(call)
            case "POST", "api", "requestgroups", "validate":
                errors = self._errors(call)
                return Reply(200, {"request_durations": {}, "errors": errors})
            case "POST", "api", "requestgroups":
                return self._create(call)
            case "POST", "api", "requestgroups", ident, "cancel":
                return self._one(int(ident), self._cancel)
        return Reply(404, {"detail": "Not found."})

    def end(self, state: str) -> None:
        """Every pending group and its requests get this state."""
        for group in self.groups.values():
            if group["state"] == "PENDING":
                group["state"] = state
                for part in group["requests"]:
                    part["state"] = state

    def _errors(self, call: Call) -> dict[str, Any]:
        if self.refusing:
            return {"requests": [{"non_field_errors": [UNSEEN]}]}
        try:
            group = RequestGroup.model_validate_json(call.body)
        except ValidationError as error:
            return _nested([(one["loc"], one["msg"]) for one in error.errors()])
        places = [(n, part.configurations[0].target.dec) for n, part in enumerate(group.requests)]
        unseen = [(("requests", n), UNSEEN) for n, dec in places if dec > self.northernmost_deg]
        if self.now is None or unseen:
            return _nested(unseen)
        ends = [(n, window.end) for n, part in enumerate(group.requests) for window in part.windows]
        gone = [
            (("requests", n, "windows", 0, "end"), "Window end time must be in the future")
            for n, end in ends
            if end < self.now
        ]
        late = group.observation_type == "RAPID_RESPONSE" and any(e > self.now + timedelta(hours=24) for _, e in ends)
        return _nested(gone) if gone or not late else _nested([((), RAPID)])

    def _create(self, call: Call) -> Reply:
        errors = self._errors(call)
        if errors:
            return Reply(400, errors)
        ident = len(self.groups) + 1
        parts = [one | {"id": 100 * ident + n, "state": "PENDING"} for n, one in enumerate(call.json["requests"])]
        self.groups[ident] = call.json | {"id": ident, "state": "PENDING", "requests": parts}
        return Reply(201, self.groups[ident])

    def _cancel(self, group: dict[str, Any]) -> Reply:
        if group["state"] != "PENDING":
            said = f"Cannot transition from request state {group['state']} to CANCELED for {group['id']}"
            return Reply(400, {"errors": [said]})
        group["state"] = "CANCELED"
        for part in group["requests"]:
            part["state"] = "CANCELED" if part["state"] == "PENDING" else part["state"]
        return Reply(200, group)

    def _one(self, ident: int, then: Any) -> Reply:
        found = self.groups.get(ident)
        reply: Reply = Reply(404, {"detail": "Not found."}) if found is None else then(found)
        return reply

    def _list(self, call: Call) -> Reply:
        if call.query.get("proposal", PROPOSAL) != PROPOSAL:
            choice = "Select a valid choice. That choice is not one of the available choices."
            return Reply(400, {"proposal": [choice]})
        name = call.query.get("name", "").lower()
        found = [group for group in self.groups.values() if name in group["name"].lower()]
        page = found[: int(call.query.get("limit", "20"))]
        return Reply(200, {"count": len(found), "next": None, "previous": None, "results": page[::-1]})

    def _scheduled(self, call: Call) -> Reply:
        group = self.groups[int(call.query["request_group_id"])]
        states = {value for name, value in call.pairs if name == "state"}
        found = [one for part in group["requests"] for one in self.observations.get(part["id"], [])]
        found = sorted((one for one in found if one["state"] in states), key=lambda one: str(one["start"]))
        page = found[: int(call.query.get("limit", "10"))]
        return Reply(200, {"count": len(found), "next": None, "previous": None, "results": page})

    @property
    def executed(self) -> list[str]:
        return [group["name"] for group in self.groups.values()]

    @property
    def orders(self) -> dict[str, int]:
        pending = [group["name"] for group in self.groups.values() if group["state"] == "PENDING"]
        assert len(set(pending)) == len(pending)
        return {re.sub(r"/\d+$", "", name): int(name.rpartition("/")[2]) for name in pending}


def _nested(errors: Sequence[tuple[tuple[int | str, ...], str]]) -> dict[str, Any]:
    """Errors as Django REST framework gives them: lists as long as needed, what is in order an empty object there."""
    whole: dict[str, Any] = {}
    for place, words in errors:
        at: Any = whole
        *way, last = (*place, "non_field_errors") if not place or isinstance(place[-1], int) else place
        for step, following in pairwise((*way, last)):
            if isinstance(step, int):
                at.extend({} for _ in range(step + 1 - len(at)))
                at = at[step]
            else:
                at = at.setdefault(step, [] if isinstance(following, int) else {})
        at.setdefault(last, []).append(words)
    return whole
