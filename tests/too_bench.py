"""What the benches of requests share: causes that come one by one, policies that ask at once, and a log for both."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from too_cases import GRB, GW, coincidence, member

from nuncius.broker.transport import topics
from nuncius.broker.transport.address import parse_address
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Connection
from nuncius.broker.transport.opening import open_address
from nuncius.broker.transport.port import Log, Writer
from nuncius.schemas import Alert, Coincidence, Cone, Localization
from nuncius.schemas.codec import encode

POLICY: Final = """
[[policy]]
name = "pair"
source = "a bench"
cause = "coincidence"
rules = ["gw-cbc-grb"]
max_expected_by_chance = 0.01
facility = "imager"
sites = ["Las Campanas", "Palomar"]
expires_h = 72.0
exposure_s = 60.0
min_altitude_deg = 10.0
sun_altitude_max_deg = 90.0
approval = false
"""
TILING: Final = (
    "".join(
        f"""
[[telescope]]
name = "{name}"
sites = ["{site}"]
source = "made up"
width_deg = 3.0
height_deg = 3.0
slew_deg_s = 2.0
settle_s = 2.0
readout_s = 10.0
max_airmass = 2.5
sun_altitude_max_deg = -12.0
"""
        for name, site in (("north", "Palomar"), ("south", "Las Campanas"), ("east", "Siding Spring"))
    )
    + """
[[policy]]
name = "tiles"
source = "a bench"
cause = "alert"
event_classes = ["grb"]
facilities = ["north", "south", "east"]
ask = "tiles"
expires_h = 24.0
exposure_s = 60.0
max_airmass = 2.5
approval = false
"""
)


def cause(number: int, now: datetime) -> tuple[Alert, Alert, Coincidence]:
    """A merger without a map, a burst somewhere, and both together."""
    here = ((197.0 + 41.3 * number) % 360.0, -40.0 + (17.7 * number) % 80.0)
    places = (Localization(Cone(*here, 1.0)),)
    wave, burst = (
        replace(one, time_start=now, issued_time=now + timedelta(seconds=10), localizations=()) for one in (GW, GRB)
    )
    wave = replace(wave, alert_id=f"gw-{number}", thread_id=f"lvk:S{number}")
    burst = replace(burst, alert_id=f"grb-{number}", thread_id=f"fermi-gbm:{number}", localizations=places)
    both = coincidence(
        coincidence_id=f"pair {number}",
        rule="gw-cbc-grb",
        anchor=member(wave),
        partner=member(burst),
        issued_time=now + timedelta(seconds=20),
    )
    return wave, burst, both


@contextmanager
def opened(address: str) -> Iterator[Log]:
    with closing(open_address(parse_address(address), utc_now, Connection(), None)) as log:
        log.create(topics.TOPICS)
        yield log


def put(writer: Writer, topic: str, *values: Alert | Coincidence) -> None:
    with writer.transaction() as tx:
        for one in values:
            tx.send(topic, encode(one), key=b"key")
