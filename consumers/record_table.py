"""Records as lines of an aligned table that grows while they come."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from nuncius.filters import FIELDS, values
from nuncius.schemas import SettingsError, StreamRow

DEFAULT_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "alerts": ("time", "messenger", "facility", "kind", "reality", "ra", "dec", "radius_deg", "far_hz", "thread_id"),
    "candidates": ("time", "survey", "ra", "dec", "mag", "filter", "score", "thread_id"),
    "coincidences": ("time", "state", "rule", "reality", "dt_s", "overlap", "anchor", "partner"),
    "too": ("issued_time", "state", "policy", "reality", "facility", "ra", "dec", "target_name"),
    "quarantine": ("source", "stream", "reason", "nbytes", "detail"),
    "counterparts": ("time", "rule", "survey", "ra", "dec", "mag", "credible_level", "thread_id"),
}
"""What is shown of each table where nobody says."""

ROW_FIELDS: Final = ("sequence", "time", "ra", "dec", "thread_id", "record_id")
"""What is shown of a named stream's rows before the fields that the stream includes."""

_ROW_ATTRIBUTES: Final = (*ROW_FIELDS, "stream", "revision", "taken_time", "backfill")

_WIDTHS: Final[Mapping[str, int]] = {"time": 19, "number": 11, "flag": 5, "text": 14}
"""Columns of a terminal by kind; the last field of a line is as long as it is."""

_LONG_TEXT: Final = 24
_LONG: Final = frozenset({"anchor", "partner", "rule", "thread_id", "record_id", "alert_id"})
"""Texts that are identifiers, and longer than words."""


class RecordTable:
    """The lines of one stream.

    Parameters
    ----------
    stream
        One of `nuncius.filters.FIELDS`, or a named stream.
    fields
        Which are shown, in order; empty for the usual ones.

    Raises
    ------
    SettingsError
        If the stream has no such field, or no fields at all.
    """

    def __init__(self, stream: str, fields: Sequence[str] = ()) -> None:
        self._stream = stream
        self._known = FIELDS.get(stream, {})
        if stream == "too-status":
            raise SettingsError("too-status has no fields; leave the table out, or take JSON Lines")
        for name in fields if self._known else ():
            if name.partition(".")[0] not in self._known:
                raise SettingsError(f"{stream} have no field {name!r}; there are {', '.join(self._known)}")
        self._fields = tuple(fields) or DEFAULT_FIELDS.get(stream, ROW_FIELDS)
        self._widths = [self._width(name) for name in self._fields]

    def header(self) -> str:
        """The names, with units."""
        units = [self._known[name].unit if name in self._known else "" for name in self._fields]
        shown = [
            f"{name}[{unit}]" if unit not in ("", "UTC") else name
            for name, unit in zip(self._fields, units, strict=True)
        ]
        return self._line(shown)

    def line(self, record: Any, taken: datetime | None = None) -> str:
        """One record; ``-`` where a field has no value."""
        found = self.values(record, taken)
        return self._line([_shown(found.get(name)) for name in self._fields])

    def values(self, record: Any, taken: datetime | None = None) -> dict[str, Any]:
        """The fields of one record that are shown and have a value; of a map all entries."""
        if isinstance(record, StreamRow):
            every = {name: getattr(record, name) for name in _ROW_ATTRIBUTES} | dict(record.fields)
            return {name: every[name] for name in self._fields if every.get(name) is not None}
        names = dict.fromkeys(name if name in self._known else name.partition(".")[0] for name in self._fields)
        return values(self._stream, record, taken, fields=names)

    def _width(self, name: str) -> int:
        if name in _LONG:
            return _LONG_TEXT
        if name in ("time", "taken_time"):
            return _WIDTHS["time"]
        kind = self._known[name].kind if name in self._known else "number"
        return max(_WIDTHS.get(kind, _WIDTHS["number"]), len(name))

    def _line(self, cells: Sequence[str]) -> str:
        cut = [
            cell if len(cell) <= width else f"{cell[: width - 1]}…"
            for cell, width in zip(cells[:-1], self._widths[:-1], strict=True)
        ]
        padded = [cell.ljust(width) for cell, width in zip(cut, self._widths[:-1], strict=True)]
        return "  ".join([*padded, cells[-1]]).rstrip()


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S}"
    text = str(value)
    return text[:19] if _is_time(text) else text


def _is_time(text: str) -> bool:
    """Whether it is a time as `nuncius.filters.values` writes them."""
    return len(text) == len("2026-11-23T12:00:00.000000Z") and text.endswith("Z") and text[10] == "T"
