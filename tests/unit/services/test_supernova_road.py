"""From the notices of a supernova's neutrinos to a telescope: two detectors, a person's yes, and a position later.

The shipped rules and policies; the packets are made here.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

import pytest
from road import decoded
from supernova import BURST, POINT, network, snews, super_k, taken_back
from too_night import Night
from voevents import GCN, packet, where

from nuncius.broker.matching.rules_toml import shipped_rules
from nuncius.broker.planning.policies_toml import shipped
from nuncius.broker.services.associating import Associating
from nuncius.broker.services.carrying import carrying
from nuncius.broker.services.facility_reader import read_packet
from nuncius.broker.services.ingest import Ingest
from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.packets import Packet
from nuncius.broker.services.planning import planners
from nuncius.broker.services.policy_filters import PolicyFilters
from nuncius.broker.services.reading import read
from nuncius.broker.services.runner import Work, drain
from nuncius.broker.services.worker import Worker
from nuncius.broker.sky import SkyMap
from nuncius.broker.transport import topics
from nuncius.filters import Names
from nuncius.producers.facility import Context
from nuncius.schemas import ToORequest, ToOStatus
from nuncius.schemas.vocabulary import RequestState, RunMode

NO_NAMES: Final = Names({}, frozenset())


@dataclass
class Road:
    """Ingest, associate, plan and deliver on one log; a telescope that is real at its end."""

    run_mode: RunMode = "live"
    night: Night = field(init=False)
    _open: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        self.night = self._open.enter_context(Night(now=BURST + timedelta(hours=1)))
        log, maps = self.night.log, MapShelf(self.night.log)
        self._ingest = Ingest(log, SkyMap.read, self.run_mode)
        associate = Worker(log, Associating(shipped_rules(), 36_500.0, maps))
        self._works: tuple[Work, ...] = (
            associate,
            *planners(log, shipped(), lambda some, maps: PolicyFilters(some, NO_NAMES, maps, {})),
            carrying(log, self.night.clock),
        )
        self._open.callback(self._ingest.close)
        for work in self._works:
            self._open.callback(work.close)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def come(self, *packets: bytes) -> None:
        """Packets, one after the other, each worked through to the end."""
        for payload in packets:
            one = Packet(payload, "a test", "", self.night.now)
            context = Context(source="a test", received_time=self.night.now, run_mode=self.run_mode)
            self._ingest.accept([read(one, context, read_packet)])
            self.work()

    def work(self) -> None:
        drain((*self._works, self.night.service))

    def yes(self) -> None:
        """Ana says yes to all that is asked now."""
        for one in self.wanted.values():
            self.night.says("Ana", "approved", one)
        self.work()

    @property
    def asked(self) -> list[ToORequest]:
        return decoded(self.night.log, topics.TOO_REQUESTS.name)

    @property
    def said(self) -> list[ToOStatus]:
        return decoded(self.night.log, topics.TOO_STATUS.name)

    @property
    def last(self) -> dict[str, ToORequest]:
        """The latest revision of each request."""
        return {one.request_id: one for one in self.asked}

    @property
    def wanted(self) -> dict[str, ToORequest]:
        """Those that are wanted; of a smaller group within a larger one a request is cancelled from the start."""
        return {ident: one for ident, one in self.last.items() if one.state == "proposed"}


@pytest.fixture
def road() -> Iterator[Road]:
    with Road() as made:
        yield made


TWO: Final = (snews("XENONnT", 0.0), snews("KamLAND", 0.4))


@pytest.mark.parametrize("one", [snews("XENONnT", 0.0), super_k(0.0), network("indiv")])
def test_one_notice_alone_asks_nobody(road: Road, one: bytes) -> None:
    road.come(one, one)
    road.yes()
    assert road.wanted == {}
    assert road.night.telescope.calls == []


def test_two_detectors_are_asked_for_at_once_and_wait_for_a_yes(road: Road) -> None:
    road.come(*TWO)
    assert {one.facility for one in road.asked} == {"ZTF", "DECam"}
    for one in road.asked:
        assert (one.state, one.ask, one.position) == ("proposed", "ready", None)
        assert (one.window_start, one.tiles) == (None, ())
        assert (one.needs_approval, one.preempt, one.reality) == (True, True, "real")
        assert one.event_time == BURST
        assert one.expires == BURST + timedelta(seconds=0.4, hours=168)
        assert "XENONnT with KamLAND" in one.reason
        assert "(once in 28 years)" in one.reason
        assert "no position is known yet" in one.reason
        assert len(one.follows) == 2
    assert road.night.telescope.calls == []
    road.yes()
    assert sorted(road.night.telescope.asked()) == sorted(one.idempotency_key for one in road.asked)


def test_a_third_detector_is_named_and_what_was_approved_stays_so(road: Road) -> None:
    road.come(*TWO)
    road.yes()
    road.come(snews("HALO", 3.0))
    assert {one.revision for one in road.wanted.values()} == {2}
    assert all("XENONnT with KamLAND and HALO" in one.reason for one in road.wanted.values())
    assert len(road.night.telescope.asked()) == 2


def test_a_position_revises_the_request_and_waits_for_a_yes_of_its_own(road: Road) -> None:
    road.come(*TWO)
    road.yes()
    first = road.wanted
    road.come(super_k(2.0))
    placed = next(one for one in road.wanted.values() if one.facility == "DECam")
    assert placed.request_id in first
    assert (placed.revision, placed.state, placed.ask) == (2, "proposed", "pointing")
    assert placed.position == pytest.approx((*POINT, 0.9), rel=1e-3)
    assert placed.window_start is not None
    assert "Cerro Tololo" in placed.reason
    assert "Super-Kamiokande" in placed.reason
    assert placed.idempotency_key not in road.night.telescope.asked()
    assert road.night.telescope.holds[placed.request_id] == 1
    road.yes()
    assert road.night.telescope.holds[placed.request_id] == 2


def test_a_retraction_takes_it_back_everywhere(road: Road) -> None:
    road.come(*TWO)
    road.yes()
    assert len(road.night.telescope.holds) == 2
    road.come(taken_back("KamLAND"))
    assert {one.state for one in road.last.values()} == {"cancelled"}
    assert road.night.telescope.holds == {}


def test_a_position_that_is_taken_back_leaves_the_request_without_one(road: Road) -> None:
    road.come(*TWO, snews("HALO", 3.0), super_k(2.0))
    gone = packet(
        f"{GCN}SK_SN#Event_gone_000001-2",
        date="2031-02-03T05:00:00",
        values={"Trigger_Number": 10070},
        cites=[("retraction", f"{GCN}SK_SN#Event_2031-02-03T04:05:08_000001-1")],
        sky=where(time="2031-02-03T04:05:08", ra=None),
    )
    road.come(gone)
    assert len(road.wanted) == 2
    assert {(one.ask, one.position) for one in road.wanted.values()} == {("ready", None)}


def test_an_earlier_detector_that_comes_late_takes_over_with_the_yes(road: Road) -> None:
    road.come(*TWO)
    road.yes()
    road.come(snews("HALO", -1.0))
    taken_over = [one for one in road.last.values() if one.state == "cancelled" and one.revision == 2]
    fresh = list(road.wanted.values())
    assert len(taken_over) == len(fresh) == 2
    assert all("superseded by" in one.reason for one in taken_over)
    assert road.night.telescope.holds == {one.request_id: 1 for one in fresh}
    said = [one for one in road.said if one.request_id in road.wanted and one.state == "approved"]
    assert [(one.who, one.adapter, one.detail.split()[:2]) for one in said] == [("Ana", "person", ["said", "of"])] * 2


def test_one_that_brings_a_position_asks_for_something_else_and_waits(road: Road) -> None:
    road.come(*TWO)
    road.yes()
    road.come(super_k(-1.0))
    assert all(one.position is not None for one in road.wanted.values())
    assert road.night.telescope.holds == {}


@pytest.mark.parametrize("word", [None, "rejected"])
def test_without_a_yes_to_the_smaller_group_the_larger_one_waits(road: Road, word: RequestState | None) -> None:
    road.come(*TWO)
    for one in road.wanted.values() if word is not None else ():
        road.night.says("Ana", "rejected", one)
    road.come(snews("HALO", -1.0))
    assert len(road.wanted) == 2
    assert road.night.telescope.asked() == []


@pytest.mark.parametrize("mark", [{"is_test": True}, {"is_firedrill": True}, {"is_test": "True"}])
def test_tests_and_fire_drills_ask_nobody_whatever_a_person_says(road: Road, mark: dict[str, Any]) -> None:
    road.come(snews("XENONnT", 0.0, **mark), snews("KamLAND", 0.4, **mark), super_k(1.0, "test"))
    road.yes()
    assert road.asked == []


def test_the_networks_own_coincidence_is_enough_and_waits_for_a_yes(road: Road) -> None:
    road.come(network("coinc"))
    assert {(one.policy, one.ask) for one in road.wanted.values()} == {("galactic-supernova-network", "ready")}
    assert road.night.telescope.calls == []
    road.yes()
    assert len(road.night.telescope.holds) == 2


def test_a_test_of_the_network_asks_nobody(road: Road) -> None:
    road.come(network("coinc", "test"))
    road.yes()
    assert road.night.telescope.calls == []


def test_one_detector_and_a_drill_of_another_are_not_two(road: Road) -> None:
    road.come(snews("XENONnT", 0.0), snews("KamLAND", 0.4, is_firedrill=True))
    assert road.asked == []


@pytest.mark.parametrize("run_mode", ["drill", "replay", "demo"])
def test_what_is_not_live_reaches_no_real_adapter(run_mode: RunMode) -> None:
    with Road(run_mode) as road:
        road.come(*TWO, super_k(2.0))
        road.yes()
        assert {one.run_mode for one in road.asked} == {run_mode}
        assert road.night.telescope.calls == []


def test_what_is_over_reaches_nobody(road: Road) -> None:
    road.night.now = BURST + timedelta(hours=169)
    road.come(*TWO)
    road.yes()
    assert road.night.telescope.calls == []


@pytest.mark.alerts
def test_the_networks_packet_that_was_published(road: Road, alerts_dir: Path) -> None:
    name = "neutrino/voevent-archive/nasa.gsfc.gcn_SNEWS/Event2019-04-02T16:00:01.00_1000222-635.xml"
    packet = (alerts_dir / name).read_bytes()
    road.night.now = datetime(2019, 4, 2, 17, tzinfo=UTC)
    road.come(packet)
    assert road.asked == []
    marks = [(b'role="test"', b'role="observation"'), (b'"Test" value="true"', b'"Test" value="false"')]
    road.come(live(packet, *marks))
    assert {(one.ask, one.event_time) for one in road.wanted.values()} == {
        ("ready", datetime(2019, 4, 2, 16, 0, 1, tzinfo=UTC))
    }


def live(payload: bytes, *changes: tuple[bytes, bytes]) -> bytes:
    """A real packet with its mark of a test, and its times, changed."""
    for old, new in changes:
        assert old in payload
        payload = payload.replace(old, new)
    return payload


@pytest.mark.alerts
def test_packets_that_facilities_published(road: Road, alerts_dir: Path) -> None:
    folder = alerts_dir / "neutrino"
    names = (
        "snews/example_coincidence_tier_message.json",
        "snews/example_significance_tier_message.json",
        "voevent-archive/nasa.gsfc.gcn_SK_SN/Event_2022-09-30T23:05:52.24_000001-659.xml",
    )
    xenon, kamland, superk = ((folder / name).read_bytes() for name in names)
    road.night.now = datetime(2022, 10, 1, 1, tzinfo=UTC)
    road.come(xenon, kamland, superk)
    assert road.asked == []
    real, day = (b'"True"', b'"False"'), b"2022-06-14T"
    xenon = live(xenon, real, (day + b"14:50:12.345275", b"2022-09-30T23:05:51.345275"), (day, b"2022-10-01T"))
    kamland = live(kamland, real, (day + b"14:21:50.345275", b"2022-09-30T23:05:51.900000"), (day, b"2022-10-01T"))
    road.come(xenon, kamland)
    assert {one.ask for one in road.wanted.values()} == {"ready"}
    road.come(live(superk, (b'role="test"', b'role="observation"')))
    positions = [one.position for one in road.last.values() if one.facility == "ZTF" and one.revision == 2]
    assert positions == [pytest.approx((270.8199, 31.46, 0.9), rel=1e-3)]
