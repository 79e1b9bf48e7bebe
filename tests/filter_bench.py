"""A thousand filters such as subscribers write, and a thousand alerts."""

from datetime import UTC, datetime, timedelta
from random import Random

from nuncius.schemas.alert import Alert, Photometry
from nuncius.schemas.localization import Cone, Localization

_random = Random(5)  # noqa: S311  a bench wants the same numbers every time
_MESSENGERS = ("gravitational_wave", "neutrino", "photon", "cosmic_ray")


def _alert(index: int) -> Alert:
    return Alert(
        alert_id=f"a{index}",
        thread_id=f"fermi-gbm:{index // 3}",
        native_id=f"n{index}",
        kind="initial",
        reality="real",
        messenger=_random.choice(_MESSENGERS),  # type: ignore[arg-type]  # one of the vocabulary
        facility=_random.choice(("Fermi", "IceCube", "LVK", "Swift")),
        event_class=_random.choice(("grb", "neutrino_track", "cbc", "unknown")),
        time_start=datetime(2026, 11, 1, tzinfo=UTC) + timedelta(seconds=index),
        far_hz=_random.choice((None, 10 ** _random.uniform(-12, -4))),
        p_astro=_random.random(),
        distance_mpc=_random.uniform(10, 500),
        classification={"BNS": _random.random()},
        localizations=(Localization(Cone(_random.uniform(0, 360), _random.uniform(-90, 90), _random.uniform(0.1, 9))),),
        photometry=(Photometry(None, "g", _random.uniform(15, 22)),),
    )


def _filter(index: int) -> str:
    ra, dec = _random.uniform(0, 360), _random.uniform(-80, 80)
    kinds = (
        f"messenger = '{_random.choice(_MESSENGERS)}' AND far_hz < {10 ** _random.uniform(-10, -5):.3g}",
        f"mag < {_random.uniform(16, 21):.2f} AND p_astro > {_random.random():.2f}",
        f"CONTAINS(POINT(ra, dec), CIRCLE({ra:.2f}, {dec:.2f}, {_random.uniform(1, 20):.1f})) = 1 AND radius_deg < 5",
        f"classification['BNS'] > {_random.random():.3f} AND distance_mpc < {_random.uniform(50, 400):.0f}",
        f"facility IN ('Fermi', 'Swift') AND NOT (event_class = 'unknown') AND mag BETWEEN 16 AND {17 + index % 5}",
        f"thread_id LIKE 'fermi-gbm:{index % 10}%' OR far_hz IS NULL",
        f"(mag - {_random.uniform(1, 5):.2f}) * 2 < p_astro + {_random.uniform(20, 30):.2f}",
        f"time > '2026-11-01T00:{index % 60:02d}:00' AND facility = 'IceCube'",
    )
    return kinds[index % len(kinds)]


ALERTS = [_alert(index) for index in range(1000)]
FILTERS = [_filter(index) for index in range(1000)]
