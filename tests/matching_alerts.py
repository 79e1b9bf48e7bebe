"""Alerts made for the tests of matching: short to write, real in shape."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from nuncius.broker.matching import Associate, Outcome
from nuncius.broker.matching.effects import PublishCoincidence, PublishList
from nuncius.broker.matching.threads import microseconds
from nuncius.schemas import NO_TIME, CandidateBatch, CandidateList, Coincidence, Cone, Localization
from nuncius.schemas.alert import Alert
from nuncius.schemas.candidate import COLUMNS
from nuncius.schemas.ids import alert_id

T0 = datetime(2017, 8, 17, 12, 41, 4, 430000, tzinfo=UTC)
NOW = T0 + timedelta(days=3)


def at(seconds: float) -> datetime:
    """So many seconds after the first event."""
    return T0 + timedelta(seconds=seconds)


def cone(ra: float, dec: float, radius: float = 5.0, containment: float = 0.9) -> tuple[Localization, ...]:
    """One own circle."""
    return (Localization(Cone(ra, dec, radius, containment)),)


def alert(
    thread: str, version: int = 0, *, seconds: float | None = 0.0, issued: float | None = None, **more: Any
) -> Alert:
    """Version ``version`` of a thread, whose event is ``seconds`` after T0; issued a minute a version later."""
    values: dict[str, Any] = {
        "alert_id": alert_id(thread, f"{version}/{more.get('reality')}/{more.get('facility')}"),
        "thread_id": thread,
        "native_id": f"{thread}-{version}",
        "sequence": version,
        "kind": "initial" if version == 0 else "update",
        "reality": "real",
        "run_mode": "replay",
        "time_start": None if seconds is None else at(seconds),
        "issued_time": at((0.0 if seconds is None else seconds) + 60 * (version + 1) if issued is None else issued),
        **more,
    }
    return Alert(**values)


def gw(thread: str = "lvk:G298048", version: int = 0, **more: Any) -> Alert:
    """A compact binary merger."""
    words = {"messenger": "gravitational_wave", "facility": "LIGO", "event_class": "cbc"}
    return alert(thread, version, **{**words, **more})


def grb(thread: str = "fermi-gbm:524666471", version: int = 0, **more: Any) -> Alert:
    """A gamma-ray burst two seconds later, unless said otherwise."""
    words = {"messenger": "photon", "band": "gamma", "facility": "Fermi", "instrument": "GBM", "event_class": "grb"}
    return alert(thread, version, **{"seconds": 2.0, **words, **more})


def neutrino(thread: str = "icecube:130033_50579430", version: int = 0, **more: Any) -> Alert:
    """A track."""
    words = {"messenger": "neutrino", "facility": "IceCube", "event_class": "neutrino_track"}
    return alert(thread, version, **{**words, **more})


def records(outcome: Outcome) -> dict[str, Coincidence | CandidateList]:
    """What an outcome publishes, by id."""
    found: dict[str, Coincidence | CandidateList] = {}
    for effect in outcome.effects:
        if isinstance(effect, PublishCoincidence):
            found[effect.record.coincidence_id] = effect.record
        elif isinstance(effect, PublishList):
            found[effect.record.list_id] = effect.record
    return found


def coincidences(engine: Associate, *alerts: Alert) -> list[Coincidence]:
    """Step and apply the alerts one by one; the coincidences that stand in the end, by rule."""
    for one in alerts:
        engine.apply(engine.step((one,), (), {}, NOW).delta)
    return sorted((c for c in engine.published() if isinstance(c, Coincidence)), key=lambda c: c.rule)


def candidates(*rows: dict[str, Any]) -> CandidateBatch:
    """Rows as columns: an object first seen a day after T0 at (197, -23), unless said otherwise (times in days)."""
    filled = []
    for number, row in enumerate(rows):
        values: dict[str, Any] = {
            "alert_id": f"row-{row.get('thread_id', number)}-{row.get('days', 1.0)}",
            "thread_id": f"ztf:{number}",
            "survey": "ztf",
            "reality": "real",
            "ra": 197.0,
            "dec": -23.0,
            "days": 1.0,
            "last_limit_us": NO_TIME,
            "mag": 18.0,
            "mag_err": 0.1,
            "filter": "g",
            "score": 0.9,
            "star_score": 0.1,
            "solar_system": False,
            "detections": 1,
            **{name: math.nan for name, kind in COLUMNS.items() if kind is np.float32},
            "raw_offset": -1,
            **row,
        }
        seen = values.pop("days")
        values["time_us"] = microseconds(at(seen * 86400))
        values["first_us"] = microseconds(at(values.pop("first", seen) * 86400))
        filled.append(values)
    return CandidateBatch(*(np.array([row[name] for row in filled], dtype) for name, dtype in COLUMNS.items()))
