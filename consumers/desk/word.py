"""A telescope's answer as JSON: from its own program's standard output, or from a Kafka topic."""

from typing import Any, Final

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nuncius.consumers.desk.answers import MOST_NOTE, MOST_REFERENCE, Answer
from nuncius.schemas.errors import LimitExceeded, MalformedAlert

MOST_BYTES: Final = 65_536
"""Of one answer (ours)."""


class Word(BaseModel):
    """What became of one request; what else stands there is passed over."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    idempotency_key: str = Field(
        default="", max_length=MOST_REFERENCE, description="of the request's revision, as it was asked"
    )
    state: Answer = Field(description="what became of it")
    reference: str = Field(default="", max_length=MOST_REFERENCE, description="the facility's own name for it")
    note: str = Field(default="", max_length=MOST_NOTE, description="why, or what people should know")


def word_of(data: bytes) -> Word:
    """The answer that the bytes are.

    Raises
    ------
    Quarantine
        If they are none; the message names the field, and holds nothing of what was read.
    """
    if len(data) > MOST_BYTES:
        raise LimitExceeded(f"{len(data)} bytes; an answer has at most {MOST_BYTES}")
    try:
        read: Any = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise MalformedAlert(f"no JSON: {error.msg} at byte {error.pos}") from None
    try:
        return Word.model_validate(read)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the whole"
        raise MalformedAlert(f"{place}: {first['msg']}", place) from None
