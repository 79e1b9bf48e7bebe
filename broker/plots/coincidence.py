"""A picture of a coincidence: every member in its own colour, at the time of the anchor, and what was found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from nuncius.broker.plots.sky import Layer
from nuncius.broker.sky.geometry import geometry
from nuncius.broker.sky.skymap import SkyMap
from nuncius.schemas.alert import Alert
from nuncius.schemas.coincidence import Coincidence, Member
from nuncius.schemas.localization import Localization

_UNDATED: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Shown:
    """What there is to draw of a coincidence.

    Parameters
    ----------
    layers
        All members that have a place, the anchor first, then their combined map where there is one.
    title, notes
        Who and by which rule; how far apart in time and on the sky, and who has no place.
    moment
        Of the anchor, UTC; None where it has no time.
    """

    layers: tuple[Layer, ...]
    title: str
    notes: tuple[str, ...]
    moment: datetime | None


def shown(coincidence: Coincidence, alerts: Mapping[str, Alert], maps: Mapping[str, SkyMap]) -> Shown:
    """What there is to draw.

    Parameters
    ----------
    coincidence
        What is drawn.
    alerts
        The alerts it names, by ``alert_id``; of each member the latest with an own localization is drawn.
    maps
        Sky maps by the sha256 of their files.

    Raises
    ------
    ValueError
        No member has a place that is known here.
    """
    layers: list[Layer] = []
    placeless: list[str] = []
    names: list[str] = []
    for member in (coincidence.anchor, coincidence.partner, *(pair.partner for pair in coincidence.others)):
        sky, name = _map(member, alerts, maps), _called(member)
        names.append(name)
        if sky is None:
            placeless.append(name)
        else:
            layers.append(Layer(sky, name))
    if not layers:
        raise ValueError(
            f"coincidence {coincidence.coincidence_id}: none of its members has a place that is known here"
        )
    combined = coincidence.combined_map
    if combined is not None and combined.sha256 in maps:
        layers.append(Layer(maps[combined.sha256], "both maps together"))
    places = f"; without a place: {', '.join(placeless)}" if placeless else ""
    return Shown(
        layers=tuple(layers),
        title=f"{' and '.join(names)}: {coincidence.rule}",
        notes=(f"{_apart(coincidence)}{places}",),
        moment=coincidence.anchor.time,
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


def _called(member: Member) -> str:
    name = f"{member.event_id.partition(':')[2] or member.event_id} ({member.facility})"
    return f"{name}, retracted" if member.retracted else name


def _apart(coincidence: Coincidence) -> str:
    """How far apart its best pair is, in time and on the sky."""
    said = [f"Δt {coincidence.dt_s:+.4g} s"]
    if coincidence.separation_deg is not None:
        said.append(f"best positions {coincidence.separation_deg:.3g}° apart")
    if coincidence.credible_level is not None:
        said.append(f"in the anchor's {100 * coincidence.credible_level:.3g} % region")
    if coincidence.overlap is not None:
        said.append(f"overlap {coincidence.overlap:.3g} (1: no information, larger: they agree)")
    return " · ".join(said)


def _map(member: Member, alerts: Mapping[str, Alert], maps: Mapping[str, SkyMap]) -> SkyMap | None:
    place = own_place(member.alert_ids, alerts)
    return None if place is None else geometry(place, maps, tolerance=1e-5)
