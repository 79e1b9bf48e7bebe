"""Every adapter with a fake of its facility behind it, for the laws that hold for all."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from fakes import eso_p2, gemini, hermes, ocs, skyportal, swift, treasure_map
from fakes.observatory import Observatory, at_work
from fakes.server import Fake, running
from lxml import etree
from pydantic import SecretStr
from too_cases import request
from too_server import SECRET, facility
from too_tiles import tile

from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.local import open_local
from nuncius.broker.transport.topics import Topic
from nuncius.consumers.adapter import Adapter
from nuncius.consumers.recorder import Recorder
from nuncius.consumers.too.door import Allowance
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
from nuncius.consumers.too.treasure_map_rows import TreasureMapSettings, mark
from nuncius.consumers.too.voevent_drop import VoEventDrop, VoEventDropSettings
from nuncius.consumers.too.voevent_topic import VoEventTopic
from nuncius.consumers.too.voevent_topic_settings import VoEventTopicSettings
from nuncius.consumers.webhook import Webhook
from nuncius.schemas import ToORequest

FREELY = Allowance(calls=10_000, within_s=1.0)
HERE: dict[str, Any] = {"allowed_hosts": ["127.0.0.1"], "timeout_s": 20.0}


class Behind(Protocol):
    """What a facility did: the keys it acted on, and the revision of each request that it holds."""

    @property
    def executed(self) -> list[str]: ...

    @property
    def orders(self) -> dict[str, int]: ...


@dataclass
class Case:
    """An adapter and the facility behind it.

    Attributes
    ----------
    behind
        None where nobody is asked.
    fake
        The same, where it can make trouble.
    secret
        What must show up nowhere.
    needs
        What a request must have for this facility.
    takes_back
        Whether its API can change and withdraw what was asked.
    tells
        Whether it can be asked what stands there, so that a lost answer is no end.
    blind
        Whether it cannot even be asked whether anything was begun: to take back what may stand is for a person.
    asks_for_a_name
        Whether a good answer must name what stands there.
    """

    adapter: Adapter
    behind: Behind | None
    fake: Fake | None = None
    secret: str = SECRET
    needs: dict[str, Any] | None = None
    takes_back: bool = True
    tells: bool = True
    blind: bool = False
    asks_for_a_name: bool = True

    def asked(self, revision: int = 1, ident: str = "r", **changed: Any) -> ToORequest:
        return request(revision, ident, **((self.needs or {}) | changed))


class Files:
    """What lies in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _keys(self, action: str) -> list[str]:
        read = [etree.parse(path) for path in self.folder.glob(f"*.{action}.xml")]
        return [str(one.xpath("string(.//Param[@name='idempotency_key']/@value)")) for one in read]

    @property
    def executed(self) -> list[str]:
        return sorted(self._keys("request"))

    @property
    def orders(self) -> dict[str, int]:
        last: dict[str, int] = {}
        for key in self._keys("request"):
            last[re.sub(r"/\d+$", "", key)] = max(int(key.rpartition("/")[2]), last.get(key.rpartition("/")[0], 0))
        gone = {key.rpartition("/")[0]: int(key.rpartition("/")[2]) for key in self._keys("cancel")}
        return {ident: revision for ident, revision in last.items() if gone.get(ident, 0) < revision}


@dataclass
class Announced:
    """The Treasure Map knows no keys: what stands is told by the mark of a request, and one tile a revision."""

    map: treasure_map.Map

    @property
    def executed(self) -> list[str]:
        return [f"r/{self._revision(row)}" for row in self.map.rows.values() if self._is_ours(row)]

    @property
    def orders(self) -> dict[str, int]:
        rows = [row for row in self.map.rows.values() if self._is_ours(row) and row["status"] == "planned"]
        return dict.fromkeys(("r",) if rows else (), max(map(self._revision, rows), default=0))

    @staticmethod
    def _is_ours(row: dict[str, Any]) -> bool:
        return datetime.fromisoformat(row["time"]).microsecond == mark("r")

    @staticmethod
    def _revision(row: dict[str, Any]) -> int:
        return round(float(row["position"].partition("(")[2].split()[0])) % 360 - 100


class Tiled(Case):
    """Each revision is a field of its own: at 101 degrees for the first, and so on."""

    def asked(self, revision: int = 1, ident: str = "r", **changed: Any) -> ToORequest:
        return super().asked(revision, ident, **({"tiles": (tile(1, 100.0 + revision),)} | changed))


@contextmanager
def recorder() -> Iterator[Case]:
    yield Case(Recorder(), None)


@contextmanager
def webhook() -> Iterator[Case]:
    with facility() as (state, url):
        hook = Webhook(url, secret=SECRET, allowed_hosts=frozenset({"127.0.0.1"}))
        yield Case(hook, state)
        hook.close()


@contextmanager
def voevent() -> Iterator[Case]:
    with TemporaryDirectory() as folder:
        yield Case(
            VoEventDrop(VoEventDropSettings(folder=Path(folder), name="voevent", authority="nuncius")),
            Files(Path(folder)),
        )


@contextmanager
def voevent_topic() -> Iterator[Case]:
    log = open_local(None, utc_now)
    topics = ("too.requests.imager", "too.status.imager")
    log.create([Topic(name=name) for name in topics])
    telescope = Observatory()
    adapter = VoEventTopic(VoEventTopicSettings(servers="kafka.example:9092", wait_s=5.0), lambda: log)
    with at_work(telescope, log, *topics):
        yield Case(adapter, telescope)
    adapter.close()
    log.close()


@contextmanager
def lco() -> Iterator[Case]:
    portal = ocs.Portal()
    with running(portal) as url:
        known = {
            "url": url,
            "proposal": ocs.PROPOSAL,
            "instrument_type": "1M0-SCICAM-SINISTRO",
            "telescope_class": "1m0",
        }
        adapter = Ocs(OcsSettings.model_validate(HERE | known), SecretStr(ocs.TOKEN), FREELY)
        yield Case(adapter, portal, portal, ocs.TOKEN, {"filter": "rp"})
        adapter.close()


@contextmanager
def swift_too() -> Iterator[Case]:
    api = swift.SwiftApi()
    with running(api) as url:
        known = {"url": f"{url}/api/v4", "username": swift.USER, "science": "why", "exposure_reason": "why so long"}
        adapter = Swift(SwiftSettings.model_validate(HERE | known), SecretStr(swift.SECRET), FREELY)
        yield Case(adapter, api, api, swift.SECRET, takes_back=False, tells=False, blind=True)
        adapter.close()


@contextmanager
def treasure() -> Iterator[Case]:
    state = treasure_map.Map()
    with running(state) as url:
        known = {"url": f"{url}/api/v1", "username": treasure_map.USER, "instrument_id": treasure_map.INSTRUMENT}
        read = TreasureMapSettings.model_validate(HERE | known | {"bands": {"ip": "i"}})
        adapter = TreasureMap(read, SecretStr(treasure_map.TOKEN), FREELY)
        yield Tiled(adapter, Announced(state), state, treasure_map.TOKEN, {"event_thread": "lvk:S170817"})
        adapter.close()


@contextmanager
def sky_portal() -> Iterator[Case]:
    portal = skyportal.Portal()
    with running(portal) as url:
        known = {"url": url, "allocation_id": skyportal.ALLOCATION, "group_ids": [skyportal.TEAM]}
        adapter = SkyPortal(SkyPortalSettings.model_validate(HERE | known), SecretStr(skyportal.TOKEN), FREELY)
        yield Case(adapter, portal, portal, skyportal.TOKEN, {"filter": "sdssr"})
        adapter.close()


@contextmanager
def eso() -> Iterator[Case]:
    api = eso_p2.P2()
    with running(api) as url:
        known = {"url": url, "username": eso_p2.USER, "container_id": eso_p2.RUN, "block_id": eso_p2.TEMPLATE}
        read = EsoP2Settings.model_validate(HERE | known | {"phone": "+49 123 4567", "notify": ["night@example.org"]})
        adapter = EsoP2(read, SecretStr(eso_p2.PASSWORD), FREELY)
        yield Case(
            adapter,
            api,
            api,
            eso_p2.PASSWORD,
            {"needs_approval": True},
            takes_back=False,
            tells=False,
            asks_for_a_name=False,
        )
        adapter.close()


@contextmanager
def gemini_too() -> Iterator[Case]:
    database = gemini.Database()
    with running(database) as url:
        known = {"url": url, "program": gemini.PROGRAM, "email": gemini.EMAIL, "templates": {"": gemini.TEMPLATE}}
        adapter = Gemini(GeminiSettings.model_validate(HERE | known), SecretStr(gemini.PASSWORD), FREELY)
        yield Case(adapter, database, database, gemini.PASSWORD, takes_back=False, tells=False, blind=True)
        adapter.close()


@contextmanager
def hopskotch() -> Iterator[Case]:
    service = hermes.Service()
    with running(service) as url:
        known = {"url": url, "topic": hermes.TOPIC, "submitter": "Nuncius"}
        adapter = Hermes(HermesSettings.model_validate(HERE | known), SecretStr(hermes.TOKEN), FREELY)
        yield Case(adapter, service, service, hermes.TOKEN)
        adapter.close()


Made = Callable[[], AbstractContextManager[Case]]
TAKE_BACK: tuple[Made, ...] = (lco, treasure, sky_portal, hopskotch)
VENDORS: tuple[Made, ...] = (*TAKE_BACK, swift_too, eso, gemini_too)
ADAPTERS: tuple[Made, ...] = (recorder, webhook, voevent, voevent_topic, *VENDORS)
