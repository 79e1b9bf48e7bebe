"""Ten thousand requests on a log: the pages, and the list in a shell."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from commands import nuncius
from too_cases import request
from too_log import lay
from too_tiles import tile
from web_here import app_on, ask

from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.local import open_local
from nuncius.consumers.adapter import answer
from nuncius.schemas import ToORequest, ToOStatus
from nuncius.schemas.vocabulary import RequestState

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

REQUESTS: Final = 10_000
ROAD: Final[tuple[RequestState, ...]] = ("sent", "accepted", "scheduled", "observed")
TILES: Final = tuple(tile(number, 30.0 + number) for number in range(1, 31))


def told(one: ToORequest, number: int) -> Iterator[ToOStatus]:
    """Nothing of every second request; else the road from the first message to what was observed."""
    if number % 2:
        return
    yield answer(one, "recorded", "tell-shift", "waits: sent", "request/waits")
    yield replace(answer(one, "approved", "person"), who="Ana")
    for state in ROAD:
        yield answer(one, state, "scope", f"block {number}")
    yield answer(one, "recorded", "tell-shift", "observed: sent", "@scope/observed")


def asked(number: int, now: datetime) -> ToORequest:
    """Half of them not wanted; of the others every fifth a plan of thirty fields. The last hundred are still open."""
    return request(
        ident=f"{number:08x}-0000",
        state="rejected" if number % 2 else "proposed",
        needs_approval=True,
        tiles=TILES if number % 10 == 0 else (),
        expires=now + timedelta(hours=3) if number > REQUESTS - 100 else now - timedelta(days=2),
        reason="icecube:140000_1: the policy's filter: p_astro >= 0.5: no (p_astro is 0.31)",
        follows=("7d1c1a60-3c5e-5f3a-9a70-0d6a2a0a3a11",),
    )


def test_pages_and_list(tmp_path: Path, measured: Callable[..., None]) -> None:
    now = utc_now()
    log = open_local(tmp_path, utc_now)
    log.create(topics.TOPICS)
    for begin in range(0, REQUESTS, 500):
        some = [asked(number, now) for number in range(begin, begin + 500)]
        lay(log, *some, *(said for number, one in enumerate(some, begin) for said in told(one, number)))
    app = app_on(log)
    took: dict[str, float] = {}
    for name, path in (("cold", "/too"), ("warm", "/too"), ("json", "/requests"), ("older", "/too?cursor=3:5000")):
        began = time.perf_counter()
        page = ask(app, "GET", path)
        took[f"{name}_s"] = time.perf_counter() - began
        assert page.status_code == 200
    log.close()
    where = f"--broker=local:{tmp_path}"
    for name, words in (("list", ["list"]), ("list_all", ["list", "--all"]), ("show", ["show", f"{12:08x}"])):
        began = time.perf_counter()
        assert nuncius("too", *words, where, home=tmp_path).out
        took[f"{name}_s"] = time.perf_counter() - began
    measured(**took, goal_warm_below=0.5, goal_list_below=1.5)
