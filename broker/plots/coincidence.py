"""A picture of a coincidence: every member in its own colour, at the time of the anchor."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from nuncius.broker.plots.sky import Backdrop, Layer, plot_places
from nuncius.broker.sky.geometry import geometry
from nuncius.broker.sky.skymap import SkyMap
from nuncius.schemas.alert import Alert
from nuncius.schemas.coincidence import Coincidence, Member
from nuncius.schemas.localization import Localization

_UNDATED: Final = datetime.min.replace(tzinfo=UTC)


def plot_coincidence(
    coincidence: Coincidence, alerts: Mapping[str, Alert], maps: Mapping[str, SkyMap], path: str | Path
) -> None:
    """Draws all members of a coincidence that have a place, the anchor first, with Sun and Moon at the anchor's time.

    Parameters
    ----------
    coincidence
        What is drawn.
    alerts
        The alerts it names, by ``alert_id``; of each member the latest with an own localization is drawn.
    maps
        Sky maps by the sha256 of their files.
    path
        As in `nuncius.broker.plots.sky.plot_skymap`.

    Raises
    ------
    ValueError
        No member has a place that is known here.
    SettingsError
        As `nuncius.broker.plots.sky.plot_skymap`.
    """
    layers: list[Layer] = []
    placeless: list[str] = []
    for member in (coincidence.anchor, coincidence.partner, *(pair.partner for pair in coincidence.others)):
        sky = _map(member, alerts, maps)
        name = f"{member.event_id.partition(':')[2] or member.event_id} ({member.facility})"
        if sky is None:
            placeless.append(name)
        else:
            layers.append(Layer(sky, name))
    if not layers:
        raise ValueError(
            f"coincidence {coincidence.coincidence_id}: none of its members has a place that is known here"
        )
    names = " and ".join([layer.label for layer in layers] + [f"{name}, without a place" for name in placeless])
    plot_places(
        layers,
        path,
        backdrop=Backdrop(coincidence.anchor.time),
        title=f"{names}: {coincidence.rule}, Δt {coincidence.dt_s:+.4g} s",
    )


def own_place(alert_ids: Sequence[str], alerts: Mapping[str, Alert]) -> Localization | None:
    """The own localization of the latest of these alerts that has one; undated alerts count as earliest."""
    located = [
        alert
        for alert in (alerts[i] for i in alert_ids if i in alerts)
        if any(item.origin == "own" for item in alert.localizations)
    ]
    if not located:
        return None
    latest = max(located, key=lambda a: (a.issued_time or _UNDATED, a.alert_id))
    return next(item for item in latest.localizations if item.origin == "own")


def _map(member: Member, alerts: Mapping[str, Alert], maps: Mapping[str, SkyMap]) -> SkyMap | None:
    place = own_place(member.alert_ids, alerts)
    return None if place is None else geometry(place, maps, tolerance=1e-5)
