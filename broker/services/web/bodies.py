"""The body of a request as a model: JSON of its own type, small, and within seconds."""

import asyncio
from typing import Any, Final, TypeVar

import orjson
from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect

from nuncius.broker.services.web.answers import RefusedError

Model = TypeVar("Model", bound=BaseModel)

MOST_BYTES: Final = 65_536
WITHIN_S: Final = 10.0
"""For the whole body (ours): the largest at 6.5 kB a second."""


async def body_as(request: Request, model: type[Model]) -> Model:
    """What was sent.

    Raises
    ------
    RefusedError
        400 where it was cut off, 408 where it is slow, 413 where it is large, 415 where it is not called JSON, 422
        where it is not as the model says; the message names the field, and holds nothing of what was sent.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise RefusedError(415, "send JSON, with Content-Type: application/json")
    stated = request.headers.get("content-length", "")
    if stated.isdecimal() and int(stated[:12]) > MOST_BYTES:
        raise _too_long()
    try:
        async with asyncio.timeout(WITHIN_S):
            data = await _bytes(request)
    except TimeoutError:
        raise RefusedError(408, f"the body did not come within {WITHIN_S:g} s; send it again") from None
    except ClientDisconnect:
        raise RefusedError(400, "the body was cut off; send it again") from None
    try:
        read: Any = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise RefusedError(422, f"no JSON: {error.msg} at byte {error.pos}") from None
    try:
        return model.model_validate(read)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the whole"
        raise RefusedError(422, f"{place}: {first['msg']}; see /openapi.json") from None


async def _bytes(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise _too_long()
    return bytes(body)


def _too_long() -> RefusedError:
    return RefusedError(413, f"a body has at most {MOST_BYTES} bytes here")
