"""A picture of a log's best coincidence: both regions, the candidates in them, and the crowd around."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np

from nuncius.broker.plots.sky import Crowd, Layer, Mark, plot_places
from nuncius.broker.services.alerts import decode_alert
from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.outcome import Outcome, values
from nuncius.broker.sky import SkyMap
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log
from nuncius.schemas import Alert, CandidateRow, Coincidence, Shape, SkyMapRef, Stop
from nuncius.schemas.codec import decode

_ZOOM_DEG: Final = 14.0
_MARKED: Final = 3


def draw(found: Outcome, log: Log, path: Path, names: Mapping[str, str]) -> None:
    """Draw the live, real coincidence with the smallest chance whose anchor has a sky map.

    ``names`` are what people call threads.

    Raises
    ------
    Stop
        If there is none.
    """
    maps = MapShelf(log)
    alerts = {alert.alert_id: alert for alert in map(decode_alert, values(log, topics.EVENTS.name))}
    drawable = [
        c for c in found.coincidences if c.state != "retracted" and c.reality == "real" and _map(c, alerts, maps)
    ]
    if not drawable:
        raise Stop("no live coincidence with a sky map: nothing to draw")
    best = min(drawable, key=_chance)
    anchor = _map(best, alerts, maps)
    if anchor is None:
        raise Stop("the sky map is gone from the log")
    anchor_name, partner_name = (_called(m.event_id, names) for m in (best.anchor, best.partner))
    layers = [Layer(anchor, anchor_name)]
    partner = _shape(best.partner.alert_ids, alerts)
    if partner is not None and not isinstance(partner, SkyMapRef):
        layers.append(Layer(partner, partner_name))
    listed = [row for item in found.lists if item.event_thread == best.anchor.event_id for row in item.candidates]
    points = [Mark(row.ra, row.dec, _called(row.thread_id, names)) for row in listed[:_MARKED]]
    zoom = (points[0].ra, points[0].dec) if points else None
    title = f"{anchor_name} and {partner_name} ({best.rule})"
    plot_places(
        layers,
        path,
        points=points,
        crowd=_crowd(log),
        title=title,
        zoom_on=zoom,
        zoom_radius_deg=_ZOOM_DEG if zoom else None,
    )


def _called(thread: str, names: Mapping[str, str]) -> str:
    return names.get(thread, thread.partition(":")[2])


def _chance(coincidence: Coincidence) -> float:
    expected = coincidence.significance.expected_by_chance
    return float("inf") if expected is None else expected


def _map(coincidence: Coincidence, alerts: dict[str, Alert], maps: MapShelf) -> SkyMap | None:
    shape = _shape(coincidence.anchor.alert_ids, alerts)
    return maps[shape.sha256] if isinstance(shape, SkyMapRef) and shape.sha256 else None


def _shape(alert_ids: tuple[str, ...], alerts: dict[str, Alert]) -> Shape | None:
    """The own localization of the latest of these alerts that has one."""
    located = [
        a
        for a in (alerts[i] for i in alert_ids if i in alerts)
        if any(item.origin == "own" for item in a.localizations)
    ]
    if not located:
        return None
    latest = max(located, key=lambda a: (a.issued_time is not None, a.issued_time, a.alert_id))
    return next(item.shape for item in latest.localizations if item.origin == "own")


def _crowd(log: Log) -> Crowd | None:
    rows: Iterator[CandidateRow] = (decode(CandidateRow, data) for data in values(log, topics.CANDIDATES.name))
    places = np.array([(row.ra, row.dec) for row in rows])
    return Crowd(places[:, 0], places[:, 1], "survey alerts") if len(places) else None
