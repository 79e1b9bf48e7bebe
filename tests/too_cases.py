"""Causes and requests for the tests of planning and delivery: the GW170817 evening, and variations on it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from nuncius.broker.planning.engine import Inputs, Planner
from nuncius.broker.planning.policies_toml import load_policies
from nuncius.broker.planning.policy import Policies
from nuncius.schemas import (
    Alert,
    CandidateList,
    Coincidence,
    Cone,
    Counterpart,
    Localization,
    Member,
    ObservationReport,
    Significance,
    ToORequest,
)

MERGER = datetime(2017, 8, 17, 12, 41, 4, 430000, tzinfo=UTC)
MAP_OUT = datetime(2017, 8, 17, 17, 54, 51, tzinfo=UTC)
AT2017GFO = (197.450354, -23.381484)
"""doi:10.1126/science.aap9811"""
TXS = (77.358185, 5.693148)

POLICIES = """
[[policy]]
name = "pair"
source = "a test"
cause = "coincidence"
rules = ["gw-grb"]
max_expected_by_chance = 0.01
max_joint_far_hz = 1e-8
max_area_deg2 = 500.0
facility = "imager"
sites = ["Las Campanas"]
expires_h = 72.0
exposure_s = 60.0
max_airmass = 2.5
sun_altitude_max_deg = -12.0

[[policy]]
name = "candidate"
source = "a test"
cause = "candidate_list"
rules = ["gw-optical"]
realities = ["real", "injection"]
max_expected_by_chance = 10.0
max_rank = 2
facility = "spectrograph"
sites = ["Palomar", "Las Campanas"]
expires_h = 72.0
exposure_s = 1800.0
max_airmass = 2.5
sun_altitude_max_deg = -12.0

[[policy]]
name = "track"
source = "a test"
cause = "alert"
messengers = ["neutrino"]
event_classes = ["neutrino_track"]
min_p_astro = 0.3
max_radius_deg = 3.8
facility = "imager"
sites = ["Palomar"]
expires_h = 24.0
exposure_s = 300.0
max_airmass = 2.0
approval = false

[[policy]]
name = "burst"
source = "a test"
cause = "coincidence"
rules = ["supernova-neutrinos"]
max_joint_far_hz = 1e-8
without_position = true
facility = "imager"
sites = ["Las Campanas"]
expires_h = 168.0
exposure_s = 30.0
max_airmass = 2.5
"""


def wide_camera(name: str, instrument: str = "") -> str:
    """The table of a telescope with a square field of two degrees."""
    return f"""
[[telescope]]
name = "{name}"
sites = ["Las Campanas"]
instrument = "{instrument}"
width_deg = 2.0
height_deg = 2.0
slew_deg_s = 1.0
settle_s = 5.0
readout_s = 10.0
max_airmass = 3.0
sun_altitude_max_deg = -12.0
source = "a test"
"""


def wide_tiles(*, most: int, hours: float) -> str:
    """`wide_camera` ``wide``, and a policy that asks it for so many fields over any gravitational-wave map."""
    return f"""{wide_camera("wide")}
[[policy]]
name = "tiles"
source = "a test"
cause = "alert"
messengers = ["gravitational_wave"]
facility = "wide"
ask = "tiles"
tiles_max = {most}
expires_h = {hours}
exposure_s = 60.0
max_airmass = 2.5
"""


def policies() -> Policies:
    return load_policies(POLICIES)


def alert(alert_id: str, thread_id: str, at: tuple[float, float] | None, radius: float = 1.0, **changed: Any) -> Alert:
    places = () if at is None else (Localization(Cone(at[0], at[1], radius)),)
    known: dict[str, Any] = {
        "kind": "initial",
        "reality": "real",
        "messenger": "photon",
        "facility": "Fermi",
        "event_class": "grb",
        "time_start": MERGER,
        "issued_time": MAP_OUT,
        "localizations": places,
    }
    return Alert(alert_id=alert_id, thread_id=thread_id, native_id=alert_id, **(known | changed))


GW = alert("gw-1", "lvk:S170817", AT2017GFO, 3.0, messenger="gravitational_wave", facility="LVK", event_class="cbc")
GRB = alert("grb-1", "fermi-gbm:1", (176.8, -39.8), 18.0)
GRB_SWIFT = alert("grb-2", "swift-bat:2", AT2017GFO, 0.2, facility="Swift")
TRACK = alert(
    "nu-1",
    "icecube:1_1",
    TXS,
    0.5,
    messenger="neutrino",
    facility="IceCube",
    event_class="neutrino_track",
    p_astro=0.565,
    time_start=datetime(2017, 9, 22, 20, 54, 30, tzinfo=UTC),
    issued_time=datetime(2017, 9, 22, 20, 55, 13, tzinfo=UTC),
)


def member(one: Alert, **changed: Any) -> Member:
    known = Member(
        event_id=one.thread_id,
        threads=(one.thread_id,),
        alert_ids=(one.alert_id,),
        facility=one.facility,
        event_class=one.event_class,
        time=one.time_start,
    )
    return replace(known, **changed)


NOWHERE: dict[str, Any] = {
    "ra": None,
    "dec": None,
    "radius_deg": None,
    "ask": "ready",
    "tiles": (),
    "window_start": None,
    "window_stop": None,
}
"""Of a request whose position is not known yet."""

REAL_NULL = Significance(null="unrelated_real", method="untargeted", expected_by_chance=1.8e-6)
NOISE_NULL = Significance(null="noise_pair", method="untargeted", joint_far_hz=1e-9)


def coincidence(revision: int = 1, **changed: Any) -> Coincidence:
    known = Coincidence(
        coincidence_id="gw-grb of S170817",
        revision=revision,
        state="active",
        rule="gw-grb",
        rule_source="a test",
        anchor=member(GW),
        reality="real",
        run_mode="live",
        partner=member(GRB),
        dt_s=2.03,
        overlap=32.3,
        significance=REAL_NULL,
        issued_time=MAP_OUT,
    )
    return replace(known, **changed)


def counterpart(name: str, at: tuple[float, float], **changed: Any) -> Counterpart:
    known = Counterpart(
        rule="gw-optical",
        event_thread=GW.thread_id,
        event_alert_id=GW.alert_id,
        arm="on",
        alert_id=f"{name}-1",
        thread_id=name,
        survey="ztf",
        reality="real",
        run_mode="live",
        ra=at[0],
        dec=at[1],
        time=MERGER + timedelta(hours=11),
        first_time=MERGER + timedelta(hours=11),
        credible_level=0.4,
        probdensity_per_sr=100.0,
    )
    return replace(known, **changed)


def candidate_list(revision: int = 1, **changed: Any) -> CandidateList:
    known = CandidateList(
        list_id="gw-optical of S170817",
        revision=revision,
        state="active",
        rule="gw-optical",
        rule_source="a test",
        reality="real",
        run_mode="live",
        event_thread=GW.thread_id,
        event_alert_id=GW.alert_id,
        candidates=(counterpart("ztf:at2017gfo", AT2017GFO),),
        passed=1,
        expected_by_chance=0.5,
        issued_time=MERGER + timedelta(hours=11),
    )
    return replace(known, **changed)


def request(revision: int = 1, ident: str = "r", **changed: Any) -> ToORequest:
    """A request that a telescope may get, until changed; each revision asks for something else."""
    known = ToORequest(
        request_id=ident,
        revision=revision,
        state="proposed",
        policy="pair",
        facility="imager",
        cause_id="c",
        cause_kind="coincidence",
        target_name="AT2017gfo",
        ra=AT2017GFO[0],
        dec=AT2017GFO[1],
        radius_deg=0.0,
        window_start=MERGER + timedelta(hours=11),
        window_stop=MERGER + timedelta(hours=13),
        exposure_s=60.0 + revision,
        needs_approval=False,
        reality="real",
        run_mode="live",
        expires=MERGER + timedelta(hours=72),
        reason="a test",
        idempotency_key=f"{ident}/{revision}",
        issued_time=MAP_OUT,
    )
    return replace(known, **changed)


def inputs(*records: Coincidence | CandidateList | Alert | ObservationReport) -> Inputs:
    """Records of all kinds, sorted out."""
    return Inputs(
        coincidences=[one for one in records if isinstance(one, Coincidence)],
        lists=[one for one in records if isinstance(one, CandidateList)],
        alerts=[one for one in records if isinstance(one, Alert)],
        reports=[one for one in records if isinstance(one, ObservationReport)],
    )


def run(planner: Planner, *records: Coincidence | CandidateList | Alert | ObservationReport) -> tuple[ToORequest, ...]:
    """One committed step."""
    outcome = planner.step(inputs(*records))
    planner.apply(outcome.delta)
    return outcome.effects
