"""A request as the form that Swift's ToO API takes, in its units."""

from datetime import UTC
from math import ceil
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from nuncius.consumers.too.placed import position_of
from nuncius.schemas.too import ToORequest

_ARCMIN_A_DEGREE: Final = 60.0
_URGENCY_AT_ONCE: Final = 1
"""``HIGHEST``; 0 (``URGENT``) is left to people. swifttools ``swift/enums.py``, tom_swift ``swift_api.py``."""


class SwiftSettings(BaseModel):
    """One account at Swift, and what every ToO of it says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["swift"] = "swift"
    name: str = Field(default="swift", description="of the adapter, in statuses")
    url: str = Field(default="https://www.swift.psu.edu/api/v4", description="of the ToO API")
    allowed_hosts: frozenset[str] = Field(
        default=frozenset({"www.swift.psu.edu"}), description="hosts that may be asked"
    )
    timeout_s: float = Field(default=60.0, gt=0, description="for one answer; the facility's own client waits 120 s")
    username: str = Field(description="of the account")
    instrument: Literal["XRT", "UVOT", "BAT"] = Field(default="XRT", description="the one that matters most")
    obs_type: Literal["Spectroscopy", "Light Curve", "Position", "Timing"] = Field(
        default="Position", description="what drives the exposure time"
    )
    urgency: int = Field(
        default=2,
        ge=1,
        le=4,
        description="1: within 4 hours, 2: a day, 3: days, 4: weeks; 1 in any case for what may interrupt",
    )
    target_type: str = Field(
        default="multimessenger counterpart", description="type of the source; GRB adds trigger time and detector"
    )
    brightness: str = Field(default="unknown", description="how bright it is expected to be, in words")
    uvot_mode: str = Field(default="0x9999", description="UVOT's mode; 0x9999 is the filter of the day")
    uvot_reason: str = Field(default="", description="why not the filter of the day")
    proposal_id: str = Field(default="", description="of a Guest Investigator program that pays; empty: none does")
    proposal_pi: str = Field(default="", description="who leads it")
    proposal_reason: str = Field(default="", description="how its criteria for a trigger are met")
    science: str = Field(description="why Swift should look: the scientific case, in your words")
    exposure_reason: str = Field(description="why the exposure must be as long as it is")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        told = [self.proposal_id, self.proposal_pi, self.proposal_reason]
        if any(told) and not all(told):
            raise ValueError("proposal_id, proposal_pi and proposal_reason go together")
        return self


def form(request: ToORequest, settings: SwiftSettings) -> dict[str, str]:
    """The fields of ``POST /swift/too`` but for ``validate_only``.

    Angles in degrees (J2000), the position's 90 % error in arcminutes, exposures in whole seconds, rounded up. A single
    visit still states a cadence, which the API wants. Windows are not part of it: Swift's planners choose the time.
    """
    exposure = str(ceil(request.exposure_s))
    where = position_of(request)
    fields = {
        "username": settings.username,
        "target_name": request.target_name,
        "target_type": settings.target_type,
        "ra": repr(where.ra),
        "dec": repr(where.dec),
        "poserr": f"{where.radius_deg * _ARCMIN_A_DEGREE:.4g}",
        "instrument": settings.instrument,
        "obs_type": settings.obs_type,
        "urgency": str(_URGENCY_AT_ONCE if request.preempt else settings.urgency),
        "other_brightness": settings.brightness,
        "uvot_mode": settings.uvot_mode,
        "exposure": exposure,
        "exp_time_per_visit": exposure,
        "num_of_visits": "1",
        "monitoring_freq": "1 day",
        "exp_time_just": settings.exposure_reason,
        "science_just": f"{settings.science} Why now: {request.reason}",
        "immediate_objective": f"Look for the counterpart of {request.event_thread or request.cause_id}"
        f" (request {request.idempotency_key})",
        "debug": "false",
        "quiet": "true",
    }
    if settings.uvot_reason:
        fields["uvot_just"] = settings.uvot_reason
    if settings.target_type == "GRB" and request.event_time is not None:
        fields["grb_triggertime"] = request.event_time.astimezone(UTC).replace(tzinfo=None).isoformat()
        fields["grb_detector"] = _detector(request.event_thread.partition(":")[0])
    if settings.proposal_id:
        fields |= {
            "proposal": "true",
            "proposal_id": settings.proposal_id,
            "proposal_pi": settings.proposal_pi,
            "proposal_trigger_just": settings.proposal_reason,
        }
    return fields


def _detector(stream: str) -> str:
    """Of ``fermi-gbm`` the name that Swift's list has: mission, slash, instrument (tom_swift ``swift_api.py``)."""
    mission, *instrument = stream.split("-")
    return f"{mission.title()}/{instrument[0].upper()}" if instrument else mission.upper()
