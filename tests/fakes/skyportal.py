"""A stand-in for a SkyPortal with one instrument that has the generic form.

Written from skyportal/skyportal: ``facility_apis/generic.py`` (form and checks), ``handlers/api/followup_request.py``
and ``source.py`` (answers, what is kept of a request whose submission failed).
"""

import re
from datetime import date
from typing import Annotated, Any

from fakes.server import Call, Fake, Reply
from pydantic import BaseModel, ConfigDict, Field, ValidationError

TOKEN = "sky-p0rtal-t0ken-4d"  # noqa: S105  a made-up one
ALLOCATION = 12
FILTERS = {"sdssr", "sdssi"}
TEAM, EVERYBODY = 7, 1
GROUPS = {TEAM, EVERYBODY}
"""Those of the account; every user is in the second (``handlers/api/user.py``, ``misc.public_group_name``)."""


class Payload(BaseModel):
    model_config = ConfigDict(extra="allow")
    observation_choices: Annotated[list[str], Field(min_length=1)]
    exposure_time: Annotated[float, Field(ge=0)]
    exposure_counts: Annotated[int, Field(ge=1)]
    maximum_airmass: Annotated[float, Field(ge=1, le=3)]
    minimum_lunar_distance: Annotated[float, Field(ge=0, le=180)]
    priority: Annotated[float, Field(ge=1, le=5)]
    start_date: date
    end_date: date


class Post(BaseModel):
    model_config = ConfigDict(extra="forbid")
    obj_id: str
    allocation_id: int
    payload: Payload


class Portal(Fake):
    """The portal: sources by name, follow-up requests by number."""

    def __init__(self) -> None:
        super().__init__()
        self.sources: dict[str, dict[str, Any]] = {}
        self.requests: dict[int, dict[str, Any]] = {}

    def asks(self, call: Call) -> bool:
        return call.method in {"POST", "DELETE"} and call.path.startswith("/api/followup_request")

    def handle(self, call: Call) -> Reply:
        if call.headers.get("authorization") != f"token {TOKEN}":
            return Reply(401, {"status": "error", "message": f"bad {call.headers.get('authorization')}"})
        match call.method, *call.path.strip("/").split("/"):
            case "GET", "api", "sources", name:
                here = self.sources.get(name)
                return _error("Source not found") if here is None else _success(here)
            case "POST", "api", "sources":
                return self._source(call.json)
            case "GET", "api", "followup_request":
                mine = [
                    one for one in self.requests.values() if str(one["allocation_id"]) == call.query["allocationID"]
                ]
                since, size = call.query.get("startDate", ""), int(call.query.get("numPerPage", 100))
                mine = [one for one in mine if one.get("created_at", "2017-08-17T18:00:00") >= since]
                first = (int(call.query.get("pageNumber", 1)) - 1) * size
                return _success({"followup_requests": mine[::-1][first:][:size], "totalMatches": len(mine)})
            case "GET", "api", "followup_request", ident:
                one = self.requests.get(int(ident))
                return _error("Could not retrieve followup request.") if one is None else _success(one)
            case "POST", "api", "followup_request":
                return self._post(call)
            case "DELETE", "api", "followup_request", ident if int(ident) in self.requests:
                self.requests[int(ident)]["status"] = "deleted"
                return _success({})
        return _error(f"Missing FollowUpRequest with id {call.path.rpartition('/')[2]}")

    def _source(self, made: dict[str, Any]) -> Reply:
        if not re.fullmatch(r"[a-zA-Z0-9_\-;:+.]+", made["id"]):
            return _error("Only letters, numbers, underscores, semicolons, colons, +, -, and periods are allowed")
        groups = made.get("group_ids", sorted(GROUPS))
        if not set(groups) <= GROUPS:
            return _error(f"Cannot find group_id {groups[0]}. Please remove and try again.")
        self.sources[made["id"]] = made | {"group_ids": groups}
        return _success({"id": made["id"]})

    def _post(self, call: Call) -> Reply:
        try:
            wanted = Post.model_validate_json(call.body)
        except ValidationError as error:
            return _error(f"Invalid / missing parameters: {error.errors()[0]['loc']}: {error.errors()[0]['msg']}")
        if wanted.obj_id not in self.sources:
            return _error("Error submitting follow-up request: no such source")
        unknown = [one for one in wanted.payload.observation_choices if one not in FILTERS]
        refused = f"rejected: Filter configuration {unknown[0]} unknown." if unknown else ""
        status = "rejected: the night is full" if self.refusing else refused or "submitted"
        ident = 500 + len(self.requests)
        self.requests[ident] = call.json | {"id": ident, "status": status}
        return _success({"id": ident, "request_status": status})

    @property
    def executed(self) -> list[str]:
        return [one["payload"]["nuncius_key"] for one in self.requests.values()]

    @property
    def orders(self) -> dict[str, int]:
        standing = [one["payload"]["nuncius_key"] for one in self.requests.values() if one["status"] == "submitted"]
        assert len(set(standing)) == len(standing)
        return {re.sub(r"/\d+$", "", key): int(key.rpartition("/")[2]) for key in standing}


def _success(data: object) -> Reply:
    return Reply(200, {"status": "success", "message": "", "data": data, "version": "0"})


def _error(words: str) -> Reply:
    return Reply(400, {"status": "error", "message": words, "data": {}})
