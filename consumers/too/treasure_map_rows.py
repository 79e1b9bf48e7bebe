"""Pointings as the Treasure Map has them: what is planned and what was observed, in its fields and units."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from math import isclose, nan
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from nuncius.broker.planning.bands import NOTHING_STATED, Lights, usual_name
from nuncius.consumers.too.placed import position_of
from nuncius.consumers.too.treasure_map_others import BANDS, DepthUnit, MapBand, Others
from nuncius.schemas.plan import ObservationReport
from nuncius.schemas.too import ToORequest

_LVK: Final = "lvk:"
_POINT: Final = re.compile(r"POINT ?\((-?\d{1,3}(?:\.\d{0,30})?) (-?\d{1,2}(?:\.\d{0,30})?)\)", re.ASCII)
_ANGSTROM_M: Final = 1e-10
_NEAR_DEG: Final = 1e-5
"""Places closer than that are one; the map keeps them in double precision (ours)."""


class TreasureMapSettings(BaseModel):
    """One instrument of one account."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["treasure_map"] = "treasure_map"
    name: str = Field(default="treasure-map", description="of the adapter, in statuses")
    url: str = Field(default="https://treasuremap.space/api/v1", description="of its API")
    allowed_hosts: frozenset[str] = Field(
        default=frozenset({"treasuremap.space"}), description="hosts that may be asked"
    )
    timeout_s: float = Field(default=20.0, gt=0, description="for one answer")
    username: str = Field(description="of the account, by which its own pointings are found")
    instrument_id: int = Field(ge=1, description="the number of the instrument there")
    bands: Mapping[str, MapBand] = Field(
        default={}, description="the map's names of filters where they differ from ours"
    )
    band: MapBand = Field(
        default="other", description="where the request names no filter, or one that the map has no name for"
    )
    depth: float | None = Field(
        default=None, description="limiting brightness that the instrument reaches, told where a report states none"
    )
    depth_unit: DepthUnit = Field(default="ab_mag", description="of that depth")
    every_s: float = Field(default=300.0, ge=60.0, description="between two looks at what others report of an event")
    days: float = Field(
        default=0.0,
        ge=0.0,
        le=60.0,
        description="after a real event of LVK during which others' reports are read even where nothing is asked",
    )
    others: Others = Field(default=Others(), description="whose pointings count as a place that was looked at")


class Pointing(BaseModel):
    """A row of ``GET /pointings``: the place is WKT, right ascension from -180 to 360 degrees; times are UTC, bare."""

    model_config = ConfigDict(frozen=True)

    id: int
    position: str
    instrumentid: int
    time: datetime | None = None
    status: str = ""
    band: str | None = None
    depth: float | None = None
    depth_unit: str | None = None
    pos_angle: float | None = None
    instrument_name: str | None = None
    username: str | None = None
    datecreated: datetime | None = None
    dateupdated: datetime | None = None

    @property
    def place(self) -> tuple[float, float]:
        """Right ascension in [0, 360) and declination, degrees; not a number where they cannot be read."""
        found = _POINT.fullmatch(self.position)
        return (float(found[1]) % 360.0, float(found[2])) if found else (nan, nan)

    def is_near(self, ra: float, dec: float) -> bool:
        """Whether the field's centre lies there."""
        here = self.place
        return abs((here[0] - ra + 180.0) % 360.0 - 180.0) < _NEAR_DEG and abs(here[1] - dec) < _NEAR_DEG


def event_of(thread_id: str) -> str:
    """LVK's name of the event of a thread such as ``lvk:S190814bv``; empty where it is another's."""
    return thread_id.removeprefix(_LVK) if thread_id.startswith(_LVK) else ""


def mark(request_id: str) -> int:
    """The microseconds that tell a request's pointings, 0 to 999 999."""
    return int.from_bytes(sha256(request_id.encode()).digest()[:8], "big") % 1_000_000


def planned(
    request: ToORequest, settings: TreasureMapSettings, lights: Lights = NOTHING_STATED
) -> list[dict[str, Any]]:
    """One row a tile, or one for a pointing; none where no time is planned. Degrees; UTC seconds, and the mark."""
    fields = [(tile.ra, tile.dec, tile.start, tile.filter, tile.position_angle_deg) for tile in request.tiles]
    if not fields and request.window_start is not None:
        where = position_of(request)
        angle = request.position_angle_deg or 0.0
        fields = [(where.ra, where.dec, request.window_start, request.filter, angle)]
    return [
        {
            "ra": ra,
            "dec": dec,
            "instrumentid": settings.instrument_id,
            "time": _utc(start.replace(microsecond=mark(request.request_id))),
            "status": "planned",
            "pos_angle": angle,
        }
        | _light(wanted or request.filter, request.facility, settings, lights)
        for ra, dec, start, wanted, angle in fields
    ]


def completed(
    report: ObservationReport, settings: TreasureMapSettings, lights: Lights = NOTHING_STATED
) -> dict[str, Any] | str:
    """The row of an observation that was made; why there is none where it lacks what the map asks for."""
    depth, unit = report.depth, report.depth_unit
    if depth is None and settings.depth is not None:
        depth, unit = settings.depth, settings.depth_unit
    stated = {
        "ra": report.ra,
        "dec": report.dec,
        "time_start": report.time_start,
        "depth": depth,
        "depth_unit": unit,
        "filter": report.filter,
    }
    lacking = [name for name, value in stated.items() if value in {None, ""}]
    if report.state != "completed" or lacking or report.time_start is None:
        return f"{report.report_id} is {report.state}" if not lacking else f"it states no {', '.join(lacking)}"
    return {
        "ra": report.ra,
        "dec": report.dec,
        "instrumentid": settings.instrument_id,
        "time": _utc(report.time_start),
        "status": "completed",
        "pos_angle": report.position_angle_deg or 0.0,
        "depth": depth,
        "depth_unit": unit,
    } | _light(report.filter, report.facility, settings, lights)


def same_field(row: Mapping[str, Any], there: Pointing) -> bool:
    """Whether the map holds this very row."""
    return (
        there.is_near(row["ra"], row["dec"])
        and there.time is not None
        and _utc(there.time) == row["time"]
        and there.band == row["band"]
        and isclose(there.pos_angle or 0.0, row["pos_angle"], abs_tol=1e-6)
    )


def _light(wanted: str, telescope: str, settings: TreasureMapSettings, lights: Lights) -> dict[str, Any]:
    """The map's name of a filter, and its light in Ångström where the telescope's table states it.

    The server keeps ``central_wave`` and ``bandwidth`` as they come, and takes the name's own where there are none
    (``server/utils/pointing.py``, ``utils/spectral.py``).
    """
    usual = usual_name(wanted)
    name = settings.bands.get(wanted) or (usual if usual in BANDS else settings.band)
    stated = lights.stated(telescope, wanted)
    if stated is None:
        return {"band": name}
    return {
        "band": name,
        "central_wave": round(stated.centre_m / _ANGSTROM_M, 3),
        "bandwidth": round(stated.width_m / _ANGSTROM_M, 3),
    }


def _utc(time: datetime) -> str:
    aware = time.astimezone(UTC) if time.tzinfo is not None else time
    return aware.replace(tzinfo=None).isoformat(timespec="microseconds")
