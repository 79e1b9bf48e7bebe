"""How sure a facility is of an event, in a few words for whoever is woken by it."""

from collections.abc import Iterator
from typing import Final

from nuncius.schemas.alert import Alert

_YEAR_S: Final = 365 * 86400.0
_LEAST: Final = 0.05
"""Classes of less probability are not told; ours."""
_LONG_Y: Final = 1e6
"""Rarer than once in so many years is only told as rarer; ours."""


def how_sure(alert: Alert, far_hz: float | None, p_astro: float | None) -> str:
    """What it is, how far, how rarely noise does this: as stated, each where it is known; empty where nothing is.

    Parameters
    ----------
    alert
        The notice that counts.
    far_hz, p_astro
        Of the event, from the last notice that states them: false alarms per second, and the probability that it is
        astrophysical, 0 to 1.
    """
    return ", ".join(_words(alert, far_hz, p_astro))


def _words(alert: Alert, far_hz: float | None, p_astro: float | None) -> Iterator[str]:
    classes = sorted(alert.classification.items(), key=lambda one: (-one[1], one[0]))
    told = [f"{name} {_percent(share)}" for name, share in classes if share >= _LEAST]
    if told:
        yield " or ".join(told)
    elif p_astro is not None:
        yield f"{_percent(p_astro)} astrophysical"
    remnant = alert.properties.get("HasRemnant")
    if isinstance(remnant, float) and told:
        yield f"{_percent(remnant)} with a remnant"
    if alert.distance_mpc is not None:
        spread = "" if alert.distance_err_mpc is None else f" ± {alert.distance_err_mpc:.0f}"
        yield f"{alert.distance_mpc:.0f}{spread} Mpc"
    if far_hz is not None and far_hz > 0:
        years = 1 / far_hz / _YEAR_S
        span = f"{_two_digits(years)} years" if years >= 1 else f"{_two_digits(365 * years)} days"
        yield f"a false alarm once in {span}" if years < _LONG_Y else "a false alarm less than once in a million years"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _two_digits(number: float) -> str:
    return f"{float(f'{number:.2g}'):,.7g}"
