"""``/too/desks/{facility}``: a telescope's team takes what is asked of it, and answers, where it has HTTPS alone.

The next task is asked for, and waited for (long polling): what a stream had sent ahead would lie there while its cause
is taken back, or expires.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Final, Literal, TypeVar

import orjson
from fastapi import APIRouter, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from nuncius.broker.services.http_desks import HttpDesks, OvertakenError, Station, Step, TooOftenError
from nuncius.broker.services.web.answers import RefusedError, says
from nuncius.broker.services.web.bodies import body_as
from nuncius.broker.transport.port import Fenced
from nuncius.consumers.desk.answers import MOST_NOTE, AnswerError, UnknownRequestError
from nuncius.consumers.desk.seat import Over
from nuncius.consumers.desk.task import Action
from nuncius.consumers.desk.wire import plain_task, receipt_of
from nuncius.consumers.desk.word import Word
from nuncius.schemas import ToORequest, ToOStatus
from nuncius.schemas.wire import to_json

T = TypeVar("T")

MOST_WAIT_S: Final = 25.0
"""Proxies cut what is silent for 30 to 60 s."""

LOOK_S: Final = 0.2
"""How often the log is looked at for who waits (ours)."""

_REFUSALS: Final = says(400, 403, 404, 408, 409, 413, 415, 422, 429, 503)
"""Of a call with a body."""

Facility = Annotated[str, Path(min_length=1, max_length=100, description="as policies name it")]


class Sitting(BaseModel):
    """A facility's desk, and who was there last; ``came`` is null where nobody was."""

    facility: str
    came: AwareDatetime | None
    over: Over | None


class Next(BaseModel):
    """A process that takes the tasks, and what it got."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    run: str = Field(
        pattern=r"^[A-Za-z0-9-]{8,64}$",
        description="your process's own name, made anew at each start; a new one ends the one before",
    )
    receipt: str = Field(
        default="",
        max_length=MOST_NOTE,
        description="of the last task that reached you; without it that task comes again until it is answered",
    )
    wait_s: float = Field(
        default=0.0, ge=0.0, le=MOST_WAIT_S, description="how long to wait where nothing is due, seconds"
    )


class TaskView(BaseModel):
    """One thing to do, and to answer."""

    type: Literal["too_task"]
    action: Action
    again: bool
    reference: str
    request: ToORequest


class Handed(BaseModel):
    """The next task; null where nothing is due. ``asked`` is false where nothing was ever asked of that name."""

    facility: str
    task: TaskView | None
    receipt: str
    asked: bool


class Said(Word):
    """What became of a request: by the idempotency key of a revision, or by the request's id (its beginning does)."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    request_id: str = Field(default="", max_length=200, description="or its beginning, in place of the key")
    revision: int | None = Field(
        default=None, ge=1, le=2**31, description="of that request; null for the one that was handed over last"
    )


class Stands(BaseModel):
    """What now stands on the log."""

    facility: str
    status: ToOStatus
    target_name: str


def desk_routes(desks: HttpDesks, admit: Callable[[Request, str], None]) -> APIRouter:
    """The desk of each facility.

    Parameters
    ----------
    desks
        What they do.
    admit
        Raises `RefusedError` for who may not sit at a facility's desk.
    """
    router = APIRouter()

    def station(request: Request, facility: str) -> Station:
        admit(request, facility)
        if not facility.isprintable():
            raise RefusedError(404, "no facility has such a name")
        found = desks.of(facility)
        _refusing(found.count)
        return found

    @router.get("/too/desks/{facility:path}", responses={200: {"model": Sitting}, **says(403, 422, 503)})
    def get_desk(request: Request, facility: Facility) -> Response:
        """Whether your token is right, and who was at the desk last."""
        admit(request, facility)
        seat = desks.seat(facility)
        came, over = (None, None) if seat is None else (seat.came, seat.over)
        return _json({"facility": facility, "came": came, "over": over})

    @router.post(
        "/too/desks/{facility:path}/next",
        responses={200: {"model": Handed}, **_REFUSALS},
        openapi_extra=_takes(Next),
    )
    async def post_next(request: Request, facility: Facility) -> Response:
        """The next thing to do, once it is due. 409: a newer process of this facility takes the tasks."""
        there = station(request, facility)
        asked = await body_as(request, Next)
        step = await _waited(desks, there, asked, request)
        task, receipt = (None, "") if step.task is None else (plain_task(step.task), receipt_of(step.task))
        return _json({"facility": facility, "task": task, "receipt": receipt, "asked": step.asked})

    @router.post(
        "/too/desks/{facility:path}/answers",
        responses={200: {"model": Stands}, **_REFUSALS},
        openapi_extra=_takes(Said),
    )
    async def post_answer(request: Request, facility: Facility) -> Response:
        """What became of a task. Said twice it is written once. 409: it cannot be, with the reason."""
        there = station(request, facility)
        said = await body_as(request, Said)
        words = {"reference": said.reference, "note": said.note}
        if bool(said.request_id) == bool(said.idempotency_key):
            raise RefusedError(422, "say what it is about: either request_id, or idempotency_key")
        if said.idempotency_key:
            if said.revision is not None:
                raise RefusedError(422, "revision: an idempotency_key names its revision already")
            call = partial(there.answer_by_key, said.idempotency_key, said.state, **words)
        else:
            call = partial(there.answer, said.request_id, said.state, revision=said.revision, **words)
        found = await run_in_threadpool(_refusing, call)
        return _json({"facility": facility, "status": to_json(found.status), "target_name": found.target_name})

    return router


async def _waited(desks: HttpDesks, there: Station, asked: Next, request: Request) -> Step:
    """The next task as soon as there is one; none once the time is over, or nobody waits any more."""
    loop = asyncio.get_running_loop()
    until = loop.time() + asked.wait_s
    visit = await run_in_threadpool(_refusing, partial(there.arrive, asked.run, asked.receipt))
    look = partial(_refusing, partial(there.next_task, visit))
    while True:
        step = await run_in_threadpool(look)
        left_s = until - loop.time()
        if step.task is not None or left_s <= 0 or await request.is_disconnected():
            return step
        if desks.ending.is_set():
            raise RefusedError(503, "the broker ends; ask again when it is back")
        await asyncio.sleep(min(LOOK_S, left_s))


def _refusing(call: Callable[[], T]) -> T:
    """What the call returns; what a desk refuses with its code."""
    try:
        return call()
    except UnknownRequestError as error:
        raise RefusedError(404, str(error)) from error
    except (AnswerError, Fenced, OvertakenError) as error:
        raise RefusedError(409, str(error)) from error
    except TooOftenError as error:
        raise RefusedError(429, f"{error}; wait a moment") from error


def _takes(model: type[BaseModel]) -> dict[str, Any]:
    """For OpenAPI: the body, which is read by `body_as`."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": model.model_json_schema()}}}}


def _json(value: Any) -> Response:
    return Response(
        orjson.dumps(value, option=orjson.OPT_UTC_Z),
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
