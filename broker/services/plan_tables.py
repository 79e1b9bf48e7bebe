"""A plan as a table with units: for people, for astropy (ECSV), and as ObsLocTAP rows (ECSV or VOTable)."""

import io
import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from nuncius.broker.services.plan_found import Plan
from nuncius.broker.services.plan_together import Together
from nuncius.broker.services.too_words import headline
from nuncius.schemas import PlannedTile, SettingsError

if TYPE_CHECKING:
    from astropy.table import Table


class Column(NamedTuple):
    """One column of a table: name, unit (empty for none), what it holds, and the words of the standards for it."""

    name: str
    unit: str
    description: str
    kind: type
    ucd: str = ""
    utype: str = ""


_WHOSE: Final = (
    Column("request_id", "", "the request", str, "meta.id"),
    Column("revision", "", "of the request", int, "meta.version"),
    Column("facility", "", "who observes", str, "meta.id;instr.tel"),
    Column("instrument", "", "with what", str, "meta.id;instr"),
    Column("policy", "", "the policy that asks", str, "meta.id"),
    Column("stands", "", "how the request stands", str, "meta.code.status"),
)
_TILES: Final = (
    Column("number", "", "place in the order, from 1", int, "meta.number"),
    Column("site", "", "where the telescope stands", str, "meta.id;instr.obsty"),
    Column("ra", "deg", "centre, ICRS", float, "pos.eq.ra"),
    Column("dec", "deg", "centre, ICRS", float, "pos.eq.dec"),
    Column("position_angle", "deg", "of the upper edge, north through east", float, "pos.posAng"),
    Column("start", "", "of the exposure, UTC, ISO 8601", str, "time.start"),
    Column("stop", "", "of the exposure, UTC, ISO 8601", str, "time.end"),
    Column("exposure", "s", "exposure time", float, "time.duration;obs.exposure"),
    Column("filter", "", "filter or band", str, "meta.id;instr.filter"),
    Column("airmass", "", "in the middle of the exposure", float, "obs.airMass"),
    Column("probability", "", "of the map, in this field and in none before it", float, "stat.probability"),
    Column("target_name", "", "the object it was laid on", str, "meta.id;src"),
)


def ecsv(plan: Plan) -> bytes:
    """The fields as ECSV 1.0, as ``astropy.table.Table.read(file, format="ascii.ecsv")`` reads it.

    Of a pointing the one row has its window as start and stop, its best airmass, and no probability.
    """
    return as_ecsv(table(_TILES, [_row(tile) for tile in plan.tiles], meta(plan)))


def ecsv_together(plans: Together) -> bytes:
    """The fields of all plans as one ECSV table, each row with the request, telescope and policy that it is of."""
    rows = [(*_whose(plan), *_row(tile)) for plan in plans.plans for tile in plan.tiles]
    return as_ecsv(table((*_WHOSE, *_TILES), rows, meta_together(plans)))


def lines_together(plans: Together) -> Iterator[str]:
    """All plans for people, telescope by telescope, and what they hold together."""
    for plan in plans.plans:
        yield headline(plan.request)
        yield f"{plan.entry.state}: {plan.request.reason}"
        yield from lines(plan)
        yield ""
    for entry in plans.idle:
        yield f"{headline(entry.latest)}: {entry.state}: {entry.latest.reason}"
    held = (
        "" if plans.probability is None else f" hold {100 * plans.probability:.2f} % of the map, no place counted twice"
    )
    yield f"together: {plans.fields} fields of {len(plans.plans)} requests{held}"


def lines(plan: Plan) -> Iterator[str]:
    """The fields for people, times UTC."""
    one = plan.request
    covered = 0.0
    yield f"{'':>4}  {'start (UTC)':<19}  {'RA':>8} {'Dec':>8}  {'s':>6} filter  airmass  {'%':>5} {'sum %':>6}  from"
    for tile in plan.tiles:
        covered += tile.probability
        held = f"{100 * tile.probability:5.2f} {100 * covered:6.2f}" if one.tiles else f"{'':>5} {'':>6}"
        yield (
            f"{tile.number:>4}  {tile.start:%Y-%m-%d %H:%M:%S}  {tile.ra:8.4f} {tile.dec:+8.4f}  {tile.exposure_s:6g} "
            f"{tile.filter:<6}  {_airmass(tile):>7}  {held}  {tile.site}  {tile.target_name}"
        ).rstrip()
    if not one.tiles:
        yield f"one field, at any time until {plan.tiles[0].stop:%Y-%m-%d %H:%M:%S}"
    if any(math.isnan(tile.airmass) for tile in plan.tiles):
        yield "no airmass: it is not known where the telescope stands, or it cannot look there then"


def meta(plan: Plan) -> dict[str, Any]:
    """What the table is about; what is not known is left out."""
    one = plan.request
    known = {
        "request_id": one.request_id,
        "revision": one.revision,
        "stands": plan.entry.state,
        "reason": one.reason,
        "policy": one.policy,
        "facility": one.facility,
        "instrument": instrument(plan),
        "cause_id": one.cause_id,
        "cause_kind": one.cause_kind,
        "event_thread": one.event_thread,
        "event_time": _iso(one.event_time),
        "map_sha256": plan.map_sha256,
        "map_probability": one.probability,
        "expires": _iso(one.expires),
        "reality": one.reality,
        "run_mode": one.run_mode,
        "frame": "ICRS",
        "time_scale": "UTC",
    }
    return {name: value for name, value in known.items() if value not in (None, "")}


def meta_together(plans: Together) -> dict[str, Any]:
    """What the table of several plans is about; what is not known is left out."""
    first = plans.plans[0].request
    known = {
        "event_thread": first.event_thread,
        "event_time": _iso(first.event_time),
        "requests": [plan.request.request_id for plan in plans.plans],
        "map_sha256": next((plan.map_sha256 for plan in plans.plans if plan.map_sha256), ""),
        "map_probability": plans.probability,
        "reality": first.reality,
        "run_mode": first.run_mode,
        "frame": "ICRS",
        "time_scale": "UTC",
    }
    return {name: value for name, value in known.items() if value not in (None, "")}


def instrument(plan: Plan) -> str:
    """What it looks with; empty where neither request nor telescope says."""
    return plan.request.instrument or (plan.telescope.instrument if plan.telescope is not None else "")


def table(columns: Sequence[Column], rows: Sequence[Sequence[Any]], about: dict[str, Any]) -> "Table":
    """Rows as astropy's table; a None is masked."""
    from astropy.table import MaskedColumn, Table  # noqa: PLC0415  half a second, for the few commands that write tables

    found = Table(meta=about)
    for number, column in enumerate(columns):
        values = [row[number] for row in rows]
        mask = [value is None for value in values]
        blank = column.kind() if column.kind is not float else np.nan
        found[column.name] = MaskedColumn(
            np.array([blank if value is None else value for value in values], dtype=column.kind),
            mask=mask if any(mask) else False,
            unit=column.unit or None,
            description=column.description,
            meta={word: said for word, said in (("ucd", column.ucd), ("utype", column.utype)) if said},
        )
    return found


def as_ecsv(made: "Table") -> bytes:
    """A table as ECSV."""
    text = io.StringIO()
    made.write(text, format="ascii.ecsv")
    return text.getvalue().encode()


def write(path: Path, data: bytes) -> None:
    """Put a file where the user wants it.

    Raises
    ------
    SettingsError
        If that cannot be.
    """
    try:
        path.write_bytes(data)
    except OSError as error:
        raise SettingsError(f"cannot write {path}: {error.strerror}") from error


def _airmass(tile: PlannedTile) -> str:
    return "–" if math.isnan(tile.airmass) else f"{tile.airmass:.2f}"


def _whose(plan: Plan) -> tuple[Any, ...]:
    one = plan.request
    return one.request_id, one.revision, one.facility, instrument(plan), one.policy, plan.entry.state


def _row(tile: PlannedTile) -> tuple[Any, ...]:
    airmass, probability = (None if math.isnan(value) else value for value in (tile.airmass, tile.probability))
    return (
        tile.number,
        tile.site,
        tile.ra,
        tile.dec,
        tile.position_angle_deg,
        _iso(tile.start),
        _iso(tile.stop),
        tile.exposure_s,
        tile.filter,
        airmass,
        probability,
        tile.target_name,
    )


def _iso(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
