"""What every path answers where something is wrong: one JSON object, ``{"error": what, where, what to do next}``."""

from datetime import UTC, datetime
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from nuncius.filters import FilterError
from nuncius.schemas import Quarantine, Retry, SettingsError

RETRY_AFTER: Final = {"Retry-After": "5"}

_HEADERS: Final = {408: {"Connection": "close"}, 413: {"Connection": "close"}, 429: RETRY_AFTER, 503: RETRY_AFTER}
"""What more an answer says; a body that nobody reads is not waited for."""


class Wrong(BaseModel):
    """What is wrong, where, and what to do next; of a filter also the column, counted from 1."""

    model_config = ConfigDict(extra="allow")

    error: str
    column: int | None = None


def says(*codes: int) -> dict[int | str, dict[str, Any]]:
    """For OpenAPI: these codes come with `Wrong`."""
    return {code: {"model": Wrong} for code in codes}


class RefusedError(Exception):
    """The answer to a request that cannot be served.

    Parameters
    ----------
    status
        HTTP status code.
    error
        What, where, what to do next.
    """

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status


def utc(moment: datetime) -> datetime:
    """A time of a query; without an offset it is UTC."""
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError as error:
        raise RefusedError(
            422, f"{moment.isoformat()} is no time in UTC; give one between the years 1 and 9999"
        ) from error


def answer_errors(app: FastAPI) -> None:
    """Every error of a path becomes JSON with its code."""

    @app.exception_handler(RefusedError)
    async def refused(_: Request, error: RefusedError) -> Response:
        return JSONResponse({"error": str(error)}, error.status, headers=_HEADERS.get(error.status))

    @app.exception_handler(FilterError)
    async def wrong_filter(_: Request, error: FilterError) -> Response:
        return JSONResponse({"error": str(error), "column": error.column}, 400)

    @app.exception_handler(SettingsError)
    async def wrong(_: Request, error: SettingsError) -> Response:
        return JSONResponse({"error": str(error)}, 400)

    @app.exception_handler(Retry)
    async def away(_: Request, error: Retry) -> Response:
        return JSONResponse({"ok": False, "error": str(error)}, 503, headers=RETRY_AFTER)

    @app.exception_handler(Quarantine)
    async def unreadable(_: Request, error: Quarantine) -> Response:
        words = f"a record that this broker cannot read: {error}; GET /records/… with format=avro has its bytes"
        return JSONResponse({"error": words}, 404)

    @app.exception_handler(Exception)
    async def broken(_: Request, error: Exception) -> Response:
        words = f"a fault of the broker ({type(error).__name__}); its standard error says more, tell who runs it"
        return JSONResponse({"error": words}, 500)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return JSONResponse({"error": f"{where}: {first['msg']}; see /openapi.json"}, 422)

    @app.exception_handler(HTTPException)
    async def plain(_: Request, error: HTTPException) -> Response:
        hint = "; see /openapi.json for what there is" if error.status_code in (404, 405) else ""
        return JSONResponse({"error": f"{error.detail}{hint}"}, error.status_code, headers=error.headers)


def saved(data: bytes, media_type: str, name: str) -> Response:
    """To be saved, not to be shown: what a stranger sent must not run in a browser."""
    headers = {"X-Content-Type-Options": "nosniff", "Content-Disposition": f'attachment; filename="{name}"'}
    kind = media_type if media_type.isascii() and media_type.isprintable() else "application/octet-stream"
    return Response(data, media_type=kind, headers=headers)
