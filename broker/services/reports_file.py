"""Pointings of one's own from a file: JSON Lines, or an ECSV table such as ``nuncius too plan --ecsv`` writes."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
from pydantic import ValidationError

from nuncius.broker.planning.footprints import footprint
from nuncius.broker.planning.telescope import CircleField, FieldOfView, RectangleField, Telescope
from nuncius.broker.services.reports_row import PointingRow
from nuncius.broker.sky.moc import moc_ascii
from nuncius.broker.sky.region import moc_ranges
from nuncius.schemas import ObservationReport, Quarantine, SettingsError

MAX_BYTES: Final = 64_000_000
MAX_ROWS: Final = 100_000
_META: Final = {"event_thread": "thread_id", "facility": "facility", "instrument": "instrument"}
"""What a table's meta may say for all its rows, by the name of the column it stands for."""
_AHEAD: Final = timedelta(minutes=10)
"""So far may another clock be before ours."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the rows of a file are read with.

    Parameters
    ----------
    telescopes
        Whose field of view need not be stated, by the name of the facility.
    threads
        The events that are known.
    now
        UTC: when the reports are issued.
    """

    telescopes: Mapping[str, Telescope]
    threads: Collection[str]
    now: datetime


def read_reports(file: Path, context: Context) -> tuple[ObservationReport, ...]:
    """Every pointing of a file.

    Columns, or keys: ``facility``, ``thread_id`` (the event, its prefix may be left out), ``ra`` and ``dec``; the field
    as ``footprint`` (an ASCII MOC), ``radius_deg``, or ``width_deg`` and ``height_deg``, or none of them where the
    facility is a telescope of the policies; and where known ``instrument``, ``state``, ``position_angle``, ``start``,
    ``stop``, ``filter``, ``depth`` with ``depth_unit``, ``found``, ``report_id``, ``request_id``, ``revision``,
    ``number``. A time without a zone is UTC.

    Raises
    ------
    SettingsError
        If the file cannot be read, or a row is wrong: which line, which column, why.
    """
    try:
        size = file.stat().st_size
        data = file.read_bytes() if size <= MAX_BYTES else b""
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}") from error
    if size > MAX_BYTES:
        raise SettingsError(f"{file}: {size} bytes; at most {MAX_BYTES} are read, send it in parts")
    rows = _ecsv(file, data) if data.startswith(b"# %ECSV") else _json_lines(file, data)
    found: dict[str, tuple[int, ObservationReport]] = {}
    for line, row in rows:
        report = _report(f"{file}, line {line}", row, context)
        if report.report_id in found:
            raise SettingsError(
                f"{file}, line {line}: report_id {report.report_id!r} stands in line {found[report.report_id][0]}"
            )
        found[report.report_id] = line, report
        if len(found) > MAX_ROWS:
            raise SettingsError(f"{file}: more than {MAX_ROWS} rows; send it in parts")
    if not found:
        raise SettingsError(f"{file}: no pointing in it")
    return tuple(report for _, report in found.values())


def _json_lines(file: Path, data: bytes) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            words = "neither ECSV ('# %ECSV 1.0' in its first line) nor JSON Lines"
            raise SettingsError(f"{file}, line {number}: {words}: {error}") from error
        if not isinstance(row, dict):
            raise SettingsError(f'{file}, line {number}: write one JSON object a line, {{"facility": …}}')
        yield number, row


def _ecsv(file: Path, data: bytes) -> Iterator[tuple[int, Mapping[str, Any]]]:
    from astropy.table import Table  # noqa: PLC0415  half a second, for the few commands that read tables

    try:
        text = data.decode("utf-8")
        table = Table.read(text.splitlines(), format="ascii.ecsv")
    except (ValueError, TypeError, LookupError, OSError) as error:
        raise SettingsError(f"{file}: no ECSV table that can be read: {str(error).splitlines()[0][:120]}") from error
    stated = {column: table.meta[word] for word, column in _META.items() if word in table.meta}
    stated |= {word: table.meta[word] for word in ("request_id", "revision") if word in table.meta}
    lines = [n for n, line in enumerate(text.splitlines(), 1) if line.strip() and not line.startswith("#")][1:]
    for number, row in enumerate(table):
        cells = {
            name: row[name].item() if isinstance(row[name], np.generic) else row[name]
            for name in table.colnames
            if not np.ma.is_masked(row[name])
        }
        yield lines[min(number, len(lines) - 1)], stated | cells


def _report(where: str, cells: Mapping[str, Any], context: Context) -> ObservationReport:
    try:
        row = PointingRow.model_validate(cells)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        column = ".".join(str(part) for part in first["loc"][:1])
        words = {"extra_forbidden": "unknown column", "missing": "missing"}.get(first["type"], first["msg"])
        raise SettingsError(
            f"{where}: {f'{column}: ' if column else ''}{words.removeprefix('Value error, ')}"
        ) from error
    known = context.telescopes.get(row.facility)
    if row.position_angle is None and known is not None and known.position_angle_deg:
        row = row.model_copy(update={"position_angle": known.position_angle_deg})
    last = row.stop or row.start
    if row.state == "completed" and last is not None and last > context.now + _AHEAD:
        raise SettingsError(f"{where}: completed, but it ends at {last:%Y-%m-%d %H:%M:%S} UTC, after now")
    thread = _thread(where, row.thread_id, context.threads)
    report = row.report(footprint=_footprint(where, row, context), now=context.now)
    return replace(report, thread_id=thread)


def _thread(where: str, name: str, threads: Collection[str]) -> str:
    """The event of that name, its prefix put before it where it was left out."""
    if name in threads:
        return name
    near = sorted(thread for thread in threads if thread.partition(":")[2] == name)
    if len(near) == 1:
        return near[0]
    which = f"; is it {' or '.join(near)}?" if near else "; `nuncius subscribe alerts --until-end` lists them"
    raise SettingsError(f"{where}: thread_id: no event {name!r} on this log{which}")


def _footprint(where: str, row: PointingRow, context: Context) -> str:
    if row.footprint:
        try:
            moc_ranges(row.footprint)
        except Quarantine as error:
            raise SettingsError(f"{where}: footprint: {error}") from error
        return row.footprint
    view = _field(row, context.telescopes)
    if view is None or row.ra is None or row.dec is None:
        missing = "ra and dec" if view is not None else "the field"
        raise SettingsError(
            f"{where}: {missing} missing: state footprint, or ra and dec with radius_deg or width_deg and height_deg;"
            f" telescopes of the policies need no field: {', '.join(sorted(context.telescopes))}"
        )
    return moc_ascii(footprint(view, row.ra, row.dec, row.position_angle or 0.0))


def _field(row: PointingRow, telescopes: Mapping[str, Telescope]) -> FieldOfView | None:
    if row.radius_deg is not None:
        return CircleField(row.radius_deg)
    if row.width_deg is not None and row.height_deg is not None:
        return RectangleField(row.width_deg, row.height_deg)
    known = telescopes.get(row.facility)
    return None if known is None else known.field
