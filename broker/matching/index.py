"""Finds spans of time that touch a window, by a sorted list."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from nuncius.broker.matching.threads import Span, ThreadKey

Row = tuple[int, int, ThreadKey]


class TimeIndex:
    """Threads by the spans their versions state; each (span, thread) once."""

    __slots__ = ("_longest", "_rows")

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._longest = 0

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def add(self, span: Span, key: ThreadKey) -> None:
        """Add a span of a thread; nothing happens where it is there already."""
        row = (*span, key)
        place = bisect_left(self._rows, row)
        if place < len(self._rows) and self._rows[place] == row:
            return
        self._rows.insert(place, row)
        self._longest = max(self._longest, span[1] - span[0])

    def touching(self, low_us: int, high_us: int) -> list[Row]:
        """Rows with any moment in [low_us, high_us], both ends inclusive, by start."""
        rows = self._rows
        first = bisect_left(rows, (low_us - self._longest,))
        last = bisect_right(rows, high_us, lo=first, key=_start)
        return [row for row in rows[first:last] if row[1] >= low_us]

    def drop_before(self, cutoff_us: int) -> None:
        """Forget the spans that end before the cut-off."""
        self._rows = [row for row in self._rows if row[1] >= cutoff_us]
        self._longest = max((stop - start for start, stop, _ in self._rows), default=0)


def _start(row: Row) -> int:
    return row[0]
