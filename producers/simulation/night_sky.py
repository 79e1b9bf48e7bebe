"""What a survey sees where nothing happens: variable stars, asteroids, artefacts, old and new transients."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

import numpy as np

from nuncius.producers.simulation import rubin, ztf
from nuncius.producers.simulation.act import TimedPacket

Kind = Literal["variable star", "asteroid", "artefact", "old transient", "new transient"]
SHARES: Final[dict[Kind, float]] = {"variable star": 0.6, "asteroid": 0.25, "artefact": 0.1, "old transient": 0.05}
"""Of the alerts of one night; the order of magnitude of ZTF's stream, chosen for the demo."""

DELAY: Final = timedelta(minutes=8)
"""From exposure to packet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Where and when the survey looks.

    Parameters
    ----------
    ra, dec, radius_deg
        A disc of the sky, ICRS degrees.
    nights
        Start of each night's visit, UTC.
    visit
        How long the field is looked at each night.
    per_night
        Number of alerts of known or worthless things a night.
    new
        For each night the number of transients first seen then, anywhere in the disc.
    prefix
        First letters of object names and first digits of ids: keeps fields apart.
    """

    ra: float
    dec: float
    radius_deg: float
    nights: Sequence[datetime]
    visit: timedelta
    per_night: int
    new: Sequence[int]
    prefix: int


@dataclass(frozen=True, slots=True)
class _Thing:
    kind: Kind
    number: int
    ra: float
    dec: float
    mag: float
    time: datetime


def ztf_packets(field: Field, rng: np.random.Generator) -> Iterator[TimedPacket]:
    """Every alert of the field's nights in ZTF's format, in no particular order."""
    for thing in _things(field, rng):
        seen = _ztf(field, thing, rng)
        label = f"re-staged ZTF: unrelated {thing.kind} (made up)"
        yield TimedPacket(thing.time + DELAY, "ztf", ztf.write(seen), label)


def rubin_packets(field: Field, rng: np.random.Generator) -> Iterator[TimedPacket]:
    """Every alert of the field's nights in Rubin's format, in no particular order."""
    for thing in _things(field, rng):
        source = field.prefix * 10**12 + thing.number * 1000
        known = thing.kind in ("variable star", "old transient")
        seen = rubin.Detection(
            source_id=source + 100,
            object_id=source,
            moving=thing.kind == "asteroid",
            time=thing.time,
            ra=thing.ra,
            dec=thing.dec,
            band="gri"[thing.number % 3],
            mag=thing.mag,
            reliability=_score(thing.kind, rng),
            earlier=_earlier(thing, rng) if known else (),
        )
        label = f"re-staged Rubin: unrelated {thing.kind} (made up)"
        yield TimedPacket(thing.time + DELAY, "lsst", rubin.write(seen), label)


def _things(field: Field, rng: np.random.Generator) -> Iterator[_Thing]:
    """Each night's things, at places uniform over the disc and times uniform over the visit."""
    kinds: list[Kind] = [kind for kind, share in SHARES.items() for _ in range(round(share * field.per_night))]
    number = 0
    for night, new in zip(field.nights, field.new, strict=True):
        fresh: list[Kind] = ["new transient"] * new
        for kind in (*kinds, *fresh):
            number += 1
            ra, dec = _place(field, rng)
            time = night + field.visit * float(rng.uniform())
            yield _Thing(kind, number, ra, dec, float(rng.uniform(16.5, 20.3)), time)


def _place(field: Field, rng: np.random.Generator) -> tuple[float, float]:
    """A point uniform over the disc: 1 - cos of its distance is uniform."""
    across = math.acos(1.0 - float(rng.uniform()) * (1.0 - math.cos(math.radians(field.radius_deg))))
    angle = float(rng.uniform(0.0, 2.0 * math.pi))
    lat = math.radians(field.dec)
    sine = math.sin(lat) * math.cos(across) + math.cos(lat) * math.sin(across) * math.cos(angle)
    east = math.sin(angle) * math.sin(across) * math.cos(lat)
    ra = field.ra + math.degrees(math.atan2(east, math.cos(across) - math.sin(lat) * sine))
    return ra % 360.0, math.degrees(math.asin(sine))


def _score(kind: Kind, rng: np.random.Generator) -> float:
    return float(rng.uniform(0.01, 0.3) if kind == "artefact" else rng.uniform(0.75, 1.0))


def _earlier(thing: _Thing, rng: np.random.Generator) -> list[tuple[datetime, float]]:
    """Three detections on earlier nights, within the thirty days that packets repeat."""
    days = sorted(rng.uniform(1.0, 29.0, 3).tolist(), reverse=True)
    return [(thing.time - timedelta(days=d), thing.mag + float(rng.normal(0.0, 0.2))) for d in days]


def _ztf(field: Field, thing: _Thing, rng: np.random.Generator) -> ztf.Detection:
    star = thing.kind == "variable star"
    past = _earlier(thing, rng) if thing.kind in ("variable star", "old transient") else []
    age = {"variable star": timedelta(days=900), "old transient": timedelta(days=40)}.get(thing.kind, timedelta())
    quiet = [(thing.time - timedelta(days=d), 20.5) for d in (6.0, 3.0)] if thing.kind == "new transient" else []
    return ztf.Detection(
        object_id=f"ZTF17{_letters(field.prefix, 2)}{_letters(thing.number, 5)}",
        candid=field.prefix * 10**15 + thing.number * 1000 + 15,
        time=thing.time,
        first=thing.time - age,
        ra=thing.ra,
        dec=thing.dec,
        filter="gr"[thing.number % 2],
        mag=thing.mag,
        mag_err=float(rng.uniform(0.05, 0.2)),
        score=_score(thing.kind, rng),
        star_score=float(rng.uniform(0.9, 1.0) if star else rng.uniform(0.0, 0.4)),
        star_arcsec=float(rng.uniform(0.0, 0.5) if star else rng.uniform(0.5, 10.0)),
        solar_system=(str(100_000 + thing.number), float(rng.uniform(0.0, 1.5))) if thing.kind == "asteroid" else None,
        detections=120 if star else 1 + len(past),
        earlier=past,
        limits=quiet,
    )


def _letters(number: int, width: int) -> str:
    out = ""
    for _ in range(width):
        number, digit = divmod(number, 26)
        out = chr(ord("a") + digit) + out
    return out
