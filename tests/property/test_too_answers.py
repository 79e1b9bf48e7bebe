"""Whatever a facility answers, an adapter says what became of the request, or that it must be asked again later."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import pytest
from fakes import eso_p2, gemini, hermes, ocs, skyportal, swift, treasure_map
from fakes.server import Call, Fake, Reply, running
from how_many import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from too_cases import request
from too_doors import FREELY, HERE

from nuncius.consumers.adapter import Adapter
from nuncius.consumers.too.eso_p2 import EsoP2
from nuncius.consumers.too.eso_p2_block import EsoP2Settings
from nuncius.consumers.too.gemini import Gemini
from nuncius.consumers.too.gemini_trigger import GeminiSettings
from nuncius.consumers.too.hermes import Hermes, HermesSettings
from nuncius.consumers.too.ocs import Ocs
from nuncius.consumers.too.ocs_body import OcsSettings
from nuncius.consumers.too.skyportal import SkyPortal
from nuncius.consumers.too.skyportal_body import SkyPortalSettings
from nuncius.consumers.too.swift import Swift
from nuncius.consumers.too.swift_form import SwiftSettings
from nuncius.consumers.too.treasure_map import TreasureMap
from nuncius.consumers.too.treasure_map_rows import TreasureMapSettings
from nuncius.schemas import Retry, ToOStatus
from nuncius.schemas.codec import decode, encode

NAMES = (
    *(
        "id",
        "name",
        "state",
        "requests",
        "results",
        "next",
        "errors",
        "error",
        "status",
        "too_id",
        "entries",
        "decision",
    ),
    *("immediate_objective", "pointing_ids", "ERRORS", "position", "username", "time", "data", "followup_requests"),
    *("payload", "nuncius_key", "request_status", "ra", "dec", "itemType", "containerId", "obId", "obStatus", "uuid"),
    *("observable", "messages", "message", "access_token", "nuncius", "key", "action", "start", "instrumentid"),
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["r/1", "r/2", "PENDING", "P", "D", "Rejected", "POINT (1 2)", "request", "2017-08-17T00:00:00"]),
    st.text(max_size=20).filter(lambda text: text.encode("utf-8", "ignore").decode() == text),
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=8),
    max_leaves=12,
)
KEYS = st.sampled_from(["r/1", "r/2", "r/3", "s/1", "r/", "r/99999999999"])
INTS = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
WORDS = st.sampled_from(
    ["PENDING", "COMPLETED", "submitted", "rejected: x", "Accepted", "P", "D", "C", "", "\x00\ud7ff"]
)


def thing(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object in which a field may be of any sort now and then."""
    return st.fixed_dictionaries({name: st.one_of(value, value, value, JSON) for name, value in fields.items()})


def some(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(inner, max_size=3)


PLACE = st.sampled_from(["POINT (1 2)", "POINT(-163.5 -23.25)", "POINT (1e400 2)", "POINT (900 99)", ""])
GROUP = thing(id=INTS, name=KEYS, state=WORDS, requests=some(thing(id=INTS, state=WORDS)))
TOO = thing(too_id=INTS, immediate_objective=KEYS.map("x (request {})".format), decision=WORDS)
STATE = thing(status=WORDS, too_id=INTS, errors=some(WORDS))
POINTING = thing(
    id=INTS, position=PLACE, instrumentid=INTS, time=st.just("2017-08-17T00:00:00"), username=st.just("nuncius")
)
NOTE = thing(key=KEYS, action=st.sampled_from(["request", "cancel"]))
FOLLOW_UP = thing(id=INTS, status=WORDS, payload=thing(nuncius_key=KEYS))
BLOCK = thing(obId=INTS, obStatus=WORDS)
SHAPES: dict[str, st.SearchStrategy[Any]] = {
    r"GET /api/requestgroups/$": thing(results=some(GROUP), next=st.none()),
    r"GET /api/requests/": some(thing(state=st.sampled_from(["PENDING", "CANCELED"]), start=WORDS, site=WORDS)),
    r"POST /api/requestgroups/validate/$": thing(errors=st.sampled_from([{}, {}, {"name": ["long"]}])),
    r"/api/requestgroups/": GROUP,
    r"GET /swift/too$": thing(entries=some(TOO)),
    r"POST /swift/too$": thing(status=st.one_of(WORDS, STATE), too_id=INTS),
    r"GET /pointings$": some(POINTING),
    r"POST /pointings$": thing(pointing_ids=some(INTS), ERRORS=some(st.tuples(WORDS, some(WORDS)))),
    r"GET /api/sources/": thing(data=thing(ra=FLOATS, dec=FLOATS)),
    r"GET /api/followup_request$": thing(data=thing(followup_requests=some(FOLLOW_UP))),
    r"GET /api/followup_request/": thing(data=FOLLOW_UP),
    r"POST /api/followup_request$": thing(data=thing(id=INTS, request_status=WORDS)),
    r"GET /v1/containers/": some(thing(itemType=WORDS, containerId=INTS, name=KEYS, obId=INTS)),
    r"POST /v1/containers/\d+/items$": thing(itemType=WORDS, containerId=INTS),
    r"/v1/obsBlocks/-?\d+(/duplicate)?$": BLOCK,
    r"/verify$": thing(observable=st.booleans(), messages=some(WORDS)),
    r"GET /api/v0/query/": thing(messages=some(thing(message=thing(data=thing(nuncius=NOTE))))),
    r"/validate/$": st.just({}),
    r"POST /api/v0/submit_message/$": thing(uuid=WORDS),
}
"""The shapes that the facilities document, by the calls that they answer; anything else answers anything."""
CODES = st.sampled_from([200] * 12 + [201, 302, 400, 401, 404, 409, 422])
ANSWERS = st.fixed_dictionaries({call: st.tuples(CODES, shape) for call, shape in (SHAPES | {"": JSON}).items()})


class Babble(Fake):
    """Answers as drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[str, tuple[int, Any]] = {}

    def asks(self, _call: Call) -> bool:
        return False

    def handle(self, call: Call) -> Reply:
        if call.path.endswith("/login"):
            return Reply(200, {"access_token": "t"}, {"Set-Cookie": "session=s"})
        asked = f"{call.method} {call.path}"
        return Reply(*next(answer for pattern, answer in self.answers.items() if re.search(pattern, asked)))


class Closing(Adapter, Protocol):
    def close(self) -> None: ...


def adapters(url: str) -> tuple[Closing, ...]:
    here = HERE | {"url": url}
    lco = {"proposal": ocs.PROPOSAL, "instrument_type": "x", "telescope_class": "1m0"}
    bat = {"username": swift.USER, "science": "why", "exposure_reason": "so"}
    sky = {"allocation_id": skyportal.ALLOCATION}
    tm = {"username": treasure_map.USER, "instrument_id": treasure_map.INSTRUMENT}
    eso = {"username": "u", "container_id": 1, "block_id": 2, "phone": "+49 123", "notify": ["a@b.org"]}
    gem = {"program": gemini.PROGRAM, "email": gemini.EMAIL, "templates": {"": gemini.TEMPLATE}}
    return (
        Gemini(GeminiSettings.model_validate(here | gem), SecretStr(gemini.PASSWORD), FREELY),
        Ocs(OcsSettings.model_validate(here | lco), SecretStr(ocs.TOKEN), FREELY),
        Swift(SwiftSettings.model_validate(here | bat), SecretStr(swift.SECRET), FREELY),
        SkyPortal(SkyPortalSettings.model_validate(here | sky), SecretStr(skyportal.TOKEN), FREELY),
        TreasureMap(TreasureMapSettings.model_validate(here | tm), SecretStr(treasure_map.TOKEN), FREELY),
        EsoP2(EsoP2Settings.model_validate(here | eso), SecretStr(eso_p2.PASSWORD), FREELY),
        Hermes(HermesSettings.model_validate(here | {"submitter": "n"}), SecretStr(hermes.TOKEN), FREELY),
    )


@contextmanager
def babble() -> Iterator[tuple[Babble, tuple[Closing, ...]]]:
    fake = Babble()
    with running(fake) as url:
        made = adapters(url)
        yield fake, made
        for adapter in made:
            adapter.close()


@pytest.fixture(scope="module")
def there() -> Iterator[tuple[Babble, tuple[Closing, ...]]]:
    with babble() as made:
        yield made


@settings(deadline=None, max_examples=examples(25), suppress_health_check=[HealthCheck.too_slow])
@given(answers=ANSWERS)
def test_an_answer_of_any_shape_ends_in_a_status_or_in_again_later(
    there: tuple[Babble, tuple[Closing, ...]], answers: dict[str, tuple[int, Any]]
) -> None:
    fake, asked = there
    wanted = request(2, event_thread="lvk:S1", needs_approval=True)
    for adapter in asked:
        for call in (adapter.submit, adapter.cancel, adapter.look):
            fake.answers = answers
            try:
                status = call(wanted, "7")
                words = "" if status is None else status.detail
                assert status is None or decode(ToOStatus, encode(status)) == status
            except Retry as error:
                words = str(error)
            assert len(words) < 1500
            assert words.isprintable()
