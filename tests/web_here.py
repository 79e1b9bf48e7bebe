"""The HTTP application in this process, on a log."""

import asyncio
from typing import Any

import httpx
from fastapi import FastAPI

from nuncius.broker.services.intake import Intake
from nuncius.broker.services.portal_desk import Portal
from nuncius.broker.services.reading import Reading
from nuncius.broker.services.web.app import web_app
from nuncius.broker.services.web.guard import guard
from nuncius.broker.services.web.hub import Hub
from nuncius.broker.transport.port import Log


class NoIntake(Intake):
    """Takes nothing."""

    def __init__(self) -> None:
        pass

    def put(self, reading: Reading) -> Any:
        raise AssertionError(f"nothing is posted here: {reading}")


def _read(body: bytes, stream: str) -> Reading:
    raise AssertionError(f"nothing is posted here: {body!r} on {stream!r}")


def app_on(log: Log, host: str = "127.0.0.1", token: str = "", portal: Portal | None = None) -> FastAPI:
    """Every path, listening on ``host``."""
    hub, allow = Hub(log, {}, print), guard(host, token)
    return web_app(log, NoIntake(), _read, lambda: {"ok": True}, hub, allow, portal=portal)


def ask(app: FastAPI, method: str, path: str, host: str = "127.0.0.1:8088", **more: Any) -> httpx.Response:
    """One request of a client that asks for ``host``."""

    async def answer() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{host}") as client:
            return await client.request(method, path, **more)

    return asyncio.run(answer())
