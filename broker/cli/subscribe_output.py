"""What ``nuncius subscribe`` does with each record: writes it, saves it, runs a command with it."""

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import typer

from nuncius.broker.services.lines import as_text, near, printable
from nuncius.broker.settings import Settings
from nuncius.schemas import SettingsError, StreamRow

if TYPE_CHECKING:
    from nuncius.consumers.record_command import RecordCommand
    from nuncius.consumers.record_file import RecordFolder
    from nuncius.filters import Hit

_FORMATS: Final = ("text", "table", "jsonl", "avro", "voevent")
_WITH_VOEVENT: Final = ("alerts", "coincidences")

Write = Callable[[Any, datetime | None, Sequence["Hit"]], object]
"""Writes a record, which the log took at that time, and which is near those targets of watchlists."""


class Outlet:
    """Where the records go.

    Parameters
    ----------
    settings
        Of this run: where sky maps are asked for.
    what
        The stream.
    style
        Of standard output; None for text, or for a table where fields are named.
    fields
        Which are shown; empty for all, or for the usual ones of a table.
    command, save
        Run for each record, and the folder in which each is saved; None for neither.
    keep_going
        Whether to go on where the command fails.

    Raises
    ------
    SettingsError
        If the options cannot be together.
    """

    def __init__(
        self,
        settings: Settings,
        what: str,
        style: str | None,
        fields: Sequence[str],
        command: str | None,
        save: Path | None,
        *,
        keep_going: bool,
    ) -> None:
        from nuncius.consumers.record_command import RecordCommand
        from nuncius.consumers.record_file import RecordFolder, VOEventFolder

        self._settings = settings
        self._command = None if command is None else RecordCommand(what, command)
        self._keep_going = keep_going
        self._write = _writer(what, style or ("table" if fields else "text"), fields)
        as_voevent = style == "voevent"
        self._folder = None if save is None else (VOEventFolder if as_voevent else RecordFolder)(save)
        self._quiet = as_voevent and save is not None
        self._map: Callable[[str], bytes | None] | None = None

    def put(self, record: Any, position: str, taken: datetime | None, hits: "Sequence[Hit]" = ()) -> None:
        """Deal with one record, which the log took at ``taken``; ``position`` is where to go on after it.

        ``hits`` are the targets of the filter's watchlists that it is near.

        Raises
        ------
        CommandError
            If the command fails, unless to go on.
        """
        if isinstance(record, StreamRow) and record.kind != "row":
            typer.echo(f"nuncius: {as_text(record)}", err=True)
            return
        if not self._quiet:
            self._write(record, taken, hits)
        if self._folder is not None:
            path = self._save(self._folder, record)
            if self._quiet:
                typer.echo(path)
        if self._command is not None:
            self._run(self._command, record, position, taken)

    def _save(self, folder: "RecordFolder", record: Any) -> Path:
        from nuncius.broker.cli.subscribe_maps import map_reader

        for sha256 in folder.missing_maps(record):
            self._map = self._map or map_reader(self._settings)
            data = self._map(sha256)
            if data is None:
                typer.echo(f"nuncius: the broker does not keep the sky map {printable(sha256)}", err=True)
            else:
                folder.save_map(sha256, data)
        return folder.save(record)

    def _run(self, command: "RecordCommand", record: Any, position: str, taken: datetime | None) -> None:
        from nuncius.consumers.own_command import CommandError

        try:
            command.run(record, position, taken)
        except CommandError as error:
            if not self._keep_going:
                raise CommandError(f"{error}; --keep-going goes on after such") from error
            typer.echo(f"nuncius: {error}", err=True)


class Interrupts:
    """Ctrl-C at once while waiting; while records are being dealt with, when that is done."""

    def __init__(self) -> None:
        self._busy = False
        self._came = False
        self._before: Any = None

    @contextmanager
    def later(self) -> Iterator[None]:
        """What is done here is done whole."""
        self._busy = True
        try:
            yield
        finally:
            self._busy = False
        if self._came:
            raise KeyboardInterrupt

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._interrupted)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if not self._busy or self._came:  # the second one does not wait
            raise KeyboardInterrupt
        self._came = True


def _writer(what: str, style: str, fields: Sequence[str]) -> Write:
    if fields and style in ("avro", "voevent"):
        raise SettingsError(f"--format {style} writes whole records; leave --fields out")
    match style:
        case "text":
            return lambda record, _, hits: typer.echo(as_text(record) + printable(near(hits)))
        case "table":
            return _table(what, fields)
        case "jsonl":
            return _json_lines(what, fields)
        case "avro":
            return _avro()
        case "voevent":
            return _voevent(what)
        case _:
            raise SettingsError(f"--format {style}: expected one of {', '.join(_FORMATS)}")


def _table(what: str, fields: Sequence[str]) -> Write:
    from nuncius.consumers.record_table import RecordTable

    table = RecordTable(what, fields)
    typer.echo(table.header())
    return lambda record, taken, hits: typer.echo(printable(table.line(record, taken) + near(hits)))


def _json_lines(what: str, fields: Sequence[str]) -> Write:
    import orjson

    from nuncius.consumers.record_table import RecordTable
    from nuncius.schemas.codec import encode_json

    if not fields:
        return lambda record, _, hits: typer.echo(_with_targets(encode_json(record), hits))
    table = RecordTable(what, fields)

    def write(record: Any, taken: datetime | None, hits: "Sequence[Hit]") -> None:
        values = orjson.dumps(table.values(record, taken), option=orjson.OPT_UTC_Z)
        typer.echo(_with_targets(values, hits))

    return write


def _with_targets(record: bytes, hits: "Sequence[Hit]") -> bytes:
    """A record as a JSON object, with ``targets`` where it is near any; no record has a field of that name."""
    import orjson

    if not hits:
        return record
    targets = orjson.dumps({"targets": [hit._asdict() for hit in hits]})
    return targets if record == b"{}" else record[:-1] + b"," + targets[1:]


def _avro() -> Write:
    from nuncius.consumers.record_file import AvroFile

    if sys.stdout.isatty():
        raise SettingsError("--format avro writes bytes; send them to a file: > records.avro")
    file = AvroFile(sys.stdout.buffer)
    return lambda record, _, __: file.write(record)


def _voevent(what: str) -> Write:
    from nuncius.consumers.voevent import one_line, to_voevent

    if what not in _WITH_VOEVENT:
        raise SettingsError(f"--format voevent: {' and '.join(_WITH_VOEVENT)} can be had as VOEvent, {what} cannot")
    return lambda record, _, __: typer.echo(one_line(to_voevent(record)))
