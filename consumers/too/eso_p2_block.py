"""A request as ESO's p2 has it: the target of an observation block, and the form of a trigger."""

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from nuncius.consumers.too.placed import position_of
from nuncius.schemas.too import ToORequest

_TARGET_NAME: Final = 60
"""Ours; p2 states no bound."""


class EsoP2Settings(BaseModel):
    """One block prepared in p2, and who stands behind its triggers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["eso_p2"] = "eso_p2"
    name: str = Field(default="eso-p2", description="of the adapter, in statuses")
    url: str = Field(
        default="https://www.eso.org/cop/api", description="…/cop/api Paranal, …/copls/api La Silla, …/copdemo/api"
    )
    allowed_hosts: frozenset[str] = Field(default=frozenset({"www.eso.org"}), description="hosts that may be asked")
    timeout_s: float = Field(default=30.0, gt=0, description="for one answer")
    username: str = Field(description="of the User Portal account")
    container_id: int = Field(ge=1, description="the run or folder in which a folder is made for each trigger")
    block_id: int = Field(ge=1, description="the prepared block that is copied for each trigger")
    phone: str = Field(min_length=5, description="where ESO reaches the person on duty")
    notify: tuple[str, ...] = Field(min_length=1, description="mail addresses that ESO tells")
    execute_within: Literal["OneNight", "TwoNight", "SevenNights"] = Field(
        default="SevenNights", description="how soon; OneNight in any case for what a policy lets interrupt"
    )
    calibrations: tuple[int, ...] = Field(default=(), description="numbers of calibration blocks that go with it")


def pointed(block: dict[str, Any], request: ToORequest) -> dict[str, Any]:
    """The block with our target; all else as it was prepared."""
    target = block.get("target")
    where = position_of(request)
    place = {"name": request.target_name[:_TARGET_NAME], "ra": hours(where.ra), "dec": degrees(where.dec)}
    return block | {"target": (target if isinstance(target, dict) else {}) | place}


def trigger(request: ToORequest, settings: EsoP2Settings) -> dict[str, Any]:
    """The body of ``POST /containers/{id}/triggerToO``."""
    window = ""
    if request.window_start is not None and request.window_stop is not None:
        window = f" Best {request.window_start:%Y-%m-%d %H:%M} to {request.window_stop:%Y-%m-%d %H:%M} UTC."
    return {
        "phone": settings.phone,
        "notify": list(settings.notify),
        "executeWithin": "OneNight" if request.preempt else settings.execute_within,
        "calibrations": list(settings.calibrations),
        "comments": f"{request.reason}{window} (request {request.idempotency_key})",
    }


def hours(ra_deg: float) -> str:
    """Right ascension as p2 takes it, ``HH:MM:SS.sss``; rounds across the day."""
    return _sixties(round(ra_deg / 15.0 * 3_600_000) % 86_400_000)


def degrees(dec_deg: float) -> str:
    """Declination as p2 takes it, ``±DD:MM:SS.sss``."""
    return f"{'-' if dec_deg < 0 else ''}{_sixties(round(abs(dec_deg) * 3_600_000))}"


def _sixties(thousandths: int) -> str:
    whole, rest = divmod(thousandths, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{whole:02d}:{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
