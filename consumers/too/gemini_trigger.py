"""A request as Gemini's trigger has it: which template is copied, and the parameters that point the copy.

Facts: gemini-hlsw/ocs, ``edu.gemini.oodb.too.url`` (``HttpTooUpdate``, ``HttpTooIdentity``, ``HttpTarget``,
``HttpTooElevationConstraint``, ``HttpTooTimingWindow``), and the bounds of tom_gemini_community 0.3.2.
"""

from collections.abc import Mapping
from datetime import UTC, timedelta
from math import ceil
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from nuncius.consumers.too.placed import NEEDS_A_POSITION, position_of
from nuncius.schemas.too import ToORequest

_EXPOSURE_MAX_S: Final = 1200
"""``HttpTooUpdate.MAX_EXPOSURE_TIME``; whole seconds, from 1."""
_AIRMASS_MAX: Final = 2.8
"""tom_gemini_community takes no more; the service itself states no bound."""
_HOUR: Final = timedelta(hours=1)
_PORTALS: Final = {"GN": "https://gnodb.gemini.edu:8443", "GS": "https://gsodb.gemini.edu:8443"}
"""tom_gemini_community ``gemini_gsselect.py``."""


class GeminiSettings(BaseModel):
    """One program of the Observing Tool, and its templates."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["gemini"] = "gemini"
    name: str = Field(default="gemini", description="of the adapter, in statuses")
    url: str = Field(default="", description="of the observing database; empty: that of the program's telescope")
    allowed_hosts: frozenset[str] = Field(
        default=frozenset({"gnodb.gemini.edu", "gsodb.gemini.edu"}), description="hosts that may be asked"
    )
    ca_file: Path | None = Field(default=None, description="authority of its certificate, PEM; else those of all")
    timeout_s: float = Field(default=60.0, gt=0, description="for one answer")
    program: str = Field(pattern="^G[NS]-", description="as the Observing Tool has it, e.g. GN-2026B-Q-101")
    email: str = Field(min_length=3, description="whose user key the credential is; the key is of one telescope")
    templates: Mapping[str, int] = Field(
        min_length=1,
        description='numbers of observations on hold that are copied, by the filter they take; "" for any other',
    )
    templates_at_once: Mapping[str, int] = Field(
        default={}, description="rapid ones, for what a policy lets interrupt; where there is none, as above"
    )
    exposure: Literal["asked", "template"] = Field(
        default="asked", description="asked: of the policy, set in the copy's first step, 1 to 1200 s"
    )
    position_angle_deg: float = Field(
        default=0.0, ge=0.0, le=360.0, description="north through east, where the request states none"
    )
    group: str = Field(default="", description="of the program, in which copies appear; made where there is none")
    ready: bool = Field(
        default=True, description="false: copies stay on hold, and a person sets them ready in the Observing Tool"
    )

    @property
    def portal(self) -> str:
        """Where the program's telescope is asked."""
        return self.url or _PORTALS[self.program[:2]]


def unfit(request: ToORequest, settings: GeminiSettings) -> str:
    """Why no template can take this request; empty where one can."""
    if request.position is None:
        return NEEDS_A_POSITION
    if request.tiles:
        return "a plan of tiles cannot be triggered"
    if _template(request, settings) is None:
        return f"the settings name no template for filter {request.filter!r}"
    if settings.exposure == "asked" and ceil(request.exposure_s) > _EXPOSURE_MAX_S:
        return f"a trigger sets at most {_EXPOSURE_MAX_S} s, and {request.exposure_s:g} s are asked"
    return ""


def trigger(request: ToORequest, settings: GeminiSettings) -> dict[str, str]:
    """The parameters of ``POST /too`` but for the password, of a request that is not `unfit`.

    Degrees (J2000); whole seconds and whole hours, rounded up; UTC. No guide star is stated: the observatory's software
    looks for one.
    """
    where = position_of(request)
    angle = settings.position_angle_deg if request.position_angle_deg is None else request.position_angle_deg
    told = {
        "prog": settings.program,
        "email": settings.email,
        "obsnum": str(_template(request, settings)),
        "target": request.target_name,
        "ra": f"{where.ra:.6f}",
        "dec": f"{where.dec:.6f}",
        "posangle": f"{angle:g}",
        "noteTitle": f"Nuncius, request {request.idempotency_key}",
        "note": f"{request.reason} (90 % within {where.radius_deg:.4g} deg; asked by policy {request.policy})",
        "ready": "true" if settings.ready else "false",
    }
    if settings.exposure == "asked":
        told["exptime"] = str(max(ceil(request.exposure_s), 1))
    if settings.group:
        told["group"] = settings.group
    if request.max_airmass is not None:
        highest = min(max(request.max_airmass, 1.0), _AIRMASS_MAX)
        told |= {"elevationType": "airmass", "elevationMin": "1.0", "elevationMax": f"{highest:g}"}
    start, stop = request.window_start, request.window_stop or request.expires
    if start is not None and stop is not None:
        start = start.astimezone(UTC)
        hours = max(ceil((stop - start) / _HOUR), 1)
        told |= {"windowDate": f"{start:%Y-%m-%d}", "windowTime": f"{start:%H:%M}", "windowDuration": str(hours)}
    return told


def _template(request: ToORequest, settings: GeminiSettings) -> int | None:
    known = {**settings.templates, **settings.templates_at_once} if request.preempt else settings.templates
    return known.get(request.filter, known.get(""))
