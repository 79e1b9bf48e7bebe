"""Making, changing and ending named streams over HTTP, for who may."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from nuncius.broker.services.streams.define import LEAST_PER_S, MOST_PER_S
from nuncius.broker.services.streams.state import definitions
from nuncius.broker.services.web.answers import RefusedError, says, utc
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.port import Log
from nuncius.filters import FilterError
from nuncius.schemas import SettingsError, StreamDefinition
from nuncius.schemas.codec import encode_json
from nuncius.schemas.vocabulary import StreamTable

Define = Callable[[StreamDefinition], StreamDefinition]


class Wanted(BaseModel):
    """A stream as its owner wants it; ``revision`` is the one it was changed from, none for whatever is there."""

    model_config = ConfigDict(extra="forbid")

    table: StreamTable
    filter: str = Field("", max_length=4096)
    include: list[str] = Field(default_factory=list, max_length=100)
    owner: str = Field("", max_length=500)
    description: str = Field("", max_length=500)
    state: Literal["active", "paused"] = "active"
    since: datetime | None = None
    quota_per_s: float = Field(50.0, ge=LEAST_PER_S, le=MOST_PER_S)
    revision: int | None = Field(None, ge=0, le=2**31)


def stream_change_routes(log: Log, write: Define, allow: Callable[[Request], None]) -> APIRouter:
    """``PUT`` and ``DELETE /streams/{name}``.

    Parameters
    ----------
    log
        Where definitions are read.
    write
        Checks and writes the next revision, as `nuncius.consumers.defining.define`.
    allow
        Raises `RefusedError` for a request that may not write.
    """
    router = APIRouter()

    @router.put(
        "/streams/{name}",
        dependencies=[Depends(allow)],
        responses={200: {"model": StreamDefinition}, **says(400, 403, 409, 422, 503)},
    )
    def put_stream(name: str, wanted: Wanted) -> Response:
        """Make or change a named stream; 409 where somebody changed it since ``revision``."""
        before = _revision(log, name)
        if wanted.revision is not None and wanted.revision != before:
            raise RefusedError(
                409, f"{name[:80]}: now at revision {before}, not {wanted.revision}; look at it, try again"
            )
        values = wanted.model_dump(exclude={"revision", "include", "since"})
        since = None if wanted.since is None else utc(wanted.since)
        definition = StreamDefinition(
            name=name,
            revision=before + 1,
            include=tuple(wanted.include),
            since=since,
            changed_time=utc_now(),
            **values,
        )
        return _defined(log, definition, write)

    @router.delete(
        "/streams/{name}",
        dependencies=[Depends(allow)],
        responses={200: {"model": StreamDefinition}, **says(400, 403, 404, 409, 422, 503)},
    )
    def delete_stream(
        name: str, revision: Annotated[int | None, Query(ge=0, le=2**31, description="the one you looked at")] = None
    ) -> Response:
        """End a named stream; the rows it has are kept for their time."""
        last = definitions(log).get(name)
        if last is None or last.state == "deleted":
            raise RefusedError(404, f"no stream is named {name[:80]!r}; GET /streams tells which there are")
        if revision is not None and revision != last.revision:
            raise RefusedError(
                409, f"{name}: now at revision {last.revision}, not {revision}; look at it and try again"
            )
        gone = replace(last, revision=last.revision + 1, state="deleted", changed_time=utc_now())
        return _defined(log, gone, write)

    return router


def _revision(log: Log, name: str) -> int:
    last = definitions(log).get(name)
    return 0 if last is None else last.revision


def _defined(log: Log, definition: StreamDefinition, write: Define) -> Response:
    """The definition once it is written; 409 where another came in between."""
    try:
        made = write(definition)
    except FilterError:
        raise
    except SettingsError as error:
        if _revision(log, definition.name) >= definition.revision:
            raise RefusedError(409, str(error)) from error
        raise
    return Response(encode_json(made), media_type="application/json")
