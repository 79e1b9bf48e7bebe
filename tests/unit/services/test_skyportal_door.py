"""What SkyPortal's generic facility posts and deletes: requests that wait for a person, answered as it reads them."""

import tomllib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes.server import running
from fakes.skyportal import ALLOCATION, TOKEN
from fakes.skyportal import Portal as FakePortal
from fastapi import FastAPI
from pydantic import SecretStr
from road import decoded, put
from too_cases import AT2017GFO, GW
from web_here import app_on, ask

from nuncius.broker.follow_up import portal_of
from nuncius.broker.planning.lifecycle import Life, Submit, Wait, next_move
from nuncius.broker.planning.policies_toml import shipped
from nuncius.broker.services.planning import planners
from nuncius.broker.services.portal_desk import Portal
from nuncius.broker.services.runner import drain
from nuncius.broker.services.too_book import book, word
from nuncius.broker.services.web.answers import answer_errors
from nuncius.broker.services.web.guard import guard
from nuncius.broker.services.web.skyportal_door import skyportal_routes
from nuncius.broker.settings import Settings, load
from nuncius.broker.telephone import named_in
from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.port import Log
from nuncius.consumers.too.skyportal_sources import SkyPortalSources
from nuncius.schemas import SettingsError, ToORequest

SECRET = "a-broker-t0ken"  # noqa: S105  a made-up one
HOSTS = frozenset({"127.0.0.1"})
HEADERS = {"Authorization": f"token {SECRET}"}
TODAY = utc_now().date()


def form(**changed: Any) -> dict[str, Any]:
    known = {
        "observation_choices": ["sdssr"],
        "exposure_time": 300.0,
        "exposure_counts": 2,
        "maximum_airmass": 2.0,
        "minimum_lunar_distance": 30.0,
        "priority": 3,
        "start_date": f"{TODAY}",
        "end_date": f"{TODAY + timedelta(days=2)}",
    }
    return known | changed


def body(**changed: Any) -> dict[str, Any]:
    return {"obj_id": "AT2017gfo", "allocation_id": ALLOCATION, "payload": form(**changed)}


def door(log: Log, host: str, token: str, portal: Portal | None) -> FastAPI:
    """These paths alone: the whole service takes longer to make than a test."""
    app = FastAPI()
    answer_errors(app)
    app.include_router(skyportal_routes(log, guard(host, token), portal))
    return app


@dataclass
class Site:
    """A portal with one source, and a broker that it may ask."""

    log: Log
    fake: FakePortal
    portal: Portal

    def call(self, method: str, path: str = "/too/skyportal", **more: Any) -> httpx.Response:
        app = door(self.log, "0.0.0.0", SECRET, self.portal)  # noqa: S104  nothing listens
        return ask(app, method, path, **({"headers": HEADERS} | more))

    def ident(self, **changed: Any) -> str:
        answer = self.call("POST", json=body(**changed))
        assert answer.status_code == 200
        return str(answer.json()["data"]["id"])

    def asked(self) -> list[ToORequest]:
        return [one for one in decoded(self.log, topics.TOO_REQUESTS.name) if one.policy == "skyportal"]

    def states(self) -> list[tuple[str, int, str]]:
        return [(one.filter, one.revision, one.state) for one in self.asked()]


@pytest.fixture
def site(log: Log) -> Iterator[Site]:
    fake = FakePortal()
    fake.sources["AT2017gfo"] = {"id": "AT2017gfo", "ra": AT2017GFO[0], "dec": AT2017GFO[1]}
    with running(fake) as url, closing(SkyPortalSources(url, HOSTS, SecretStr(TOKEN))) as sources:
        yield Site(log, fake, Portal({ALLOCATION: "las-cumbres"}, sources))


def test_what_is_posted_waits_for_a_person(site: Site) -> None:
    ident = site.ident()
    (made,) = site.asked()
    assert ident
    assert (made.facility, made.target_name, made.ra, made.dec) == ("las-cumbres", "AT2017gfo", *AT2017GFO)
    assert (made.exposure_s, made.filter, made.reality, made.run_mode) == (600.0, "sdssr", "real", "live")
    life = Life(revisions=(made,))
    assert next_move(life, now=utc_now()) == Wait("waits for a person's yes", made.expires)
    (entry,) = book(site.log)
    yes = word(entry, "approved", who="ana", why="", now=utc_now())
    assert next_move(life.with_status(yes), now=utc_now()) == Submit()


def test_the_same_again_is_answered_as_before_and_asks_nothing_more(site: Site) -> None:
    first = site.ident(observation_choices=["sdssr", "sdssi", "sdssr"])
    assert site.ident(observation_choices=["sdssi", "sdssr"]) == first
    assert site.states() == [("sdssr", 1, "proposed"), ("sdssi", 1, "proposed")]


def test_an_edited_request_revises_what_changed_and_takes_back_what_is_gone(site: Site) -> None:
    first = site.ident(observation_choices=["sdssr", "sdssi"])
    assert site.ident(observation_choices=["sdssi"], priority=5) == first
    assert site.states()[2:] == [("sdssi", 2, "proposed"), ("sdssr", 2, "cancelled")]
    site.ident(observation_choices=["sdssi", "sdssr"], priority=5)
    assert site.states()[4:] == [("sdssr", 3, "proposed")]


def test_a_deleted_request_is_cancelled_once_and_may_come_again(site: Site) -> None:
    ident = site.ident(observation_choices=["sdssr", "sdssi"])
    for _ in range(2):
        answer = site.call("DELETE", f"/too/skyportal/{ident}")
        assert (answer.status_code, answer.json()) == (200, {"data": {"id": ident}})
    assert site.states()[2:] == [("sdssr", 2, "cancelled"), ("sdssi", 2, "cancelled")]
    assert site.ident() == ident
    assert site.states()[4:] == [("sdssr", 3, "proposed")]


def test_no_other_request_is_deleted_here(site: Site) -> None:
    site.ident()
    made = site.asked()[0].request_id
    assert site.call("DELETE", f"/too/skyportal/{made}").status_code == 404
    assert len(site.asked()) == 1


@pytest.mark.parametrize(
    ("host", "token", "sent", "code"),
    [
        ("0.0.0.0", SECRET, f"token {SECRET}", 200),  # noqa: S104  nothing listens
        ("0.0.0.0", SECRET, f"Bearer {SECRET}", 200),  # noqa: S104  nothing listens
        ("0.0.0.0", SECRET, f"token {SECRET[:-1]}", 403),  # noqa: S104  nothing listens
        ("0.0.0.0", SECRET, SECRET, 403),  # noqa: S104  nothing listens
        ("0.0.0.0", SECRET, "", 403),  # noqa: S104  nothing listens
        ("0.0.0.0", "", "token ", 403),  # noqa: S104  nothing listens
        ("127.0.0.1", "", "", 200),
        ("127.0.0.1", SECRET, "", 403),
    ],
)
def test_only_who_has_the_token_or_is_on_this_machine_asks(
    site: Site, host: str, token: str, sent: str, code: int
) -> None:
    app = door(site.log, host, token, site.portal)
    headers = {"Authorization": sent} if sent else {}
    assert ask(app, "POST", "/too/skyportal", json=body(), headers=headers).status_code == code
    assert len(site.asked()) == (code == 200)
    if code == 403:
        assert ask(app, "DELETE", "/too/skyportal/x", headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (body(exposure_time=-1), "payload.exposure_time"),
        (body(exposure_time=1e300), "payload.exposure_time"),
        (body(exposure_counts=10**400), "payload.exposure_counts"),
        (body(observation_choices=[]), "payload.observation_choices"),
        (body(end_date="9999-12-31"), "payload.end_date"),
        (body(start_date="2017-08-17", end_date="2017-08-18"), "payload.end_date"),
        (body() | {"obj_id": "../allocation"}, "obj_id"),
        (body() | {"obj_id": ".."}, "obj_id"),
        (body() | {"obj_id": "not-there"}, "obj_id"),
        (body() | {"allocation_id": 13}, "allocation_id"),
        ([], ""),
    ],
)
def test_what_is_wrong_is_named_with_its_field(site: Site, wrong: object, field: str) -> None:
    answer = site.call("POST", content=as_json(wrong))
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert site.asked() == []


def as_json(value: object) -> str:
    return httpx.Request("POST", "http://x", json=value).content.decode()


@pytest.mark.parametrize(("content", "code"), [(b"", 422), (b"\xff" * 100, 422), (b" " * 70_000, 413)])
def test_rubbish_is_refused(site: Site, content: bytes, code: int) -> None:
    assert site.call("POST", content=content).status_code == code


def test_while_the_portal_is_away_nothing_new_is_asked_and_what_is_known_is_answered(site: Site) -> None:
    ident = site.ident()
    nobody = SkyPortalSources("http://127.0.0.1:1", HOSTS, SecretStr("x"))
    site.portal = Portal(site.portal.facilities, nobody)
    assert site.ident() == ident
    answer = site.call("POST", json=body() | {"obj_id": "another"})
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
    assert len(site.asked()) == 1


def test_a_broker_that_names_no_portal_is_asked_by_none(log: Log) -> None:
    answer = ask(door(log, "127.0.0.1", "", None), "POST", "/too/skyportal", json=body())
    assert (answer.status_code, "[skyportal]" in answer.json()["error"]) == (404, True)


def test_policies_take_nothing_back_that_is_not_theirs(site: Site) -> None:
    put(site.log, (GW,))
    for _ in range(3):
        workers = planners(site.log, shipped())
        drain(workers)
        for worker in workers:
            worker.close()
        site.ident()
    assert site.states() == [("sdssr", 1, "proposed")]


def test_the_whole_service_takes_it_and_shows_its_page(site: Site) -> None:
    app = app_on(site.log, portal=site.portal)
    assert ask(app, "POST", "/too/skyportal", json=body()).status_code == 200
    (made,) = site.asked()
    page = ask(app, "GET", f"/too/{made.request_id}")
    assert page.status_code == 200
    assert "AT2017gfo" in page.text


TABLE = """
[skyportal]
url = "https://fritz.science"
credential = "FRITZ_TOKEN"
allocations = { 12 = "las-cumbres" }

[tell.shift]
where = "SHIFT"
policies = ["skyportal"]
"""


def test_the_settings_name_the_portal_and_who_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRITZ_TOKEN", TOKEN)
    settings = Settings.model_validate(tomllib.loads(TABLE))
    made = portal_of(settings)
    assert made is not None
    assert made.facilities == {12: "las-cumbres"}
    assert named_in(settings, shipped())["skyportal"] == ("shift",)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("https://fritz", "http://fritz", "not https"),
        ('"FRITZ_TOKEN"', '"ANOTHER"', "set ANOTHER"),
        ("12 =", "twelve =", "allocations"),
    ],
)
def test_what_is_wrong_with_the_settings_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, old: str, new: str, says: str
) -> None:
    monkeypatch.setenv("FRITZ_TOKEN", TOKEN)
    file = tmp_path / "nuncius.toml"
    file.write_text(TABLE.replace(old, new), encoding="utf-8")
    with pytest.raises(SettingsError, match=says):
        portal_of(load(file, {}, tmp_path))


def test_without_a_portal_its_word_is_no_policy() -> None:
    settings = Settings.model_validate(tomllib.loads(TABLE.partition("[tell")[1] + TABLE.partition("[tell")[2]))
    with pytest.raises(SettingsError, match="no policy 'skyportal'"):
        named_in(settings, shipped())
