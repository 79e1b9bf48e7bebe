"""What a SkyPortal posts to the endpoint of a facility with the generic form, read as requests of ours.

Facts: skyportal/skyportal, ``facility_apis/generic.py`` (``submit``, ``update``, ``delete``, ``validate_request``).
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nuncius.schemas.errors import MalformedAlert
from nuncius.schemas.ids import request_id
from nuncius.schemas.too import ToORequest

SKYPORTAL: Final = "skyportal"
"""Policy and kind of cause of a request that came so."""

_Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2999, 12, 31))]
_SOURCE: Final = re.compile(r"(?!\.{1,2}$)[a-zA-Z0-9_\-;:+.]{1,200}")
"""SkyPortal's own rule for the name of a source; what means a folder in a URL is none."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What a SkyPortal with the generic instrument posts to the endpoint of a facility.

    Parameters
    ----------
    obj_id, allocation_id
        Its source, and whose time.
    filters
        Each is wanted.
    exposure_s, exposure_count
        Of each filter.
    max_airmass, moon_separation_min_deg
        What must be kept to.
    priority
        1 to 5.
    start, stop
        UTC; the day that ends it is part of it.
    """

    obj_id: str
    allocation_id: int
    filters: tuple[str, ...]
    exposure_s: float
    exposure_count: int
    max_airmass: float
    moon_separation_min_deg: float
    priority: float
    start: datetime
    stop: datetime


class _Payload(BaseModel):
    model_config = ConfigDict(allow_inf_nan=False)

    observation_choices: Annotated[
        tuple[Annotated[str, Field(max_length=100)], ...], Field(min_length=1, max_length=50)
    ]
    exposure_time: Annotated[float, Field(ge=0.0, le=86_400.0)]
    exposure_counts: Annotated[int, Field(ge=1, le=100_000)]
    maximum_airmass: Annotated[float, Field(ge=1.0)]
    minimum_lunar_distance: Annotated[float, Field(ge=0.0, le=180.0)]
    priority: Annotated[float, Field(ge=1.0, le=5.0)]
    start_date: _Day
    end_date: _Day


class _Body(BaseModel):
    obj_id: str
    allocation_id: int
    payload: _Payload


def read_follow_up(body: bytes) -> FollowUp:
    """What SkyPortal posted (``GENERICAPI.submit``).

    Raises
    ------
    MalformedAlert
        If it is not in the generic form; names the field.
    """
    try:
        posted = _Body.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise MalformedAlert(
            f"not a follow-up request of SkyPortal: {field or 'body'}: {first['msg']}", field
        ) from None
    if _SOURCE.fullmatch(posted.obj_id) is None:
        raise MalformedAlert("not a follow-up request of SkyPortal: obj_id: no name of a source", "obj_id")
    form = posted.payload
    if form.end_date < form.start_date:
        raise MalformedAlert("a follow-up request that ends before it starts", "payload.end_date")
    return FollowUp(
        obj_id=posted.obj_id,
        allocation_id=posted.allocation_id,
        filters=tuple(dict.fromkeys(form.observation_choices)),
        exposure_s=form.exposure_time,
        exposure_count=form.exposure_counts,
        max_airmass=form.maximum_airmass,
        moon_separation_min_deg=form.minimum_lunar_distance,
        priority=form.priority,
        start=datetime.combine(form.start_date, time(), UTC),
        stop=datetime.combine(form.end_date, time(), UTC) + timedelta(days=1),
    )


def request_of(
    asked: FollowUp, *, ra: float, dec: float, facility: str, revision: int, now: datetime
) -> tuple[ToORequest, ...]:
    """One request a filter, each for a person's yes, and for the team only: nobody said that others may read it.

    SkyPortal names a source and no place: look it up there.

    Parameters
    ----------
    asked
        What it posted.
    ra, dec
        Of the source, ICRS degrees.
    facility
        Of ours that is asked.
    revision
        Own count of what came for this source and allocation.
    now
        UTC.
    """
    cause = cause_of(asked)
    return tuple(
        ToORequest(
            request_id=(ident := request_id(SKYPORTAL, facility, f"{cause}/{name}")),
            revision=revision,
            state="proposed",
            policy=SKYPORTAL,
            facility=facility,
            cause_id=cause,
            cause_kind=SKYPORTAL,
            target_name=asked.obj_id,
            ra=ra,
            dec=dec,
            radius_deg=0.0,
            window_start=asked.start,
            window_stop=asked.stop,
            exposure_s=asked.exposure_s * asked.exposure_count,
            filter=name,
            max_airmass=asked.max_airmass,
            moon_separation_min_deg=asked.moon_separation_min_deg,
            priority=asked.priority,
            team_only=True,
            needs_approval=True,
            reality="real",
            run_mode="live",
            expires=asked.stop,
            reason=f"SkyPortal's allocation {asked.allocation_id}: {asked.exposure_count} x {asked.exposure_s:g} s",
            idempotency_key=f"{ident}/{revision}",
            issued_time=now,
        )
        for name in asked.filters
    )


def cause_of(asked: FollowUp) -> str:
    """What stands behind its requests: SkyPortal tells a second wish for a source from a changed one by nothing."""
    return f"skyportal:{asked.allocation_id}/{asked.obj_id}"


def ident_of(facility: str, cause: str) -> str:
    """What all requests of one cause at a facility are called towards SkyPortal."""
    return request_id(SKYPORTAL, facility, cause)


def taken(ident: str) -> dict[str, dict[str, str]]:
    """The body of our answer, which goes out with 200: SkyPortal deletes by the ``id`` in it."""
    return {"data": {"id": ident}}
