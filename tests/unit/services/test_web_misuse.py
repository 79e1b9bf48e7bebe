"""Senders that hang up, and readers that only wait."""

import asyncio
from typing import Any
from unittest.mock import patch

import httpx
import orjson
import pytest
from fastapi import FastAPI

from nuncius.broker.services.intake import Intake
from nuncius.broker.services.reading import Reading
from nuncius.broker.services.web import app as web
from nuncius.broker.services.web.guard import guard
from nuncius.broker.services.web.hub import Hub
from nuncius.broker.transport.port import Log
from nuncius.schemas import Retry


class NoIntake(Intake):
    """Takes nothing."""

    def __init__(self) -> None:
        pass

    def put(self, reading: Reading) -> Any:
        raise AssertionError(f"half a packet was handed in: {reading}")


def read(body: bytes, stream: str) -> Reading:
    raise AssertionError(f"half a packet was read: {body!r} on {stream!r}")


def app(log: Log, health: Any) -> FastAPI:
    return web.web_app(log, NoIntake(), read, health, Hub(log, {}, print), guard("127.0.0.1", ""))


def test_a_sender_that_hangs_up_leaves_no_packet_and_no_fault(log: Log) -> None:
    parts = [{"type": "http.request", "body": b'{"half":', "more_body": True}, {"type": "http.disconnect"}]
    told: list[dict[str, Any]] = []

    async def receive() -> Any:
        return parts.pop(0)

    async def send(message: Any) -> None:
        told.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": "/alerts",
        "query_string": b"",
        "headers": [],
    }
    asyncio.run(app(log, dict)(scope, receive, send))
    assert told[0]["status"] == 400
    assert "cut off" in orjson.loads(told[1]["body"])["error"]


async def got(served: FastAPI, path: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url="http://here") as client:
        return await client.get(path)


@pytest.mark.parametrize("path", ["/health", "/coincidences"])
def test_a_log_that_is_away_is_said_so(log: Log, path: str) -> None:
    def gone(*_: Any) -> Any:
        raise Retry("the log is away for now")

    with patch.object(log, "starts", gone):
        answer = asyncio.run(got(app(log, gone), path))
    assert (answer.status_code, answer.json()["error"]) == (503, "the log is away for now")
