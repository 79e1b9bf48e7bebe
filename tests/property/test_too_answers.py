"""Whatever a facility answers, an adapter says what became of the request, or that it must be asked again later."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import pytest
from fakes import eso_p2, hermes, ocs, skyportal, swift, treasure_map
from fakes.server import Call, Fake, Reply, running
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from too_cases import request
from too_doors import FREELY, HERE

from nuncius.consumers.adapter import Adapter
from nuncius.consumers.too.eso_p2 import EsoP2
from nuncius.consumers.too.eso_p2_block import EsoP2Settings
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
CODES = st.sampled_from([200, 200, 200, 201, 204, 302, 400, 401, 404, 409, 422])


class Babble(Fake):
    """Answers as drawn, the last answer for ever."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[tuple[int, Any]] = []

    def asks(self, _call: Call) -> bool:
        return False

    def handle(self, call: Call) -> Reply:
        if call.path.endswith("/login"):
            return Reply(200, {"access_token": "t"}, {"Set-Cookie": "session=s"})
        code, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return Reply(code, None if code == 204 else body)


class Closing(Adapter, Protocol):
    def close(self) -> None: ...


def adapters(url: str) -> tuple[Closing, ...]:
    here = HERE | {"url": url}
    lco = {"proposal": ocs.PROPOSAL, "instrument_type": "x", "telescope_class": "1m0"}
    bat = {"username": swift.USER, "science": "why", "exposure_reason": "so"}
    sky = {"allocation_id": skyportal.ALLOCATION}
    tm = {"username": treasure_map.USER, "instrument_id": treasure_map.INSTRUMENT}
    eso = {"username": "u", "container_id": 1, "block_id": 2, "phone": "+49 123", "notify": ["a@b.org"]}
    return (
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


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(answers=st.lists(st.tuples(CODES, JSON), min_size=1, max_size=6))
def test_an_answer_of_any_shape_ends_in_a_status_or_in_again_later(
    there: tuple[Babble, tuple[Closing, ...]], answers: list[tuple[int, Any]]
) -> None:
    fake, asked = there
    wanted = request(2, event_thread="lvk:S1", needs_approval=True)
    for adapter in asked:
        for call in (adapter.submit, adapter.cancel, adapter.look):
            fake.answers = list(answers)
            try:
                status = call(wanted, "7")
                words = "" if status is None else status.detail
                assert status is None or decode(ToOStatus, encode(status)) == status
            except Retry as error:
                words = str(error)
            assert len(words) < 1500
            assert words.isprintable()
