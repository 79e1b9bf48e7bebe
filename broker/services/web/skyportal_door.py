"""``POST /too/skyportal``: a SkyPortal whose instrument has the generic form asks for telescope time here.

Facts of the other side: skyportal/skyportal, ``facility_apis/generic.py``: any answer but 200 is a rejection, shown to
the astronomer in our words; ``DELETE`` goes to the endpoint with the ``data.id`` of the first answer behind it.
"""

import os
import socket
from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from nuncius.broker.services.portal_desk import Portal, PortalDesk
from nuncius.broker.services.web.answers import RefusedError, says
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.port import Log
from nuncius.consumers.too.skyportal_in import read_follow_up, taken
from nuncius.schemas import MalformedAlert

_BODY_BYTES: Final = 65_536


class _Ident(BaseModel):
    id: str


class Taken(BaseModel):
    """The request was taken, or taken back; by this id it is deleted."""

    data: _Ident


def skyportal_routes(log: Log, allow: Callable[[Request], None], portal: Portal | None) -> APIRouter:
    """``POST /too/skyportal`` and ``DELETE /too/skyportal/{ident}``.

    Parameters
    ----------
    log
        Read, and written with requests.
    allow
        Raises `RefusedError` for who may not write.
    portal
        Who may ask; None for nobody.
    """
    router = APIRouter(dependencies=[Depends(allow)])
    slot = f"nuncius-skyportal-{socket.gethostname()}-{os.getpid()}"
    desk = None if portal is None else PortalDesk(log, portal, utc_now, slot)

    def found() -> PortalDesk:
        if desk is None:
            raise RefusedError(404, "this broker is asked by no SkyPortal; name one as [skyportal] in nuncius.toml")
        return desk

    @router.post("/too/skyportal", responses={200: {"model": Taken}, **says(403, 404, 413, 422, 503)})
    async def post_follow_up(request: Request) -> Response:
        """Ask for telescope time as SkyPortal's generic facility does; it waits for a person's yes."""
        there = found()
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > _BODY_BYTES:
                raise RefusedError(413, f"a follow-up request of more than {_BODY_BYTES} bytes")
        try:
            return _said(await run_in_threadpool(lambda: there.take(read_follow_up(bytes(body)))))
        except MalformedAlert as error:
            return JSONResponse({"error": str(error), "field": error.field}, 422)

    @router.delete("/too/skyportal/{ident}", responses={200: {"model": Taken}, **says(403, 404, 422, 503)})
    def delete_follow_up(ident: Annotated[str, Path(max_length=100)]) -> Response:
        """Take a request back, by the id of the answer to it."""
        if not found().take_back(ident):
            raise RefusedError(404, f"no request {ident!r} came from a SkyPortal here")
        return _said(ident)

    return router


def _said(ident: str) -> Response:
    body: dict[str, Any] = dict(taken(ident))
    return JSONResponse(body)
