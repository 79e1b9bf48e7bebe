"""A plan as rows of ``ivoa.obsplan``: IVOA Observation Locator Table Access Protocol 1.0 (REC 2021-07-24), section 2.

Names, units, utypes and UCDs are those of its table "TAP Schema description". What we do not know is null: the
resolution on the sky, the light of a filter that neither its telescope nor `nuncius.broker.planning.bands` states.
Polarization is null: nobody measures it where we ask. The time resolution of one exposure is its length, as in ObsCore.
Columns ``reality`` and ``run_mode`` are ours (the standard permits further columns), so that a drill is never taken for
a plan.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from nuncius.broker.planning.bands import band_of
from nuncius.broker.planning.footprints import corners, reach_deg
from nuncius.broker.planning.telescope import CircleField, FieldOfView
from nuncius.broker.services.plan_found import Plan, told
from nuncius.broker.services.plan_tables import Column, as_ecsv, instrument, table
from nuncius.broker.services.plan_together import Together
from nuncius.broker.services.too_book import Entry
from nuncius.schemas import PlannedTile
from nuncius.schemas.vocabulary import RequestState

if TYPE_CHECKING:
    from astropy.io.votable.tree import VOTableFile
    from astropy.table import Table

Status = Literal["Planned", "Scheduled", "Unscheduled", "Performed", "Aborted"]
TABLE_UTYPE: Final = "ivo://ivoa.net/std/obsloctap#table-1.0"
_MJD: Final = datetime(1858, 11, 17, tzinfo=UTC)
_SPACE, _TIME, _EM = "Char.SpatialAxis.", "Char.TimeAxis.", "Char.SpectralAxis."
_AT, _WHEN = f"{_SPACE}Coverage.Location.Coord.Position2D.Value2", f"{_TIME}Coverage.Bounds.Limits"
COLUMNS: Final = (
    Column("t_planning", "d", "when the plan was last changed, MJD, UTC", float),
    Column("target_name", "", "astronomical object observed", str, "meta.id;src", "Target.name"),
    Column("obs_id", "", "request and number of the field", str, "meta.id", "DataID.observationID"),
    Column("obs_collection", "", "policy that asks", str, "meta.id", "DataID.collection"),
    Column("s_ra", "deg", "centre, ICRS", float, "pos.eq.ra", f"{_AT}.C1"),
    Column("s_dec", "deg", "centre, ICRS", float, "pos.eq.dec", f"{_AT}.C2"),
    Column("s_fov", "deg", "diameter", float, "phys.angSize;instr.fov", f"{_SPACE}Coverage.Bounds.Extent.diameter"),
    Column("s_region", "", "sky covered, STC-S", str, "pos.outline;obs.field", f"{_SPACE}Coverage.Support.Area"),
    Column("s_resolution", "arcsec", "resolution", float, "pos.angResolution", f"{_SPACE}Resolution.Refval.value"),
    Column("t_min", "d", "start, MJD, UTC", float, "time.start;obs.exposure", f"{_WHEN}.StartTime"),
    Column("t_max", "d", "stop, MJD, UTC", float, "time.end;obs.exposure", f"{_WHEN}.StopTime"),
    Column("t_exptime", "s", "exposure", float, "time.duration;obs.exposure", f"{_TIME}Coverage.Support.Extent"),
    Column("t_resolution", "s", "time resolution", float, "time.resolution", f"{_TIME}Resolution.Refval.value"),
    Column("em_min", "m", "shortest wavelength", float, "em.wl;stat.min", f"{_EM}Coverage.Bounds.Limits.LoLimit"),
    Column("em_max", "m", "longest wavelength", float, "em.wl;stat.max", f"{_EM}Coverage.Bounds.Limits.HiLimit"),
    Column("em_res_power", "", "resolving power", float, "spect.resolution", f"{_EM}Resolution.ResolPower.refVal"),
    Column("o_ucd", "", "UCD of the observable", str, "meta.ucd", "Char.ObservableAxis.ucd"),
    Column("pol_states", "", "polarization", str, "meta.code;phys.polarization", "Char.PolarizationAxis.stateList"),
    Column("pol_xel", "", "polarization samples", int, "meta.number", "Char.PolarizationAxis.numBins"),
    Column("facility_name", "", "facility", str, "meta.id;instr.tel", "Provenance.ObsConfig.Facility.name"),
    Column("instrument_name", "", "instrument", str, "meta.id;instr", "Provenance.ObsConfig.Instrument.name"),
    Column("t_plan_exptime", "s", "planned", float, "time.duration;obs.exposure", f"{_TIME}Coverage.Support.Extent"),
    Column("category", "", "Fixed, Coordinated, Window, Other", str),
    Column("priority", "", "0 low, 1, 2 high", int),
    Column("execution_status", "", "Planned, Scheduled, Unscheduled, Performed, Aborted", str),
    Column("tracking_type", "", "Sidereal, Solar-system-object-tracking, Fixed-az-el-transit", str),
    Column("reality", "", "whether the sky did it (not in the standard)", str),
    Column("run_mode", "", "live, replay, demo or drill (not in the standard)", str),
)  # fmt: skip
_NAMES: Final = tuple(column.name for column in COLUMNS)
_HIDDEN: Final = ("target_name", "s_ra", "s_dec", "s_region", "obs_collection")
"""What a confidential target leaves null; the policy's name may tell, too."""
_IMAGED: Final = "phot.flux"
"""What an image through a filter measures."""
_HELD: Final = frozenset({"accepted", "scheduled", "observed", "not_cancelled"})
_STATUS: Final[dict[RequestState, Status]] = {
    "scheduled": "Scheduled",
    "observed": "Performed",
    "not_cancelled": "Scheduled",
}


@dataclass(frozen=True, slots=True)
class ObsPlan:
    """Rows of one plan, in the order of `COLUMNS`."""

    rows: tuple[tuple[Any, ...], ...]

    def hidden(self) -> "ObsPlan":
        """The same for a confidential target: position, name and policy null; time span and facility stay.

        As the standard's section 2.2 asks: the time is shown as taken.
        """
        places = [_NAMES.index(name) for name in _HIDDEN]
        return ObsPlan(tuple(tuple(None if n in places else value for n, value in enumerate(row)) for row in self.rows))

    def ecsv(self) -> bytes:
        """As ECSV; UCDs and utypes are in the meta of each column."""
        return as_ecsv(self._table())

    def votable(self) -> bytes:
        """As VOTable 1.4 with its coordinate and time systems."""
        out = io.BytesIO()
        _votable(self._table()).to_xml(out)
        return out.getvalue()

    def _table(self) -> "Table":
        return table(COLUMNS, self.rows, {"name": "ivoa.obsplan", "utype": TABLE_UTYPE})


def obsplan(plan: Plan) -> ObsPlan:
    """Rows of a plan: one a field; of a pointing one, whose time span is its window.

    Of a request for the team only the target is hidden: the rows are made to be published.
    """
    made = ObsPlan(tuple(_row(plan, tile) for tile in plan.tiles))
    return made.hidden() if plan.request.team_only else made


def obsplan_together(plans: Together) -> ObsPlan:
    """Rows of several plans, those of one request after those of another."""
    return ObsPlan(tuple(row for plan in plans.plans for row in obsplan(plan).rows))


def status_of(entry: Entry) -> Status:
    """Where a request stands, in the words of ObsLocTAP.

    Planned until the facility gave it a time; Scheduled then; Performed when it was observed. What is over otherwise is
    Unscheduled where the facility had taken it, and Aborted where it had not.
    """
    state = entry.state
    if state in ("rejected", "cancelled", "expired"):
        return "Unscheduled" if any(status.state in _HELD for status in entry.told) else "Aborted"
    return _STATUS.get(state, "Planned")


def stc_s(field: FieldOfView, tile: PlannedTile) -> str:
    """A field as STC-S (TAP 1.0, section 6): a circle, or a polygon counted counter-clockwise as seen from inside."""
    if isinstance(field, CircleField):
        return f"CIRCLE ICRS {tile.ra:.6f} {tile.dec:.6f} {field.radius_deg:.6g}"
    around = corners(field, tile.ra, tile.dec, tile.position_angle_deg)
    return "POLYGON ICRS " + " ".join(f"{ra:.6f} {dec:.6f}" for ra, dec in around)


def mjd(moment: datetime) -> float:
    """Modified Julian Date, UTC."""
    return (moment - _MJD) / timedelta(days=1)


def _row(plan: Plan, tile: PlannedTile) -> tuple[Any, ...]:
    one, status = plan.request, status_of(plan.entry)
    field = None if plan.telescope is None else plan.telescope.field
    own = {} if plan.telescope is None else plan.telescope.filters
    band = band_of(tile.filter or one.filter, own)
    known: dict[str, Any] = {
        "t_planning": mjd(told(plan)),
        "target_name": tile.target_name or one.target_name,
        "obs_id": f"{one.request_id}/{tile.number}",
        "obs_collection": one.policy,
        "s_ra": tile.ra,
        "s_dec": tile.dec,
        "s_fov": None if field is None else 2 * reach_deg(field),
        "s_region": None if field is None else stc_s(field, tile),
        "t_min": mjd(tile.start),
        "t_max": mjd(tile.stop),
        "t_exptime": tile.exposure_s if status in ("Scheduled", "Performed") else None,
        "t_resolution": tile.exposure_s,
        "em_min": None if band is None else band.min_m,
        "em_max": None if band is None else band.max_m,
        "em_res_power": None if band is None else band.resolving_power,
        "o_ucd": None if band is None else _IMAGED,
        "facility_name": one.facility,
        "instrument_name": instrument(plan) or None,
        "t_plan_exptime": tile.exposure_s,
        "category": "Fixed" if one.tiles else "Window",
        "priority": 2 if one.preempt else 1 if one.priority >= 1 else 0,
        "execution_status": status,
        "tracking_type": "Sidereal",
        "reality": one.reality,
        "run_mode": one.run_mode,
    }
    return tuple(known.get(name) for name in _NAMES)


def _votable(made: "Table") -> "VOTableFile":
    from astropy.io.votable import tree  # noqa: PLC0415  half a second, for the few commands that write tables

    votable = tree.VOTableFile(version="1.4")
    resource = tree.Resource(type="results")
    resource.infos.append(tree.Info(name="QUERY_STATUS", value="OK"))
    version = {"version_1_3_or_later": True, "version_1_4_or_later": True}
    resource.coordinate_systems.append(tree.CooSys(ID="icrs", system="ICRS", config=version))
    time = {"timeorigin": 2400000.5, "timescale": "UTC", "refposition": "TOPOCENTER"}
    resource.time_systems.append(tree.TimeSys(ID="utc", config=version, **time))
    found = tree.TableElement.from_table(votable, made)
    found.name, found.utype = "ivoa.obsplan", TABLE_UTYPE
    for field in found.fields:
        field.ref = {"s_ra": "icrs", "s_dec": "icrs", "t_planning": "utc", "t_min": "utc", "t_max": "utc"}.get(
            field.name
        )
        field.xtype = "adql:REGION" if field.name == "s_region" else None
    resource.tables.append(found)
    votable.resources.append(resource)
    return votable


WRITERS: Final[dict[str, Callable[[ObsPlan], bytes]]] = {
    ".ecsv": ObsPlan.ecsv,
    ".xml": ObsPlan.votable,
    ".vot": ObsPlan.votable,
}
"""By the suffix of the file."""
