"""A task as JSON: for a telescope's own program, and over HTTP."""

from typing import Any

import orjson

from nuncius.consumers.desk.task import Task
from nuncius.schemas import MalformedAlert, ToORequest
from nuncius.schemas.codec import decode_json
from nuncius.schemas.wire import to_json


def plain_task(task: Task) -> dict[str, Any]:
    """The action, and the whole request."""
    return {
        "type": "too_task",
        "action": task.action,
        "again": task.again,
        "reference": task.reference,
        "request": to_json(task.request),
    }


def task_in(found: Any) -> Task:
    """The task that plain JSON stands for.

    Raises
    ------
    Quarantine
        If it is none.
    """
    try:
        action, again, reference, request = (found[key] for key in ("action", "again", "reference", "request"))
    except (TypeError, KeyError) as error:
        raise MalformedAlert(f"no task: {error}") from None
    if action not in ("observe", "take_back") or not isinstance(again, bool) or not isinstance(reference, str):
        raise MalformedAlert("no task: its action, again or reference cannot be read")
    asked = decode_json(ToORequest, orjson.dumps(request))
    return Task(action=action, request=asked, reference=reference, again=again)


def receipt_of(task: Task) -> str:
    """What a telescope says to show that a task reached it."""
    return f"{task.action} {task.request.idempotency_key}"
