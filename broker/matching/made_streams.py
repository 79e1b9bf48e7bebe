"""Made streams whose chance pairs are known: what calibration is tried on before it is believed.

Anchors are noise whose false-alarm rate is uniform up to a cap, so that FAR is what it says; partners are bursts.
Numbers are our own, chosen so that a few slides hold thousands of pairs.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nuncius.broker.matching.rules import EventRule, Selector
from nuncius.schemas.alert import Alert
from nuncius.schemas.ids import alert_id
from nuncius.schemas.localization import Cone, Localization

Floats = NDArray[np.float64]

SPAN_S: Final = 30 * 86400.0
_START: Final = datetime(2030, 1, 1, tzinfo=UTC)
_BAND_DEG: Final = 25.0
_EARTH_DEG: Final = 67.0
"""Angular radius of the Earth from 550 km up: arcsin(6371 / 6921)."""

_ORBIT_S: Final = 5730.0
"""Period of a circular orbit at 550 km: 2 pi sqrt(a^3 / GM), a = 6921 km."""

_STORM: Final = 60
_STORM_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class MadeStreams:
    """Two streams and the rule that they obey.

    Parameters
    ----------
    alerts
        Of both, in the order of issue.
    rule
        Window -60 to 600 s, with the true rate of partners.
    uptime
        When both were up: [start, stop), UTC.
    """

    alerts: tuple[Alert, ...]
    rule: EventRule
    uptime: tuple[datetime, datetime]


def independent(seed: int, anchors: int = 3000, partners: int = 3000) -> MadeStreams:
    """Poisson streams, isotropic; so many events of each on average."""
    random = np.random.default_rng(seed)
    first, second = (int(random.poisson(mean)) for mean in (anchors, partners))
    noise = _noise(random, first, anchors, _isotropic(random, first), 120.0)
    bursts = _bursts(random.uniform(0, SPAN_S, second), _isotropic(random, second), 100.0)
    return _streams(noise + bursts, partners / SPAN_S)


def clustered(seed: int, anchors: int = 3000, partners: int = 3000) -> MadeStreams:
    """As `independent`, with a magnetar's storm, every notice of an anchor sent twice more, every burst seen twice.

    The rate of partners counts the bursts of the storm, and each burst once.
    """
    random = np.random.default_rng(seed)
    first, second = (int(random.poisson(mean)) for mean in (anchors, partners))
    noise = _noise(random, first, anchors, _isotropic(random, first), 120.0)
    again = [_revised(alert, version) for alert in noise for version in (1, 2)]
    bursts = _bursts(random.uniform(0, SPAN_S, second), _isotropic(random, second), 100.0)
    storm_s = random.uniform(0, SPAN_S - _STORM_S) + np.sort(random.uniform(0, _STORM_S, _STORM))
    ra, dec = (float(value[0]) for value in _isotropic(random, 1))
    storm = _bursts(storm_s, (np.full(_STORM, ra), np.full(_STORM, dec)), 100.0, "storm")
    echoes = [_echo(alert) for alert in bursts]
    return _streams(noise + again + bursts + storm + echoes, (partners + _STORM) / SPAN_S)


def anisotropic(seed: int, anchors: int = 3000, partners: int = 3000) -> MadeStreams:
    """Both streams within 25 degrees of the equator, and partners hidden where the Earth stands before an orbiter.

    The plain overlap integral has a mean above 1 here: only one against the measured density is calibrated.
    """
    random = np.random.default_rng(seed)
    first, second = int(random.poisson(anchors)), int(random.poisson(partners))
    noise = _noise(random, first, anchors, _band(random, first), 20.0)
    times_s = random.uniform(0, SPAN_S, second)
    places = _behind_the_earth(random, times_s)
    return _streams(noise + _bursts(times_s, places, 15.0), partners / SPAN_S)


MADE: Final[dict[str, Callable[[int], MadeStreams]]] = {
    "independent": independent,
    "clustered": clustered,
    "anisotropic": anisotropic,
}
"""By name."""


def _streams(alerts: list[Alert], rate_hz: float) -> MadeStreams:
    rule = EventRule(
        name="made",
        enabled=True,
        source="made streams",
        anchor=Selector(messengers=("gravitational_wave",)),
        partner=Selector(event_classes=("grb",)),
        low_us=-60_000_000,
        high_us=600_000_000,
        partner_rate_hz=rate_hz,
        rate_source="the rate that the stream was made with",
    )
    by_issue = sorted(alerts, key=lambda alert: (alert.issued_time or _START, alert.alert_id))
    return MadeStreams(tuple(by_issue), rule, (_START, _START + timedelta(seconds=SPAN_S)))


def _noise(
    random: np.random.Generator, number: int, mean: int, places: tuple[Floats, Floats], radius_deg: float
) -> list[Alert]:
    times_s = random.uniform(0, SPAN_S, number)
    # uniform up to the cap at which `mean` of them are expected in the span
    far_hz = random.uniform(0, mean / SPAN_S, number)
    return [
        _alert(f"made-gw:{k}", times_s[k], places[0][k], places[1][k], radius_deg, far_hz=float(far_hz[k]))
        for k in range(number)
    ]


def _bursts(times_s: Floats, places: tuple[Floats, Floats], radius_deg: float, name: str = "burst") -> list[Alert]:
    return [_alert(f"made-{name}:{k}", times_s[k], places[0][k], places[1][k], radius_deg) for k in range(len(times_s))]


def _alert(thread: str, second: float, ra: float, dec: float, radius_deg: float, far_hz: float | None = None) -> Alert:
    time = _START + timedelta(seconds=float(second))
    return Alert(
        alert_id=alert_id(thread, "0"),
        thread_id=thread,
        native_id=thread,
        sequence=0,
        kind="initial",
        reality="real",
        run_mode="replay",
        messenger="photon" if far_hz is None else "gravitational_wave",
        band="gamma" if far_hz is None else None,
        facility="made orbiter" if far_hz is None else "made detector",
        event_class="grb" if far_hz is None else "burst",
        time_start=time,
        issued_time=time + timedelta(seconds=60),
        localizations=(Localization(Cone(float(ra), float(dec), radius_deg, 0.9)),),
        far_hz=far_hz,
    )


def _revised(alert: Alert, version: int) -> Alert:
    later = None if alert.issued_time is None else alert.issued_time + timedelta(hours=version)
    name = alert_id(alert.thread_id, str(version))
    return replace(alert, alert_id=name, sequence=version, kind="update", issued_time=later)


def _echo(alert: Alert) -> Alert:
    """The same burst as a second orbiter reports it, two seconds later and from the same place."""
    thread = f"{alert.thread_id}-b"
    late = timedelta(seconds=2)
    return replace(
        alert,
        alert_id=alert_id(thread, "0"),
        thread_id=thread,
        native_id=thread,
        facility="made second orbiter",
        time_start=None if alert.time_start is None else alert.time_start + late,
        issued_time=None if alert.issued_time is None else alert.issued_time + late,
    )


def _isotropic(random: np.random.Generator, number: int) -> tuple[Floats, Floats]:
    return random.uniform(0, 360, number), np.degrees(np.arcsin(random.uniform(-1, 1, number)))


def _band(random: np.random.Generator, number: int) -> tuple[Floats, Floats]:
    edge = np.sin(np.radians(_BAND_DEG))
    return random.uniform(0, 360, number), np.degrees(np.arcsin(random.uniform(-edge, edge, number)))


def _behind_the_earth(random: np.random.Generator, times_s: Floats) -> tuple[Floats, Floats]:
    """Positions in the band that the Earth does not hide; its centre runs along the equator with the orbit."""
    ra, dec = _band(random, len(times_s))
    centre = 360.0 * times_s / _ORBIT_S
    while True:
        toward = np.cos(np.radians(dec)) * np.cos(np.radians(ra - centre))
        hidden = np.flatnonzero(toward > np.cos(np.radians(_EARTH_DEG)))
        if not len(hidden):
            return ra, dec
        ra[hidden], dec[hidden] = _band(random, len(hidden))
