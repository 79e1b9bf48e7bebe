"""One pointing as a user writes it: columns of a table or keys of a JSON object, checked."""

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import AfterValidator, AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from nuncius.schemas import ObservationReport

PLANNED_COLUMNS: Final = frozenset(
    {"site", "exposure", "airmass", "probability", "target_name", "policy", "stands"},
)
"""Columns of a plan's table that a report has no place for."""


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _listed(value: Any) -> Any:
    """Names parted by commas."""
    return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


_Text = Annotated[str, BeforeValidator(_text), Field(max_length=200)]
_Name = Annotated[_Text, Field(min_length=1)]
_Moment = Annotated[datetime, AfterValidator(_utc)]
_Degrees = Annotated[float, Field(gt=0, le=180)]


class PointingRow(BaseModel):
    """A row; names as in `ObservationReport`, ``start`` and ``stop`` for its times."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    facility: _Name
    thread_id: _Name
    report_id: _Text = ""
    instrument: _Text = ""
    state: Literal["planned", "completed", "cancelled"] = "completed"
    ra: Annotated[float, Field(ge=0, lt=360)] | None = None
    dec: Annotated[float, Field(ge=-90, le=90)] | None = None
    position_angle: Annotated[float, Field(ge=-360, le=360)] | None = Field(
        default=None, validation_alias=AliasChoices("position_angle", "position_angle_deg")
    )
    footprint: str = ""
    radius_deg: Annotated[float, Field(gt=0, le=90)] | None = None
    width_deg: _Degrees | None = None
    height_deg: _Degrees | None = None
    start: _Moment | None = Field(default=None, validation_alias=AliasChoices("start", "time_start"))
    stop: _Moment | None = Field(default=None, validation_alias=AliasChoices("stop", "time_stop"))
    filter: _Text = ""
    depth: float | None = None
    depth_unit: Literal["", "ab_mag", "vega_mag", "flux_erg", "flux_jy"] = ""
    found: Annotated[tuple[_Name, ...], BeforeValidator(_listed)] = ()
    request_id: _Text = ""
    revision: int | None = None
    number: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_plan(cls, cells: Any) -> Any:
        return {name: cell for name, cell in cells.items() if name not in PLANNED_COLUMNS}

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        if self.start is not None and self.stop is not None and self.stop < self.start:
            raise ValueError("stop lies before start")
        if (self.width_deg is None) != (self.height_deg is None):
            raise ValueError("width_deg and height_deg go together")
        if (self.depth is None) != (not self.depth_unit):
            raise ValueError("depth and depth_unit (ab_mag, vega_mag, flux_erg, flux_jy) go together")
        return self

    def report(self, *, footprint: str, now: datetime) -> ObservationReport:
        """The report, issued now, with the sky that was looked at."""
        return ObservationReport(
            report_id=self.report_id or self._own_name(),
            thread_id=self.thread_id,
            facility=self.facility,
            instrument=self.instrument,
            state=self.state,
            footprint=footprint,
            ra=self.ra,
            dec=self.dec,
            position_angle_deg=self.position_angle,
            time_start=self.start,
            time_stop=self.stop,
            filter=self.filter,
            depth=self.depth,
            depth_unit=self.depth_unit,
            found=self.found,
            request_id=self.request_id,
            run_mode="live",
            issued_time=now,
        )

    def _own_name(self) -> str:
        """That of the planned field where it is one of ours, so that it replaces what was said of it."""
        if self.request_id and self.revision is not None and self.number is not None:
            return f"{self.request_id}/{self.revision}/{self.number}"
        when = "" if self.start is None else self.start.isoformat()
        at = "" if self.ra is None or self.dec is None else f"{self.ra:.5f}{self.dec:+.5f}"
        return f"{self.facility}/{self.instrument}/{at}/{when}/{self.filter}/{self.footprint[:40]}"
