"""A request as a SkyPortal follow-up request with the generic instrument's form."""

import re
from collections.abc import Mapping
from datetime import UTC, date, timedelta
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from nuncius.consumers.too.placed import position_of
from nuncius.schemas.too import ToORequest

KEY: Final = "nuncius_key"
"""Where the idempotency key stands in a payload."""
_MAX_AIRMASS: Final = 3.0
"""The generic form's own bound."""
_NOT_IN_AN_ID: Final = re.compile(r"[^a-zA-Z0-9_\-;:+.]+")


class SkyPortalSettings(BaseModel):
    """One allocation at a SkyPortal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["skyportal"] = "skyportal"
    name: str = Field(default="skyportal", description="of the adapter, in statuses")
    url: str = Field(description="of the SkyPortal, e.g. https://fritz.science")
    allowed_hosts: frozenset[str] = Field(description="hosts that may be asked")
    timeout_s: float = Field(default=20.0, gt=0, description="for one answer")
    allocation_id: int = Field(ge=1, description="whose time on which instrument")
    group_ids: frozenset[int] = Field(
        default=frozenset(),
        description="who sees a source that is made; empty: all groups of the account, which hold everybody there",
    )
    filters: Mapping[str, str] = Field(
        default={}, description="the instrument's names of filters where they differ from ours"
    )
    exposure_count: int = Field(default=1, ge=1, description="exposures of the requested length")
    priority: int = Field(default=1, ge=1, le=5, description="1 to 5")
    priority_at_once: int = Field(default=5, ge=1, le=5, description="of what a policy lets interrupt")
    max_airmass: float = Field(
        default=2.0, ge=1.0, le=3.0, description="where the request states none; the form's default"
    )
    moon_separation_min_deg: float = Field(default=30.0, ge=0.0, le=180.0, description="likewise")


def source_id(request: ToORequest) -> str:
    """The source a request points at: its name there, and its place where the position is not settled yet."""
    name = _NOT_IN_AN_ID.sub("-", request.target_name).strip("-") or request.request_id
    where = position_of(request)
    return f"{name}_{where.ra:.4f}{where.dec:+.4f}" if where.radius_deg > 0.0 else name


def source(request: ToORequest, settings: SkyPortalSettings) -> dict[str, Any]:
    """The body of ``POST /api/sources``. Degrees. Without groups the portal takes all that the account is in."""
    where = position_of(request)
    known = {"id": source_id(request), "ra": where.ra, "dec": where.dec}
    return known | ({"group_ids": sorted(settings.group_ids)} if settings.group_ids else {})


def follow_up(request: ToORequest, settings: SkyPortalSettings) -> dict[str, Any]:
    """The body of ``POST /api/followup_request``. Seconds, degrees, whole days in UT."""
    airmass = settings.max_airmass if request.max_airmass is None else request.max_airmass
    moon = request.moon_separation_min_deg
    first, last = _days(request)
    return {
        "obj_id": source_id(request),
        "allocation_id": settings.allocation_id,
        "payload": {
            "observation_choices": [settings.filters.get(request.filter, request.filter)],
            "exposure_time": request.exposure_s,
            "exposure_counts": settings.exposure_count,
            "maximum_airmass": min(max(airmass, 1.0), _MAX_AIRMASS),
            "minimum_lunar_distance": settings.moon_separation_min_deg if moon is None else moon,
            "priority": settings.priority_at_once if request.preempt else settings.priority,
            "start_date": first.isoformat(),
            "end_date": last.isoformat(),
            KEY: request.idempotency_key,
        },
    }


def _days(request: ToORequest) -> tuple[date, date]:
    start, stop = request.window_start, request.window_stop
    if start is None or stop is None:
        raise ValueError("a follow-up request needs a window")
    first = start.astimezone(UTC).date()
    return first, max(stop.astimezone(UTC).date(), first + timedelta(days=1))
