"""A request as an OCS request group: what the portal's serializers take, in its units."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from nuncius.consumers.too.placed import position_of
from nuncius.schemas.plan import PlannedTile
from nuncius.schemas.too import ToORequest

_NAME: Final = 50
"""Longest target name; observation-portal, ``requestgroups/models.py``."""
_NOTE: Final = 255
_AIRMASS: Final = (1.0, 25.0)
_MOON_DEG: Final = (0.0, 180.0)
_ON_SKY: Final = "SKY"
_RAPID: Final = timedelta(hours=24)
"""A rapid response must end so soon (and its duration); observation-portal, ``requestgroups/serializers.py``."""


class OcsSettings(BaseModel):
    """One instrument that a portal offers, under one proposal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["ocs"] = "ocs"
    name: str = Field(default="lco", description="of the adapter, in statuses")
    url: str = Field(default="https://observe.lco.global", description="of the portal")
    allowed_hosts: frozenset[str] = Field(
        default=frozenset({"observe.lco.global"}), description="hosts that may be asked"
    )
    timeout_s: float = Field(default=20.0, gt=0, description="for one answer of the portal")
    proposal: str = Field(description="who pays: the proposal's code")
    instrument_type: str = Field(description="as the portal names it, e.g. 1M0-SCICAM-SINISTRO")
    telescope_class: str = Field(description="as the portal names it, e.g. 1m0")
    site: str = Field(default="", description="three letters; empty: any site of that class")
    configuration_type: str = Field(default="EXPOSE", description="EXPOSE, or SPECTRUM for a spectrograph")
    observation_type: Literal["NORMAL", "TIME_CRITICAL"] = Field(
        default="NORMAL",
        description="of what may not interrupt; what a policy lets interrupt goes out as RAPID_RESPONSE",
    )
    ipp_value: float = Field(
        default=1.05, ge=0.5, le=2.0, description="the portal's priority factor; its own usual value"
    )
    exposure_count: int = Field(default=1, ge=1, description="exposures of the requested length")
    optical_element: str = Field(default="filter", description="what the request's filter is, or slit, or grating")
    optical_elements: Mapping[str, str] = Field(
        default={}, description="others that the instrument needs set, e.g. its slit"
    )
    filters: Mapping[str, str] = Field(
        default={}, description="the portal's names of filters where they differ from ours"
    )
    rotator_mode: str = Field(
        default="",
        description="e.g. SKY, which takes the request's position angle as rotator_angle; empty: none is stated",
    )
    instrument_extra: Mapping[str, str | float] = Field(
        default={}, description="extra_params of the instrument, e.g. a rotator_angle of its own"
    )
    configuration_extra: Mapping[str, str | float] = Field(
        default={}, description="extra_params of the configuration, dither_value"
    )
    readout_mode: str = Field(default="", description="empty: the instrument's default")
    acquisition_mode: str = Field(default="OFF", description="as the portal names it")
    guiding_mode: str = Field(default="ON", description="as the portal names it")
    max_airmass: float = Field(
        default=1.6, ge=1.0, le=25.0, description="where the request states none; the portal's default"
    )
    min_lunar_distance_deg: float = Field(default=30.0, ge=0.0, le=180.0, description="likewise")


def request_group(request: ToORequest, settings: OcsSettings) -> dict[str, Any]:
    """The body of ``POST /api/requestgroups/``.

    Angles in degrees (ICRS), exposures in seconds, windows in UTC. Each tile is a request of its own (``MANY``), its
    number in ``extra_params``, with the window of the whole plan: the portal orders them itself and adds its own
    overheads, for which a tile's own start and stop would leave no room. What may interrupt (``preempt``) is a rapid
    response, which the portal takes only without a start in the future and with an end within 24 hours: no start is
    stated then, and no end later than 24 hours after the cause was issued.
    """
    parts = [_part(request, tile, settings) for tile in request.tiles] or [_part(request, None, settings)]
    return {
        "name": request.idempotency_key,
        "proposal": settings.proposal,
        "ipp_value": settings.ipp_value,
        "operator": "SINGLE" if len(parts) == 1 else "MANY",
        "observation_type": "RAPID_RESPONSE" if request.preempt else settings.observation_type,
        "requests": parts,
    }


def _part(request: ToORequest, tile: PlannedTile | None, settings: OcsSettings) -> dict[str, Any]:
    wanted = request.filter if tile is None or not tile.filter else tile.filter
    elements = dict(settings.optical_elements)
    if wanted:
        elements[settings.optical_element] = settings.filters.get(wanted, wanted)
    airmass = settings.max_airmass if request.max_airmass is None else request.max_airmass
    moon = request.moon_separation_min_deg
    extra = _rotated(request, tile, settings) | dict(settings.instrument_extra)
    configuration: dict[str, Any] = {
        "type": settings.configuration_type,
        "instrument_type": settings.instrument_type,
        "target": _target(request, tile),
        "instrument_configs": [
            {
                "exposure_count": settings.exposure_count,
                "exposure_time": request.exposure_s if tile is None else tile.exposure_s,
                "mode": settings.readout_mode,
                "optical_elements": elements,
            }
            | ({"rotator_mode": settings.rotator_mode} if settings.rotator_mode else {})
            | ({"extra_params": extra} if extra else {})
        ],
        "acquisition_config": {"mode": settings.acquisition_mode},
        "guiding_config": {"mode": settings.guiding_mode},
        "constraints": {
            "max_airmass": min(max(airmass, _AIRMASS[0]), _AIRMASS[1]),
            "min_lunar_distance": min(
                max(settings.min_lunar_distance_deg if moon is None else moon, _MOON_DEG[0]), _MOON_DEG[1]
            ),
        },
    }
    if settings.configuration_extra:
        configuration["extra_params"] = dict(settings.configuration_extra)
    location = {"telescope_class": settings.telescope_class} | ({"site": settings.site} if settings.site else {})
    number = {} if tile is None else {"extra_params": {"tile": tile.number}}
    return number | {
        "observation_note": request.reason[:_NOTE],
        "configurations": [configuration],
        "windows": [_window(request)],
        "location": location,
    }


def _rotated(request: ToORequest, tile: PlannedTile | None, settings: OcsSettings) -> dict[str, str | float]:
    """Degrees east of north, where the rotator follows the sky; a portal's ConfigDB asks for it in that mode alone."""
    if settings.rotator_mode != _ON_SKY:
        return {}
    angle = request.position_angle_deg if tile is None else tile.position_angle_deg
    return {} if angle is None else {"rotator_angle": angle}


def _target(request: ToORequest, tile: PlannedTile | None) -> dict[str, Any]:
    if tile is None:
        where = position_of(request)
        return {"name": request.target_name[:_NAME], "type": "ICRS", "ra": where.ra, "dec": where.dec}
    name = tile.target_name or f"{request.target_name[: _NAME - 6]} {tile.number}"
    return {"name": name[:_NAME], "type": "ICRS", "ra": tile.ra, "dec": tile.dec}


def _window(request: ToORequest) -> dict[str, str]:
    starts = [tile.start for tile in request.tiles]
    stops = [tile.stop for tile in request.tiles]
    start = request.window_start or min(starts, default=None)
    stop = request.window_stop or max(stops, default=None) or request.expires
    if request.preempt and stop is not None and request.issued_time is not None:
        stop = min(stop, request.issued_time + _RAPID)
    window = {} if stop is None else {"end": _utc(stop)}
    if start is not None and not request.preempt:
        window["start"] = _utc(start)
    return window


def _utc(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
