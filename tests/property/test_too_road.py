"""From the bytes of a notice to a telescope: only what is real, live, unexpired and approved is ever asked for.

Every policy here acts on every reality, and a telescope that is real stands at the end of the whole road.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson
from how_many import examples
from hypothesis import example, given, settings
from hypothesis import strategies as st
from road import decoded
from supernova import BURST, snews
from too_night import Night

from nuncius.broker.matching.rules_toml import shipped_rules
from nuncius.broker.planning.policies_toml import load_policies
from nuncius.broker.services.associating import Associating
from nuncius.broker.services.facility_reader import read_packet
from nuncius.broker.services.ingest import Ingest
from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.packets import Packet
from nuncius.broker.services.planning import planners
from nuncius.broker.services.policy_filters import PolicyFilters
from nuncius.broker.services.reading import read
from nuncius.broker.services.runner import drain
from nuncius.broker.services.worker import Worker
from nuncius.broker.sky import SkyMap
from nuncius.broker.transport import topics
from nuncius.consumers.voevent import to_voevent
from nuncius.filters import Names
from nuncius.producers import parse
from nuncius.producers.facility import Context
from nuncius.schemas import ToORequest
from nuncius.schemas.vocabulary import RunMode

EVENT: Final = datetime(2031, 2, 3, 4, 5, 6, 700_000, UTC)
BEFORE_S: Final = (EVENT - BURST).total_seconds()
DATA: Final = Path(__file__).parents[1] / "data" / "producers"
TRACK: Final = (DATA / "icecube.gold.xml").read_bytes()
GROUND: Final[dict[str, Any]] = orjson.loads((DATA / "fermi_gbm_json.ground.json").read_bytes())

COMMON: Final = """
source = "a test"
realities = ["real", "test", "injection", "archival", "planned", "prediction", "commanded"]
facility = "anybody"
sites = ["Las Campanas", "Palomar"]
min_altitude_deg = 10.0
sun_altitude_max_deg = -6.0
expires_h = 30.0
exposure_s = 30.0
"""
NO_NAMES: Final = Names({}, frozenset())
POLICIES: Final = f"""
[[policy]]
name = "alert"
filter = "a"
cause = "alert"
messengers = ["photon", "neutrino", "gravitational_wave", "cosmic_ray"]
approval = APPROVAL
{COMMON}
[[policy]]
name = "pair"
filter = "b"
cause = "coincidence"
rules = ["gw-cbc-grb"]
where = "dt_s < 100"
approval = APPROVAL
{COMMON}
[[policy]]
name = "burst"
filter = "c"
cause = "coincidence"
rules = ["supernova-neutrinos"]
where = "dt_s < 100"
without_position = true
approval = APPROVAL
{COMMON}
"""


@dataclass(frozen=True)
class Sent:
    """Packets, and the policies for which they give a cause that the sky did."""

    packets: tuple[bytes, ...]
    causes: frozenset[str]
    words: str


def only(name: str, *, real: bool) -> frozenset[str]:
    return frozenset({name}) if real else frozenset()


def gbm(tense: object, **more: Any) -> bytes:
    notice = GROUND | {"alert_tense": tense, "alert_type": "initial"} | more
    if tense == "left out":
        del notice["alert_tense"]
    return orjson.dumps(notice)


def unified(tense: object) -> Sent:
    return Sent((gbm(tense),), only("alert", real=tense == "current"), f"GCN, alert_tense {tense!r}")


def track(role: str, test: str) -> Sent:
    packet = TRACK.replace(b'role="observation"', f'role="{role}"'.encode() if role else b"")
    packet = packet.replace(b'name="Test" value="false"', f'name="Test" value="{test}"'.encode())
    real = role in {"observation", ""} and test == "false"
    return Sent((packet,), only("alert", real=real), f"VOEvent, role {role!r}, Test {test!r}")


def wave(name: str, search: str = "AllSky") -> bytes:
    event = {"time": EVENT.isoformat(), "far": 1e-12, "significant": True, "instruments": ["H1", "L1"], "group": "CBC"}
    event |= {"pipeline": "gstlal", "search": search, "properties": {}, "classification": {"BNS": 1.0}}
    notice = {"superevent_id": name, "alert_type": "PRELIMINARY", "time_created": "2031-02-03T04:06:00Z", "urls": {}}
    return orjson.dumps(notice | {"external_coinc": None, "event": event})


def pair(name: str, search: str, tense: object) -> Sent:
    """A merger without a map, and a burst with a place in the same seconds; mixed they are never joined."""
    merger, burst = name.startswith("S") and search != "MDC", tense == "current"
    causes = only("alert", real=burst) | only("pair", real=merger and burst)
    return Sent((wave(name, search), gbm(tense)), causes, f"LVK {name} {search} with GCN {tense!r}")


def burst(first: Mapping[str, Any], second: Mapping[str, Any], apart_s: float) -> Sent:
    """Two detectors of a supernova's neutrinos, without a position; further apart than 10 s they are two events."""
    packets = (snews("XENONnT", BEFORE_S - apart_s, **first), snews("KamLAND", BEFORE_S, **second))
    real = apart_s <= 10.0 and not any(mark in MOCK for mark in (first, second))
    return Sent(packets, only("burst", real=real), f"SNEWS {first} and {second}, {apart_s} s apart")


def ours(reality: str, run_mode: str) -> Sent:
    """What another Nuncius passes on."""
    alert = replace(parse(gbm("current")), reality=reality, run_mode=run_mode)  # type: ignore[arg-type]  # words of a test
    return Sent(
        (to_voevent(alert),),
        only("alert", real=(reality, run_mode) == ("real", "live")),
        f"VOEvent of ours, {reality}, {run_mode}",
    )


MOCK: Final[tuple[dict[str, Any], ...]] = (
    {"is_test": True},
    {"is_test": "no"},
    {"is_firedrill": True},
    {"is_test": None},
)
MARKS = st.sampled_from([{}, {}, *MOCK])
REALITIES = ("real", "test", "injection", "archival", "planned", "prediction", "commanded")
RUN_MODES: tuple[RunMode, ...] = ("live", "replay", "demo", "drill")
TENSES = st.sampled_from(
    ["current", "archival", "planned", "injection", "commanded", "test", "Current", "drill", "", None, 1, "left out"]
)
SENT = st.one_of(
    st.builds(unified, TENSES),
    st.builds(
        track,
        st.sampled_from(["observation", "test", "prediction", "utility", "Observation", "drill", ""]),
        st.sampled_from(["false", "true", "True", "1"]),
    ),
    st.builds(
        pair, st.sampled_from(["S310203z", "MS310203z", "TS310203z"]), st.sampled_from(["AllSky", "MDC"]), TENSES
    ),
    st.builds(burst, MARKS, MARKS, st.sampled_from([0.0, 0.4, 9.9, 10.1])),
    st.builds(ours, st.sampled_from(REALITIES), st.sampled_from(RUN_MODES)),
)


def asked_for(sent: Sent, run_mode: RunMode, hours: float, *, approval: bool, yes: bool) -> list[ToORequest]:
    """What the telescope was asked for, so many hours after the event."""
    asked: list[ToORequest] = []
    with ExitStack() as stack:
        night = stack.enter_context(Night(now=EVENT + timedelta(hours=hours)))
        night.telescope.meanwhile = asked.append
        maps = MapShelf(night.log)
        policies = load_policies(POLICIES.replace("APPROVAL", str(approval).lower()))
        associate = Worker(night.log, Associating(shipped_rules(), 36_500.0, maps))
        planning = planners(night.log, policies, lambda own, shelf: PolicyFilters(own, NO_NAMES, shelf, {}))
        ingest = Ingest(night.log, SkyMap.read, run_mode)
        for close in (associate.close, *(lane.close for lane in planning), ingest.close):
            stack.callback(close)
        for payload in sent.packets:
            packet = Packet(payload, "a test", "", night.now)
            context = Context(source="a test", received_time=night.now, run_mode=run_mode)
            ingest.accept([read(packet, context, read_packet)])
        drain((associate, *planning, night.service))
        if yes:
            for one in decoded(night.log, topics.TOO_REQUESTS.name):
                night.says("Ana", "approved", one)
            drain((night.service,))
    return asked


@settings(max_examples=examples(25), deadline=None)
@given(
    sent=SENT,
    run_mode=st.sampled_from(("live", "live", *RUN_MODES)),
    hours=st.sampled_from([1.0, 1.0, 29.9, 30.0, 400.0]),
    approval=st.booleans(),
    yes=st.booleans(),
)
@example(sent=unified("current"), run_mode="live", hours=29.9, approval=False, yes=False)
@example(sent=unified("current"), run_mode="live", hours=30.0, approval=False, yes=False)
@example(sent=unified("current"), run_mode="live", hours=1.0, approval=True, yes=False)
@example(sent=unified("current"), run_mode="drill", hours=1.0, approval=True, yes=True)
@example(sent=ours("real", "replay"), run_mode="live", hours=1.0, approval=False, yes=True)
@example(sent=ours("injection", "live"), run_mode="live", hours=1.0, approval=False, yes=True)
@example(sent=track("observation", "True"), run_mode="live", hours=1.0, approval=False, yes=True)
@example(sent=track("drill", "false"), run_mode="live", hours=1.0, approval=False, yes=True)
@example(sent=pair("S310203z", "AllSky", "current"), run_mode="live", hours=1.0, approval=True, yes=True)
@example(sent=burst({}, {}, 0.4), run_mode="live", hours=29.9, approval=True, yes=True)
@example(sent=burst({}, {}, 0.4), run_mode="live", hours=29.9, approval=True, yes=False)
@example(sent=burst({}, {}, 0.4), run_mode="drill", hours=1.0, approval=True, yes=True)
@example(sent=burst({}, {"is_firedrill": True}, 0.4), run_mode="live", hours=1.0, approval=False, yes=True)
@example(sent=track("observation", "true"), run_mode="live", hours=1.0, approval=False, yes=True)
@example(sent=pair("S310203z", "AllSky", "injection"), run_mode="live", hours=1.0, approval=False, yes=True)
def test_a_telescope_is_asked_for_what_is_real_live_unexpired_and_approved_alone(
    sent: Sent,
    run_mode: RunMode,
    hours: float,
    approval: bool,  # noqa: FBT001  a parameter of cases
    yes: bool,  # noqa: FBT001  as above
) -> None:
    asked = asked_for(sent, run_mode, hours, approval=approval, yes=yes)
    may = run_mode == "live" and hours < 30.0 and (yes or not approval)
    assert {one.policy for one in asked} == (sent.causes if may else set()), sent.words
    for one in asked:
        assert (one.reality, one.run_mode, one.state) == ("real", "live", "proposed")
