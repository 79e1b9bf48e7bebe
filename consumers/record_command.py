"""Each record to a command of the user's."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from nuncius.consumers.own_command import OwnCommand
from nuncius.filters import FIELDS, values
from nuncius.schemas import StreamRow
from nuncius.schemas.codec import encode_json

_LONGEST: Final = 32_768
_MOST: Final = 524_288
"""Bytes of one variable and of all: Linux takes 131 072 and, by default, 2 097 152 with the rest of the environment."""


class RecordCommand:
    """Runs a command once a record, one after another, without a shell.

    The record comes as one line of JSON on its standard input. Its environment has ``NUNCIUS_STREAM``,
    ``NUNCIUS_POSITION`` (where to go on after this record) and each field that has a value, as ``NUNCIUS_FIELD_MAG``.
    Nothing of a record is put into the command line. A field of more than 32 kB, and what goes beyond 512 kB together,
    is in the JSON only.

    Parameters
    ----------
    stream
        Of the records.
    command
        As `OwnCommand` takes it.
    """

    def __init__(self, stream: str, command: str) -> None:
        self._command = OwnCommand(command)
        self._stream = stream

    def run(self, record: Any, position: str, taken: datetime | None = None) -> None:
        """Run it and wait for its end; ``taken`` is when the log took the record.

        Raises
        ------
        CommandError
            If its exit code is not 0.
        SettingsError
            If it cannot be started.
        """
        said = {"NUNCIUS_STREAM": self._stream, "NUNCIUS_POSITION": position, **self._fields(record, taken)}
        self._command.run(encode_json(record) + b"\n", said, f"the record before position {position}")

    def _fields(self, record: Any, taken: datetime | None) -> Mapping[str, str]:
        found: Mapping[str, Any] = {}
        if isinstance(record, StreamRow):
            found = dict(record.fields) | {name: getattr(record, name) for name in ("record_id", "thread_id")}
        elif self._stream in FIELDS:
            found = values(self._stream, record, taken)
        said: dict[str, str] = {}
        total = 0
        for name, value in found.items():
            variable, text = _variable(name), str(value).replace("\0", "")
            nbytes = len(variable) + len(text.encode())
            if nbytes <= _LONGEST and total + nbytes <= _MOST:
                said[variable] = text
                total += nbytes
        return said


def _variable(field: str) -> str:
    return (
        "NUNCIUS_FIELD_" + "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in field).upper()
    )
