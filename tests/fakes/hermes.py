"""A stand-in for Hermes and the archive behind it.

Written from LCOGT/hermes: ``hermes/serializers.py`` (what a message must have), ``views.py`` (answers, what it passes
on).
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self

from fakes.server import Call, Fake, Reply
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

TOKEN = "herm3s-t0ken-6c6c"  # noqa: S105  a made-up one
TOPIC = "hermes.test"


class Target(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    ra: str
    dec: str


class Reference(BaseModel):
    model_config = ConfigDict(extra="forbid")
    source: str
    citation: str

    @model_validator(mode="after")
    def known(self) -> Self:
        if self.source.lower() == "hop_uuid":
            raise ValueError(f"hop_uuid {self.citation} does not exist")
        return self


class Data(BaseModel):
    model_config = ConfigDict(extra="allow")
    event_id: str | None = None
    targets: list[Target] = []
    references: list[Reference] = []

    @model_validator(mode="after")
    def unique(self) -> Self:
        if len({one.name for one in self.targets}) < len(self.targets):
            raise ValueError("The target name must be unique within the submission")
        return self


class Message(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: Annotated[str, Field(min_length=1)]
    topic: Annotated[str, Field(min_length=1)]
    submitter: Annotated[str, Field(min_length=1)]
    message_text: str = ""
    authors: str = ""
    data: Data = Data()


class Service(Fake):
    """Hermes, and what was published, oldest first."""

    def __init__(self) -> None:
        super().__init__()
        self.began = datetime(2017, 8, 17, 18, tzinfo=UTC)
        self.published: list[dict[str, Any]] = []
        self.credential = True
        self.kafka = ""
        self.retracted: list[str] = []

    def asks(self, call: Call) -> bool:
        return call.method == "POST" and call.path == "/api/v0/submit_message/"

    def handle(self, call: Call) -> Reply:
        if call.headers.get("authorization") != f"Token {TOKEN}":
            return Reply(401, {"detail": f"Invalid token {call.headers.get('authorization')}"})
        match call.method, call.path:
            case "GET", "/api/v0/query/":
                return Reply(200, {"messages": self._messages(call.query)})
            case "POST", "/api/v0/submit_message/validate/":
                return Reply(200, self._errors(call))
            case "POST", "/api/v0/submit_message/":
                return self._submit(call)
            case "PATCH", path if path.startswith("/api/v0/query/message/"):
                return self._retract(path.split("/")[-2], call.json["retracted"])
        return Reply(404, {"detail": "Not found."})

    def _retract(self, ident: str, retracted: object) -> Reply:
        if not isinstance(retracted, bool):
            return Reply(400, {"error": "'retracted' must be provided as a boolean value."})
        if not 0 < int(ident[-12:]) <= len(self.published) or self.refusing:
            return Reply(404, {"error": "404 Client Error: Not Found"})
        self.retracted.append(ident)
        return Reply(200, {"success": "true"})

    def _messages(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        """Those of a topic in a span of time, newest first; a second passes between two, and ends are included."""
        somebody = {"topic": TOPIC, "data": {"nuncius": "somebody"}}
        known = [(self.began + timedelta(seconds=n), one) for n, one in enumerate([somebody, *self.published])]
        start, end = (_moment(query.get(name)) for name in ("start", "end"))
        found = [
            {
                "metadata": {"timestamp": when.timestamp() * 1000},
                "annotations": {},
                "message": one,
            }
            for when, one in known
            if one["topic"] == query["topic"] and (start is None or start <= when) and (end is None or when <= end)
        ]
        return found[::-1][: int(query["limit"])]

    def _errors(self, call: Call) -> dict[str, Any]:
        if self.refusing:
            return {"topic": ["Hermes Dev can only submit to a test topic."]}
        try:
            Message.model_validate_json(call.body)
        except ValidationError as error:
            return {".".join(map(str, one["loc"])): [one["msg"]] for one in error.errors()}
        return {}

    def _submit(self, call: Call) -> Reply:
        errors = self._errors(call)
        if errors:
            return Reply(400, errors)
        if not self.credential:
            return Reply(200, {"error": "User account does not have an associated SCIMMA auth credential."})
        if self.kafka:
            return Reply(400, {"error": f"Error posting message to kafka: {self.kafka}"})
        self.published.append(call.json)
        return Reply(200, call.json | {"uuid": f"00000000-0000-4000-8000-{len(self.published):012d}"})

    @property
    def notes(self) -> list[dict[str, str]]:
        return [one["data"]["nuncius"] for one in self.published]

    @property
    def executed(self) -> list[str]:
        return [note["key"] for note in self.notes if note["action"] == "request"]

    @property
    def orders(self) -> dict[str, int]:
        standing: dict[str, int] = {}
        for note in self.notes:
            ident, _, revision = note["key"].rpartition("/")
            if note["action"] == "request":
                standing[ident] = int(revision)
            else:
                del standing[ident]
        return standing


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
